"""Check 11: is memory on disk nearly used up, or fetched back all the time?

A full swap with memory to spare is old memory that nobody needs: no fault. Fetching back many megabytes a second is
what people feel as a frozen machine.
"""

from __future__ import annotations

from diagnostics.checks.contract import Cause, CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.memory import MEMORY
from diagnostics.collectors.work_counters import SWAPPING
from diagnostics.findings import Finding, Severity
from diagnostics.hardware_observations import Swapping
from diagnostics.observations import Memory
from diagnostics.rates import risen
from diagnostics.wording import Language, Words, show_bytes

FULL, BUSY = "swap-full", "swap-busy"
FREE_FRACTION = 0.10
AVAILABLE_FRACTION = 0.20
# Twenty thousand pages in five minutes are nothing; this is a tenth of a slow disk, all the time.
BUSY_BYTES_PER_S = 5_000_000


def check_swap(memory: Memory, swapping: Swapping, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics = [Metric("swap.in-bytes", swapping.in_bytes), Metric("swap.out-bytes", swapping.out_bytes)]
    if memory.swap_total_bytes > 0:
        free = memory.swap_free_bytes / memory.swap_total_bytes
        metrics.append(Metric("swap.used-fraction", round(1 - free, 4)))
        if not swapping.grows and free < FREE_FRACTION and memory.available_fraction < AVAILABLE_FRACTION:
            shown = show_bytes(memory.swap_free_bytes, Language.ENGLISH)
            findings.append(
                raised(
                    FULL,
                    "swap",
                    Severity.WARNING,
                    rule=SPEC.rule,
                    now=context.now,
                    facts={"free_bytes": memory.swap_free_bytes, "total_bytes": memory.swap_total_bytes},
                    proof=(evidence("meminfo", "SwapFree", f"{shown} of swap free"),),
                )
            )
    rise = risen(context.history, "swap.in-bytes", "", swapping.in_bytes, now=context.now)
    if rise is not None and rise.per_s >= BUSY_BYTES_PER_S:
        shown = f"{show_bytes(rise.per_s, Language.ENGLISH)} a second fetched back over {rise.over_s} s"
        findings.append(
            raised(
                BUSY,
                "swap",
                Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"in_bytes_per_s": round(rise.per_s)},
                proof=(evidence("vmstat", "pswpin", shown),),
            )
        )
    return Outcome(tuple(findings), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_swap(seen.of(MEMORY), seen.of(SWAPPING), context)


SPEC = CheckSpec(
    id="swap",
    number=11,
    version=1,
    title="Memory moved to disk",
    needs=(MEMORY, SWAPPING),
    judge=_judge,
    codes={
        FULL: rule(
            Words(
                "Memory and its reserve on disk are nearly used up",
                "Of {total_bytes:bytes} of reserve memory on disk {free_bytes:bytes} are left, and memory itself is "
                "short. Close programs you do not need, or they will be ended.",
            ),
            Words(
                "Память и её запас на диске почти исчерпаны",
                "Из {total_bytes:bytes} запасной памяти на диске осталось {free_bytes:bytes}, и обычной памяти тоже "
                "мало. Закройте ненужные программы, иначе система закроет их сама.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: a large file being opened comes and goes",
            hidden_under=(Cause("memory-pressure", same_instance=False),),
        ),
        BUSY: rule(
            Words(
                "The computer is slow because memory is on disk",
                "Memory is too small for what is open: {in_bytes_per_s:bytes} a second are fetched back from disk. "
                "Close programs you do not need.",
            ),
            Words(
                "Компьютер тормозит: память вытеснена на диск",
                "Памяти не хватает для открытых программ: каждую секунду с диска возвращается {in_bytes_per_s:bytes}. "
                "Закройте ненужные программы.",
            ),
            after_s=10 * 60,
            looks=2,
            why="10 min: waking from a long sleep fetches everything back once",
            hidden_under=(Cause("memory-pressure", same_instance=False),),
        ),
    },
    interval_s=300,
    interval_on_windows_s=3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
