"""Log lines without what varies in them: which kinds of messages a program writes, since when, how many. Pure.

    cupsd: "Job 412 stopped due to filter errors"      ┐
    cupsd: "Job 97 stopped due to filter errors"       ├─▶  "Job <*> stopped due to filter errors", 3 times
    cupsd: "Job 1044 stopped due to filter errors"     ┘

A small Drain (He et al., ICWS 2017): lines of one source with as many words and the same first word are compared with
the templates known there; the most alike one takes the line and loses the words that differ. What has a digit or
stands in quotes varies by itself. The same lines in the same order always give the same state.

Bounded: 2 000 templates a source and 3 000 in all, 30 words each, 500 new ones a look; the one seen longest ago makes
room, and a source that had to make room says nothing about new messages any more. Lines hold names: the state stays on
the machine.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from diagnostics.observations import LogLine
from diagnostics.strict_json import decode, dump_json, encode, load_json

FORMAT = 1
DAY_S = 86_400
TEMPLATES_PER_SOURCE_MAX = 2_000
TEMPLATES_MAX = 3_000
# Of one source, length and first word: more alike than that they would be one.
TEMPLATES_ALIKE_MAX = 50
NEW_A_LOOK_MAX = 500
WORDS_MAX = 30
WORD_MAX_CHARS = 40
# Today and the week that today is compared with.
DAYS_KEPT = 8
#: The words that stay must be at least this share of all; He et al. use 0.4 to 0.6.
ALIKE_LEAST = 0.5
HOLE = "<*>"
_VARIES = re.compile(r"[0-9]|^[\"'`].*[\"'`][.,:;]?$")


@dataclass(frozen=True, slots=True)
class Day:
    """`peak`: the most that were seen within one hour's look."""

    count: int
    peak: int


@dataclass(frozen=True, slots=True)
class Template:
    """`severity`: the gravest seen, syslog's number. `days`: by days since 1970, as text."""

    source: str
    words: tuple[str, ...]
    severity: int
    first_unix_s: int
    last_unix_s: int
    count: int
    days: Mapping[str, Day]

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Templates:
    """`began_unix_s`: since when this machine's messages are learned; 0 before the first look. `full`: sources that
    had to forget something."""

    format: int = FORMAT
    began_unix_s: int = 0
    seen_until_unix_s: int = 0
    full: tuple[str, ...] = ()
    templates: tuple[Template, ...] = ()


@dataclass(frozen=True, slots=True)
class Learned:
    """`in_last_hour`: lines of each template among those just read, by its place in `templates`."""

    templates: Templates
    in_last_hour: Mapping[int, int] = field(default_factory=dict)


def words_of(text: str) -> tuple[str, ...]:
    """`Job 412 of "anna" failed` → `Job <*> of <*> failed`. Longer lines are cut."""
    words = text.split(None, WORDS_MAX)[:WORDS_MAX]
    return tuple(HOLE if _VARIES.search(word) else word[:WORD_MAX_CHARS] for word in words)


def alike(template: Sequence[str], words: Sequence[str]) -> float:
    """Share of places that are the same, holes among them. A line joins only where half stays, so half always stays."""
    return sum(map(str.__eq__, template, words)) / len(template)


class _Tree:
    """Templates while lines are learned: by source, number of words and first word."""

    def __init__(self, known: Sequence[Template]) -> None:
        self.templates: dict[int, Template] = dict(enumerate(known))
        self._next = len(self.templates)
        self._places: dict[tuple[str, int, str], list[int]] = {}
        self._per_source = Counter(template.source for template in known)
        self._exactly: dict[tuple[str, tuple[str, ...]], int] = {}
        self._room = NEW_A_LOOK_MAX
        self.full: set[str] = set()
        for number, template in self.templates.items():
            self._places.setdefault(self._place(template.source, template.words), []).append(number)

    @staticmethod
    def _place(source: str, words: Sequence[str]) -> tuple[str, int, str]:
        return source, len(words), words[0]

    def find(self, source: str, words: tuple[str, ...]) -> int | None:
        exactly = self._exactly.get((source, words))
        if exactly is not None and exactly in self.templates:
            return exactly
        best, best_alike = None, 0.0
        for number in self._places.get(self._place(source, words), ()):
            likeness = alike(self.templates[number].words, words)
            if likeness >= ALIKE_LEAST and likeness > best_alike:
                best, best_alike = number, likeness
        if best is not None:
            self._exactly[source, words] = best
        return best

    def add(self, template: Template) -> int | None:
        """None when this look has found enough new ones already."""
        if self._room == 0:
            self.full.add(template.source)
            return None
        self._room -= 1
        place = self._places.setdefault(self._place(template.source, template.words), [])
        if len(place) >= TEMPLATES_ALIKE_MAX:
            self._forget(place)
        elif self._per_source[template.source] >= TEMPLATES_PER_SOURCE_MAX:
            self._forget([number for number, it in self.templates.items() if it.source == template.source])
        elif len(self.templates) >= TEMPLATES_MAX:
            self._forget(self.templates)
        number, self._next = self._next, self._next + 1
        self.templates[number] = template
        place.append(number)
        self._per_source[template.source] += 1
        return number

    def _forget(self, numbers: Iterable[int]) -> None:
        """The one of them that was seen longest ago."""
        number = min(numbers, key=lambda each: (self.templates[each].last_unix_s, each))
        oldest = self.templates.pop(number)
        self._places[self._place(oldest.source, oldest.words)].remove(number)
        self._per_source[oldest.source] -= 1
        self.full.add(oldest.source)


def learn(known: Templates, lines: Iterable[LogLine], *, now: int) -> Learned:
    """Add what one look read. Lines that an earlier look counted are recognised by their time and counted into the
    last hour only; of those within the second of the last one some may be missed."""
    tree = _Tree(known.templates)
    today, until = str(now // DAY_S), known.seen_until_unix_s
    hour: Counter[int] = Counter()
    fresh: Counter[int] = Counter()
    newest = until
    for line in lines:
        words = words_of(line.text)
        if not words or line.at_unix_s > now:
            continue
        number = tree.find(line.unit, words)
        if number is None:
            number = tree.add(
                Template(line.unit, words, line.severity, line.at_unix_s, line.at_unix_s, 0, {today: Day(0, 0)})
            )
            if number is None:
                continue
        hour[number] += 1
        template = tree.templates[number]
        new = line.at_unix_s > until
        fresh[number] += new
        newest = max(newest, line.at_unix_s)
        merged = tuple(ours if ours == theirs else HOLE for ours, theirs in zip(template.words, words, strict=True))
        # The first word is its place in the tree and stays.
        tree.templates[number] = Template(
            source=template.source,
            words=(template.words[0], *merged[1:]),
            severity=min(template.severity, line.severity),
            first_unix_s=min(template.first_unix_s, line.at_unix_s),
            last_unix_s=max(template.last_unix_s, line.at_unix_s),
            count=template.count + new,
            days=template.days,
        )
    kept = list(tree.templates.items())
    after = Templates(
        began_unix_s=known.began_unix_s or now,
        seen_until_unix_s=newest,
        full=tuple(sorted(tree.full | set(known.full))),
        templates=tuple(_counted(template, fresh[number], hour[number], now) for number, template in kept),
    )
    return Learned(after, {place: hour[number] for place, (number, _) in enumerate(kept) if hour[number]})


def _counted(template: Template, fresh: int, in_last_hour: int, now: int) -> Template:
    today = now // DAY_S
    days = {day: seen for day, seen in template.days.items() if today - DAYS_KEPT < int(day) <= today}
    if in_last_hour:
        before = days.get(str(today), Day(0, 0))
        days[str(today)] = Day(before.count + fresh, max(before.peak, in_last_hour))
    return Template(
        template.source,
        template.words,
        template.severity,
        template.first_unix_s,
        template.last_unix_s,
        template.count,
        days,
    )


def usual_peak(template: Template, *, now: int) -> int:
    """The loudest hour of the seven days before today."""
    today = now // DAY_S
    return max((seen.peak for day, seen in template.days.items() if int(day) < today), default=0)


def dump_templates(templates: Templates) -> str:
    return dump_json(encode(templates))


def load_templates(text: str | bytes) -> Templates:
    """Read what `dump_templates` wrote. Raises StrictJsonError, ValueError on another format."""
    templates = decode(Templates, load_json(text))
    if templates.format != FORMAT:
        raise ValueError(f"expected log templates of format {FORMAT}, got {templates.format}")
    return templates
