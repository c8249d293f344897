"""Certificates of this computer and this person: the stores `My`, where those lie that somebody here proves himself by.

"certificates": [{"store":"LocalMachine\\\\My","raw":"MIIC5zCCAc+gAwIBAgIQ…"}]      base64 of DER, no keys
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from diagnostics.collectors.windows.gathered import ask, text
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine

_CERTIFICATES_MAX = 60


def stored_certificates(machine: Machine) -> Iterator[tuple[str, bytes]]:
    """(store, DER; empty where it is no base64). Raises Unreadable."""
    for row in ask(machine, commands.SYSTEM).rows("certificates")[:_CERTIFICATES_MAX]:
        try:
            der = base64.b64decode(str(row.get("raw") or ""), validate=True)
        except ValueError:
            der = b""
        yield text(row, "store", 60), der
