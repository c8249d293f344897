"""A rule, what it answers with, and how a list of rules is applied to one window of text.

A rule has two halves. Its **anchor** is a cheap pattern for the linear engine: where something of this shape may
begin. All anchors of one pass are joined into one automaton, so text without hits costs one scan. Its **judge**
then looks closely at that one place, the anchor's groups in hand, and answers with an `Edit` or with nothing.
A judge may reach further than its anchor to either side, but never over the edit before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from diagnostics.redaction.engine import Engine, compile_pattern
from diagnostics.redaction.kinds import HOLES, IDENTIFIERS, MARK, MARK_MAX_BYTES, Kind
from diagnostics.redaction.pseudonyms import Pseudonyms


class Edit(NamedTuple):
    """Replace ``data[start:end]`` by ``text``; ``number`` is how many things of ``kind`` went.

    A tuple, not a dataclass: one is made for every hit, and a frozen dataclass costs three times as much.
    """

    start: int
    end: int
    text: bytes
    kind: Kind
    number: int = 1


Judge = Callable[["re.Match[bytes]", Pseudonyms], "Edit | None"]


@dataclass(frozen=True, slots=True)
class Rule:
    """``anchor`` obeys the common subset of `engine`; ``judge(match, marks)`` gets it matched at one place.

    Groups in an anchor are unnamed and counted from 1; the linear engine ignores them.
    """

    name: str
    anchor: bytes
    judge: Judge
    # What this rule rejects is looked at no further: the scan goes on behind it.
    rejects_whole: bool = False


def hole(start: int, end: int, kind: Kind) -> Edit:
    return Edit(start, end, HOLES[kind], kind)


def mark_or_hole(start: int, end: int, kind: Kind, value: bytes, marks: Pseudonyms) -> Edit:
    """The right kind of gap for ``value``: a pseudonym for identifiers, a hole for the rest."""
    if kind in IDENTIFIERS:
        return Edit(start, end, marks.mark(kind, value), kind)
    return hole(start, end, kind)


def is_marked(data: bytes, start: int) -> bool:
    """Does one of our own marks begin here?"""
    return data[start : start + 1] == b"<" and MARK.match(data, start) is not None


def _end_of_mark(data: bytes, position: int) -> int:
    """Where the mark ends that ``position`` lies in; 0 when it lies in none."""
    opened = data.rfind(b"<", max(0, position - MARK_MAX_BYTES), position + 1)
    if opened < 0:
        return 0
    mark = MARK.match(data, opened)
    return mark.end() if mark is not None and mark.end() > position else 0


class Pass:
    """Rules in order of precedence, joined into one automaton (leftmost match, then first rule that begins there).

    When the chosen rule's judge says no, the next rule that also matches at this place is asked, then the scan
    goes on one byte later: a rejected candidate never hides a real one inside it.
    """

    def __init__(self, rules: Sequence[Rule], *, engine: Engine, share: int) -> None:
        self._all = compile_pattern(b"|".join(b"(?:%s)" % rule.anchor for rule in rules), engine=engine, share=share)
        # At a place where the automaton has matched, the stdlib engine tells which rule it was: the outer group that
        # closed last. Only when that rule's judge says no are the others asked one by one.
        self._which = re.compile(b"|".join(b"(%s)" % rule.anchor for rule in rules))
        sizes = [1 + re.compile(rule.anchor).groups for rule in rules]
        self._rule_of_group = {1 + sum(sizes[:index]): index for index in range(len(rules))}
        self._single = tuple((rule.judge, re.compile(rule.anchor).match) for rule in rules)
        self._rejects_whole = all(rule.rejects_whole for rule in rules)

    def edits(self, data: bytes, marks: Pseudonyms) -> list[Edit]:
        """Non-overlapping edits in order."""
        found: list[Edit] = []
        last = 0
        position = 0
        while True:
            for start, end in self._all.spans(data, position):
                if start < last:  # inside what the edit before has taken; look again from its end
                    position = last
                    break
                mark_end = _end_of_mark(data, start)
                if mark_end:
                    position = mark_end
                    break
                edit = self._judge(data, start, end, marks)
                if edit is None:
                    if end - start > 1 and not self._rejects_whole:
                        position = start + 1
                        break
                    continue
                if edit.start < last:
                    edit = Edit(last, edit.end, edit.text, edit.kind, edit.number)
                found.append(edit)
                last = edit.end
                if last < end:
                    position = last
                    break
            else:
                return found

    def _judge(self, data: bytes, start: int, end: int, marks: Pseudonyms) -> Edit | None:
        which = self._which.match(data, start)
        if which is None or which.lastindex is None:
            return None
        for judge, anchor_at in self._single[self._rule_of_group[which.lastindex] :]:
            match = anchor_at(data, start)
            if match is not None:
                edit = judge(match, marks)
                if edit is not None and edit.end > edit.start:
                    return edit
        return None

    def touched(self, data: bytes, marks: Pseudonyms) -> list[tuple[int, int]]:
        """Every span a rule looks at or changes: no cut may go through one."""
        spans = list(self._all.spans(data))
        spans += ((edit.start, edit.end) for edit in self.edits(data, marks))
        return spans

    def apply(self, data: bytes, marks: Pseudonyms, counts: Counter[Kind]) -> bytes:
        edits = self.edits(data, marks)
        if not edits:
            return data
        pieces: list[bytes] = []
        last = 0
        for edit in edits:
            pieces += (data[last : edit.start], edit.text)
            counts[edit.kind] += edit.number
            last = edit.end
        pieces.append(data[last:])
        return b"".join(pieces)
