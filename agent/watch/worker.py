"""The check worker: a child that looks once and ends. `python -m agent.watch.worker` < LookRequest > Look

It reads the agent's database (history, known findings) and never writes it: the service is the only writer. Which
checks are due is decided here, because only here the catalogue is loaded.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from agent.watch.advice import advice_of, heard
from agent.watch.advised import Advice
from agent.watch.finding_store import PAST, TEMPLATES, StoredHistory
from agent.watch.look import CheckLine, Explained, Look, LookRequest, MetricPoint, SeenFinding, Trial
from agent.watch.situation import situation_of
from agent.watch.waiting import not_waiting
from diagnostics.changes.store import MemoryChanges, dump_changes, load_changes
from diagnostics.checks.catalogue import CATALOGUE, code_rules, explain
from diagnostics.checks.contract import CheckSpec
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.log_messages import LOG_MESSAGES
from diagnostics.examine import CheckStatus, Examination, examine
from diagnostics.findings import Change, Finding
from diagnostics.history import History, MemoryHistory
from diagnostics.knowledge.conclude import conclude, judged_codes, known_changes
from diagnostics.knowledge.issue import KnownIssue, own_issues
from diagnostics.knowledge.match import Match
from diagnostics.knowledge.rollout import RolledOut, roll_out, trials_here
from diagnostics.log_templates import dump_templates, load_templates
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.machine.local import local_machine
from diagnostics.suppression import Advance, advance, is_raised
from diagnostics.vendors.application import settings_of
from diagnostics.vendors.check import CHECK_PREFIX, watch_applications
from diagnostics.wording import Language, Words

REQUEST_MAX_BYTES: Final = 8 * 1024 * 1024
# A look that begins a little before a check's interval is over takes it along: batches do not drift apart.
_EARLY_SHARE: Final = 0.1


def due(checks: Sequence[CheckSpec], ran_at: Mapping[str, int], now: int) -> list[CheckSpec]:
    """The checks whose own interval is over (or nearly). A clock that went back makes a check due."""
    return [
        check
        for check in checks
        if not 0 <= now - ran_at.get(check.id, -check.interval_s) < check.interval_s * (1 - _EARLY_SHARE)
    ]


def now_due(
    machine: Machine, request: LookRequest, enabled: Sequence[CheckSpec]
) -> tuple[list[CheckSpec], dict[str, str]]:
    """Those that are due and need not wait, and the others that are due with what they wait for."""
    chosen = due([check.on(machine.platform) for check in enabled], request.ran_at, request.now)
    situation = situation_of(
        machine,
        now=request.now,
        resumed_at=request.resumed_at,
        ask_link=any(check.cost is Cost.NETWORK for check in chosen),
    )
    ran_s_ago = {check_id: max(0, request.now - at) for check_id, at in request.ran_at.items()}
    return not_waiting(chosen, situation, ran_s_ago)


def look_once(machine: Machine, request: LookRequest, history: StoredHistory | None) -> Look:
    beside = watch_applications(request.applications)
    enabled = [check for check in (*CATALOGUE, *beside.checks) if check.id not in request.disabled]
    rolled, said = None, None
    waiting: dict[str, str] = {}
    if request.everything:
        chosen = enabled
    elif request.wrong is None:
        chosen, waiting = now_due(machine, request, enabled)
    else:
        rolled = roll_out(own_issues(), request.issues, device=request.device)
        said = heard(request.wrong.words, rolled.shown, enabled)
        chosen = [check for check in enabled if check.id in said.checks]
    known, snoozed_until = history.known_findings() if history else ([], {})
    known = still_watched(known, beside.checks)
    past: History = history or MemoryHistory()
    text_before = history.kept(PAST) if history else ""
    seen_before = load_changes(text_before) if text_before else MemoryChanges()
    # Some hundred kilobytes: only read when the check that learns from it runs.
    learns = history is not None and any(LOG_MESSAGES in check.needs for check in chosen)
    messages_before = history.kept(TEMPLATES) if history is not None and learns else ""
    examined = examine(
        machine,
        past,
        now=request.now,
        checks=chosen,
        raised_before=[finding.fingerprint for finding in known if is_raised(finding)],
        before=seen_before,
        templates=load_templates(messages_before) if messages_before else None,
        also_watched=beside.compared,
    )
    seen_before.keep(examined.snapshots, examined.changes)
    advanced = advance(
        known,
        examined.findings,
        looked=[check.id for check in examined.checks if check.status in (CheckStatus.OK, CheckStatus.FINDING)],
        now=request.now,
        boot_unix_s=_awake_since(machine, request.resumed_at),
        rules=code_rules(),
        snoozed_until=snoozed_until,
    )
    # Reading the issues costs a tenth of a second: only where there is something to explain.
    ill = any(is_raised(finding) for finding in advanced.findings)
    if rolled is None:
        rolled = roll_out(own_issues(), request.issues, device=request.device) if ill else RolledOut(())
    changes = known_changes(examined, seen_before, now=request.now)
    explained = explanations(rolled.shown, machine, examined, advanced, request.now, changes)
    shadowed = explanations(rolled.shadow, machine, examined, advanced, request.now, changes)
    would_speak = {match.issue.id for match in shadowed.values()}
    on_trial = rolled.shadow if ill else trials_here(request.issues, device=request.device)
    text_after = dump_changes(seen_before)
    advice = None
    if request.wrong is not None and said is not None:
        advice = advice_of(
            said,
            rolled.shown,
            examined,
            machine,
            answers=request.wrong.answers,
            changes=changes,
            now=request.now,
            language=Language(request.wrong.language),
        )
    return as_look(
        examined,
        advanced,
        explained,
        rolled.unused,
        trials=tuple(Trial(issue.id, issue.version, issue.id in would_speak) for issue in on_trial),
        past="" if text_after == text_before else text_after,
        waiting=waiting,
        advice=advice,
    )


def still_watched(known: Sequence[Finding], checks: Sequence[CheckSpec]) -> list[Finding]:
    """Without those of an application that nobody watches any more: no look would ever end them."""
    ids = {check.id for check in checks}
    return [
        finding
        for finding in known
        if not finding.rule.startswith(CHECK_PREFIX) or finding.rule.partition("@")[0] in ids
    ]


def explanations(
    issues: Sequence[KnownIssue],
    machine: Machine,
    examined: Examination,
    advanced: Advance,
    now: int,
    changes: tuple[Change, ...] | None,
) -> Mapping[str, Match]:
    """Fingerprint → the surest known issue that explains it. Without a problem nothing is asked of the machine."""
    raised = [finding for finding in advanced.findings if is_raised(finding)]
    if not raised or not issues:
        return {}
    concluded = conclude(issues, raised, machine, judged=judged_codes(examined), now=now, changes=changes)
    found: dict[str, Match] = {}
    for match in concluded.matching.matches:
        for fingerprint in match.explains:
            found.setdefault(fingerprint, match)
    return found


def as_look(
    examined: Examination,
    advanced: Advance,
    explained: Mapping[str, Match],
    unused: tuple[str, ...],
    *,
    trials: tuple[Trial, ...],
    past: str,
    waiting: Mapping[str, str],
    advice: Advice | None,
) -> Look:
    return Look(
        checks=tuple(CheckLine(check.id, check.status, check.ms, check.reason) for check in examined.checks),
        findings=tuple(_told(finding, explained.get(finding.fingerprint)) for finding in advanced.findings),
        appeared=tuple(finding.fingerprint for finding in advanced.appeared),
        ended=tuple(finding.fingerprint for finding in advanced.ended),
        metrics=tuple(MetricPoint(metric.name, metric.instance, metric.value) for metric in examined.metrics),
        duration_s=examined.duration_s,
        cpu_s=examined.cpu_s,
        unused_issues=unused,
        trials=trials,
        past=past,
        waiting=waiting,
        templates=dump_templates(examined.templates) if examined.templates is not None else "",
        advice=advice,
    )


def _told(finding: Finding, match: Match | None) -> SeenFinding:
    words = {language.value: _explained(explain(finding, language)) for language in Language}
    if match is None:
        return SeenFinding(finding, words)
    advice = {language.value: _explained(match.explain(language)) for language in Language}
    return SeenFinding(finding, words, match.issue.id, advice, match.issue.article)


def _explained(words: Words) -> Explained:
    return Explained(words.title, words.text)


def _awake_since(machine: Machine, resumed_at: int | None) -> int | None:
    """Findings get their time of grace after a start and after a sleep alike."""
    try:
        booted_at = machine.clock().boot_unix_s
    except Unreadable:
        booted_at = None
    return max((at for at in (booted_at, resumed_at) if at is not None), default=None)


def main() -> int:
    request = LookRequest.from_bytes(sys.stdin.buffer.read(REQUEST_MAX_BYTES + 1))
    history = StoredHistory(Path(request.database)) if request.database else None
    machine = local_machine(request.agent, settings_of(request.applications))
    look = look_once(machine, request, history)
    sys.stdout.buffer.write(look.to_bytes())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
