"""``resume-printer`` (risk 2, reversible): a printer that CUPS has switched off after an error prints again.

printer Office disabled since Mon 02 Nov 2026 …        ─► cupsenable Office
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "resume-printer",
    Act(
        do="printer-on",
        undo="printer-off",
        read="printer-state",
        subject="printer",
        ill=lambda state: " disabled since " in state,
        well=lambda state: " disabled since " not in state,
        nothing="this printer is not switched off",
    ),
    Risk.ASKS,
    Words(
        "Let a printer go on",
        "The printer was switched off after an error. It is switched on again and prints what waits.",
    ),
    Words("Продолжить печать", "Принтер был отключён после ошибки. Он включается и печатает то, что ждёт в очереди."),
    cures=("print-jobs-stuck",),
    rests_s=600,
    runs_a_day=6,
)
