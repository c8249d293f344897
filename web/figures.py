"""Numbers as people read them: sizes, durations, shares, times, and small curves drawn on the server.

Pure: values in, text or markup out. Sizes are decimal (1 kB = 1000 bytes), as file managers and disk makers
count. Times go out in UTC, marked up so that web/static/bellpull.js can show the reader's own zone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from web.plain_text import one_line

NOTHING = "–"
_SIZE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def size(count: float | None) -> str:
    """Bytes as `0 B`, `999 B`, `1.5 kB`, `12 GB`: two digits below ten, whole numbers above."""
    if count is None or not math.isfinite(count):
        return NOTHING
    value, unit = abs(float(count)), 0
    while round(value, 1 if value < 9.95 and unit else 0) >= 1000 and unit < len(_SIZE_UNITS) - 1:
        value /= 1000
        unit += 1
    number = f"{value:.1f}".removesuffix(".0") if unit and value < 9.95 else f"{value:.0f}"
    return f"{'−' if count < 0 else ''}{number} {_SIZE_UNITS[unit]}"


def duration(seconds: float | None) -> str:
    """Seconds as `350 ms`, `4.2 s`, `12 min`, `2 h 5 min`, `3 d 4 h`: two units at most."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    sign, rest = ("−" if seconds < 0 else ""), abs(float(seconds))
    if rest == 0:
        return "0 s"
    if rest < 0.9995:
        return f"{sign}{rest * 1000:.0f} ms" if rest >= 0.0005 else f"{sign}< 1 ms"
    if rest < 9.95:
        return f"{sign}{rest:.1f}".removesuffix(".0") + " s"
    whole = round(rest)
    if whole < _MINUTE_S:
        return f"{sign}{whole} s"
    if whole < _HOUR_S:
        return sign + _two(whole // _MINUTE_S, "min", whole % _MINUTE_S if whole < 600 else 0, "s")
    if whole < _DAY_S:
        return sign + _two(whole // _HOUR_S, "h", whole % _HOUR_S // _MINUTE_S, "min")
    return sign + _two(whole // _DAY_S, "d", whole % _DAY_S // _HOUR_S, "h")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def percent(share: float | None, digits: int = 0) -> str:
    """A share of one as `12 %`. Never rounds up to `100 %` or down to `0 %` what is not quite."""
    if share is None or not math.isfinite(share):
        return NOTHING
    text = f"{share * 100:.{digits}f}"
    step = 10.0**-digits
    if share > 0 and float(text) == 0:
        return f"< {step:.{digits}f} %"
    if share < 1 and float(text) == 100:
        return f"> {100 - step:.{digits}f} %"
    return f"{text.replace('-', '−')} %"


def count(number: float | None) -> str:
    """Whole numbers with thin spaces between thousands: `12 345`."""
    if number is None or not math.isfinite(number):
        return NOTHING
    return f"{number:,.0f}".replace(",", "\u202f").replace("-", "−")


def as_moment(value: datetime | float) -> datetime | None:
    """Unix seconds or an aware datetime, as UTC; None for a number no calendar has (a broken clock).

    A naive datetime is an error: nobody knows its zone.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"expected a time with its zone; got {value!r}. Say datetime.now(UTC).")
        return value.astimezone(UTC)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def when(value: datetime | float | None, style: str = "time") -> Markup | str:
    """A `<time>` element. Styles: `time` (day and minute), `seconds`, `date`, `ago` (relative, kept fresh).

    The text says UTC and is right without any script; with it, the reader's own zone is shown and UTC stays
    in the title.
    """
    moment = None if value is None else as_moment(value)
    if moment is None:
        return NOTHING
    shown = {"time": "%-d %b %Y, %H:%M UTC", "seconds": "%-d %b %Y, %H:%M:%S UTC", "date": "%-d %b %Y"}
    pattern = shown.get(style, shown["time"]).replace("%-d", str(moment.day))
    return Markup('<time class="when" datetime="{}" title="{}" data-style="{}">{}</time>').format(
        moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        moment.strftime("%Y-%m-%d %H:%M:%S UTC"),
        style,
        moment.strftime(pattern),
    )


def plot_data(
    times: Sequence[float],
    series: Mapping[str, Sequence[float | None]],
    marks: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What `ui.plot` and static/plots.js draw: `{"times": [unix s], "series": [{"label", "values"}]}`.

    `marks`: `{"at": unix s, "text", "tone", "number"}`, a line across at a time; whoever marks lists them as text too.
    Missing and non-finite values become gaps; a series of another length than `times` is an error.
    """
    for label, values in series.items():
        if len(values) != len(times):
            raise ValueError(f"{len(times)} times but {len(values)} values in {label!r}")
    return {
        "times": list(times),
        "series": [
            {
                "label": one_line(label),
                "values": [value if value is not None and math.isfinite(value) else None for value in values],
            }
            for label, values in series.items()
        ],
        **({"marks": [{**mark, "text": one_line(mark["text"])} for mark in marks]} if marks else {}),
    }


def curve(values: Sequence[float | None], width: int = 100, height: int = 24) -> str:
    """An SVG path through `values`, lowest at the bottom; gaps where a value is missing.

    Lets a plot be read before, or without, any script. Empty when fewer than two values are known.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    spread = (high - low) or 1.0
    step = width / (len(values) - 1)
    parts, pen = [], "M"
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            pen = "M"
            continue
        y = height - 1 - (value - low) / spread * (height - 2) if high > low else height / 2
        parts.append(f"{pen}{index * step:.1f} {y:.1f}")
        pen = "L"
    return "".join(parts)
