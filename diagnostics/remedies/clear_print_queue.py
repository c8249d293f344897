"""``clear-print-queue`` (risk 2, not reversible): the jobs that wait at one printer are cancelled, by their numbers.

    Office-41  anna  10240  Mon 02 Nov 2026 …               lpstat -o Office

Exactly those of the dry run: what is printed meanwhile or comes later is not among them, and a queue that changed is
shown anew. They must be printed again by who sent them.
"""

from __future__ import annotations

import re

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

_ROW = re.compile(r"^(\S+-\d+)\s")


def jobs(state: str) -> tuple[str, ...]:
    return tuple(found[1] for line in state.splitlines() if (found := _ROW.match(line)))[:100]


REMEDY = by_program(
    "clear-print-queue",
    Act(
        do="cancel-jobs",
        read="print-jobs",
        subject="printer",
        ill=lambda state: bool(jobs(state)),
        well=lambda state: not jobs(state),
        argument=lambda printer, state: " ".join(jobs(state)),
        nothing="nothing waits at this printer",
    ),
    Risk.ASKS,
    Words("Clear a stuck print queue", "The jobs that wait at the printer are cancelled. They must be printed again."),
    Words("Очистить очередь печати", "Задания, ждущие печати, отменяются. Их придётся напечатать заново."),
    cures=("print-jobs-stuck",),
    rests_s=600,
    runs_a_day=6,
)
