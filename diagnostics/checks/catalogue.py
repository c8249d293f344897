"""Every check there is. Adding one: its file, its test, its line here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from diagnostics.checks import (
    agent_self,
    config_drift,
    disk_fill,
    disk_space,
    dns,
    failed_services,
    kernel_events,
    memory_pressure,
    process_cpu,
    software_drift,
    startup_drift,
)
from diagnostics.checks.contract import CheckSpec, CodeRule, both
from diagnostics.findings import Finding
from diagnostics.wording import Language, Words, fill

CATALOGUE: tuple[CheckSpec, ...] = (
    disk_space.SPEC,
    disk_fill.SPEC,
    memory_pressure.SPEC,
    process_cpu.SPEC,
    failed_services.SPEC,
    kernel_events.SPEC,
    startup_drift.SPEC,
    config_drift.SPEC,
    software_drift.SPEC,
    dns.SPEC,
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

    rules = {**ABOUT_CHECKS, STORM_CODE: STORM_RULE}
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
