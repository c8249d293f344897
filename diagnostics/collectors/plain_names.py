"""The name a log gets inside a bundle: whoever may write into a log folder names files, and must not be able to end a
bundle by it. Pure.

    café.log          → caf_.log
    CON.log           → _CON.log              a device on Windows
    Syslog (2nd)      → Syslog-2              where letter cases do not count it would be `syslog` again
    250 letters.log   → the last 40 of each part

What the file is really called stands in the manifest as its source.
"""

from __future__ import annotations

import re

# Two parts behind `logs/files/` and a number stay under what a name in a bundle may have (bundle/names.py: 100).
_PART_MAX_CHARS = 40
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._+@=,-]")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|clock)(?:\..*)?", re.IGNORECASE)


def _plain_part(part: str) -> str:
    plain = _NOT_PLAIN.sub("_", part)[-_PART_MAX_CHARS:].rstrip(".")
    if not plain or plain[0] in ".+@=,-" or _DEVICE.fullmatch(plain):
        return f"_{plain}"
    return plain


class PlainNames:
    """Gives each name once, in letter cases too."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def name_for(self, path: str) -> str:
        plain = "/".join(_plain_part(part) for part in path.split("/"))
        name, number = plain, 1
        while name.casefold() in self._given:
            number += 1
            name = f"{plain}-{number}"
        self._given.add(name.casefold())
        return name
