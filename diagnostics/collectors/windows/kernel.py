"""What Windows' core reports of memory, disks, file systems, hardware and devices; processors held down by firmware.

disk 7, 11, 51, 52, 153, 154        DeviceName or value 1: \\Device\\Harddisk0\\DR0
Ntfs 55 and Microsoft-Windows-Ntfs 98   DriveName C:, CorruptionActionState above 0 where there is one
Microsoft-Windows-WHEA-Logger 1, 18, 19, 20 (processor), 46, 47 (memory); corrected errors of the bus (17) are left
                                    out: many healthy computers write them by the hundred
Microsoft-Windows-Resource-Exhaustion-Detector 2004   ProcessInfo/Process_1: Name, ID, CommitCharge
Display 4101                        value 1: nvlddmkm; the driver hung and was started again
Microsoft-Windows-Kernel-Processor-Power 37   Group, Number, CapDurationInSeconds: once a processor

Win32_PnPEntity {"Name":"Intel(R) Wireless Bluetooth(R)","PNPClass":"Bluetooth","ConfigManagerErrorCode":43}
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from diagnostics.collectors.windows.events import Event, ask_events
from diagnostics.collectors.windows.gathered import Row, ask, number, text
from diagnostics.hardware_observations import Throttling
from diagnostics.machine import windows_commands as commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import KernelEvent, KernelEventKind, KernelLog
from diagnostics.plain_text import printable

_DISK = frozenset({7, 11, 51, 52, 153, 154})
_WHEA_MEMORY, _WHEA_PROCESSOR = frozenset({46, 47}), frozenset({1, 18, 19, 20})
_DEVICES_MAX = 50
# Codes of devmgr: waits for a restart (14), disabled by somebody (22), not connected (24, 45), off in firmware (29).
_NO_FAULT = frozenset({0, 14, 22, 24, 29, 45})
_THROTTLE_WINDOW_S = 3_600


def _event(event: Event) -> KernelEvent | None:
    def told(kind: KernelEventKind, subject: str) -> KernelEvent:
        shown = " ".join(f"{name}={value}" for name, value in list(event.values.items())[:8])
        line = printable(f"{event.provider} {event.number}: {shown}")
        return KernelEvent(kind, printable(subject, 64), event.at_unix_s, line)

    match event.provider:
        case "disk" if event.number in _DISK:
            device = event.value("DeviceName", "1")
            return told(KernelEventKind.DISK_ERROR, device.removeprefix("\\Device\\").partition("\\")[0] or "disk")
        case "Ntfs" | "Microsoft-Windows-Ntfs" if event.number in (55, 98):
            if event.values.get("CorruptionActionState") == "0":
                return None
            return told(KernelEventKind.FILESYSTEM_ERROR, event.value("DriveName", "DeviceName", "1", "2") or "ntfs")
        case "Microsoft-Windows-WHEA-Logger" if event.number in _WHEA_MEMORY | _WHEA_PROCESSOR:
            return told(KernelEventKind.MACHINE_CHECK, "memory" if event.number in _WHEA_MEMORY else "processor")
        case "Microsoft-Windows-Resource-Exhaustion-Detector" if event.number == 2004:
            charge = event.value("CommitCharge")
            found = told(KernelEventKind.MEMORY_EXHAUSTED, event.value("Name") or "programs")
            return replace(found, rss_bytes=int(charge) if charge.isdecimal() else None)
        case "Display" if event.number == 4101:
            return told(KernelEventKind.DRIVER_ERROR, event.value("1", "param1") or "display")
    return None


def device_events(rows: Iterable[Row]) -> tuple[KernelEvent, ...]:
    """Devices whose driver says now that they do not work: states, not events."""
    found = []
    for row in rows:
        code = number(row, "ConfigManagerErrorCode")
        if code is None or code in _NO_FAULT:
            continue
        name = text(row, "Name", 64) or text(row, "PNPClass", 64) or "a device"
        line = printable(f"{name} ({text(row, 'PNPClass', 64)}): device manager code {code}")
        found.append(KernelEvent(KernelEventKind.DRIVER_ERROR, name, None, line, lasting=True))
    return tuple(found[:_DEVICES_MAX])


def kernel_log_of(events: Iterable[Event], devices: Iterable[Row]) -> KernelLog:
    read = tuple(events)
    found = tuple(told for event in read if (told := _event(event)) is not None)
    return KernelLog(len(read), (*found, *device_events(devices)))


def read_kernel_log(machine: Machine) -> KernelLog:
    events = ask_events(machine, commands.KERNEL_EVENTS)
    devices: tuple[Row, ...] = ()
    with suppress(Unreadable):  # where PowerShell is forbidden the event log still tells
        devices = ask(machine, commands.SYSTEM).rows("devices")
    return kernel_log_of(events, devices)


def throttling_of(events: Iterable[Event]) -> Throttling:
    """Seconds of the busiest processor: all of them are held down together."""
    held: dict[tuple[str, str], int] = {}
    count = 0
    for event in events:
        seconds = event.value("CapDurationInSeconds")
        if event.number == 37 and seconds.isdecimal():
            count += 1
            processor = (event.value("Group"), event.value("Number"))
            held[processor] = held.get(processor, 0) + min(int(seconds), _THROTTLE_WINDOW_S)
    return Throttling(count, over_s=_THROTTLE_WINDOW_S, limited_s=max(held.values(), default=0))


def read_throttling(machine: Machine) -> Throttling:
    return throttling_of(ask_events(machine, commands.THROTTLE_EVENTS))
