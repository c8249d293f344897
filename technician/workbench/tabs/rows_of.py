"""Rows of one kind out of a run, as their models; what does not fit is counted, never guessed at."""

from collections.abc import Sequence
from typing import Any

from protocol.visit import Item
from technician.session.rows import BadRow, parse_row


def rows_of(items: Sequence[Item], kind: str) -> tuple[list[Any], int]:
    """The parsed rows of `kind`, and how many others said they were of that kind."""
    rows: list[Any] = []
    broken = 0
    for item in items:
        if item.kind == kind:
            try:
                rows.append(parse_row(item))
            except BadRow:
                broken += 1
    return rows, broken
