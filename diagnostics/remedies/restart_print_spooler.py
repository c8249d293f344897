"""``restart-print-spooler`` (risk 2, not reversible): what hands jobs to printers is started again.

    Linux   systemctl restart cups      Windows   Restart-Service Spooler      macOS   launchctl kickstart -k …cupsd

Waiting jobs stay in the queue on all three; the one that is being printed begins anew.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "restart-print-spooler",
    Act(do="spooler-restart"),
    Risk.ASKS,
    Words(
        "Start printing anew",
        "The service that hands jobs to printers is started again. Waiting jobs stay; a half printed one begins anew.",
    ),
    Words(
        "Перезапустить печать",
        "Служба, передающая задания принтерам, запускается снова. Ждущие задания остаются; напечатанное наполовину "
        "печатается с начала.",
    ),
    cures=("print-jobs-stuck",),
    rests_s=1800,
    runs_a_day=4,
    needs=("administrator",),
)
