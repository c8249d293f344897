"""Boots, crashes, restarts, errors, sockets, clock, protection: each source's own form becomes facts."""

import os
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.boots import RECORD_BYTES, parse_wtmp
from diagnostics.collectors.clock_sync import collect_clock_sync, parse_chronyc, parse_timedatectl
from diagnostics.collectors.crashes import collect_crashes, crash_of
from diagnostics.collectors.fstab import parse_fstab
from diagnostics.collectors.kernel_log import KernelLine, find_events
from diagnostics.collectors.listeners import parse_listening
from diagnostics.collectors.log_errors import collect_log_errors, count_errors
from diagnostics.collectors.open_files import collect_open_files
from diagnostics.collectors.protection import collect_protection, root_encrypted, ufw_enabled
from diagnostics.collectors.proxies import parse_environment
from diagnostics.collectors.restart_needed import collect_restart_needed, newest_kernel
from diagnostics.collectors.sockets import (
    collect_sockets,
    parse_neighbours,
    parse_sockstat,
    parse_tcp_counters,
)
from diagnostics.collectors.timers import unloaded
from diagnostics.machine.commands import ENABLED_TIMERS, is_listed
from diagnostics.machine.interface import Command, CommandOutput, Unreadable
from diagnostics.machine.local import local_machine
from diagnostics.machine.read.open_files import parse_limit
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.observations import KernelEventKind, LogLine
from diagnostics.system_observations import Boot, ClockSync, Crash, Neighbour, Protection, Sockets, TcpCounters, Timer

Recorded = Callable[[str], RecordedMachine]

MACHINES = Path(__file__).resolve().parents[2] / "machines"


def record(kind: int, user: bytes, at: int) -> bytes:
    head = struct.pack("<hxxi32s4s32s256s4xi2i", kind, 0, b"~", b"~~", user, b"6.1", 0, at, 0)
    return head + bytes(RECORD_BYTES - len(head))


def test_a_boot_after_a_boot_without_a_shutdown_is_unclean() -> None:
    rows = [
        record(2, b"reboot", 100),
        record(1, b"runlevel", 110),
        record(7, b"anna", 120),
        record(1, b"shutdown", 200),
        record(2, b"reboot", 300),
        record(2, b"reboot", 400),
    ]
    assert parse_wtmp(b"".join(rows)) == (Boot(100, None), Boot(300, True), Boot(400, False))


def test_records_of_another_size_are_refused() -> None:
    with pytest.raises(Unreadable, match="384"):
        parse_wtmp(bytes(RECORD_BYTES + 1))
    assert parse_wtmp(b"") == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "core.gnome-shell.1000.0123456789abcdef0123456789abcdef.2210.1794990000000000.zst",
            Crash("gnome-shell", 1_794_990_000),
        ),
        ("core.a.b.0.0123456789abcdef0123456789abcdef.7.1794990000", Crash("a.b", 1_794_990_000)),
        ("_usr_bin_gnome-shell.1000.crash", Crash("gnome-shell", 5)),
        ("_usr_bin_x.1000.uploaded", None),
        ("README", None),
    ],
)
def test_the_name_of_a_memory_image_tells_program_and_time(name: str, expected: Crash | None) -> None:
    assert crash_of(name, 5) == expected


def test_a_program_that_names_itself_like_a_terminal_command_cannot_act() -> None:
    crash = crash_of(f"core.x\x1b[2J.0.{'0' * 32}.7.1794990000000000", 5)
    assert crash == Crash("x\\x1b[2J", 1_794_990_000)


def test_where_no_images_are_kept_that_is_said(recorded: Recorded) -> None:
    with pytest.raises(Unreadable, match="keeps no memory images"):
        collect_crashes(recorded("restricted-user"))


def test_the_newest_kernel_is_by_version_not_by_name() -> None:
    names = ["vmlinuz-6.1.0-9-amd64", "vmlinuz-6.1.0-28-amd64", "vmlinuz-0-rescue-abc", "vmlinuz-6.1.0-29-amd64.old"]
    assert newest_kernel(names) == "6.1.0-28-amd64"
    assert newest_kernel(["grub"]) is None


def test_a_newer_kernel_and_the_mark_are_read(recorded: Recorded) -> None:
    assert collect_restart_needed(recorded("laptop-healthy")).newer_kernel is None
    needed = collect_restart_needed(recorded("laptop-worn"))
    assert (needed.required, needed.newer_kernel) == (True, "6.1.0-29-amd64")
    assert needed.packages == ("linux-image-6.1.0-29-amd64", "libc6")


def test_errors_are_counted_by_who_reported_them(recorded: Recorded) -> None:
    lines = tuple(LogLine(index, 3, unit, f"line {index}") for index, unit in enumerate(["a", "b", "b"]))
    errors = count_errors(lines)
    assert (errors.lines, errors.loudest, errors.loudest_lines, errors.sample) == (3, "b", 2, "line 2")
    assert collect_log_errors(recorded("server-troubled")).loudest == "postgresql@15-main.service"
    with pytest.raises(Unreadable, match="no journal is kept"):
        collect_log_errors(recorded("restricted-user"))


def test_fstab_tells_how_mounts_should_be() -> None:
    content = (
        b"# x\nUUID=1 / ext4 errors=remount-ro 0 1\n/dev/sdb1 /mnt/my\\040disk ext4 ro,noatime 0 2\nswap none swap sw"
    )
    assert parse_fstab(content) == {"/": ("errors=remount-ro",), "/mnt/my disk": ("ro", "noatime")}


def test_connections_are_counted(recorded: Recorded) -> None:
    assert collect_sockets(recorded("laptop-healthy")) == Sockets(31, 12, 28_232, 212, 262_144)
    assert parse_tcp_counters(b"Tcp: OutSegs RetransSegs\nTcp: 9 2\n") == TcpCounters(9, 2)
    for parse in (parse_sockstat, parse_tcp_counters):
        with pytest.raises(Unreadable):
            parse(b"Tcp: OutSegs\nTcp: 1 2\n")


def test_neighbours_come_with_their_states() -> None:
    assert parse_neighbours(b'[{"dst":"192.168.1.1","dev":"eth0","state":["FAILED"]},{"dst":"x"},7]') == (
        Neighbour("192.168.1.1", "eth0", ("FAILED",)),
    )
    assert parse_neighbours(b"") == ()
    with pytest.raises(Unreadable):
        parse_neighbours(b"{")


def test_only_listening_ports_are_taken() -> None:
    head = b"  sl  local_address rem_address   st\n"
    rows = b"   0: 0100007F:0C38 00000000:0000 0A 0 0\n   1: 0100007F:C350 0101A8C0:01BB 01 0 0\n   2: x:zz y 0A 0\n"
    assert parse_listening(head + rows) == {3128}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("http_proxy=http://proxy.example.org:3128/", {"http_proxy": "proxy.example.org:3128"}),
        ('export HTTPS_PROXY="https://anna:s3cret@proxy.example.org"', {"https_proxy": "proxy.example.org:443"}),
        ("http_proxy=proxy:8080", {"http_proxy": "proxy:8080"}),
        ("http_proxy=http://[::1]:8118", {"http_proxy": "[::1]:8118"}),
        ("http_proxy=http://:3128", {"http_proxy": None}),
        ("http_proxy=http://x:99999", {"http_proxy": None}),
        ("http_proxy=", {}),
        ("no_proxy=localhost", {}),
        ("API_KEY=s3cret", {}),
    ],
)
def test_of_a_proxy_only_its_address_is_kept(line: str, expected: dict[str, str | None]) -> None:
    assert parse_environment(line.encode()) == expected


def test_chrony_is_asked_before_systemd(recorded: Recorded) -> None:
    assert collect_clock_sync(recorded("office-network-sick")) == ClockSync("chronyc", True, True, -95.412345)
    assert collect_clock_sync(recorded("laptop-worn")) == ClockSync("timedatectl", False, False, None)
    for parse in (parse_chronyc, parse_timedatectl):
        with pytest.raises(Unreadable):
            parse(b"something else")


def test_a_chrony_without_a_server_knows_no_offset() -> None:
    content = b"7F7F0101,,0,0.0,-12.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n"
    assert parse_chronyc(content) == ClockSync("chronyc", False, True, None)


def test_encryption_is_looked_for_between_disk_and_root(recorded: Recorded) -> None:
    assert collect_protection(recorded("laptop-healthy")) == Protection("ufw", True)
    assert collect_protection(recorded("laptop-worn")) == Protection("", False)
    assert root_encrypted(b'{"blockdevices":[{"name":"sda","type":"disk","mountpoint":null}]}') is None
    assert ufw_enabled(b"# x\nENABLED=Yes\n")
    assert not ufw_enabled(b"#ENABLED=yes\nENABLED=no\n")


@pytest.mark.parametrize(
    ("text", "kind", "subject"),
    [
        ("EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2", KernelEventKind.FILESYSTEM_ERROR, "sda1"),
        ("BTRFS error (device nvme0n1p3): bdev errs: wr 0, rd 1", KernelEventKind.FILESYSTEM_ERROR, "nvme0n1p3"),
        ("XFS (dm-0): Metadata corruption detected at xfs_agf_read", KernelEventKind.FILESYSTEM_ERROR, "dm-0"),
        ("EXT4-fs (sda2): Remounting filesystem read-only", KernelEventKind.FILESYSTEM_ERROR, "sda2"),
        ("I/O error, dev sda, sector 81234 op 0x0:(READ)", KernelEventKind.DISK_ERROR, "sda"),
        ("blk_update_request: I/O error, dev nvme0n1, sector 5", KernelEventKind.DISK_ERROR, "nvme0n1"),
        ("Buffer I/O error on dev nvme0n1p3, logical block 9", KernelEventKind.DISK_ERROR, "nvme0n1"),
        ("Buffer I/O error on dev sdb12, logical block 9", KernelEventKind.DISK_ERROR, "sdb"),
        ("usb 1-4: device descriptor read/64, error -71", KernelEventKind.DRIVER_ERROR, "usb 1-4"),
        ("NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.", KernelEventKind.DRIVER_ERROR, "0000:01:00"),
        (
            "iwlwifi 0000:00:14.3: Microcode SW error detected. Restarting 0x0.",
            KernelEventKind.DRIVER_ERROR,
            "iwlwifi 0000:00:14.3",
        ),
        ("EXT4-fs (sda1): mounted filesystem with ordered data mode", None, ""),
        ("some program said: I/O error, dev sda, sector 1", None, ""),
    ],
)
def test_what_the_kernel_says_of_devices_is_sorted(text: str, kind: KernelEventKind | None, subject: str) -> None:
    events = find_events([KernelLine(1.0, text)], boot_unix_s=None)
    assert [(event.kind, event.subject) for event in events] == ([] if kind is None else [(kind, subject)])


def test_the_limit_of_open_files_is_the_soft_one() -> None:
    assert (
        parse_limit(b"Limit  Soft Limit\nMax open files            1024                 1048576              files\n")
        == 1024
    )
    assert parse_limit(b"Max open files            unlimited            unlimited            files\n") is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_run_counts_its_own_open_files() -> None:
    handles = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
    try:
        (own,) = [item for item in collect_open_files(local_machine()).processes if item.pid == os.getpid()]
        assert own.open_files >= 20
    finally:
        for handle in handles:
            os.close(handle)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for parse in (
        parse_wtmp,
        parse_fstab,
        parse_environment,
        parse_listening,
        parse_sockstat,
        parse_tcp_counters,
        parse_neighbours,
        parse_chronyc,
        parse_timedatectl,
        root_encrypted,
        parse_limit,
    ):
        with suppress(Unreadable):
            parse(content)


def test_an_enabled_timer_that_was_never_loaded_counts_as_inactive_where_it_is_meant_to_run() -> None:
    """As a Debian 12 in systemd-nspawn told it: `systemctl show '*.timer'` does not name what is not loaded."""
    loaded = (Timer("apt-daily.timer", "Daily apt download activities", "active", "success", "enabled"),)
    assert unloaded(Debian(), loaded) == (Timer("nightly.timer", "", "inactive", "", "enabled"),)


class Debian(RecordedMachine):
    """Two timers are enabled and not loaded; the one for real disks sets a condition that a container does not meet."""

    def __init__(self) -> None:
        super().__init__(MACHINES / "laptop-healthy")

    def run(self, command: Command) -> CommandOutput:
        if command == ENABLED_TIMERS:
            names = ("apt-daily.timer", "fstrim.timer", "nightly.timer", "x@.timer")
            return CommandOutput(0, "".join(f"{name}  enabled enabled\n" for name in names).encode(), b"", False)
        assert is_listed(command)
        return CommandOutput(int(command.argv[-1] == "--unit=fstrim.timer"), b"", b"", False)
