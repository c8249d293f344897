"""Pure: the desk's hours and targets as an admin types them, and as the database keeps them.

Monday     09:00-12:00, 13:00-17:00        a day: spans, or nothing
Holidays   2026-12-25                      one date a line
Priority 1 answer 30 min, solve 4 h        `90`, `90 min`, `4 h`, `1 h 30 min`
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from server.tickets.priority import DEFAULT_TARGETS, Priority, Target, Targets
from server.tickets.service_hours import DAY_MINUTES, OFFICE_HOURS, NotATimeZone, ServiceHours, Span, zone_of

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOLIDAYS_MAX: Final = 400
SPANS_A_DAY_MAX: Final = 6
_SPAN: Final = re.compile(r"(\d{1,2})[:.](\d{2})\s*[-–—]\s*(\d{1,2})[:.](\d{2})", re.ASCII)
_LENGTH: Final = re.compile(r"(?:(\d{1,5})\s*h)?\s*(?:(\d{1,6})\s*(?:min|m)?)?", re.ASCII)


@dataclass(frozen=True)
class ServiceRules:
    hours: ServiceHours = OFFICE_HOURS
    targets: Targets = field(default_factory=lambda: DEFAULT_TARGETS)

    def to_json(self) -> str:
        hours = self.hours
        return json.dumps(
            {
                "zone": hours.zone,
                "week": [[[span.begin, span.end] for span in spans] for spans in hours.week],
                "holidays": sorted(day.isoformat() for day in hours.holidays),
                "targets": {str(int(one)): [each.answer_min, each.solve_min] for one, each in self.targets.items()},
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "ServiceRules":
        """What to_json wrote. NotATimeZone where this machine does not know the zone any more."""
        held = json.loads(text)
        hours = ServiceHours(
            held["zone"],
            tuple(tuple(Span(*span) for span in spans) for spans in held["week"]),
            frozenset(date.fromisoformat(day) for day in held["holidays"]),
        )
        return cls(hours, {Priority(int(one)): Target(*each) for one, each in held["targets"].items()})


def form_of_rules(rules: ServiceRules) -> dict[str, str]:
    """Field → text, as `read_rules` reads it."""
    form = {"zone": rules.hours.zone, "holidays": "\n".join(sorted(day.isoformat() for day in rules.hours.holidays))}
    for name, spans in zip(DAYS, rules.hours.week, strict=True):
        form[name] = ", ".join(f"{_wall(span.begin)}-{_wall(span.end)}" for span in spans)
    for one, target in rules.targets.items():
        form[f"answer-{one.value}"] = length_text(target.answer_min)
        form[f"solve-{one.value}"] = length_text(target.solve_min)
    return form


def read_rules(form: Mapping[str, str]) -> ServiceRules | dict[str, str]:
    """The rules, or field → what is wrong with it."""
    errors: dict[str, str] = {}
    zone, week = form.get("zone", "").strip(), []
    try:
        zone_of(zone)
    except NotATimeZone:
        errors["zone"] = "No time zone of this name is known here. For example: Europe/Berlin, or UTC."
    for name in DAYS:
        spans = _spans(form.get(name, ""))
        if spans is None:
            errors[name] = "Hours in order, like 09:00-12:00, 13:00-17:00; nothing for a day off."
        week.append(spans or ())
    if not errors and not any(week):
        errors[DAYS[0]] = "Somebody has to work on some day."
    holidays = _dates(form.get("holidays", ""))
    if holidays is None:
        errors["holidays"] = f"Dates like 2026-12-25, one a line, {HOLIDAYS_MAX} at most."
    targets = {}
    for one in Priority:
        answer, solve = (minutes_of(form.get(f"{what}-{one.value}", "")) for what in ("answer", "solve"))
        try:
            targets[one] = Target(answer or 0, solve or 0)
        except ValueError:
            errors[f"answer-{one.value}"] = (
                "Working time like 30 min, 4 h or 1 h 30 min; the answer before the solution."
            )
    if errors or holidays is None:
        return errors
    return ServiceRules(ServiceHours(zone, tuple(week), holidays), targets)


def length_text(minutes: int) -> str:
    """`1 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "") if part
    )


def minutes_of(text: str) -> int | None:
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None or not any(found.groups()):
        return None
    return int(found[1] or 0) * 60 + int(found[2] or 0)


def _spans(text: str) -> tuple[Span, ...] | None:
    spans: list[Span] = []
    for part in (part.strip() for part in text.split(",")) if text.strip() else ():
        found = _SPAN.fullmatch(part)
        if found is None:
            return None
        hours_minutes: Sequence[int] = [int(number) for number in found.groups()]
        begin, end = (hours_minutes[at] * 60 + hours_minutes[at + 1] for at in (0, 2))
        if hours_minutes[1] > 59 or hours_minutes[3] > 59 or not 0 <= begin < end <= DAY_MINUTES:
            return None
        if spans and begin <= spans[-1].end:
            return None
        spans.append(Span(begin, end))
    return tuple(spans) if len(spans) <= SPANS_A_DAY_MAX else None


def _dates(text: str) -> frozenset[date] | None:
    lines = text.split()
    try:
        return frozenset(date.fromisoformat(line) for line in lines) if len(lines) <= HOLIDAYS_MAX else None
    except ValueError:
        return None


def _wall(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
