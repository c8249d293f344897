"""Who sits at this machine: the person whose session is the active one of a seat, as the system says.

Linux: systemd-logind's own files, the ones that sd-login(3) reads:

    /run/systemd/seats/seat0        ACTIVE=2
                                    ACTIVE_UID=1000
    /run/systemd/sessions/2         CLASS=user          (the login screen has a session of its own: CLASS=greeter)

macOS: the owner of /dev/console; written from the documentation and not proven on a Mac yet. Where the system does not
say (no logind, a container), nobody sits there: then only an administrator is heard. A person who came over the network
sits at no seat.
"""

import os
import sys
from pathlib import Path
from typing import Final

LOGIND: Final = Path("/run/systemd")
_FILE_MAX_BYTES: Final = 16_384


def sits_here(uid: int, logind: Path = LOGIND) -> bool:
    """Asked at each connection: people switch."""
    if sys.platform == "darwin":
        return os.stat("/dev/console").st_uid == uid
    try:
        seats = sorted((logind / "seats").iterdir())
    except OSError:
        return False
    return any(_active(seat, logind) == uid for seat in seats)


def _active(seat: Path, logind: Path) -> int | None:
    """The user of the seat's active session, when it is a person's."""
    said = told_by_logind(seat)
    session, uid = said.get("ACTIVE", ""), said.get("ACTIVE_UID", "")
    if not session.isalnum() or not uid.isdecimal():
        return None
    return int(uid) if told_by_logind(logind / "sessions" / session).get("CLASS", "").startswith("user") else None


def told_by_logind(file: Path) -> dict[str, str]:
    """`NAME=value` lines; none when it cannot be read."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_FILE_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value.strip('"') for name, _, value in pairs}
