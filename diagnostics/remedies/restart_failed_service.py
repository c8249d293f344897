"""``restart-failed-service`` (risk 2, not reversible): one service that failed is started again.

Only while systemd says that it failed. What the agent itself runs in is never touched. When it fails again at once the
remedy says so and leaves it as it was found: failed.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "restart-failed-service",
    Act(
        do="service-restart",
        read="service-state",
        subject="service",
        ill=lambda state: state == "failed",
        well=lambda state: state in ("active", "activating", "reloading"),
        nothing="this service does not stand as failed",
    ),
    Risk.ASKS,
    Words("Start a failed service again", "A service of this computer has failed. It is started again."),
    Words("Запустить службу снова", "Служба компьютера завершилась с ошибкой. Она запускается снова."),
    cures=("service-failed",),
    rests_s=1800,
    runs_a_day=4,
    needs=("administrator",),
)
