"""``update-virus-signatures`` (risk 1): ClamAV fetches what it should know (freshclam). Windows: Update-MpSignature.

freshclam replaces a database only when the new one is whole and loads.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "update-virus-signatures",
    Act(do="update-signatures", finishes=True),
    Risk.ALONE,
    Words("Update virus signatures", "The virus scanner fetches what it should know by now."),
    Words("Обновить антивирусные базы", "Антивирус загружает свежие базы."),
    cures=("antivirus-signatures-old",),
    rests_s=21600,
    runs_a_day=3,
    estimated_s=120,
    needs=("administrator",),
)
