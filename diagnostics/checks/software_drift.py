"""Check 33: is installed software in order: nothing half installed, nothing gone back to an older version?

Updates are no finding; they are kept as changes, and stand at what broke after them. A known-bad version is a known
issue with a `package` condition, not a check of its own.
"""

from __future__ import annotations

from diagnostics.changes.compare import Subject, name_of, subject_of
from diagnostics.changes.drift import DRIFT_S
from diagnostics.checks.contract import CheckSpec, CodeRule, Context, Metric, Outcome, Seen, both, evidence, raised
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.system import PACKAGES
from diagnostics.findings import Change, Finding, Severity
from diagnostics.knowledge.versions import compare_versions
from diagnostics.observations import Packages
from diagnostics.wording import Words

HALF_INSTALLED = "packages-half-installed"
OLDER = "packages-older-than-before"
# dpkg(1), package states: the work on these was cut off; apt refuses everything until it is finished.
BROKEN_STATES = frozenset({"half-installed", "half-configured", "unpacked", "triggers-awaited"})
_NAMES_MAX = 5


def _names(names: list[str]) -> str:
    return ", ".join(names[:_NAMES_MAX]) + (", …" if len(names) > _NAMES_MAX else "")


def _versions(change: Change) -> tuple[str, str] | None:
    """(before, after) of `package:cups 2.4.2-3 → 2.4.2-4`."""
    before, arrow, after = change.what.partition(" ")[2].partition(" → ")
    return (before, after) if arrow else None


def check_software_drift(packages: Packages, context: Context) -> Outcome:
    findings: list[Finding] = []
    broken = [item for item in packages.packages if item.status in BROKEN_STATES]
    if broken:
        findings.append(
            raised(
                HALF_INSTALLED,
                "packages:all",
                Severity.ERROR,
                rule=SPEC.rule,
                now=context.now,
                facts={"packages": len(broken), "names": _names([item.name for item in broken])},
                proof=tuple(
                    evidence(packages.manager, item.name, f"{item.name} {item.version} is {item.status}")
                    for item in broken[:_NAMES_MAX]
                ),
            )
        )
    older = []
    for change in context.changes:
        if subject_of(change) is Subject.PACKAGE and change.at_unix_s > context.now - DRIFT_S:
            versions = _versions(change)
            if versions is not None and compare_versions(versions[1], versions[0]) < 0:
                older.append(change)
    if older:
        findings.append(
            raised(
                OLDER,
                "packages:all",
                Severity.INFO,
                rule=SPEC.rule,
                now=context.now,
                facts={"packages": len(older), "names": _names([name_of(change) for change in older])},
                proof=tuple(evidence("packages", str(item.at_unix_s), item.what) for item in older[-_NAMES_MAX:]),
            )
        )
    return Outcome(tuple(findings), (Metric("packages.installed", len(packages.packages)),))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_software_drift(seen.of(PACKAGES), context)


SPEC = CheckSpec(
    id="software-drift",
    number=33,
    version=1,
    title="Installed software",
    needs=(PACKAGES,),
    judge=_judge,
    codes={
        HALF_INSTALLED: CodeRule(
            words=both(
                Words(
                    "Software is only half installed",
                    "Installing was cut off for {packages}: {names}. Until it is finished, no other update can be "
                    "installed.",
                ),
                Words(
                    "Программы установлены не до конца",
                    "Установка прервана (пакетов: {packages}): {names}. Пока её не завершить, другие обновления не "
                    "установятся.",
                ),
            ),
            visible_after_s=30 * 60,
            evaluations=2,
            why="30 min: the longest update that is still running",
        ),
        OLDER: CodeRule(
            words=both(
                Words(
                    "Software went back to an older version",
                    "Within a day {packages} went back to an older version: {names}. If nobody did this on purpose, "
                    "security fixes may be missing.",
                ),
                Words(
                    "Версия программ понижена",
                    "За сутки версия стала старше у пакетов ({packages}): {names}. Если это сделано не нарочно, "
                    "могут пропасть исправления безопасности.",
                ),
            ),
            visible_after_s=0,
            evaluations=1,
            why="it happened: there is nothing to wait for",
            expires_after_s=DRIFT_S,
        ),
    },
    interval_s=3600,
    interval_on_windows_s=6 * 3600,
    cost=Cost.MODERATE,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
