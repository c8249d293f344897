"""``keep-clock-right`` (risk 2, reversible): the time service is switched on (`timedatectl set-ntp true`)."""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "keep-clock-right",
    Act(
        do="keep-time",
        undo="leave-time",
        read="time-kept",
        ill=lambda state: state == "no",
        well=lambda state: state == "yes",
        nothing="the clock is kept right already",
    ),
    Risk.ASKS,
    Words("Keep the clock right", "Automatic time is switched on."),
    Words("Включить автоматическое время", "Включается автоматическая установка времени."),
    cures=("clock-not-kept",),
    rests_s=3600,
    runs_a_day=3,
    needs=("administrator",),
)
