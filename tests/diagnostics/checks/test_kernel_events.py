"""Check 27: events of the last day, one finding a kind and subject."""

from collections.abc import Callable

from diagnostics.checks.contract import Context
from diagnostics.checks.kernel_events import FINDINGS_MAX, RECENT_S, check_kernel_events
from diagnostics.findings import Severity
from diagnostics.observations import KernelEvent, KernelEventKind

NOW = 1_795_000_000
OOM, HUNG, MCE = KernelEventKind.OUT_OF_MEMORY, KernelEventKind.HUNG_TASK, KernelEventKind.MACHINE_CHECK


def event(kind: KernelEventKind, subject: str, ago_s: int | None = 60, *, group: bool = False) -> KernelEvent:
    at = None if ago_s is None else NOW - ago_s
    return KernelEvent(kind, subject, at, f"line about {subject}", limited_by_group=group)


def test_events_of_one_program_are_one_finding_with_the_newest_lines(
    context: Callable[..., Context],
) -> None:
    events = [event(OOM, "firefox", ago_s) for ago_s in (500, 400, 300, 200)]
    (finding,) = check_kernel_events(events, context()).findings
    assert finding.fingerprint == "out-of-memory|process:firefox"
    assert (finding.facts["events"], finding.facts["last_unix_s"]) == (4, NOW - 200)
    assert len(finding.evidence) == 3


def test_what_happened_more_than_a_day_ago_is_history(context: Callable[..., Context]) -> None:
    assert check_kernel_events([event(OOM, "firefox", RECENT_S)], context()).findings == ()


def test_an_event_without_a_time_counts_as_recent(context: Callable[..., Context]) -> None:
    (finding,) = check_kernel_events([event(HUNG, "jbd2", None)], context()).findings
    assert (finding.severity, "last_unix_s" in finding.facts) == (Severity.WARNING, False)


def test_a_program_that_reached_its_own_limit_only_hurts_itself(context: Callable[..., Context]) -> None:
    (finding,) = check_kernel_events([event(OOM, "java", group=True)], context()).findings
    assert finding.severity is Severity.WARNING
    (finding,) = check_kernel_events([event(OOM, "java", group=True), event(OOM, "java")], context()).findings
    assert finding.severity is Severity.ERROR


def test_the_announcement_of_a_machine_check_goes_when_the_part_is_named(
    context: Callable[..., Context],
) -> None:
    events = [event(MCE, "processor"), event(MCE, "MC0")]
    assert [f.instance for f in check_kernel_events(events, context()).findings] == ["part:MC0"]
    assert [f.instance for f in check_kernel_events(events[:1], context()).findings] == ["part:processor"]


def test_a_machine_that_falls_apart_stays_readable_gravest_first(context: Callable[..., Context]) -> None:
    events = [event(HUNG, f"task-{index}") for index in range(100)] + [event(MCE, "MC1")]
    findings = check_kernel_events(events, context()).findings
    assert len(findings) == FINDINGS_MAX
    assert findings[0].code == "hardware-error"
