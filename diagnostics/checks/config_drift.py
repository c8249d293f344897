"""Check 32: was a watched configuration file changed?

Files are known by their sums; what is in them is never kept. Told for a day after it was noticed.
"""

from __future__ import annotations

from diagnostics.changes.compare import Subject
from diagnostics.changes.drift import DRIFT_S, drift, first_look
from diagnostics.checks.contract import CheckSpec, CodeRule, Context, Outcome, Seen, both
from diagnostics.collectors.config_files import CONFIG_FILES
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.findings import Severity
from diagnostics.wording import Words

CODE = "config-files-changed"


def check_config_drift(context: Context) -> Outcome:
    first_look(Subject.CONFIG, context)
    finding = drift(CODE, Subject.CONFIG, Severity.INFO, context, rule=SPEC.rule, source="sha256")
    return Outcome((finding,) if finding else ())


def _judge(seen: Seen, context: Context) -> Outcome:
    seen.of(CONFIG_FILES)  # compared before the checks ran; unreadable here means skipped
    return check_config_drift(context)


SPEC = CheckSpec(
    id="config-drift",
    number=32,
    version=1,
    title="Changed settings files",
    needs=(CONFIG_FILES,),
    judge=_judge,
    codes={
        CODE: CodeRule(
            words=both(
                Words(
                    "Settings of the system were changed",
                    "Settings files changed within a day ({changes}×): {names}. If something stopped working since, "
                    "this is the first place to look.",
                ),
                Words(
                    "Изменены настройки системы",
                    "За сутки изменились файлы настроек (изменений: {changes}): {names}. Если с тех пор что-то "
                    "перестало работать, начинайте поиск с них.",
                ),
            ),
            visible_after_s=0,
            evaluations=1,
            why="it changed: there is nothing to wait for",
            expires_after_s=DRIFT_S,
        )
    },
    interval_s=900,
    interval_on_windows_s=3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
