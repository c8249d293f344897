"""Apple's property lists, XML and binary, from whoever wrote them.

    <?xml version="1.0" encoding="UTF-8"?>
    <plist version="1.0"><dict><key>Label</key><string>org.example.backup</string><key>KeepAlive</key><true/></dict>
    </plist>

Bounded in bytes by the caller's read and here again. plistlib refuses entity declarations; a binary list may share one
part in many places, so nothing here walks a whole list: values are taken by name, with their kind checked.
"""

from __future__ import annotations

import plistlib
from calendar import timegm
from datetime import UTC, datetime

from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.plain_text import printable

PLIST_MAX_BYTES = 4 * 1024 * 1024


def parse_plist(content: bytes, what: str) -> object:
    """Raises Unreadable on anything that is no property list."""
    if len(content) > PLIST_MAX_BYTES:
        raise Unreadable(f"{what} is larger than {PLIST_MAX_BYTES // 2**20} MiB")
    try:
        value: object = plistlib.loads(content)
    except Exception:  # noqa: BLE001 — plistlib lets pass whatever its parsers raise, and the list is not ours
        raise Unreadable(f"{what} is no property list that can be read") from None
    return value


def read_plist(machine: Machine, path: str, *, max_bytes: int = PLIST_MAX_BYTES) -> dict[str, object]:
    return mapping(parse_plist(machine.read_file(path, max_bytes=max_bytes), path))


def mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def words(value: object, max_chars: int = 200) -> str:
    return printable(value, max_chars) if isinstance(value, str) else ""


def moment(value: object) -> int | None:
    """Unix seconds of a date; property lists hold UTC without saying so."""
    if not isinstance(value, datetime):
        return None
    return timegm((value if value.tzinfo is None else value.astimezone(UTC)).timetuple())
