"""Check 20: does an update wait for a restart?

Told after a day: people restart in the evening. After two weeks the machine runs with holes that are known and closed
on disk, and it is a warning.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.restart_needed import RESTART_NEEDED
from diagnostics.findings import Fact, Finding, Severity
from diagnostics.system_observations import RestartNeeded
from diagnostics.wording import Words

CODE, WAITING = "restart-pending", "update-waits-for-restart"
LONG_S = 14 * 86_400
_NAMES_MAX = 5


def check_restart_pending(needed: RestartNeeded, context: Context) -> Outcome:
    metrics: tuple[Metric, ...] = ()
    uptime_s = 0
    if context.boot_unix_s is not None:
        uptime_s = max(0, context.now - context.boot_unix_s)
        metrics = (Metric("system.uptime-s", uptime_s),)
    if needed.waiting:
        return Outcome((_waiting(needed.waiting, uptime_s, context),), metrics)
    if not needed.required and needed.newer_kernel is None:
        return Outcome((), metrics)
    names = list(needed.packages[:_NAMES_MAX])
    if needed.newer_kernel is not None and not names:
        names = [f"linux {needed.newer_kernel}"]
    facts: dict[str, Fact] = {
        "names": ", ".join(names) or "system",
        "packages": len(needed.packages),
        "running_kernel": needed.running_kernel,
        "uptime_s": uptime_s,
    }
    if needed.newer_kernel is not None:
        facts["newer_kernel"] = needed.newer_kernel
    shown = f"restart required: {facts['names']}; running {needed.running_kernel}"
    return Outcome(
        (
            raised(
                CODE,
                "system",
                Severity.WARNING if uptime_s >= LONG_S else Severity.INFO,
                rule=SPEC.rule,
                now=context.now,
                facts=facts,
                proof=(evidence("reboot-required", "/run/reboot-required" if needed.required else "/boot", shown),),
            ),
        ),
        metrics,
    )


def _waiting(updates: tuple[str, ...], uptime_s: int, context: Context) -> Finding:
    """macOS installs while it restarts: until then the update is found, and nothing of it runs."""
    names = ", ".join(updates[:_NAMES_MAX])
    return raised(
        WAITING,
        "system",
        Severity.WARNING if uptime_s >= LONG_S else Severity.INFO,
        rule=SPEC.rule,
        now=context.now,
        facts={"names": names, "updates": len(updates), "uptime_s": uptime_s},
        proof=(evidence("softwareupdate", "--list", f"waits for a restart: {names}"),),
    )


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_restart_pending(seen.of(RESTART_NEEDED), context)


SPEC = CheckSpec(
    id="restart-pending",
    number=20,
    version=1,
    title="Updates that wait for a restart",
    needs=(RESTART_NEEDED,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The computer needs a restart",
                "Updates are installed and wait for a restart ({names}). The computer has been on for "
                "{uptime_s:duration}. Until then the old versions run.",
            ),
            Words(
                "Нужна перезагрузка",
                "Обновления установлены и ждут перезагрузки ({names}). Компьютер работает без перезагрузки "
                "{uptime_s:duration}. До неё действуют старые версии.",
            ),
            after_s=86_400,
            looks=3,
            why="a day: most people switch their computer off in the evening",
        ),
        WAITING: rule(
            Words(
                "An update waits for a restart",
                "{names} will be installed when the computer restarts; it has been on for {uptime_s:duration}. Until "
                "then the holes it closes stay open. Save your work, and plan half an hour.",
            ),
            Words(
                "Обновление ждёт перезагрузки",
                "{names}: установится при перезагрузке, а компьютер работает без неё {uptime_s:duration}. До тех пор "
                "уязвимости остаются открытыми. Сохраните работу и выделите полчаса.",
            ),
            after_s=86_400,
            looks=3,
            why="a day: most people restart in the evening, and macOS offers to do it at night",
        ),
    },
    interval_s=3600,
    interval_on_windows_s=6 * 3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
