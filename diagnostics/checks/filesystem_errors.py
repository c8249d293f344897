"""Check 7: did a filesystem stop taking writes, or report that it is damaged?

Mounted read-only while /etc/fstab wants it writable: the kernel gave up on it (`errors=remount-ro`), or somebody did it
by hand. What the kernel's log says of the last day names the device.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Outcome, Seen, evidence, raised, rule
from diagnostics.checks.kernel_events import RECENT_S
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.filesystems import FILESYSTEMS
from diagnostics.collectors.fstab import FSTAB
from diagnostics.collectors.kernel_log import KERNEL_LOG
from diagnostics.findings import Finding, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Filesystem, KernelEvent, KernelEventKind
from diagnostics.wording import Words

READ_ONLY, DAMAGED, DISK_ERRORS = "filesystem-read-only", "filesystem-damaged", "disk-errors"
_KINDS = {KernelEventKind.FILESYSTEM_ERROR: DAMAGED, KernelEventKind.DISK_ERROR: DISK_ERRORS}
_EXCERPTS_MAX = 3


def check_filesystem_errors(
    filesystems: tuple[Filesystem, ...],
    wanted: dict[str, tuple[str, ...]],
    events: tuple[KernelEvent, ...],
    context: Context,
) -> Outcome:
    findings: list[Finding] = []
    for filesystem in filesystems:
        options = wanted.get(filesystem.mount)
        if filesystem.read_only and options is not None and "ro" not in options:
            shown = (
                f"{filesystem.mount} ({filesystem.kind}, {filesystem.device}) is mounted ro; fstab says {options[0]}"
            )
            findings.append(
                raised(
                    READ_ONLY,
                    f"disk:{filesystem.mount}",
                    Severity.CRITICAL if filesystem.mount == "/" else Severity.ERROR,
                    rule=SPEC.rule,
                    now=context.now,
                    facts={"mount": filesystem.mount, "device": filesystem.device, "kind": filesystem.kind},
                    proof=(evidence("mountinfo", filesystem.mount, shown),),
                )
            )
    grouped: dict[tuple[str, str], list[KernelEvent]] = {}
    for event in events:
        recent = event.at_unix_s is None or event.at_unix_s > context.now - RECENT_S
        if recent and event.kind in _KINDS:
            grouped.setdefault((_KINDS[event.kind], event.subject), []).append(event)
    for (code, device), found in grouped.items():
        findings.append(
            raised(
                code,
                f"device:{device}",
                Severity.ERROR,
                rule=SPEC.rule,
                now=context.now,
                facts={"device": device, "events": len(found)},
                proof=tuple(
                    evidence("kernel-log", str(item.at_unix_s or "time unknown"), item.line)
                    for item in found[-_EXCERPTS_MAX:]
                ),
            )
        )
    return Outcome(tuple(findings))


def _judge(seen: Seen, context: Context) -> Outcome:
    filesystems = seen.of(FILESYSTEMS).filesystems
    wanted: dict[str, tuple[str, ...]] = {}
    events: tuple[KernelEvent, ...] = ()
    unread = []
    try:
        wanted = seen.of(FSTAB).options
    except Unreadable as unreadable:
        unread.append(unreadable.reason)
    try:
        events = seen.of(KERNEL_LOG).events
    except Unreadable as unreadable:
        unread.append(unreadable.reason)
    if len(unread) == 2:
        raise Unreadable("; ".join(unread))
    return check_filesystem_errors(filesystems, wanted, events, context)


_AT_ONCE = "it happened: there is nothing to wait for"

SPEC = CheckSpec(
    id="filesystem-errors",
    number=7,
    version=1,
    title="Filesystems that take writes and are whole",
    needs=(FILESYSTEMS,),
    wishes=(FSTAB, KERNEL_LOG),
    judge=_judge,
    codes={
        READ_ONLY: rule(
            Words(
                "A disk takes no changes any more",
                "The system stopped writing to the disk at {mount}, mostly to save it after an error. What you save "
                "there now is lost. Back up what matters and ask for help.",
            ),
            Words(
                "Диск больше не принимает изменения",
                "Система перестала писать на диск {mount} — обычно так она спасает его после ошибки. Новое там не "
                "сохранится. Скопируйте важное в другое место и обратитесь за помощью.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
        DAMAGED: rule(
            Words(
                "The filing of a disk is damaged",
                "The system found damage in how files are filed on {device} (within a day: {events}). Back up what "
                "matters now; the disk must be checked while nobody uses it.",
            ),
            Words(
                "Повреждена файловая система",
                "Система нашла повреждения на диске {device} (за сутки: {events}). Сразу скопируйте важное: диск нужно "
                "проверить, пока им никто не пользуется.",
            ),
            after_s=0,
            looks=1,
            why=_AT_ONCE,
        ),
        DISK_ERRORS: rule(
            Words(
                "A disk cannot be read or written in places",
                "The disk {device} failed to read or write (within a day: {events}). It or its cable is failing: back "
                "up what matters now.",
            ),
            Words(
                "Диск читается или пишется с ошибками",
                "Диск {device} не смог прочитать или записать данные (за сутки: {events}). Отказывает он сам или его "
                "кабель: сразу скопируйте важное.",
            ),
            after_s=0,
            looks=1,
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
