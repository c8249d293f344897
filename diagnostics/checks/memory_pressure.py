"""Check 10: does work wait for memory?

Little available memory alone is no problem (caches fill it on purpose), and stalling alone may be one greedy
program in its own limit. Judged by both, where the kernel measures stalling; by the system's own word where it gives
one (macOS), and by what is available alone, with a lower line, where it says nothing.
"""

from __future__ import annotations

from diagnostics.checks.contract import (
    CheckSpec,
    CodeRule,
    Context,
    Metric,
    Outcome,
    Seen,
    both,
    evidence,
    raised,
)
from diagnostics.collectors.contract import Cost
from diagnostics.collectors.memory import MEMORY, MEMORY_PRESSURE
from diagnostics.findings import Fact, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import Memory, MemoryPressure
from diagnostics.wording import Language, Words, show_bytes

CODE = "memory-pressure"
INSTANCE = "memory"
# Share of memory that programs can still get. Cleared 50 % above.
LOW_FRACTION = 0.10
VERY_LOW_FRACTION = 0.03
CLEAR_FACTOR = 1.5
# Share of the last minute in which somebody waited for memory, and in which nobody could work.
# systemd-oomd kills at 60 % over 30 s; people notice a tenth of that.
SOME_STALL = 0.10
FULL_STALL = 0.05
FULL_STALL_SEVERE = 0.20
# macOS compresses and swaps before it warns, and ends programs when it is critical.
LEVEL_WARNING, LEVEL_CRITICAL = 2, 4
_BY_LEVEL = {LEVEL_WARNING: Severity.WARNING, LEVEL_CRITICAL: Severity.ERROR}


def severity_of(memory: Memory, pressure: MemoryPressure | None, *, already_raised: bool) -> Severity | None:
    factor = CLEAR_FACTOR if already_raised else 1.0
    fraction = memory.available_fraction
    if pressure is None:
        # Without stalls to look at only an empty tank counts.
        return Severity.WARNING if fraction < VERY_LOW_FRACTION * factor else None
    if pressure.level is not None:
        return _BY_LEVEL.get(pressure.level)
    if pressure.full.avg60 >= FULL_STALL_SEVERE:
        return Severity.CRITICAL if fraction < VERY_LOW_FRACTION else Severity.ERROR
    if pressure.full.avg60 >= FULL_STALL / factor:
        return Severity.ERROR if fraction < LOW_FRACTION else Severity.WARNING
    if pressure.some.avg60 >= SOME_STALL / factor and fraction < LOW_FRACTION * factor:
        return Severity.WARNING
    return None


def check_memory_pressure(memory: Memory, pressure: MemoryPressure | None, context: Context) -> Outcome:
    metrics = [
        Metric("memory.available-bytes", memory.available_bytes),
        Metric("memory.available-fraction", memory.available_fraction),
        Metric("memory.swap-used-bytes", memory.swap_total_bytes - memory.swap_free_bytes),
    ]
    facts: dict[str, Fact] = {
        "available_bytes": memory.available_bytes,
        "total_bytes": memory.total_bytes,
        "available_fraction": round(memory.available_fraction, 4),
        "swap_used_bytes": memory.swap_total_bytes - memory.swap_free_bytes,
    }
    proof = [
        evidence(
            "memory",
            "/proc/meminfo",
            f"{show_bytes(memory.available_bytes, Language.ENGLISH)} of "
            f"{show_bytes(memory.total_bytes, Language.ENGLISH)} available",
        )
    ]
    if pressure is not None and pressure.level is not None:
        metrics.append(Metric("memory.pressure-level", pressure.level))
        facts["pressure_level"] = pressure.level
        shown = f"the system calls the pressure on memory {pressure.level} (1 normal, 2 warning, 4 critical)"
        proof.append(evidence("memory-pressure", "kern.memorystatus_vm_pressure_level", shown))
    elif pressure is not None:
        metrics.append(Metric("memory.some-stall-fraction", pressure.some.avg60))
        metrics.append(Metric("memory.full-stall-fraction", pressure.full.avg60))
        facts["some_stall_fraction"] = pressure.some.avg60
        facts["full_stall_fraction"] = pressure.full.avg60
        proof.append(
            evidence(
                "memory-pressure",
                "/proc/pressure/memory",
                f"over the last minute: something waited {pressure.some.avg60 * 100:.1f} % of the time, "
                f"everything waited {pressure.full.avg60 * 100:.1f} %",
            )
        )
    severity = severity_of(memory, pressure, already_raised=context.is_raised(CODE, INSTANCE))
    if severity is None:
        return Outcome(metrics=tuple(metrics))
    finding = raised(CODE, INSTANCE, severity, rule=SPEC.rule, now=context.now, facts=facts, proof=tuple(proof))
    return Outcome((finding,), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    memory = seen.of(MEMORY)
    try:
        pressure: MemoryPressure | None = seen.of(MEMORY_PRESSURE)
    except Unreadable:
        pressure = None  # old kernels and other platforms do not measure it; the check goes by the other line
    return check_memory_pressure(memory, pressure, context)


SPEC = CheckSpec(
    id="memory-pressure",
    number=10,
    version=1,
    title="Memory",
    needs=(MEMORY,),
    wishes=(MEMORY_PRESSURE,),
    judge=_judge,
    codes={
        CODE: CodeRule(
            words=both(
                Words(
                    "Not enough memory for what is running",
                    "{available_bytes:bytes} of {total_bytes:bytes} memory can still be used, and programs wait "
                    "for more. Closing programs or browser tabs you do not need helps at once.",
                ),
                Words(
                    "Не хватает памяти",
                    "Свободно {available_bytes:bytes} памяти из {total_bytes:bytes}, и программы ждут, пока она "
                    "освободится. Закройте ненужные программы или вкладки браузера.",
                ),
            ),
            visible_after_s=5 * 60,
            evaluations=2,
            why="5 min: starting a large program presses for a minute",
            expires_after_s=86_400,
        )
    },
    interval_s=300,
    cost=Cost.CHEAP,
    timeout_s=15,
)
