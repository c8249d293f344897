"""``plan-restart`` (risk 3, reversible until then): the computer restarts at 03:30.

The plan is systemd's own (`shutdown -r`), shown to everybody who is signed in and cancelled by `shutdown -c`. State:
what logind says of `ScheduledShutdown`: `(st) "" 0`, or `(st) "reboot" 1795055400000000`.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

_PLANNED = '"reboot"'

REMEDY = by_program(
    "plan-restart",
    Act(
        do="restart-at-night",
        undo="restart-not",
        read="shutdown-planned",
        ill=lambda state: _PLANNED not in state,
        well=lambda state: _PLANNED in state,
        nothing="a restart is planned already",
    ),
    Risk.ASKS_AND_RESTARTS,
    Words(
        "Restart at night",
        "Updates wait for a restart. The computer restarts at 03:30; save your work before. "
        "Until then it can be called off.",
    ),
    Words(
        "Перезагрузить ночью",
        "Обновления ждут перезагрузки. Компьютер перезагрузится в 03:30; сохраните работу. "
        "До этого это можно отменить.",
    ),
    cures=("restart-pending",),
    rests_s=3600,
    runs_a_day=2,
    needs=("administrator", "restart"),
)
