"""Every known issue against every recorded machine: how often it fires, and how often it only nearly does.

    issue                          fires  nearly  unknown   on
    user-cache-fills-disk          1/13        0        0   laptop-disk-full

A rule that fires on a healthy machine is wrong; one that fires on most machines says nothing. `unknown`: some of what
would decide was not recorded there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diagnostics.examine import Examination
from diagnostics.knowledge.conclude import Conclusion, conclude, judged_codes, known_changes
from diagnostics.knowledge.conditions import Truth
from diagnostics.knowledge.issue import KnownIssue
from diagnostics.knowledge.match import judge_issue
from diagnostics.machine.interface import Machine
from diagnostics.state_folder import Past


@dataclass(frozen=True, slots=True)
class Tried:
    """One machine, concluded."""

    machine: str
    findings: int
    conclusion: Conclusion


@dataclass(frozen=True, slots=True)
class Rate:
    """One issue over all machines."""

    issue: KnownIssue
    machines: int
    fires_on: tuple[str, ...]
    nearly: int
    unknown: int

    @property
    def fraction(self) -> float:
        return len(self.fires_on) / self.machines if self.machines else 0.0


def try_machine(
    name: str, machine: Machine, examination: Examination, past: Past, issues: Sequence[KnownIssue]
) -> Tried:
    now = machine.clock().unix_s
    conclusion = conclude(
        issues,
        examination.findings,
        machine,
        judged=judged_codes(examination),
        now=now,
        changes=known_changes(examination, past.changes, now=now),
    )
    return Tried(name, len(examination.findings), conclusion)


def rates(issues: Iterable[KnownIssue], tried: Sequence[Tried]) -> tuple[Rate, ...]:
    """Most frequent first."""
    found = []
    for issue in issues:
        fires = tuple(each.machine for each in tried if issue.id in _ids(each))
        nearly = sum(issue.id in {miss.issue.id for miss in each.conclusion.matching.near_misses} for each in tried)
        unknown = sum(judge_issue(issue, each.conclusion.situation)[0] is Truth.UNKNOWN for each in tried)
        found.append(Rate(issue, len(tried), fires, nearly, unknown))
    return tuple(sorted(found, key=lambda rate: (-len(rate.fires_on), rate.issue.id)))


def _ids(tried: Tried) -> set[str]:
    return {match.issue.id for match in tried.conclusion.matching.matches}


def table(found: Sequence[Rate]) -> list[str]:
    lines = [f"{'issue':40} {'fires':>7} {'nearly':>7} {'unknown':>8}   on"]
    for rate in found:
        share = f"{len(rate.fires_on)}/{rate.machines}"
        lines.append(
            f"{rate.issue.id:40} {share:>7} {rate.nearly:>7} {rate.unknown:>8}   {', '.join(rate.fires_on)}".rstrip()
        )
    return lines
