"""Which known issues explain what was found, why, and what nearly did.

Every conclusion keeps the leaves that held it up. A near miss is an issue that one single leaf keeps from firing:
either nobody looked (then it names what would tell), or what was seen contradicts (then it shows what was seen).
An issue of which nothing at all holds is no near miss. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from diagnostics.findings import Fact
from diagnostics.knowledge.conditions import (
    PERSON_ASK,
    Answer,
    AskLeaf,
    FindingLeaf,
    Leaf,
    Operator,
    Situation,
    Truth,
    answer,
    combine,
    leaves,
)
from diagnostics.knowledge.issue import Certainty, Expectation, KnownIssue
from diagnostics.wording import Language, Words

# What an issue's own case says, as the truth it should have.
EXPECTED = {
    Expectation.FIRES: Truth.TRUE,
    Expectation.QUIET: Truth.FALSE,
    Expectation.UNKNOWN: Truth.UNKNOWN,
}
_CERTAINTY_ORDER = {Certainty.CERTAIN: 0, Certainty.LIKELY: 1, Certainty.POSSIBLE: 2}


@dataclass(frozen=True, slots=True)
class Match:
    """An issue that fires. `because`: the leaves that hold; `explains`: fingerprints of findings among them."""

    issue: KnownIssue
    because: tuple[Answer, ...]
    explains: tuple[str, ...]
    facts: Mapping[str, Fact]

    def explain(self, language: Language) -> Words:
        return self.issue.explain(language, self.facts)


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An issue that would fire if `deciding` held. `deciding.ask` names what would tell, when nobody looked."""

    issue: KnownIssue
    deciding: Answer
    because: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """`matches` by certainty, then priority; `near_misses` likewise. `questions`: what nobody looked at and what
    could still make an issue fire that has to do with what was found; each once."""

    matches: tuple[Match, ...]
    near_misses: tuple[NearMiss, ...]
    questions: tuple[str, ...]


def judge_issue(issue: KnownIssue, situation: Situation) -> tuple[Truth, tuple[Answer, ...]]:
    """The issue's truth and the answer of each of its leaves."""
    answers = tuple(answer(leaf, situation) for leaf in dict.fromkeys(leaves(issue.when)))
    return combine(issue.when, {item.leaf: item.truth for item in answers}), answers


def match(issues: Iterable[KnownIssue], situation: Situation, *, person: bool = True) -> Matching:
    """Hold every issue against what is known. `person`: somebody is there to answer; without one, nothing costly is
    asked of the machine for an issue that would wait for their answer anyway."""
    matches: list[Match] = []
    near_misses: list[NearMiss] = []
    questions: list[str] = []
    present = {finding.code for finding in situation.findings}
    for issue in sorted(issues, key=_order):
        truth, answers = judge_issue(issue, situation)
        held = tuple(item for item in answers if item.truth is Truth.TRUE)
        if truth is Truth.TRUE:
            matches.append(_match(issue, held, situation))
            continue
        if truth is Truth.UNKNOWN and _concerns(issue, present) and (person or _needs_nobody(issue, answers)):
            questions += [item.ask for item in answers if item.truth is Truth.UNKNOWN]
        deciding = _deciding(issue, answers) if held or _concerns(issue, present) else None
        # Of which nothing holds and everything was seen: another problem, not nearly this one.
        if deciding is not None and (held or deciding.truth is Truth.UNKNOWN):
            near_misses.append(NearMiss(issue, deciding, held))
    return Matching(tuple(matches), tuple(near_misses), tuple(dict.fromkeys(questions)))


def _concerns(issue: KnownIssue, present: set[str]) -> bool:
    """True when one of the findings it speaks of is there. An issue without findings concerns nobody by itself:
    asking costly questions needs a problem first."""
    return any(isinstance(leaf, FindingLeaf) and leaf.code in present for leaf in leaves(issue.when))


def _needs_nobody(issue: KnownIssue, answers: tuple[Answer, ...]) -> bool:
    """Could the issue fire without an answer from a person, whatever the machine says?"""
    open_leaves = [item.leaf for item in answers if item.truth is Truth.UNKNOWN and not item.ask.startswith(PERSON_ASK)]
    if not any(isinstance(leaf, AskLeaf) for leaf in leaves(issue.when)):
        return True
    truths: dict[Leaf, Truth] = {item.leaf: item.truth for item in answers}
    return any(
        combine(issue.when, {**truths, **dict.fromkeys(open_leaves, wanted)}) is Truth.TRUE
        for wanted in (Truth.TRUE, Truth.FALSE)
    )


def _order(issue: KnownIssue) -> tuple[int, int, str]:
    return (_CERTAINTY_ORDER[issue.certainty], -issue.priority, issue.id)


def _match(issue: KnownIssue, held: tuple[Answer, ...], situation: Situation) -> Match:
    explains = tuple(dict.fromkeys(item.fingerprint for item in held if item.fingerprint))
    by_fingerprint = {finding.fingerprint: finding for finding in situation.findings}
    facts: dict[str, Fact] = dict(situation.facts)
    # The first finding named wins, as its words would: later ones only add what it lacks.
    for fingerprint in reversed(explains):
        facts.update(by_fingerprint[fingerprint].facts)
    return Match(issue, held, explains, facts)


def _by_a_number(leaf: FindingLeaf) -> bool:
    return any(comparison.operator in (Operator.AT_LEAST, Operator.AT_MOST) for comparison in leaf.where)


def _deciding(issue: KnownIssue, answers: tuple[Answer, ...]) -> Answer | None:
    """The one leaf that, were it the other way, would make the issue fire; an unlooked-at one first.

    Leaves that one reading would answer together (the size and the place of the same folder) count as one.
    """
    truths: dict[Leaf, Truth] = {item.leaf: item.truth for item in answers}
    for item in sorted(answers, key=lambda item: item.truth is not Truth.UNKNOWN):
        # "If only the disk were full", "if only another service had failed": true of everything, and of no use.
        if item.truth is Truth.FALSE and isinstance(item.leaf, FindingLeaf) and not _by_a_number(item.leaf):
            continue
        together = [item]
        if item.truth is Truth.UNKNOWN:
            source = item.ask.partition(".")[0]
            together = [other for other in answers if other.ask.partition(".")[0] == source]
        for wanted in (Truth.TRUE, Truth.FALSE):
            changed = {**truths, **{other.leaf: wanted for other in together}}
            if wanted is not item.truth and combine(issue.when, changed) is Truth.TRUE:
                return item
    return None
