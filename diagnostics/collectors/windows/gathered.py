"""What one of the fixed PowerShell scripts answered: named parts, each a list of rows or a refusal.

    {"windows":[{"EditionID":"Professional","CurrentBuildNumber":"26100"}],
     "firmware":[{"SMBIOSBIOSVersion":"1.18.0","ReleaseDate":"\\/Date(1718928000000)\\/"}],
     "encryption":null,
     "encryption.error":{"category":"PermissionDenied","id":"HRESULT 0x80041003,…GetCimInstanceCommand"}}

What ConvertTo-Json does to values is undone here: one object where a list of one was meant, a list wrapped as
`{"value":[…],"Count":2}` (Windows PowerShell 5.1), dates as `/Date(ms)/`, as ISO 8601 (PowerShell 7), as an object with
a `value`, or as CIM's own `20261121080000.500000+060`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from diagnostics.machine.interface import Command, Machine, Unreadable, UnreadableKind
from diagnostics.plain_text import printable

Row = Mapping[str, object]

NEEDS_ADMINISTRATOR: Final = "needs administrator"
# The largest lists are programs and tasks: some hundreds.
ROWS_MAX: Final = 5_000
# WBEM_E_ACCESS_DENIED, E_ACCESSDENIED, the storage provider's own; WBEM_E_INVALID_CLASS, WBEM_E_INVALID_NAMESPACE,
# WBEM_E_NOT_FOUND.
_DENIED: Final = ("0x80041003", "0x80070005", "storagewmi 40001")
_ABSENT: Final = ("0x80041010", "0x8004100e", "0x80041002")
_DATE: Final = re.compile(r"/Date\((-?\d{1,16})(?:[+-]\d{4})?\)/")
_CIM_DATE: Final = re.compile(r"(\d{14})\.\d{6}([+-]\d{3})")
# Dates before this are "never" in Windows' words: 30.12.1899, 1.1.1601.
_NEVER_BEFORE_S: Final = 86_400 * 365


@dataclass(frozen=True, slots=True)
class Gathered:
    parts: Mapping[str, object]

    def rows(self, name: str) -> tuple[Row, ...]:
        """Raises Unreadable when this part was refused, or is not there."""
        refusal = self.parts.get(f"{name}.error")
        if isinstance(refusal, dict):
            raise _refused(name, refusal)
        if name not in self.parts:
            raise Unreadable(f"Windows' answer holds no {name}")
        value = self.parts[name]
        if isinstance(value, dict) and isinstance(value.get("value"), list) and "Count" in value:
            value = value["value"]
        items = value if isinstance(value, list) else [value]
        return tuple(item for item in items[:ROWS_MAX] if isinstance(item, dict))

    def first(self, name: str) -> Row:
        """The only row. Raises Unreadable when there is none."""
        rows = self.rows(name)
        if not rows:
            raise Unreadable(f"Windows tells nothing about {name}")
        return rows[0]

    def rows_or_none(self, name: str) -> tuple[Row, ...]:
        """For a part that others can do without."""
        try:
            return self.rows(name)
        except Unreadable:
            return ()


def _refused(name: str, refusal: Mapping[str, object]) -> Unreadable:
    category, number = text(refusal, "category"), text(refusal, "id").lower()
    if category == "PermissionDenied" or any(code in number for code in _DENIED):
        return Unreadable(f"{name}: {NEEDS_ADMINISTRATOR}", UnreadableKind.DENIED)
    if category == "OperationTimeout":
        return Unreadable(f"{name}: Windows gave no answer in time", UnreadableKind.TIMEOUT)
    if category in ("ObjectNotFound", "InvalidType") or any(code in number for code in _ABSENT):
        return Unreadable(f"{name}: this Windows does not have it")
    return Unreadable(f"{name}: Windows refused ({printable(category, 60)}, {printable(number, 100)})")


def ask(machine: Machine, command: Command) -> Gathered:
    """Raises Unreadable when PowerShell is not there, is forbidden here, or printed something else."""
    output = machine.run(command)
    return parse_gathered(output.stdout, output.stderr)


def parse_gathered(content: bytes, stderr: bytes = b"") -> Gathered:
    try:
        value = json.loads(content.removeprefix(b"\xef\xbb\xbf") or b"null")
    except (ValueError, RecursionError):
        raise Unreadable("PowerShell printed something that is no JSON") from None
    if not isinstance(value, dict):
        words = printable(stderr.strip().split(b"\n")[0], 200)
        raise Unreadable(words or "PowerShell printed nothing: it may be forbidden on this computer")
    return Gathered(value)


def text(row: Row, name: str, max_chars: int = 256) -> str:
    """Printable; empty where there is no such value."""
    value = row.get(name)
    return printable(str(value).strip(), max_chars) if isinstance(value, (str, int, float)) else ""


def number(row: Row, name: str) -> int | None:
    """Whole numbers, also those written as text; None where there is none."""
    value = row.get(name)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,20}\s*", value):
        value = int(value)
    # CIM's largest is uint64.
    if isinstance(value, (int, float)) and abs(value) < 2**64:
        return int(value)
    return None


def flag(row: Row, name: str) -> bool | None:
    value = row.get(name)
    return value if isinstance(value, bool) else None


def hex_bytes(row: Row, name: str) -> bytes:
    """`BitConverter.ToString`: `46-00-1F`. Empty on anything else."""
    try:
        return bytes.fromhex(str(row.get(name) or "").replace("-", ""))
    except ValueError:
        return b""


def unix_s(value: object) -> int | None:
    """A date in any of its forms; None for none, "never" and what is no date."""
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, str):
        return None
    found = _moment(value.strip())
    return found if found is not None and found > _NEVER_BEFORE_S else None


def _moment(value: str) -> int | None:
    try:
        if match := _DATE.fullmatch(value):
            return int(match[1]) // 1000
        if match := _CIM_DATE.fullmatch(value):
            zone = timezone(timedelta(minutes=int(match[2])))
            return int(datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=zone).timestamp())
        # More digits than Python takes: 2026-11-21T09:12:44.1234567Z.
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def filetime_unix_s(value: int) -> int | None:
    """Hundreds of nanoseconds since 1601."""
    seconds = value // 10_000_000 - 11_644_473_600
    return seconds if _NEVER_BEFORE_S < seconds < 2**33 else None
