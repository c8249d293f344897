"""From findings to conclusions: match, ask the machine for the one fact that would decide, match again.

findings ─▶ match ─▶ near misses that nobody looked at ─▶ ask their collectors, once each ─▶ match
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from diagnostics.changes.rank import WINDOW_S
from diagnostics.changes.store import Changes
from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.examine import CheckStatus, Examination
from diagnostics.findings import Change, Finding
from diagnostics.knowledge.conditions import PERSON_ASK, AskLeaf, Situation
from diagnostics.knowledge.fact_sources import (
    FACT_NAMES,
    JOURNAL_ASK,
    PACKAGES_ASK,
    ask_facts,
    ask_journal,
    ask_packages,
)
from diagnostics.knowledge.issue import KnownIssue
from diagnostics.knowledge.match import Matching, match
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.wording import Language

# Each round may uncover one more question; no issue needs more than this many in a row.
ROUNDS_MAX = 3


@dataclass(frozen=True, slots=True)
class Conclusion:
    """`unanswered`: what would have decided and could not be read, with the reason."""

    matching: Matching
    situation: Situation
    unanswered: dict[str, str]


def judged_codes(examination: Examination) -> frozenset[str]:
    """The finding codes of checks that looked: one of these that is missing is an answer."""
    looked = {result.id for result in examination.checks if result.status in (CheckStatus.OK, CheckStatus.FINDING)}
    return frozenset(code for check in CATALOGUE if check.id in looked for code in check.codes)


def known_changes(examination: Examination, before: Changes, *, now: int) -> tuple[Change, ...] | None:
    """What changed within the last week; None where this look compared nothing and nothing was kept."""
    kept = tuple(before.since(now - WINDOW_S))
    if not examination.snapshots and not kept:
        return None
    return tuple(dict.fromkeys(kept + examination.changes))


def conclude(
    issues: Iterable[KnownIssue],
    findings: Iterable[Finding],
    machine: Machine,
    *,
    judged: frozenset[str],
    now: int,
    changes: tuple[Change, ...] | None = None,
    answers: Mapping[str, bool] | None = None,
) -> Conclusion:
    """Never raises for what cannot be read: it stays unknown, and is listed. `changes` None: nobody keeps them.

    `answers`: what the person at the machine said, by question; None: nobody is there to be asked.
    """
    issues, person = tuple(issues), answers is not None
    situation = Situation(
        now=now, findings=tuple(findings), judged=judged, changes=changes, answers=dict(answers or {})
    )
    unanswered: dict[str, str] = {}
    matching = match(issues, situation, person=person)
    for _ in range(ROUNDS_MAX):
        asks = [ask for ask in matching.questions if ask not in unanswered]
        situation, reasons, asked = _ask(asks, situation, machine, now)
        unanswered.update(reasons)
        if not asked:
            break
        matching = match(issues, situation, person=person)
    return Conclusion(matching, situation, unanswered)


def open_questions(conclusion: Conclusion, language: Language) -> dict[str, str]:
    """What to ask the person: question → its words. Only what decides by itself whether an issue fires."""
    questions: dict[str, str] = {}
    for miss in conclusion.matching.near_misses:
        leaf = miss.deciding.leaf
        if isinstance(leaf, AskLeaf) and miss.deciding.ask:
            questions.setdefault(leaf.question, miss.issue.questions[leaf.question][language])
    return questions


def _ask(asks: list[str], situation: Situation, machine: Machine, now: int) -> tuple[Situation, dict[str, str], bool]:
    names = [ask for ask in asks if ask in FACT_NAMES]
    facts, reasons = ask_facts(names, machine)
    for name in names:
        if name not in facts and name not in reasons:
            reasons[name] = f"{FACT_NAMES[name]} was read and does not tell it"
    situation = replace(situation, facts={**situation.facts, **facts})
    for ask in asks:
        try:
            if ask == PACKAGES_ASK:
                situation = replace(situation, packages=ask_packages(machine))
            elif ask == JOURNAL_ASK:
                lines = ask_journal(machine, now=now)
                situation = replace(situation, logs={**situation.logs, "journal": lines})
            elif ask.startswith("finding:"):
                reasons[ask] = "the check that would tell was skipped"
            elif ask.startswith(PERSON_ASK):
                reasons[ask] = "only the person at this computer knows"
            elif ask not in FACT_NAMES:
                reasons[ask] = "nothing that is installed here can tell"
        except Unreadable as unreadable:
            reasons[ask] = unreadable.reason
    return situation, reasons, any(ask not in reasons for ask in asks)
