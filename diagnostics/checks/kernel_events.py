"""Check 27: did the kernel run out of memory, see a task hang, or report broken hardware?

The kernel's log keeps weeks; what happened more than a day ago is history and clears by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.checks.contract import (
    CheckSpec,
    CodeRule,
    Context,
    Metric,
    Outcome,
    Seen,
    both,
    evidence,
    raised,
)
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.kernel_log import KERNEL_LOG, UNNAMED_PART
from diagnostics.findings import Fact, Finding, Severity
from diagnostics.observations import KernelEvent, KernelEventKind
from diagnostics.wording import Words

RECENT_S = 24 * 3600
CODES = {
    KernelEventKind.OUT_OF_MEMORY: "out-of-memory",
    KernelEventKind.HUNG_TASK: "task-hung",
    KernelEventKind.MACHINE_CHECK: "hardware-error",
    KernelEventKind.MEMORY_EXHAUSTED: "memory-exhausted",
}
EXCERPTS_MAX = 3
# A machine that falls apart names hundreds of tasks; the storm is one problem.
FINDINGS_MAX = 10


def check_kernel_events(events: Iterable[KernelEvent], context: Context) -> Outcome:
    """One finding a kind and subject, from the events of the last day. Events without a time count as recent."""
    grouped: dict[tuple[KernelEventKind, str], list[KernelEvent]] = {}
    for event in events:
        recent = event.at_unix_s is None or event.at_unix_s > context.now - RECENT_S
        # What the kernel says of filesystems, disks and drivers belongs to checks 7 and 34.
        if recent and event.kind in CODES:
            grouped.setdefault((event.kind, event.subject), []).append(event)
    # "Machine check events logged" only announces what the memory controller's own line then names.
    named = [key for key in grouped if key[0] is KernelEventKind.MACHINE_CHECK and key[1] != UNNAMED_PART]
    if named:
        grouped.pop((KernelEventKind.MACHINE_CHECK, UNNAMED_PART), None)
    findings = [_finding(kind, subject, found, context) for (kind, subject), found in grouped.items()]
    counts = dict.fromkeys(CODES, 0)
    for (kind, _), found in grouped.items():
        counts[kind] += len(found)
    metrics = tuple(Metric(f"kernel.{kind}", count) for kind, count in counts.items())
    findings.sort(key=lambda finding: -finding.severity.rank)
    return Outcome(tuple(findings[:FINDINGS_MAX]), metrics)


def _severity(kind: KernelEventKind, found: list[KernelEvent]) -> Severity:
    if kind is KernelEventKind.OUT_OF_MEMORY:
        # In its own limit (a container) a program only hurts itself.
        return Severity.WARNING if all(event.limited_by_group for event in found) else Severity.ERROR
    if kind in (KernelEventKind.HUNG_TASK, KernelEventKind.MEMORY_EXHAUSTED):
        return Severity.WARNING
    return Severity.ERROR


def _finding(kind: KernelEventKind, subject: str, found: list[KernelEvent], context: Context) -> Finding:
    last = found[-1]
    facts: dict[str, Fact] = {
        "name": subject,
        "events": len(found),
        "limited_by_group": all(event.limited_by_group for event in found),
    }
    if last.at_unix_s is not None:
        facts["last_unix_s"] = last.at_unix_s
    if last.rss_bytes is not None:
        facts["rss_bytes"] = last.rss_bytes
    if last.blocked_s is not None:
        facts["blocked_s"] = last.blocked_s
    prefix = "part" if kind is KernelEventKind.MACHINE_CHECK else "process"
    return raised(
        CODES[kind],
        f"{prefix}:{subject}",
        _severity(kind, found),
        rule=SPEC.rule,
        now=context.now,
        facts=facts,
        proof=tuple(
            evidence("kernel-log", str(event.at_unix_s or "time unknown"), event.line)
            for event in found[-EXCERPTS_MAX:]
        ),
    )


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_kernel_events(seen.of(KERNEL_LOG).events, context)


_AT_ONCE = "it happened: there is nothing to wait for"

SPEC = CheckSpec(
    id="kernel-events",
    number=27,
    version=1,
    title="Serious messages of the system's core",
    needs=(KERNEL_LOG,),
    judge=_judge,
    codes={
        "out-of-memory": CodeRule(
            words=both(
                Words(
                    "A program was ended because memory ran out",
                    "The system ended {name} to save itself: memory was used up. Unsaved work in it is lost. "
                    "Within a day this happened {events}×.",
                ),
                Words(
                    "Программа закрыта из-за нехватки памяти",
                    "Память закончилась, и система сама закрыла {name}. Несохранённая работа в ней потеряна. Раз "
                    "за сутки: {events}.",
                ),
            ),
            visible_after_s=0,
            evaluations=1,
            why=_AT_ONCE,
        ),
        "memory-exhausted": CodeRule(
            words=both(
                Words(
                    "Memory ran out",
                    "The system had no memory left to give (within a day: {events}×). {name} used most of it. Programs "
                    "may have failed to save or closed.",
                ),
                Words(
                    "Память закончилась",
                    "Системе стало нечего выделять программам, за сутки раз: {events}. Больше всего памяти занимала "
                    "{name}. Программы могли не сохранить данные или закрыться.",
                ),
            ),
            visible_after_s=0,
            evaluations=1,
            why=_AT_ONCE,
        ),
        "task-hung": CodeRule(
            words=both(
                Words(
                    "A program hung, waiting for a device",
                    "{name} waited {blocked_s:duration} or longer for a disk, network drive or other device. If it "
                    "happens again, that device may be failing.",
                ),
                Words(
                    "Программа зависла в ожидании устройства",
                    "{name} ждёт диск, сетевую папку или другое устройство {blocked_s:duration} или дольше. Если "
                    "это повторится, устройство может быть неисправно.",
                ),
            ),
            visible_after_s=0,
            evaluations=1,
            why=_AT_ONCE,
        ),
        "hardware-error": CodeRule(
            words=both(
                Words(
                    "The hardware reports an error",
                    "A part of this computer ({name}) reports errors (within a day: {events}). Back up what matters "
                    "and ask for help.",
                ),
                Words(
                    "Сбой оборудования",
                    "Компонент компьютера ({name}) сообщает об ошибках, за сутки: {events}. Сохраните важные данные "
                    "и обратитесь за помощью.",
                ),
            ),
            visible_after_s=0,
            evaluations=1,
            why=_AT_ONCE,
        ),
    },
    interval_s=300,
    interval_on_macos_s=3600,
    interval_on_windows_s=3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
