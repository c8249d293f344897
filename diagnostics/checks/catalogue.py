"""Every check there is. Adding one: its file, its test, its line here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from diagnostics.checks import (
    agent_self,
    antivirus,
    backup_age,
    battery,
    certificates,
    clock,
    config_drift,
    cpu_busy,
    crash_loop,
    disk_busy,
    disk_fill,
    disk_space,
    dns,
    driver_errors,
    end_of_life,
    failed_services,
    filesystem_errors,
    gateway_latency,
    growing_folders,
    inodes,
    internet,
    kernel_events,
    link,
    log_burst,
    log_templates,
    memory_leak,
    memory_pressure,
    network_errors,
    open_files,
    ports,
    print_queue,
    process_cpu,
    protection,
    proxy,
    restart_loop,
    restart_pending,
    slow_boot,
    smart_ata,
    smart_nvme,
    software_drift,
    startup_drift,
    swap,
    temperature,
    throttling,
    timers,
    unexpected_shutdown,
    updates,
    wifi,
)
from diagnostics.checks.contract import CheckSpec, CodeRule, both
from diagnostics.findings import Finding
from diagnostics.wording import Language, Words, fill

CATALOGUE: tuple[CheckSpec, ...] = (
    disk_space.SPEC,
    disk_fill.SPEC,
    inodes.SPEC,
    smart_ata.SPEC,
    smart_nvme.SPEC,
    disk_busy.SPEC,
    filesystem_errors.SPEC,
    growing_folders.SPEC,
    backup_age.SPEC,
    memory_pressure.SPEC,
    swap.SPEC,
    cpu_busy.SPEC,
    process_cpu.SPEC,
    memory_leak.SPEC,
    open_files.SPEC,
    temperature.SPEC,
    throttling.SPEC,
    battery.SPEC,
    slow_boot.SPEC,
    restart_pending.SPEC,
    updates.SPEC,
    end_of_life.SPEC,
    unexpected_shutdown.SPEC,
    crash_loop.SPEC,
    failed_services.SPEC,
    restart_loop.SPEC,
    kernel_events.SPEC,
    log_burst.SPEC,
    log_templates.SPEC,
    timers.SPEC,
    startup_drift.SPEC,
    config_drift.SPEC,
    software_drift.SPEC,
    driver_errors.SPEC,
    link.SPEC,
    network_errors.SPEC,
    dns.SPEC,
    internet.SPEC,
    wifi.SPEC,
    proxy.SPEC,
    certificates.SPEC,
    clock.SPEC,
    gateway_latency.SPEC,
    antivirus.SPEC,
    protection.SPEC,
    print_queue.SPEC,
    ports.SPEC,
    agent_self.SPEC,
)

CHECK_FAILED = "check-failed"
# Raised by `examine` about a check, not by a check: a program's own fault is a finding like any other.
ABOUT_CHECKS: Mapping[str, CodeRule] = {
    CHECK_FAILED: CodeRule(
        words=both(
            Words("A check did not work", "The check {check} failed: {error}. The others ran."),
            Words("Проверка не сработала", "Проверка {check} завершилась ошибкой: {error}. Остальные выполнены."),
        ),
        visible_after_s=0,
        evaluations=3,
        why="three times in a row: a process or a file may vanish while it is read",
    )
}


@cache
def code_rules() -> Mapping[str, CodeRule]:
    """Every finding code with its rule."""
    from diagnostics.suppression import STORM_CODE, STORM_RULE
    from diagnostics.vendors.check import CODES

    rules = {**ABOUT_CHECKS, STORM_CODE: STORM_RULE, **CODES}
    for check in CATALOGUE:
        rules.update(check.codes)
    return rules


def explain(finding: Finding, language: Language) -> Words:
    """The finding in plain words; its code when nobody wrote any (a newer version's finding)."""
    rule = code_rules().get(finding.code)
    if rule is None:
        return Words(finding.code, finding.instance)
    words = rule.words[language]
    return Words(fill(words.title, finding.facts, language), fill(words.text, finding.facts, language))
