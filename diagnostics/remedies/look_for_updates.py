"""``look-for-updates`` (risk 1, changes no program): the lists of available updates are fetched again (apt-get update).

apt replaces each list only when it has the whole of it and its signature holds.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "look-for-updates",
    Act(do="update-lists", finishes=True),
    Risk.ALONE,
    Words("Look for updates", "The list of available updates is fetched. Nothing is installed."),
    Words("Проверить обновления", "Загружается список доступных обновлений. Ничего не устанавливается."),
    cures=("updates-not-looked-for",),
    rests_s=21600,
    runs_a_day=2,
    estimated_s=60,
    needs=("administrator",),
)
