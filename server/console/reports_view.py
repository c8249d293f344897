"""Pure: how a report's numbers are said and drawn."""

from dataclasses import dataclass
from typing import Any, Final, assert_never

from server.reports.figures import Unit
from server.reports.report import Report
from web.figures import NOTHING, count, duration, percent, plot_data

_HOUR_S: Final = 3600


def number_text(value: float | None, unit: Unit) -> str:
    if value is None:
        return NOTHING
    match unit:
        case Unit.COUNT:
            return count(value)
        case Unit.SHARE:
            return percent(value)
        case Unit.SECONDS:
            return duration(value)
        case Unit.AVERAGE:
            return f"{value:.1f}".removesuffix(".0")
        case never:
            assert_never(never)


def change_text(report: Report) -> str:
    """`3 points more than 71 % before`; empty where one of the two says nothing."""
    change, before = report.change, report.before.value
    if change is None or before is None:
        return "nothing to compare with before" if report.now.value is not None else ""
    was = number_text(before, report.figure.unit)
    if report.figure.unit is Unit.SHARE:
        # Of what is shown, so that the sum is right for whoever does it.
        points = round((report.now.value or 0) * 100) - round(before * 100)
        size = f"{abs(points)} point{'' if abs(points) == 1 else 's'}"
        return f"as before: {was}" if points == 0 else f"{size} {'more' if points > 0 else 'less'} than before: {was}"
    size = number_text(abs(change), report.figure.unit)
    return f"as before: {was}" if change == 0 else f"{size} {'more' if change > 0 else 'less'} than before: {was}"


@dataclass(frozen=True)
class Plot:
    title: str
    data: dict[str, Any]
    unit: str
    low: float | None
    high: float | None
    note: str


def plot_of(report: Report) -> Plot | None:
    """None where fewer than two steps have a value: a line needs two points. Lengths are drawn in hours or minutes."""
    unit = report.figure.columns[0].unit if report.figure.drawn_parts else report.figure.unit
    known = [value for line in report.lines for value in line.values if value is not None]
    if not any(sum(value is not None for value in line.values) > 1 for line in report.lines):
        return None
    scale, note = 1.0, ""
    if unit is Unit.SECONDS:
        scale, note = (_HOUR_S, "hours") if max(known) > 2 * _HOUR_S else (60, "minutes")
    values = {
        line.label: [None if value is None else round(value / scale, 4) for value in line.values]
        for line in report.lines
    }
    step = "each day" if report.period.step_s == 86_400 else "each week"
    what = report.figure.columns[0].label.lower() if report.figure.drawn_parts else report.figure.note
    return Plot(
        title=report.figure.title if not report.figure.drawn_parts else f"{report.figure.title}: {what}",
        data=plot_data(report.period.steps, values),
        unit="percent" if unit is Unit.SHARE else "",
        low=0,
        high=1 if unit is Unit.SHARE else None,
        note=", ".join(word for word in ("" if report.figure.drawn_parts else what, note, step) if word),
    )
