"""How worn batteries are: `powercfg /batteryreport /xml`, through a file of our own that is removed at once.

    <BatteryReport xmlns="http://schemas.microsoft.com/battery/2012"><ReportInformation>…</ReportInformation>
      <Batteries><Battery><Id>5B10W51871</Id><Manufacturer>SMP</Manufacturer><SerialNumber>2213</SerialNumber>
        <Chemistry>LiP</Chemistry><LongTerm>1</LongTerm><RelativeCapacity>0</RelativeCapacity>
        <DesignCapacity>57000</DesignCapacity><FullChargeCapacity>51230</FullChargeCapacity><CycleCount>212</CycleCount>
      </Battery></Batteries>…</BatteryReport>

Capacities in mWh. Charge and state come from Win32_Battery: 1 discharging, 2 on mains, 3 full, 6 and above charging.
"""

from __future__ import annotations

from diagnostics.collectors.windows.gathered import Row, ask, number
from diagnostics.collectors.windows.plain_xml import child_text, local_name, plain_xml
from diagnostics.hardware_observations import Batteries, Battery
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.plain_text import printable

# A report of half a year's use has some hundred thousand letters.
_REPORT_MAX_CHARS = 6_000_000
_BATTERIES_MAX = 8
_STATES = {1: "Discharging", 2: "Not charging", 3: "Full"}


def batteries_of(report: str, status: Row) -> Batteries:
    """Raises Unreadable."""
    root = plain_xml(report.removeprefix("\ufeff"), max_chars=_REPORT_MAX_CHARS, what="powercfg's report")
    charge = number(status, "EstimatedChargeRemaining")
    state = number(status, "BatteryStatus")
    found = []
    for part in root:
        for item in part if local_name(part) == "Batteries" else ():
            full, design, cycles = (
                child_text(item, it) for it in ("FullChargeCapacity", "DesignCapacity", "CycleCount")
            )
            if not full.isdecimal() or not design.isdecimal() or int(design) <= 0:
                continue
            found.append(
                Battery(
                    name=printable(child_text(item, "Id") or "battery", 40),
                    status=_STATES.get(state or 0, "Charging" if state else ""),
                    full=int(full),
                    design=int(design),
                    cycles=int(cycles) if cycles.isdecimal() and int(cycles) else None,  # 0: not counted
                    charge_fraction=None if charge is None else max(0, min(100, charge)) / 100,
                )
            )
    if not found:
        raise Unreadable("this machine has no battery, or one that tells nothing")
    return Batteries(tuple(found[:_BATTERIES_MAX]))


def read_batteries(machine: Machine) -> Batteries:
    gathered = ask(machine, commands.BATTERY)
    report = gathered.first("report").get("xml")
    if not isinstance(report, str) or not report.strip():
        raise Unreadable("powercfg wrote no report: this machine has no battery")
    return batteries_of(report, next(iter(gathered.rows_or_none("status")), {}))
