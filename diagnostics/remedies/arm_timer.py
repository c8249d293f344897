"""``arm-timer`` (risk 2, reversible): a timer that is enabled and does not wait for its time is started.

Starting a timer does not start its job, unless the job is overdue and the timer makes up for it (`Persistent=`); the
dry run shows the timer's name.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "arm-timer",
    Act(
        do="timer-start",
        undo="timer-stop",
        read="timer-state",
        subject="timer",
        ill=lambda state: state in ("inactive", "failed"),
        well=lambda state: state == "active",
        nothing="this timer waits for its time already",
    ),
    Risk.ASKS,
    Words(
        "Set a timer going", "A planned job of this computer does not wait for its time any more. Its timer is started."
    ),
    Words("Запустить таймер", "Плановое задание больше не ждёт своего времени. Его таймер запускается."),
    cures=("timer-not-armed",),
    rests_s=3600,
    runs_a_day=4,
    needs=("administrator",),
)
