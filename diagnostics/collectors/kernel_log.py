"""What the kernel said that matters: memory ran out, a task hangs, the hardware reports an error.

Source: the ring buffer, or the journal's kernel part where the ring is for administrators only. Lines a program
wrote into /dev/kmsg itself carry another facility and are not believed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal, Privilege
from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Platform, Unreadable, UnreadableKind
from diagnostics.observations import KernelEvent, KernelEventKind, KernelLog
from diagnostics.plain_text import printable

# Of a flood the newest are kept: one event a second for a quarter of an hour.
EVENTS_MAX = 1_000
_JOURNAL_LINES = 5_000
# A machine check that does not say which part it was.
UNNAMED_PART = "processor"


@dataclass(frozen=True, slots=True)
class KernelLine:
    """`since_boot_s` does not count time asleep."""

    since_boot_s: float
    text: str


def parse_kmsg(content: bytes) -> tuple[KernelLine, ...]:
    """Records of /dev/kmsg (kernel.org: ABI/testing/dev-kmsg); lines of programs are left out.

    6,339,5140900,-;EXT4-fs (vda): mounted filesystem
     SUBSYSTEM=block
    12,340,5141900,-;written by a program: facility 1
    """
    lines = []
    for record in content.split(b"\n"):
        head, separator, text = record.partition(b";")
        fields = head.split(b",")
        if not separator or record[:1] == b" " or len(fields) < 3:
            continue
        try:
            facility, microseconds = int(fields[0]) >> 3, int(fields[2])
        except ValueError:
            continue
        if facility == 0:
            lines.append(KernelLine(microseconds / 1_000_000, text.decode("utf-8", "replace")))
    return tuple(lines)


def parse_kernel_journal(content: bytes) -> tuple[KernelLine, ...]:
    """`journalctl --dmesg --output=json`; a message that is not text comes as a list of bytes.

    {"PRIORITY":"6","MESSAGE":"Linux version …","_SOURCE_MONOTONIC_TIMESTAMP":"0","SYSLOG_FACILITY":"0"}
    """
    lines = []
    for line in content.split(b"\n"):
        if not line:
            continue
        try:
            entry = json.loads(line)
            since_boot_s = int(entry.get("_SOURCE_MONOTONIC_TIMESTAMP", "0")) / 1_000_000
            message = entry["MESSAGE"]
            text = bytes(message).decode("utf-8", "replace") if isinstance(message, list) else message
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        if isinstance(text, str) and entry.get("SYSLOG_FACILITY", "0") == "0":
            lines.append(KernelLine(since_boot_s, text))
    return tuple(lines)


# mm/oom_kill.c: "%s: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, …"; before 5.x "Kill process".
_OUT_OF_MEMORY = re.compile(
    r"(?P<group>Memory cgroup out|Out) of memory: Kill(?:ed)? process (?P<pid>\d+) \((?P<name>.{0,64}?)\)"
    r"(?:,| |$)(?:.*?anon-rss:(?P<rss>\d+)kB)?"
)
# kernel/hung_task.c: "INFO: task %s:%d blocked for more than %ld seconds."
_HUNG_TASK = re.compile(r"INFO: task (?P<name>.{1,64}?):(?P<pid>\d+) blocked (?:for|on).* more than (?P<s>\d+) seconds")
# arch/x86/kernel/cpu/mce and drivers/edac; a corrected error is still a part that wears out.
_MACHINE_CHECK = re.compile(
    r"(?:(?P<mce>mce: )?\[Hardware Error\]: (?:Machine check|CPU \d+: Machine Check|Corrected error|Uncorrected)"
    r"|EDAC (?P<edac>MC\d+): \d+ (?:CE|UE) )"
)


# fs/ext4/super.c "EXT4-fs error (device %s): …", xfs "XFS (sda1): Corruption …", btrfs "BTRFS error (device sda): …".
_FILESYSTEM_ERROR = re.compile(
    r"(?:EXT4-fs (?:error|warning)|BTRFS (?:error|critical)) \(device (?P<device>[\w.:-]{1,40})\)"
    r"(?!.*(?:mounting|maximal mount count|recommended))"
    r"|XFS \((?P<xfs>[\w.-]{1,40})\): (?:Metadata |Internal |.*[Cc]orruption|.*xfs_do_force_shutdown)"
    r"|EXT4-fs \((?P<remounted>[\w.:-]{1,40})\): Remounting filesystem read-only"
)
# block/blk-core.c: "I/O error, dev %s, sector %llu …", older "blk_update_request: I/O error, dev sda, sector …".
_DISK_ERROR = re.compile(
    r"(?:blk_update_request: )?(?:critical medium error|I/O error|critical target error), dev (?P<dev>[\w-]{1,40}),"
    r"|Buffer I/O error on dev(?:ice)? (?P<buffer>[\w-]{1,40}),"
    r"|nvme (?P<nvme>nvme\d+): (?:controller is down|I/O \d+ .*timeout)"
)
# `sda1` and `nvme0n1p3` are parts of one disk that fails as a whole.
_PARTITION = re.compile(r"(?<=^sd[a-z])\d+$|(?<=^vd[a-z])\d+$|(?<=\dn\d)p\d+$|(?<=^mmcblk\d)p\d+$")
# Drivers in their own words; the name before the colon is the driver or the device.
_DRIVER_ERROR = re.compile(
    r"(?P<firmware>[\w.:-]{1,40} [\w.:-]{1,60}): (?:Direct firmware load for .* failed|firmware: failed to load)"
    r"|(?P<usb>usb [\d.-]{1,20}): (?:device descriptor read|device not accepting address|unable to enumerate)"
    r"|NVRM: Xid \(PCI:(?P<nvidia>[\da-fA-F:.]{1,20})\)"
    r"|(?P<gpu>(?:amdgpu|i915|nouveau|xe) [\da-fA-F:.]{1,20}): .*(?:GPU HANG|ring \S+ timeout|\[drm\] \*ERROR\*)"
    r"|(?P<wifi>(?:iwlwifi|ath1[0-2]k\w*|rtw\w*|mt76\w*) [\da-fA-F:.]{1,20}): .*(?:Microcode SW error|firmware crashed)"
)


_NAMING_A_DEVICE = (
    (_FILESYSTEM_ERROR, KernelEventKind.FILESYSTEM_ERROR),
    (_DISK_ERROR, KernelEventKind.DISK_ERROR),
    (_DRIVER_ERROR, KernelEventKind.DRIVER_ERROR),
)


def find_events(lines: Iterable[KernelLine], *, boot_unix_s: int | None) -> tuple[KernelEvent, ...]:
    """Oldest first, at most EVENTS_MAX of the newest."""
    events = []
    for line in lines:
        event = _event(line, boot_unix_s)
        if event is not None:
            events.append(event)
    return tuple(events[-EVENTS_MAX:])


def _event(line: KernelLine, boot_unix_s: int | None) -> KernelEvent | None:
    text = line.text[:1024]
    at = boot_unix_s + int(line.since_boot_s) if boot_unix_s is not None else None
    shown = printable(text)
    # `match`, not `search`: a name in the middle of another message must not pass for the message.
    if found := _OUT_OF_MEMORY.match(text):
        return KernelEvent(
            kind=KernelEventKind.OUT_OF_MEMORY,
            subject=printable(found["name"], 64),
            at_unix_s=at,
            line=shown,
            killed_pid=int(found["pid"]),
            rss_bytes=int(found["rss"]) * 1024 if found["rss"] else None,
            limited_by_group=found["group"].startswith("Memory"),
        )
    if found := _HUNG_TASK.match(text):
        return KernelEvent(
            kind=KernelEventKind.HUNG_TASK,
            subject=printable(found["name"], 64),
            at_unix_s=at,
            line=shown,
            blocked_s=int(found["s"]),
        )
    if found := _MACHINE_CHECK.match(text):
        subject = found["edac"] or UNNAMED_PART
        return KernelEvent(KernelEventKind.MACHINE_CHECK, subject, at, shown)
    for pattern, kind in _NAMING_A_DEVICE:
        if found := pattern.match(text):
            named = next(name for name in found.groups() if name)
            if kind is KernelEventKind.DISK_ERROR:
                named = _PARTITION.sub("", named)
            return KernelEvent(kind, printable(named, 64), at, shown)
    return None


def read_kernel_lines(machine: Machine) -> tuple[KernelLine, ...]:
    """The ring buffer, else the journal. Raises Unreadable with the reason of both."""
    try:
        return parse_kmsg(machine.kernel_ring())
    except Unreadable as ring:
        try:
            output = machine.run(commands.journal(kernel=True, max_lines=_JOURNAL_LINES))
        except Unreadable:
            raise ring from None
        lines = parse_kernel_journal(output.stdout) if output.exit_code == 0 else ()
        if not lines:
            # No line at all is not a quiet kernel: this user may not read the journal, or it keeps none.
            raise Unreadable(ring.reason, UnreadableKind.DENIED) from None
        return lines


def collect_kernel_log(machine: Machine) -> KernelLog:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.kernel import read_kernel_log

        return read_kernel_log(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.kernel import collect_kernel_log as on_macos

        return on_macos(machine)
    lines = read_kernel_lines(machine)
    return KernelLog(len(lines), find_events(lines, boot_unix_s=machine.clock().boot_unix_s))


KERNEL_LOG = Collector(
    id="kernel-log",
    collect=collect_kernel_log,
    may_contain=frozenset({Personal.LOG_TEXT, Personal.SERIAL_NUMBERS, Personal.NETWORK_ADDRESSES}),
    cost=Cost.CHEAP,
    privilege=Privilege.LOG_READER,
    platforms=ALL_PLATFORMS,
)
