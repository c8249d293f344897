"""``reconnect-interface`` (risk 2, reversible): a connection that is down is brought up by NetworkManager.

Only one that NetworkManager reports as disconnected (`30 (disconnected)`); one that works is never cut.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "reconnect-interface",
    Act(
        do="interface-connect",
        undo="interface-disconnect",
        read="interface-state",
        subject="interface",
        ill=lambda state: state.startswith("30"),
        well=lambda state: state.startswith("100"),
        nothing="this connection is not down",
    ),
    Risk.ASKS,
    Words("Bring a connection up", "A network connection that is down is switched on again."),
    Words("Включить подключение", "Отключённое сетевое подключение включается снова."),
    cures=("link-without-address",),
    rests_s=600,
    runs_a_day=6,
    estimated_s=30,
)
