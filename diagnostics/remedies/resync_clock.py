"""``resync-clock`` (risk 1): chrony sets the clock right at once instead of slowly. Windows: w32tm; macOS: sntp.

chronyd answers only its own administrator; others are told so. How far the clock was off is the finding's part: the
check reads it again afterwards.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "resync-clock",
    Act(do="clock-step"),
    Risk.ALONE,
    Words("Set the clock right", "The clock is compared with the time servers and set right at once."),
    Words("Установить точное время", "Часы сверяются с серверами времени и сразу подводятся."),
    cures=("clock-wrong",),
    rests_s=3600,
    runs_a_day=4,
    needs=("administrator",),
)
