"""Pure: a figure over a period, beside the period before it, step by step for its plot, and the rows behind it."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from server.reports.figures import Better, Figure, Measure, Unit
from server.reports.period import Period

#: As many lines as the stylesheet has colours for.
LINES_MAX: Final = 4
#: Smaller changes are chance: one point of a share, a twentieth of anything else.
LEAST_POINTS: Final = 0.01
LEAST_PART: Final = 0.05


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
        """The difference against the period before, where there was one."""
        if self.now.value is None or self.before.value is None or not self.before.of:
            return None
        return self.now.value - self.before.value

    @property
    def tone(self) -> str:
        """`ok` where it changed for the better, `warning` for the worse, empty where nothing worth a colour changed."""
        if self.change is None or self.figure.better is Better.NEITHER:
            return ""
        least = LEAST_POINTS if self.figure.unit is Unit.SHARE else LEAST_PART * (self.before.value or 0)
        if abs(self.change) < least or not self.change:
            return ""
        return "ok" if (self.change > 0) is (self.figure.better is Better.MORE) else "warning"

    def behind(self, part: str) -> tuple[Any, ...]:
        """The rows of one part, or all; newest first."""
        return tuple(row for row in self.rows if not part or part in self.figure.keys(row))


def report_of(figure: Figure[Any], timed: Iterable[tuple[int, Any]], period: Period, *, drawn: bool = True) -> Report:
    """`timed`: rows of the figure's source with the time each falls into; at least those of both periods.

    `drawn`: with a line for each part, where the figure is drawn so; else with the figure's own line only.
    """
    before: list[Any] = []
    here: list[tuple[int, Any]] = []
    steps: list[list[Any]] = [[] for _ in period.steps]
    earlier, start, end, step_s, counts = period.before.start, period.start, period.end, period.step_s, figure.counts
    for at, row in timed:
        if not (earlier <= at < end and counts(row)):
            continue
        if at < start:
            before.append(row)
        else:
            here.append((at, row))
            steps[(at - start) // step_s].append(row)
    here.sort(key=itemgetter(0), reverse=True)
    rows = tuple(row for _, row in here)
    now = figure.measure(rows)
    # A step in which nothing happened is a count of zero, but no share and no time of zero.
    zero = 0.0 if figure.unit is Unit.COUNT else None
    values = tuple(figure.value(step) if step else zero for step in steps)
    lines = _lines(figure, now, steps) if figure.drawn_parts and drawn else (Line(figure.title, values),)
    return Report(figure, period, now, figure.measure(before), lines, values, rows)


def _lines(figure: Figure[Any], whole: Measure, steps: list[list[Any]]) -> tuple[Line, ...]:
    in_steps = [{part.key: part.numbers[0] for part in figure.parts(step)} for step in steps]
    lines = []
    for part in whole.parts[:LINES_MAX]:
        found = [numbers.get(part.key) for numbers in in_steps]
        counted = figure.columns[0].unit is Unit.COUNT
        lines.append(Line(part.label, tuple(0.0 if one is None and counted else one for one in found)))
    return tuple(lines)
