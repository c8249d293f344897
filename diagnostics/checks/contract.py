"""What a check is: one line of the catalogue, and a pure function behind it.

    collectors ──observations──▶ judge(seen, context) ──▶ Outcome(findings, metrics)

A judge never touches the machine: it asks `seen` for the observations its line names, and `context` for time,
history and what was raised before. A source that could not be read raises Unreadable out of `seen.of`, and the
check is skipped with that reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Observed
from diagnostics.findings import Change, Evidence, Fact, Finding, RemedyOffer, Severity, TimeToAct
from diagnostics.history import History
from diagnostics.log_templates import Templates
from diagnostics.machine.interface import Platform
from diagnostics.plain_text import printable
from diagnostics.wording import Language, Words


class Seen(Protocol):
    """The observations of one examination; each collector is asked at most once."""

    def of(self, collector: Collector[Observed]) -> Observed:
        """Raises Unreadable when it could not be read, LookupError when the check did not name it."""


@dataclass(frozen=True, slots=True)
class Context:
    """`raised` holds the fingerprints that are pending or active now: a finding clears at another threshold than
    the one it was raised at. `changes`: what is known to have changed, this look's changes included, oldest first;
    `compared`: the subjects that had an earlier look to be compared with. `templates`: the kinds of messages that
    programs wrote before this look."""

    now: int
    boot_unix_s: int | None
    history: History
    raised: frozenset[str] = frozenset()
    changes: tuple[Change, ...] = ()
    compared: frozenset[str] = frozenset()
    templates: Templates = field(default_factory=Templates)

    def is_raised(self, code: str, instance: str) -> bool:
        return f"{code}|{instance}" in self.raised


@dataclass(frozen=True, slots=True)
class Metric:
    """One number for the history. `instance` is empty for the whole machine, else holds a name: never published
    as it is."""

    name: str
    value: float
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`skipped`: why nothing can be said yet, though the numbers of this look are kept for the next one. `templates`:
    what the next look is to know of log messages; None: as before."""

    findings: tuple[Finding, ...] = ()
    metrics: tuple[Metric, ...] = ()
    skipped: str = ""
    templates: Templates | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """A finding that explains this one away. `same_instance`: only on the same thing."""

    code: str
    same_instance: bool


@dataclass(frozen=True, slots=True)
class CodeRule:
    """How one finding code behaves over time, and what people are told.

    It is shown after `visible_after_s` *and* `evaluations` looks that all saw it (`why` says why so long). Nobody
    able to look for `expires_after_s`: it lapses.
    """

    words: Mapping[Language, Words]
    visible_after_s: int
    evaluations: int
    why: str
    expires_after_s: int = 7 * 86_400
    hidden_under: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """`number` is the line of the design's catalogue of 48. `timeout_s`: past it the check counts as failed."""

    id: str
    number: int
    version: int
    title: str
    needs: tuple[Collector[object], ...]
    judge: Callable[[Seen, Context], Outcome]
    codes: Mapping[str, CodeRule]
    interval_s: int
    cost: Cost
    timeout_s: float
    platforms: frozenset[Platform] = ALL_PLATFORMS
    # Read when they can be; the check does without.
    wishes: tuple[Collector[object], ...] = field(default=())
    # Where a look at this starts a program that works for seconds (`log`, `system_profiler`, PowerShell).
    interval_on_macos_s: int = 0
    interval_on_windows_s: int = 0

    def on(self, platform: Platform) -> CheckSpec:
        """As it is scheduled there."""
        slower = {Platform.MACOS: self.interval_on_macos_s, Platform.WINDOWS: self.interval_on_windows_s}
        return replace(self, interval_s=max(self.interval_s, slower.get(platform, 0)))

    @property
    def rule(self) -> str:
        return f"{self.id}@{self.version}"


EXCERPT_MAX_CHARS = 300


def evidence(source: str, locator: str, excerpt: str | bytes) -> Evidence:
    """A short printable excerpt and its hash."""
    shown = printable(excerpt, EXCERPT_MAX_CHARS)
    return Evidence(source, locator, shown, hashlib.sha256(shown.encode()).hexdigest())


def raised(
    code: str,
    instance: str,
    severity: Severity,
    *,
    rule: str,
    now: int,
    facts: Mapping[str, Fact],
    proof: tuple[Evidence, ...] = (),
    remedies: tuple[RemedyOffer, ...] = (),
    time_to_act: TimeToAct | None = None,
) -> Finding:
    """A finding as a check sees it for the first time; `suppression.py` gives it its past."""
    return Finding(
        code=code,
        instance=instance,
        severity=severity,
        rule=rule,
        first_seen_unix_s=now,
        last_seen_unix_s=now,
        facts=dict(facts),
        evidence=proof,
        remedies=remedies,
        time_to_act=time_to_act,
    )


def rule(
    english: Words, russian: Words, *, after_s: int, looks: int, why: str, hidden_under: tuple[Cause, ...] = ()
) -> CodeRule:
    """A code's rule in short: shown after `after_s` and `looks` looks."""
    return CodeRule(both(english, russian), after_s, looks, why, hidden_under=hidden_under)


def both(english: Words, russian: Words) -> Mapping[Language, Words]:
    return {Language.ENGLISH: english, Language.RUSSIAN: russian}
