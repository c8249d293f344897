"""Observations of parts that wear, heat and fill: disks at work, sensors, batteries. As `observations.py`."""

from __future__ import annotations

from dataclasses import dataclass, field

from diagnostics.observations import Stall, UnreadSource


@dataclass(frozen=True, slots=True)
class DiskActivity:
    """Counters of one whole disk since boot. `busy_ms`: time with at least one request; `waited_ms`: of all."""

    name: str
    requests: int
    waited_ms: int
    busy_ms: int


@dataclass(frozen=True, slots=True)
class DiskActivities:
    disks: tuple[DiskActivity, ...]


@dataclass(frozen=True, slots=True)
class IoPressure:
    some: Stall
    full: Stall


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since boot over all processors. `stolen_s`: a virtual machine had to wait for its host."""

    busy_s: float
    idle_s: float
    waiting_s: float
    stolen_s: float

    @property
    def total_s(self) -> float:
        return self.busy_s + self.idle_s + self.waiting_s + self.stolen_s


@dataclass(frozen=True, slots=True)
class Swapping:
    """Bytes moved since boot. `grows`: the system makes more swap as it needs it, so that it is never full."""

    in_bytes: int
    out_bytes: int
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Temperature:
    """`critical_c` is the part's own limit, where it tells one."""

    part: str
    celsius: float
    critical_c: float | None


@dataclass(frozen=True, slots=True)
class Temperatures:
    readings: tuple[Temperature, ...]


@dataclass(frozen=True, slots=True)
class Throttling:
    """How often the processors slowed down for heat since boot, over all of them. `limit_fraction`: where the system
    does not count but tells how fast they may run just now."""

    events: int
    limit_fraction: float | None = None
    # Where the system tells of a window of time instead of since boot: its length, and for how long it held them down.
    over_s: int | None = None
    limited_s: int = 0


@dataclass(frozen=True, slots=True)
class Battery:
    """`full` and `design` in the battery's own unit (µWh or µAh): only their share means something."""

    name: str
    status: str
    full: int
    design: int
    cycles: int | None
    charge_fraction: float | None


@dataclass(frozen=True, slots=True)
class Batteries:
    batteries: tuple[Battery, ...]


@dataclass(frozen=True, slots=True)
class AtaHealth:
    """Raw values of SMART attributes by number. `passed`: the disk's own verdict, None when it gives none. `above`: how
    far the scale of an attribute, which falls, still is above the limit its maker sets; only where both are told."""

    device: str
    model: str
    passed: bool | None
    raw: dict[str, int]
    above: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NvmeHealth:
    """`critical_warning`: bits of the drive's own alarm (NVMe base specification, log page 02h). Spare None: untold."""

    device: str
    model: str
    critical_warning: int
    available_spare_fraction: float | None
    spare_threshold_fraction: float | None
    used_fraction: float
    media_errors: int


@dataclass(frozen=True, slots=True)
class DiskHealth:
    """`unread`: disks that sleep, or whose controller does not tell, with the reason."""

    ata: tuple[AtaHealth, ...]
    nvme: tuple[NvmeHealth, ...]
    unread: tuple[UnreadSource, ...]


@dataclass(frozen=True, slots=True)
class WirelessLink:
    interface: str
    level_dbm: float


@dataclass(frozen=True, slots=True)
class WirelessLinks:
    links: tuple[WirelessLink, ...]
