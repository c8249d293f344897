"""One look at a machine: every chosen check once, in one pass.

    begin what needs a window of time ─▶ the other checks ─▶ wait for the rest of the window ─▶ the checks
    that needed it

Each collector is asked at most once, whoever needs it. A source that cannot be read makes its checks `skipped` with
the reason; a check that raises, or is over its time, is `failed`, becomes a finding about itself, and the rest
still run. Nothing here knows the past: findings come out as pending, and `suppression.py` gives them their life.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, cast

from diagnostics.changes.compare import Snapshot, Subject, compare
from diagnostics.changes.from_log import changes_of_log
from diagnostics.changes.rank import WINDOW_S, before_it_broke
from diagnostics.changes.store import Changes, MemoryChanges
from diagnostics.changes.watched import WATCHED, Watched
from diagnostics.checks.catalogue import CATALOGUE, CHECK_FAILED
from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised
from diagnostics.collectors.contract import Collector, Observed
from diagnostics.collectors.package_log import PACKAGE_LOG
from diagnostics.collectors.processes import SAMPLE_WINDOW_S
from diagnostics.findings import Change, Finding, Severity
from diagnostics.history import History
from diagnostics.log_templates import Templates
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.plain_text import printable
from diagnostics.remedies.offers import with_offers
from diagnostics.strict_json import decode, dump_json, encode, load_json


class CheckStatus(StrEnum):
    OK = "ok"
    FINDING = "finding"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`reason` is for a person; empty when the status is ok or finding."""

    id: str
    status: CheckStatus
    ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """`cpu_s` counts this process and the commands it ran. `changes`: what this look noticed; the owner keeps it,
    and `snapshots` for the next comparison. `templates`: log messages as known after this look; None: as before."""

    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...]
    duration_s: float
    cpu_s: float
    metrics: tuple[Metric, ...] = ()
    changes: tuple[Change, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    templates: Templates | None = None

    def to_value(self, *, with_metrics: bool = False) -> dict[str, object]:
        """`{"checks":[{"id","status","ms","reason"}],"findings":[…],"duration_s","cpu_s"}`, for people's scripts;
        with `metrics` for the agent's own worker."""
        value: dict[str, object] = {
            "checks": [encode(check) for check in self.checks],
            "findings": [finding.to_value() for finding in self.findings],
            "duration_s": round(self.duration_s, 4),
            "cpu_s": round(self.cpu_s, 4),
        }
        if with_metrics:
            value["metrics"] = [encode(metric) for metric in self.metrics]
            value["changes"] = [encode(change) for change in self.changes]
            value["snapshots"] = [encode(snapshot) for snapshot in self.snapshots]
            value["templates"] = encode(self.templates)
        return value

    def to_json(self, *, with_metrics: bool = False) -> str:
        return dump_json(self.to_value(with_metrics=with_metrics))

    @classmethod
    def from_json(cls, text: str | bytes) -> Examination:
        """Read what `to_json` wrote. Raises StrictJsonError."""
        value = load_json(text)
        if isinstance(value, dict) and isinstance(value.get("findings"), list):
            # Through Finding itself, which holds the fingerprint against its parts.
            findings = [Finding.from_value(item) for item in cast("list[object]", value["findings"])]
            value = {**value, "findings": [encode(finding) for finding in findings]}
        return decode(cls, value)


class _Gathered:
    """Implements `Seen`: asks each collector once, keeps its answer or its refusal."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._answers: dict[str, object] = {}
        self._begun: dict[str, Callable[[], object]] = {}

    def begin(self, collector: Collector[object]) -> None:
        """Take the first sample of a collector that measures over time."""
        if collector.begin is None or collector.id in self._begun or collector.id in self._answers:
            return
        try:
            self._begun[collector.id] = collector.begin(self._machine)
        except Exception as error:  # noqa: BLE001 — kept, and raised at the check that asks for it
            self._answers[collector.id] = error

    def ask(self, collector: Collector[Observed]) -> Observed:
        if collector.id not in self._answers:
            try:
                if self._machine.platform not in collector.platforms:
                    raise Unreadable(f"{collector.id} is not read on {self._machine.platform} yet")
                finish = self._begun.get(collector.id)
                self._answers[collector.id] = finish() if finish else collector.collect(self._machine)
            except Exception as error:  # noqa: BLE001 — kept, and raised at every check that asks for it
                self._answers[collector.id] = error
        answer = self._answers[collector.id]
        if isinstance(answer, Exception):
            raise answer
        return cast(Observed, answer)


class _Named:
    """What one check may see: the collectors its catalogue line names, and no other."""

    def __init__(self, gathered: _Gathered, check: CheckSpec) -> None:
        self._gathered = gathered
        self._names = {collector.id for collector in check.needs + check.wishes}
        self._check = check

    def of(self, collector: Collector[Observed]) -> Observed:
        if collector.id not in self._names:
            raise LookupError(f"{self._check.id} asks for {collector.id}, which its catalogue line does not name")
        return self._gathered.ask(collector)


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def choose(checks: Sequence[CheckSpec], only: Collection[str] | None) -> tuple[CheckSpec, ...]:
    """The named checks, in catalogue order. Raises ValueError on an unknown name."""
    if only is None:
        return tuple(checks)
    unknown = sorted(set(only) - {check.id for check in checks})
    if unknown:
        known = ", ".join(check.id for check in checks)
        raise ValueError(f"there is no check {unknown[0]!r}; there are {known}")
    return tuple(check for check in checks if check.id in only)


def examine(
    machine: Machine,
    history: History,
    *,
    now: int,
    checks: Sequence[CheckSpec] = CATALOGUE,
    only: Collection[str] | None = None,
    raised_before: Collection[str] = (),
    before: Changes | None = None,
    templates: Templates | None = None,
    also_watched: Sequence[Watched] = (),
) -> Examination:
    """Run the checks once. `raised_before`: fingerprints of findings that are pending or active now. `before` and
    `templates`: what earlier looks kept of this machine. `also_watched`: what is compared beside WATCHED. Raises
    ValueError on an unknown name in `only`; nothing else."""
    started_s, started_cpu_s = time.monotonic(), _cpu_s()
    chosen = choose(checks, only)
    try:
        boot_unix_s = machine.clock().boot_unix_s
    except Unreadable:
        boot_unix_s = None
    gathered = _Gathered(machine)
    windowed = [check for check in chosen if any(need.begin for need in check.needs + check.wishes)]
    for check in windowed:
        if machine.platform in check.platforms:
            for need in check.needs + check.wishes:
                gathered.begin(need)
    window_began_s = time.monotonic()
    subjects = (*WATCHED, *also_watched)
    compared = _compare(chosen, subjects, gathered, before or MemoryChanges(), machine, now)
    context = Context(
        now,
        boot_unix_s,
        history,
        frozenset(raised_before),
        compared.known + compared.new,
        compared.subjects,
        templates or Templates(),
    )
    results: dict[str, tuple[CheckResult, Outcome]] = {}
    for check in chosen:
        if check not in windowed:
            results[check.id] = _run(check, gathered, context, machine)
    if windowed:
        machine.pause(max(0.0, SAMPLE_WINDOW_S - (time.monotonic() - window_began_s)))
    for check in windowed:
        results[check.id] = _run(check, gathered, context, machine)
    ordered = [results[check.id] for check in chosen]
    return Examination(
        checks=tuple(result for result, _ in ordered),
        findings=tuple(
            replace(with_offers(finding, machine.platform), changes=before_it_broke(finding, context.changes))
            for _, outcome in ordered
            for finding in outcome.findings
        ),
        metrics=tuple(metric for _, outcome in ordered for metric in outcome.metrics),
        duration_s=time.monotonic() - started_s,
        cpu_s=max(0.0, _cpu_s() - started_cpu_s),
        changes=compared.new,
        snapshots=compared.snapshots,
        templates=next((outcome.templates for _, outcome in ordered if outcome.templates is not None), None),
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    """`known` was noticed before, `new` in this look; `subjects` had an earlier snapshot."""

    known: tuple[Change, ...]
    new: tuple[Change, ...]
    snapshots: tuple[Snapshot, ...]
    subjects: frozenset[str]


def _compare(
    chosen: Sequence[CheckSpec],
    watched_subjects: Sequence[Watched],
    gathered: _Gathered,
    before: Changes,
    machine: Machine,
    now: int,
) -> _Compared:
    """Compare each watched subject that a chosen check needs anyway. On the first look at packages their own log
    tells the last week. What cannot be read is not compared: its check says why."""
    here = [check for check in chosen if machine.platform in check.platforms]
    needed = {need.id for check in here for need in check.needs + check.wishes}
    new: list[Change] = []
    snapshots: list[Snapshot] = []
    subjects: set[str] = set()
    for watched in watched_subjects:
        if watched.collector.id not in needed:
            continue
        try:
            snapshot = watched.snapshot(gathered.ask(watched.collector), now)
        except Exception:  # noqa: BLE001, S112 — kept by `gathered`, and raised at every check that asks for it
            continue
        earlier = before.latest(watched.subject)
        snapshots.append(snapshot)
        if earlier is not None:
            subjects.add(watched.subject)
            new += compare(earlier, snapshot)
        elif watched.subject is Subject.PACKAGE:
            new += _logged(gathered, now)
    return _Compared(tuple(before.since(now - WINDOW_S)), tuple(new), tuple(snapshots), frozenset(subjects))


def _logged(gathered: _Gathered, now: int) -> tuple[Change, ...]:
    try:
        return changes_of_log(gathered.ask(PACKAGE_LOG), since_unix_s=now - WINDOW_S, now=now)
    except Unreadable:
        return ()  # no dpkg here: what changed is known from the second look on


def _run(check: CheckSpec, gathered: _Gathered, context: Context, machine: Machine) -> tuple[CheckResult, Outcome]:
    started_s = time.monotonic()

    def result(status: CheckStatus, reason: str = "") -> CheckResult:
        return CheckResult(check.id, status, round((time.monotonic() - started_s) * 1000), reason)

    if machine.platform not in check.platforms:
        return result(CheckStatus.SKIPPED, f"not on {machine.platform} yet"), Outcome()
    seen: Seen = _Named(gathered, check)
    try:
        outcome = check.judge(seen, context)
    except Unreadable as unreadable:
        return result(CheckStatus.SKIPPED, printable(unreadable.reason)), Outcome()
    except Exception as error:  # noqa: BLE001 — one broken check must not hide what the others see
        words = printable(f"{type(error).__name__}: {error}", 200)
        return result(CheckStatus.FAILED, words), Outcome((_about(check, words, error, context),))
    passed_s = time.monotonic() - started_s
    if passed_s > check.timeout_s:
        # Collectors are bounded, so this is late rather than endless; its owner kills a worker that hangs.
        words = f"took {passed_s:.1f} s, at most {check.timeout_s:g} s are allowed"
        about = _about(check, words, None, context)
        return result(CheckStatus.FAILED, words), Outcome((*outcome.findings, about), outcome.metrics)
    if outcome.skipped and not outcome.findings:
        return result(CheckStatus.SKIPPED, printable(outcome.skipped)), outcome
    return result(CheckStatus.FINDING if outcome.findings else CheckStatus.OK), outcome


def _about(check: CheckSpec, words: str, error: Exception | None, context: Context) -> Finding:
    """A check's own fault, as a finding. The place is our own code's, never the machine's."""
    place = check.rule
    if error is not None:
        import traceback  # 8 ms that a healthy look does not pay

        frames: list[Any] = traceback.extract_tb(error.__traceback__)
        if frames:
            place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}"
    return raised(
        CHECK_FAILED,
        f"check:{check.id}",
        Severity.WARNING,
        rule=check.rule,
        now=context.now,
        facts={"check": check.id, "error": words},
        proof=(evidence("examine", place, words),),
    )
