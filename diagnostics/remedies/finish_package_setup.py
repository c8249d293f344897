"""``finish-package-setup`` (risk 2, not reversible): packages that were unpacked and not set up are set up.

`dpkg --configure --pending`, with each package's own settings kept as they are. It is what dpkg itself asks for after
an interruption. When the worker is killed in the middle the command is run again to its end: half set up is worse.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "finish-package-setup",
    Act(
        do="package-repair",
        read="package-trouble",
        ill=lambda state: bool(state),
        well=lambda state: not state,
        nothing="no package waits to be set up",
        finishes=True,
        any_exit=True,
    ),
    Risk.ASKS,
    Words(
        "Finish setting up packages",
        "An installation was interrupted. What was unpacked is set up; your own settings stay.",
    ),
    Words(
        "Завершить установку пакетов",
        "Установка была прервана. Распакованные программы донастраиваются; ваши настройки сохраняются.",
    ),
    cures=("packages-half-installed",),
    rests_s=3600,
    runs_a_day=3,
    estimated_s=120,
    needs=("administrator",),
)
