"""Check 16: is a part too hot?

A part's own critical limit decides where it tells one; 95 °C is too hot for any processor, 70 °C for any disk.
"""

from __future__ import annotations

from diagnostics.checks.contract import CheckSpec, Context, Metric, Outcome, Seen, evidence, raised, rule
from diagnostics.collectors.contract import ALL_PLATFORMS, Cost
from diagnostics.collectors.sensors import TEMPERATURES
from diagnostics.findings import Finding, Severity
from diagnostics.hardware_observations import Temperature, Temperatures
from diagnostics.wording import Words

CODE = "temperature-high"
# Degrees below the part's own limit. Laptops run 10 below it under load, as they are built to.
WARNING_BELOW_C, ERROR_BELOW_C, CLEAR_BELOW_C = 5.0, 1.0, 12.0
HOT_C = 95.0
# Disks: JEDEC JESD218 tests client drives up to 70 °C in use.
DISK_HOT_C = 70.0
_DISK_PARTS = ("nvme", "drivetemp")


def limit_of(reading: Temperature) -> float:
    """Where the part itself would slow down or switch off."""
    if reading.part.startswith(_DISK_PARTS):
        return min(reading.critical_c or DISK_HOT_C + WARNING_BELOW_C, DISK_HOT_C + WARNING_BELOW_C)
    return reading.critical_c or HOT_C + WARNING_BELOW_C


def check_temperature(temperatures: Temperatures, context: Context) -> Outcome:
    findings: list[Finding] = []
    metrics: list[Metric] = []
    for reading in temperatures.readings:
        instance = f"part:{reading.part}"
        metrics.append(Metric("temperature.celsius", reading.celsius, instance))
        limit_c = limit_of(reading)
        below = CLEAR_BELOW_C if context.is_raised(CODE, instance) else WARNING_BELOW_C
        if reading.celsius < limit_c - below:
            continue
        findings.append(
            raised(
                CODE,
                instance,
                Severity.ERROR if reading.celsius >= limit_c - ERROR_BELOW_C else Severity.WARNING,
                rule=SPEC.rule,
                now=context.now,
                facts={"part": reading.part, "celsius": round(reading.celsius, 1), "limit_celsius": limit_c},
                proof=(evidence("hwmon", reading.part, f"{reading.part}: {reading.celsius:.1f} °C of {limit_c:g} °C"),),
            )
        )
    return Outcome(tuple(findings), tuple(metrics))


def _judge(seen: Seen, context: Context) -> Outcome:
    return check_temperature(seen.of(TEMPERATURES), context)


SPEC = CheckSpec(
    id="temperature",
    number=16,
    version=1,
    title="Temperatures",
    needs=(TEMPERATURES,),
    judge=_judge,
    codes={
        CODE: rule(
            Words(
                "The computer is too hot",
                "{part} is at {celsius} °C; its limit is {limit_celsius} °C. Free the vents, clean the fan, put the "
                "computer on a hard surface.",
            ),
            Words(
                "Компьютер перегревается",
                "{part}: {celsius} °C при пределе {limit_celsius} °C. Освободите вентиляционные отверстия, очистите "
                "вентилятор, поставьте компьютер на твёрдую поверхность.",
            ),
            after_s=15 * 60,
            looks=3,
            why="15 min: short peaks under load are how processors are built",
        )
    },
    interval_s=300,
    interval_on_windows_s=3600,
    cost=Cost.CHEAP,
    timeout_s=15,
    platforms=ALL_PLATFORMS,
)
