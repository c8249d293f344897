"""With which few bytes can a match of this pattern begin? That is what makes the stdlib engine bearable.

``re`` tries every alternative at every byte: some 1.4 µs a byte for all rules of a pass. Nearly all of them begin with
a word (`passw`, `token`, `AKIA`), so the places where a match *may* begin are found first, by one small pattern over
the text in lower case, and only there the real one is tried:

    pattern ── its alternatives ──┬─ begin with known bytes ──► one pattern of all leads ──► places
                                  └─ do not ──► searched one by one, as before            ──► places
    leftmost place ──► the whole pattern, tried at exactly this place ──► a match, or the next place

A place too many costs time, a place too few would be a leak: whatever is not understood here has no leads and is
searched as before. The answer is that of ``re.finditer``, and a test holds both together.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from re import _parser as parser  # type: ignore[attr-defined]  # what re itself makes of a pattern
from typing import Any, Final

#: Long enough to be rare, short enough that few patterns fall apart into many leads.
LEAD_BYTES: Final = 5
LEADS_MAX: Final = 2000
#: One byte stands everywhere; ``re`` itself is quick where a pattern begins with a single known one.
LEAD_MIN_BYTES: Final = 2
_SET_MAX: Final = 27

#: A lead, and whether the pattern may go on behind it (else nothing is known of what follows).
_Lead = tuple[bytes, bool]


class Led:
    """A pattern of the stdlib engine that is tried only where it may begin; see `engine.Pattern`."""

    def __init__(self, source: bytes) -> None:
        self._match = re.compile(source).match
        leads: set[bytes] = set()
        self._others: list[_Search] = []
        for alternative in alternatives(source):
            found = leads_of(alternative)
            if found is None or len(leads | found) > LEADS_MAX * 2:
                self._others.append(_Search(alternative))
            else:
                leads |= found
        self._leads = re.compile(_any_of(leads)) if leads else None
        self._data = b""
        self._places: list[int] = []

    def spans(self, data: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
        if data is not self._data:
            self._look(data)
        places, others = self._places, self._others
        position, number = start, bisect_left(places, start)
        while True:
            while number < len(places) and places[number] < position:
                number += 1
            place = places[number] if number < len(places) else len(data) + 1
            for other in others:
                place = min(place, other.next(data, position))
            if place > len(data):
                return
            match = self._match(data, place)
            if match is None or match.end() == place:
                position = place + 1
                continue
            yield match.span()
            position = match.end()
            if data is not self._data:  # another text was asked for meanwhile
                self._look(data)
                places = self._places
                number = bisect_left(places, position)

    def found(self, data: bytes) -> bool:
        return next(self.spans(data), None) is not None

    def _look(self, data: bytes) -> None:
        """All places of this text. Kept, because a pass asks for the same text again behind every rejected hit."""
        self._data = data
        self._places = [] if self._leads is None else [found.start() for found in self._leads.finditer(data.lower())]
        for other in self._others:
            other.forget()


class _Search:
    """One alternative without leads, searched by ``re``; remembers how far it has looked. A text without what it cannot
    do without (`::`) is not searched at all."""

    def __init__(self, source: bytes) -> None:
        self._needs = needed_by(source)
        self._search = re.compile(source).search
        self.forget()

    def forget(self) -> None:
        self._from, self._next = 1, 0

    def next(self, data: bytes, position: int) -> int:
        """Where it next matches at or after `position`; beyond the text when nowhere."""
        if not self._from <= position <= self._next:
            found = self._search(data, position) if data.find(self._needs, position) >= 0 else None
            self._from, self._next = position, len(data) + 1 if found is None else found.start()
        return self._next


def alternatives(source: bytes) -> list[bytes]:
    """The pattern as a list of smaller ones, one of which matches where it does. Groups around all of it are opened."""
    parts = _split(source)
    if len(parts) > 1:
        return [each for part in parts for each in alternatives(part)]
    for opening, again in ((b"(?:", b"%s"), (b"(?i:", b"(?i:%s)")):
        if source.startswith(opening) and _closes(source, len(opening)) == len(source) - 1:
            inner = source[len(opening) : -1]
            if opening == b"(?i:" and len(_split(inner)) == 1:
                return [source]
            return [each for part in _split(inner) for each in alternatives(again % part)]
    return [source]


def _split(source: bytes) -> list[bytes]:
    """At each `|` that stands in no group and no set."""
    parts, begin, depth, at = [], 0, 0, 0
    while at < len(source):
        step = _step(source, at)
        byte = source[at : at + 1]
        if step == 1:
            depth += (byte == b"(") - (byte == b")")
            if byte == b"|" and depth == 0:
                parts.append(source[begin:at])
                begin = at + 1
        at += step
    return [*parts, source[begin:]]


def _closes(source: bytes, at: int) -> int:
    """Where the group closes whose inside begins at `at`."""
    depth = 1
    while at < len(source):
        step = _step(source, at)
        if step == 1:
            depth += (source[at : at + 1] == b"(") - (source[at : at + 1] == b")")
            if depth == 0:
                return at
        at += step
    return -1


def _step(source: bytes, at: int) -> int:
    """How long the thing is that begins here: an escape, a whole set, one byte."""
    if source[at : at + 1] == b"\\":
        return 2
    if source[at : at + 1] != b"[":
        return 1
    end = at + 1
    end += source[end : end + 1] == b"^"
    end += source[end : end + 1] == b"]"
    while source[end : end + 1] != b"]":
        end += 2 if source[end : end + 1] == b"\\" else 1
    return end + 1 - at


def leads_of(source: bytes) -> set[bytes] | None:
    """Every match begins with one of these, in lower case. None: with too many, too short ones, or with who knows
    what."""
    found = _of_sequence(list(parser.parse(source)))
    if found is None or any(len(lead) < LEAD_MIN_BYTES for lead, _ in found):
        return None
    return {lead for lead, _ in found}


def needed_by(source: bytes) -> bytes:
    """The longest run of bytes that stands in every match just as it is; empty when there is none. Only what stands
    outside of all groups is looked at: in there another letter case or another alternative may hold."""
    longest = run = b""
    for item in parser.parse(source):
        if str(item[0]) != "LITERAL":
            run = b""
            continue
        run += bytes((item[1],))
        longest = max(longest, run, key=len)
    return longest


def _of_sequence(items: list[Any]) -> set[_Lead] | None:
    found: set[_Lead] = {(b"", True)}
    for item in items:
        if not any(goes_on for _, goes_on in found):
            break
        more = _of_item(item)
        grown: set[_Lead] = set()
        for lead, goes_on in found:
            if not goes_on or more is None:
                grown.add((lead, False))
            else:
                for further, still in more:
                    whole = lead + further
                    grown.add((whole[:LEAD_BYTES], still and len(whole) < LEAD_BYTES))
        if len(grown) > LEADS_MAX:
            return None
        found = grown
    return found


def _of_item(item: Any) -> set[_Lead] | None:
    """None: anything."""
    name, value = str(item[0]), item[1]
    match name:
        case "LITERAL":
            return {(bytes((value,)).lower(), True)}
        case "AT":
            return {(b"", True)}
        case "IN":
            return _of_set(value)
        case "SUBPATTERN":
            return _of_sequence(list(value[3]))
        case "BRANCH":
            parts = [_of_sequence(list(part)) for part in value[1]]
            return None if any(part is None for part in parts) else {lead for part in parts for lead in part or ()}
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, inner = value
            once = _of_sequence(list(inner))
            if once is None:
                return None
            if least == 0:
                return {(b"", True)} | {(lead, most == 1 and goes_on) for lead, goes_on in once}
            return {(lead, most == 1 and goes_on) for lead, goes_on in once}
        case _:
            return None


def _of_set(members: Any) -> set[_Lead] | None:
    found: set[int] = set()
    for member in members:
        match str(member[0]):
            case "LITERAL":
                found.add(member[1])
            case "RANGE":
                found.update(range(member[1][0], member[1][1] + 1))
            case _:
                return None
    leads = {(bytes((byte,)).lower(), True) for byte in found}
    return leads if len(leads) <= _SET_MAX else None


def _any_of(leads: set[bytes]) -> bytes:
    """Takes one byte and looks at the others, so that leads inside leads are found too. Literal first bytes let ``re``
    skip all others."""
    short = {lead for lead in leads if not any(lead != other and lead.startswith(other) for other in leads)}
    by_first: dict[bytes, set[bytes]] = {}
    for lead in short:
        by_first.setdefault(lead[:1], set()).add(lead[1:])
    parts = [re.escape(first) + b"(?=" + _tree(rest) + b")" for first, rest in sorted(by_first.items())]
    return b"|".join(parts)


def _tree(words: set[bytes]) -> bytes:
    if b"" in words:
        return b""
    by_first: dict[bytes, set[bytes]] = {}
    for word in words:
        by_first.setdefault(word[:1], set()).add(word[1:])
    parts = [re.escape(first) + _tree(rest) for first, rest in sorted(by_first.items())]
    return parts[0] if len(parts) == 1 else b"(?:" + b"|".join(parts) + b")"
