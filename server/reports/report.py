"""Pure: a figure over a period, beside the period before it, step by step for its plot, and the rows behind it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from server.reports.figures import Better, Figure, Measure, Unit
from server.reports.period import Period

#: As many lines as the stylesheet has colours for.
LINES_MAX = 4


@dataclass(frozen=True)
class Line:
    """One line of a plot: a value for each step, none where nothing can be said."""

    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Report:
    """`values`: the figure itself, step by step. `lines`: what its plot shows; often the same."""

    figure: Figure[Any]
    period: Period
    now: Measure
    before: Measure
    lines: tuple[Line, ...]
    values: tuple[float | None, ...]
    rows: tuple[Any, ...]

    @property
    def change(self) -> float | None:
        """The difference against the period before."""
        if self.now.value is None or self.before.value is None:
            return None
        return self.now.value - self.before.value

    @property
    def tone(self) -> str:
        """`ok` where it changed for the better, `warning` for the worse, else empty."""
        if not self.change or self.figure.better is Better.NEITHER:
            return ""
        return "ok" if (self.change > 0) is (self.figure.better is Better.MORE) else "warning"

    def behind(self, part: str) -> tuple[Any, ...]:
        """The rows of one part, or all; newest first."""
        return tuple(row for row in self.rows if not part or part in self.figure.keys(row))


def report_of(figure: Figure[Any], timed: Iterable[tuple[int, Any]], period: Period) -> Report:
    """`timed`: rows of the figure's source with the time each falls into; at least those of both periods."""
    before: list[Any] = []
    here: list[tuple[int, Any]] = []
    steps: list[list[Any]] = [[] for _ in period.steps]
    earlier = period.before
    for at, row in timed:
        if period.holds(at):
            if figure.counts(row):
                here.append((at, row))
                steps[period.step_of(at)].append(row)
        elif earlier.holds(at) and figure.counts(row):
            before.append(row)
    here.sort(key=lambda one: -one[0])
    rows = tuple(row for _, row in here)
    now = figure.measure(rows)
    measures = [figure.measure(rows) if rows else Measure(None, 0) for rows in steps]
    # A step in which nothing happened is a count of zero, but no share and no time of zero.
    zero = 0.0 if figure.unit is Unit.COUNT else None
    values = tuple(zero if one.of == 0 else one.value for one in measures)
    return Report(figure, period, now, figure.measure(before), _lines(figure, now, measures, values), values, rows)


def _lines(
    figure: Figure[Any], whole: Measure, measures: list[Measure], values: tuple[float | None, ...]
) -> tuple[Line, ...]:
    if not figure.drawn_parts:
        return (Line(figure.title, values),)
    lines = []
    for part in whole.parts[:LINES_MAX]:
        found = [next((one.numbers[0] for one in measure.parts if one.key == part.key), None) for measure in measures]
        counted = figure.columns[0].unit is Unit.COUNT
        lines.append(Line(part.label, tuple(0.0 if one is None and counted else one for one in found)))
    return tuple(lines)
