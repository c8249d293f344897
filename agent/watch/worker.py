"""The check worker: a child that looks once and ends. `python -m agent.watch.worker` < LookRequest > Look

It reads the agent's database (history, known findings) and never writes it: the service is the only writer. Which
checks are due is decided here, because only here the catalogue is loaded.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from agent.watch.finding_store import StoredHistory
from agent.watch.look import CheckLine, Explained, Look, LookRequest, MetricPoint, SeenFinding
from diagnostics.checks.catalogue import CATALOGUE, code_rules, explain
from diagnostics.checks.contract import CheckSpec
from diagnostics.examine import CheckStatus, Examination, examine
from diagnostics.findings import Finding
from diagnostics.history import History, MemoryHistory
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.machine.local import local_machine
from diagnostics.suppression import Advance, advance, is_raised
from diagnostics.wording import Language

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


def look_once(machine: Machine, request: LookRequest, history: StoredHistory | None) -> Look:
    enabled = [check for check in CATALOGUE if check.id not in request.disabled]
    chosen = enabled if request.everything else due(enabled, request.ran_at, request.now)
    known, snoozed_until = history.known_findings() if history else ([], {})
    past: History = history or MemoryHistory()
    examined = examine(
        machine,
        past,
        now=request.now,
        checks=chosen,
        raised_before=[finding.fingerprint for finding in known if is_raised(finding)],
    )
    advanced = advance(
        known,
        examined.findings,
        looked=[check.id for check in examined.checks if check.status in (CheckStatus.OK, CheckStatus.FINDING)],
        now=request.now,
        boot_unix_s=_booted_at(machine),
        rules=code_rules(),
        snoozed_until=snoozed_until,
    )
    return as_look(examined, advanced, request)


def as_look(examined: Examination, advanced: Advance, request: LookRequest) -> Look:
    return Look(
        checks=tuple(CheckLine(check.id, check.status, check.ms, check.reason) for check in examined.checks),
        findings=tuple(_told(finding) for finding in advanced.findings),
        appeared=tuple(finding.fingerprint for finding in advanced.appeared),
        ended=tuple(finding.fingerprint for finding in advanced.ended),
        metrics=tuple(MetricPoint(metric.name, metric.instance, metric.value) for metric in examined.metrics),
        duration_s=examined.duration_s,
        cpu_s=examined.cpu_s,
    )


def _told(finding: Finding) -> SeenFinding:
    words = {language.value: explain(finding, language) for language in Language}
    return SeenFinding(finding, {name: Explained(said.title, said.text) for name, said in words.items()})


def _booted_at(machine: Machine) -> int | None:
    try:
        return machine.clock().boot_unix_s
    except Unreadable:
        return None


def main() -> int:
    request = LookRequest.from_bytes(sys.stdin.buffer.read(REQUEST_MAX_BYTES + 1))
    history = StoredHistory(Path(request.database)) if request.database else None
    look = look_once(local_machine(request.agent), request, history)
    sys.stdout.buffer.write(look.to_bytes())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
