"""``stop-restart-loop`` (risk 2, reversible): a service that dies and is started again and again is stopped.

It costs the machine more than it gives; a person should look into why. The way back starts it. It starts again with
the computer, too: nothing is disabled.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "stop-restart-loop",
    Act(
        do="service-stop",
        undo="service-start",
        read="service-state",
        subject="service",
        # Between two looks it has died and been started again: that is the illness, not a change of it.
        counts_as=lambda state: "running on and off" if state in ("active", "activating", "deactivating") else state,
        ill=lambda state: state == "running on and off",
        well=lambda state: state in ("inactive", "failed"),
        nothing="this service does not run",
    ),
    Risk.ASKS,
    Words(
        "Stop a service that keeps failing",
        "A service dies and is started again and again. It is stopped until the next start of the computer.",
    ),
    Words(
        "Остановить сбойную службу",
        "Служба снова и снова падает и запускается. Она останавливается до следующего включения компьютера.",
    ),
    cures=("service-restart-loop",),
    rests_s=3600,
    runs_a_day=3,
    needs=("administrator",),
)
