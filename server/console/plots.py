"""Pure: which of the reported numbers are drawn, how, and over which time.

A plot is a title, a unit and the metrics in it. A metric with instances (`disk.used-fraction`) gives a line for each,
named by the pseudonym: the server knows two volumes apart and cannot know their names.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, Final

from server.findings.series import Newest, Step
from web.figures import count, duration, percent, plot_data, size

HOUR_S: Final = 3600
LINES_MAX: Final = 6
#: A silence longer than this many usual steps is a gap in the line, not a slope.
GAP_STEPS: Final = 4


@dataclass(frozen=True)
class Range:
    """`step_s` gives about 150 points."""

    key: str
    label: str
    long_s: int
    step_s: int


RANGES: Final = (
    Range("hour", "Hour", HOUR_S, 20),
    Range("day", "Day", 24 * HOUR_S, 600),
    Range("week", "Week", 7 * 24 * HOUR_S, HOUR_S),
    Range("month", "Month", 30 * 24 * HOUR_S, 4 * HOUR_S),
)


@dataclass(frozen=True)
class Drawn:
    """One plot. `metrics`: (name, what its line is called)."""

    title: str
    unit: str
    metrics: tuple[tuple[str, str], ...]
    low: float | None = 0
    high: float | None = None
    note: str = ""


DRAWN: Final = (
    Drawn("Disk used", "percent", (("disk.used-fraction", "Volume"),), high=1),
    Drawn("Memory available", "percent", (("memory.available-fraction", "Available"),), high=1),
    Drawn("Processor used", "percent", (("cpu.used-fraction", "Used"),), high=1),
    Drawn("Load", "", (("load.one-minute", "1 minute"), ("load.five-minutes", "5 minutes"))),
    Drawn(
        "Waiting for memory",
        "percent",
        (("memory.some-stall-fraction", "Some programs"), ("memory.full-stall-fraction", "All programs")),
        note="share of the last minute",
    ),
    Drawn("Swap used", "bytes", (("memory.swap-used-bytes", "Used"),)),
    Drawn("Temperature", "celsius", (("temperature.celsius", "Sensor"),), low=None),
    Drawn(
        "Battery health", "percent", (("battery.health-fraction", "Battery"),), high=1, note="of what it held when new"
    ),
    Drawn("Name service answers in", "seconds", (("dns.answer-s", "Resolver"),)),
    Drawn("Failed services", "", (("services.failed", "Failed"),)),
    Drawn("The agent’s own memory", "bytes", (("agent.rss-bytes", "Agent"),)),
)
DRAWN_NAMES: Final = tuple(name for drawn in DRAWN for name, _ in drawn.metrics)


@dataclass(frozen=True)
class Plot:
    drawn: Drawn
    data: dict[str, Any]


def range_for(key: str, first_at: int | None, now: int) -> Range:
    """The chosen one; else an hour for a device that has just come, and a day for the rest."""
    for one in RANGES:
        if one.key == key:
            return one
    return RANGES[0] if first_at is None or now - first_at < 2 * HOUR_S else RANGES[1]


def plots_of(steps: Iterable[Step], marks: Sequence[Mapping[str, Any]] = ()) -> list[Plot]:
    """What can be drawn: a line needs two points. `marks`: on the time axis of each, see web.figures.plot_data."""
    lines: dict[tuple[str, str], dict[int, Step]] = {}
    for step in steps:
        lines.setdefault((step.name, step.instance), {})[step.slot] = step
    plots = []
    for drawn in DRAWN:
        named = {
            _label(label, instance): line for name, label in drawn.metrics for instance, line in _largest(lines, name)
        }
        if any(len(line) > 1 for line in named.values()):
            plots.append(Plot(drawn, _data(named, marks)))
    return plots


@dataclass(frozen=True)
class Tile:
    """A number that cannot be drawn yet: of the fullest volume, the slowest resolver."""

    title: str
    text: str
    note: str


def tiles_of(newest: Iterable[Newest], plots: Iterable[Plot]) -> list[Tile]:
    """What a device reported once, until there is enough to draw."""
    drawn_titles = {plot.drawn.title for plot in plots}
    values: dict[str, list[Newest]] = {}
    for one in newest:
        values.setdefault(one.name, []).append(one)
    tiles = []
    for drawn in DRAWN:
        name, label = drawn.metrics[0]
        if drawn.title in drawn_titles or name not in values:
            continue
        worst = max(values[name], key=lambda one: one.value)
        note = f"{label} {worst.instance[:4]}" if worst.instance else drawn.note
        tiles.append(Tile(drawn.title, _text(name, worst.value), note))
    return tiles


def _largest(lines: dict[tuple[str, str], dict[int, Step]], name: str) -> list[tuple[str, dict[int, Step]]]:
    """The instances of a metric, those with the highest newest value first, as many as a plot bears."""
    own = [(instance, line) for (metric, instance), line in lines.items() if metric == name]
    return sorted(own, key=lambda one: (-one[1][max(one[1])].value, one[0]))[:LINES_MAX]


def _label(label: str, instance: str) -> str:
    return f"{label} {instance[:4]}" if instance else label


def _data(lines: dict[str, dict[int, Step]], marks: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    at: dict[int, int] = {}
    for line in lines.values():
        for slot, step in line.items():
            at[slot] = min(step.at, at.get(slot, step.at))
    slots: list[int | None] = []
    ordered = sorted(at)
    usual = median([later - earlier for earlier, later in pairwise(ordered)] or [1])
    times: list[float] = []
    for slot in ordered:
        before = slots[-1] if slots else None
        if before is not None and slot - before > GAP_STEPS * usual:
            slots.append(None)
            times.append((at[before] + at[slot]) / 2)
        slots.append(slot)
        times.append(at[slot])
    values = {
        label: [round(line[slot].value, 6) if slot is not None and slot in line else None for slot in slots]
        for label, line in lines.items()
    }
    return plot_data(times, values, marks)


# --- numbers that are not drawn ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """One number as people read it, by the unit in its metric's name."""

    name: str
    instance: str
    text: str
    at: int


def figures_of(newest: Iterable[Newest]) -> list[Figure]:
    return [Figure(one.name, one.instance[:4], _text(one.name, one.value), one.at) for one in newest]


def _text(name: str, value: float) -> str:
    if name.endswith("-fraction"):
        return percent(value, 1)
    if name.endswith("-bytes"):
        return size(value)
    if name.endswith("-bytes-a-day"):
        return f"{size(value)} a day"
    if name.endswith(".celsius"):
        return f"{value:.0f} °C"
    if name.endswith("-s"):
        return duration(value)
    return count(value) if value == int(value) else f"{value:.2f}"
