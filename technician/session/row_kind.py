"""How one kind of row is parsed and shown; the kinds themselves are in rows.py and visit_rows.py."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Column:
    """`kind`: text, number or code, as web's table knows them."""

    key: str
    label: str
    kind: str = "text"


@dataclass(frozen=True)
class RowKind:
    """How one kind of row is parsed and shown."""

    name: str
    title: str
    model: type[Any]
    columns: tuple[Column, ...]
    cells: Callable[[Any], tuple[str, ...]]


def time_text(seconds: int | None) -> str:
    """UTC, without the year: what is shown is of these weeks. `?` for what is no time."""
    if seconds is None:
        return "–"
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "?"
