"""Pure: what a figure is, and the arithmetic that several share. Which figures there are: definitions.py."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, median
from typing import Generic, TypeVar

R = TypeVar("R")


class Unit(StrEnum):
    COUNT = "count"
    SHARE = "share"  # of one
    SECONDS = "seconds"
    AVERAGE = "average"  # a count, averaged


class Source(StrEnum):
    """Which rows, and by which of their times they fall into a period."""

    ARRIVED = "arrived"  # incidents, by arrival
    ENDED = "ended"  # incidents, by when they ended
    VISITS = "visits"  # by when they were asked for
    WORK = "work"  # by when it was done
    HEALTH = "health"  # by day
    JUDGED = "judged"  # a customer's answer about a ticket, by when it was given
    MENDED = "mended"  # runs of fixes, by when the device reported them


class Better(StrEnum):
    MORE = "more"
    LESS = "less"
    NEITHER = "neither"


@dataclass(frozen=True)
class Column:
    label: str
    unit: Unit


@dataclass(frozen=True)
class Part:
    """One line of a figure's table: `numbers` as its columns say."""

    key: str
    label: str
    numbers: tuple[float | None, ...]


@dataclass(frozen=True)
class Measure:
    """`value`: None where nothing can be said. `of`: how many rows it stands on."""

    value: float | None
    of: int
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Figure(Generic[R]):
    """`value` and `parts` are pure functions over the rows that count; `counts` says which rows of the source do.
    `keys`: the parts a row belongs to, for the rows behind a part. `drawn_parts`: the plot shows a line for each of
    the first parts' first number, not one of the value. `note`: a word beside the value."""

    key: str
    title: str
    definition: str
    unit: Unit
    source: Source
    columns: tuple[Column, ...]
    part_name: str
    value: Callable[[Sequence[R]], float | None]
    parts: Callable[[Sequence[R]], tuple[Part, ...]]
    keys: Callable[[R], tuple[str, ...]]
    counts: Callable[[R], bool] = lambda _: True
    better: Better = Better.NEITHER
    drawn_parts: bool = False
    note: str = ""

    def measure(self, rows: Sequence[R]) -> Measure:
        """Of rows that count."""
        return Measure(self.value(rows), len(rows), self.parts(rows))


def mean_or_none(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def median_or_none(values: Sequence[float]) -> float | None:
    return float(median(values)) if values else None


def share(hits: int, of: int) -> float | None:
    return hits / of if of else None


def parts_by(
    rows: Iterable[R],
    keys: Callable[[R], tuple[str, ...]],
    label: Callable[[str], str],
    numbers: Callable[[Sequence[R]], tuple[float | None, ...]],
    *,
    order: Callable[[Part], object] | None = None,
) -> tuple[Part, ...]:
    """A part for each key, those with the largest first number first; ties by key."""
    groups: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        for key in keys(row):
            groups[key].append(row)
    parts = [Part(key, label(key), numbers(group)) for key, group in groups.items()]
    largest: Callable[[Part], object] = lambda part: (-(part.numbers[0] or 0), part.key)  # noqa: E731
    return tuple(sorted(parts, key=order or largest))  # type: ignore[arg-type]
