"""Which sources can be read on this machine, which cannot and why, and what would make them readable.

    SourceState(id="wireless", can_be_read=False, reason="…", advice="…", checks=("wifi",))

Every collector is asked once, as the checks ask it; nothing is changed, nothing is judged.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.collectors.contract import Collector, Privilege
from diagnostics.machine.interface import Machine, Platform, Unreadable, UnreadableKind
from diagnostics.plain_text import printable


@dataclass(frozen=True, slots=True)
class SourceState:
    """`checks`: those that do nothing without it. `advice` is empty where it can be read. `mendable`: a person could
    make it readable; what is not on this machine at all nobody needs to mend."""

    id: str
    can_be_read: bool
    ms: int
    kind: str = ""
    reason: str = ""
    advice: str = ""
    mendable: bool = False
    checks: tuple[str, ...] = ()


def look_for_sources(machine: Machine, collectors: Sequence[Collector[object]] = COLLECTORS) -> tuple[SourceState, ...]:
    """In the order of the catalogue. A collector that raises is a source with a defect; the rest are still asked."""
    return tuple(_ask(machine, collector) for collector in collectors)


def _ask(machine: Machine, collector: Collector[object]) -> SourceState:
    started_s = time.monotonic()
    checks = tuple(check.id for check in CATALOGUE if any(need.id == collector.id for need in check.needs))

    def missing(kind: str, reason: str, advice: str, *, mendable: bool) -> SourceState:
        ms = round((time.monotonic() - started_s) * 1000)
        return SourceState(collector.id, False, ms, kind, printable(reason, 400), advice, mendable, checks)

    if machine.platform not in collector.platforms:
        return missing("unsupported", f"there is nothing like it on {machine.platform}", "nothing", mendable=False)
    try:
        collector.collect(machine)
    except Unreadable as unreadable:
        advice = advice_for(unreadable, collector.privilege, machine.platform)
        mendable = unreadable.kind in (UnreadableKind.DENIED, UnreadableKind.TIMEOUT)
        return missing(unreadable.kind, unreadable.reason, advice, mendable=mendable)
    except Exception as error:  # noqa: BLE001 — one broken collector must not hide what the others can read
        return missing("failed", f"{type(error).__name__}: {error}", "a defect of Bellpull: report it", mendable=True)
    return SourceState(collector.id, True, round((time.monotonic() - started_s) * 1000), checks=checks)


def advice_for(unreadable: Unreadable, privilege: Privilege, platform: Platform) -> str:
    """What would make it readable, in words for the person at the machine."""
    match unreadable.kind:
        case UnreadableKind.DENIED:
            return _more_rights(unreadable.reason, privilege, platform)
        case UnreadableKind.ABSENT:
            if "is not installed here" in unreadable.reason:
                return "install that program, if this is to be checked"
            return "nothing, if the machine has no such thing; else it tells after it was set up"
        case UnreadableKind.TIMEOUT:
            return "try again while the machine is less busy; a disk or service that hangs looks the same"
        case UnreadableKind.REFUSED:
            return "nothing: Bellpull does not read this, on purpose"
        case UnreadableKind.UNSUPPORTED:
            return "nothing: this version does not read it on this system"
        case _:
            assert_never(unreadable.kind)


def _more_rights(reason: str, privilege: Privilege, platform: Platform) -> str:
    if "Full Disk Access" in reason:
        return (
            "allow it: System Settings, Privacy & Security, Full Disk Access, then add Bellpull (or the terminal that "
            "this runs in) and start it again"
        )
    match platform:
        case Platform.LINUX if privilege is Privilege.LOG_READER:
            return "let this user join the group adm or systemd-journal, or run the service as root (machine mode)"
        case Platform.LINUX | Platform.MACOS:
            return "run it as an administrator (sudo), or install the service for the machine: bellpull-agent service"
        case Platform.WINDOWS:
            return "run it in a terminal that was started as administrator, or install the service for the machine"
        case _:
            assert_never(platform)
