"""``plan-restart`` (risk 3, reversible until then): the computer restarts at 03:30.

The plan is systemd's own (`shutdown -r`), shown to everybody who is signed in and cancelled by `shutdown -c`. State:
what logind says of `ScheduledShutdown`, as systemd 252 told it:

    (st) "" 18446744073709551615                  nothing is planned
    (st) "reboot" 1795055400000000                microseconds; also "poweroff", "halt", "dry-reboot" …

Another's plan to switch the computer off is left alone: `shutdown` knows one plan, and `-c` would cancel theirs.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

_NOTHING = "no restart is planned"
_PLANNED = "reboot is planned"


def plan_of(state: str) -> str:
    """What is planned, without its time: that one is in the words of the remedy."""
    kind = state.removeprefix("(st) ").partition(" ")[0].strip('"')
    return f"{kind} is planned" if kind else _NOTHING


REMEDY = by_program(
    "plan-restart",
    Act(
        do="restart-at-night",
        undo="restart-not",
        read="shutdown-planned",
        counts_as=plan_of,
        ill=lambda state: state == _NOTHING,
        well=lambda state: state == _PLANNED,
        nothing="a restart or a shutdown is planned already",
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
