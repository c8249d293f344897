"""``flush-dns-cache`` (risk 1): answers of name servers that are remembered, right or wrong, are asked anew.

Nothing is lost by it but some milliseconds at the next question. Windows: ipconfig /flushdns; macOS: dscacheutil.
"""

from __future__ import annotations

from diagnostics.remedies.profile import Risk
from diagnostics.remedies.run_program import Act, by_program
from diagnostics.wording import Words

REMEDY = by_program(
    "flush-dns-cache",
    Act(do="flush-dns"),
    Risk.ALONE,
    Words(
        "Ask name servers anew",
        "The remembered answers of name servers are thrown away; they are asked again when needed.",
    ),
    Words("Очистить кэш DNS", "Запомненные ответы серверов имён удаляются; при надобности они запрашиваются снова."),
    cures=("dns-slow", "dns-not-answering"),
    rests_s=900,
    runs_a_day=6,
)
