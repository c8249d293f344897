"""Kernel lines: real ones are understood, forged ones are not believed, any are survived."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.kernel_log import (
    EVENTS_MAX,
    KernelLine,
    collect_kernel_log,
    find_events,
    parse_kernel_journal,
    parse_kmsg,
)
from diagnostics.machine.interface import Command, CommandOutput, Unreadable, UnreadableKind
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.observations import KernelEventKind

Recorded = Callable[[str], RecordedMachine]
OOM, HUNG, MCE = KernelEventKind.OUT_OF_MEMORY, KernelEventKind.HUNG_TASK, KernelEventKind.MACHINE_CHECK


@pytest.mark.parametrize(
    ("text", "kind", "subject", "number"),
    [
        (
            "Out of memory: Killed process 1601 (firefox-bin) total-vm:12092340kB, anon-rss:2012344kB, "
            "file-rss:0kB, shmem-rss:1024kB, UID:1000 pgtables:9904kB oom_score_adj:100",
            OOM,
            "firefox-bin",
            2_012_344 * 1024,
        ),
        (
            "Memory cgroup out of memory: Killed process 77 (java) total-vm:9kB, anon-rss:8kB, file-rss:0kB",
            OOM,
            "java",
            8 * 1024,
        ),
        ("Out of memory: Kill process 4242 (Web Content) score 900 or sacrifice child", OOM, "Web Content", None),
        ("Out of memory: Killed process 5 (a) b) total-vm:1kB, anon-rss:2kB", OOM, "a", 2048),
        ("INFO: task jbd2/sda2-8:310 blocked for more than 120 seconds.", HUNG, "jbd2/sda2-8", 120),
        ("INFO: task kworker/u8:2:99 blocked for more than 241 seconds.", HUNG, "kworker/u8:2", 241),
        ("mce: [Hardware Error]: Machine check events logged", MCE, "processor", None),
        ("mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 5: be00000000800400", MCE, "processor", None),
        ("EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#0_DIMM#0", MCE, "MC0", None),
    ],
)
def test_lines_of_the_kernel_are_understood(text: str, kind: KernelEventKind, subject: str, number: int | None) -> None:
    (event,) = find_events([KernelLine(100.9, text)], boot_unix_s=1_000)
    assert (event.kind, event.at_unix_s) == (kind, 1_100)
    assert event.subject == subject
    assert (event.rss_bytes or event.blocked_s) == number


def test_a_limit_of_a_group_is_told_apart() -> None:
    lines = [
        KernelLine(0, "Memory cgroup out of memory: Killed process 1 (a) total-vm:1kB"),
        KernelLine(0, "Out of memory: Killed process 1 (a) total-vm:1kB"),
    ]
    assert [event.limited_by_group for event in find_events(lines, boot_unix_s=None)] == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "audit: comm=Out of memory: Killed process 1 (init) total-vm:1kB, anon-rss:1kB",
        "EDAC MC: Product: EDAC MC0: 1 CE memory read error",
        "usb 1-1: Product: INFO: task x:1 blocked for more than 120 seconds.",
        "oom-kill:constraint=CONSTRAINT_NONE,task=firefox-bin,pid=1601",
        "firefox invoked oom-killer: gfp_mask=0x140cca",
        "EDAC MC: Ver: 3.0.0",
        "EDAC MC0: Giving out device to module ie31200_edac",
        "mce: CPU0: Thermal monitoring enabled (TM1)",
        "",
    ],
)
def test_other_lines_are_no_events(text: str) -> None:
    assert find_events([KernelLine(0, text)], boot_unix_s=0) == ()


def test_records_are_split_and_programs_are_left_out() -> None:
    content = (
        b"6,339,5140900,-;EXT4-fs (vda): mounted\n SUBSYSTEM=block\n DEVICE=b254:0\n"
        b"12,340,5141900,-;Out of memory: Killed process 1 (forged) total-vm:1kB\n"
        b"6,341,6000000,c;continued; with a semicolon\n"
        b"broken\n;;\n6,9,x;no number\n"
    )
    assert parse_kmsg(content) == (
        KernelLine(5.1409, "EXT4-fs (vda): mounted"),
        KernelLine(6.0, "continued; with a semicolon"),
    )


def test_the_journal_tells_the_same() -> None:
    entries = [
        {"MESSAGE": "Linux version 6", "_SOURCE_MONOTONIC_TIMESTAMP": "0", "SYSLOG_FACILITY": "0"},
        {"MESSAGE": list(b"bytes \xff"), "_SOURCE_MONOTONIC_TIMESTAMP": "1500000"},
        {"MESSAGE": "forged", "SYSLOG_FACILITY": "1"},
        {"MESSAGE": None},
        {"MESSAGE": [300]},
        [],
    ]
    content = b"\n".join(json.dumps(entry).encode() for entry in entries) + b"\n{cut"
    assert parse_kernel_journal(content) == (
        KernelLine(0.0, "Linux version 6"),
        KernelLine(1.5, "bytes \ufffd"),
    )


class Denied(RecordedMachine):
    """The ring is for administrators; the journal answers `output`, or is not there."""

    output: CommandOutput | None = None

    def kernel_ring(self) -> bytes:
        raise Unreadable("the kernel log is for administrators on this machine", UnreadableKind.DENIED)

    def run(self, command: Command) -> CommandOutput:
        if self.output is None:
            raise Unreadable("the program journalctl is not installed here")
        assert "--dmesg" in command.argv
        return self.output


def test_the_journal_is_asked_when_the_ring_is_closed(recorded: Recorded) -> None:
    machine = Denied(recorded("laptop-healthy").folder)
    machine.output = CommandOutput(
        0,
        b'{"MESSAGE":"Out of memory: Killed process 7 (x) total-vm:1kB","_SOURCE_MONOTONIC_TIMESTAMP":"1000000"}',
        b"",
        False,
    )
    log = collect_kernel_log(machine)
    assert (log.lines, [event.subject for event in log.events]) == (1, ["x"])


def test_a_journal_without_a_line_is_no_quiet_kernel(recorded: Recorded) -> None:
    machine = Denied(recorded("laptop-healthy").folder)
    for output in (None, CommandOutput(0, b"", b"", False), CommandOutput(1, b"", b"no", False)):
        machine.output = output
        with pytest.raises(Unreadable, match="for administrators"):
            collect_kernel_log(machine)


def test_a_flood_keeps_the_newest() -> None:
    lines = [KernelLine(float(n), f"INFO: task t{n}:1 blocked for more than 120 seconds.") for n in range(3_000)]
    events = find_events(lines, boot_unix_s=0)
    assert (len(events), events[-1].subject) == (EVENTS_MAX, "t2999")


def test_a_line_of_fifty_megabytes_is_looked_at_only_at_its_start() -> None:
    text = "Out of memory: Killed process 1 (" + "x" * 50_000_000
    assert find_events([KernelLine(0, text)], boot_unix_s=0) == ()


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")))
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    for lines in (parse_kmsg(content), parse_kernel_journal(content)):
        find_events(lines, boot_unix_s=0)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text(max_size=100), st.sampled_from(["Out of memory: Killed process 1 (", "INFO: task ", "EDAC MC"]))
def test_whatever_follows_a_known_start_is_survived_and_printable(rest: str, start: str) -> None:
    for event in find_events([KernelLine(0, start + rest)], boot_unix_s=0):
        assert all(ord(sign) >= 32 for sign in event.line + event.subject)
