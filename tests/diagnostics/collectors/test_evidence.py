"""Evidence: every wanted file comes or says why not, and nothing stops the rest."""

import json
from collections.abc import Callable
from pathlib import PurePosixPath

import pytest

from diagnostics.collectors import evidence
from diagnostics.collectors.boots import BOOTS
from diagnostics.collectors.contract import (
    EVIDENCE_FILE_MAX_BYTES,
    CollectedFile,
    Skipped,
    SkipStatus,
)
from diagnostics.collectors.disk_health import DISK_HEALTH
from diagnostics.collectors.evidence import (
    ALL_LOGS_BYTES,
    OTHER_LOG_BYTES,
    collect_evidence,
    evidence_catalogue,
)
from diagnostics.collectors.sensors import BATTERIES, TEMPERATURES
from diagnostics.machine.interface import (
    Command,
    CommandOutput,
    EntryKind,
    FolderEntry,
    Platform,
    Tail,
    Unreadable,
    UnreadableKind,
)
from diagnostics.machine.local import local_machine
from diagnostics.machine.recorded import RecordedMachine

NOW = 1_795_000_000
Recorded = Callable[[str], RecordedMachine]


class Full(RecordedMachine):
    """A recorded machine with forty large logs and commands of the test's choice."""

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        names = ["syslog", *(f"{number}.log" for number in range(40))]
        return tuple(FolderEntry(name, EntryKind.FILE, 9_000_000, 9_000_000, NOW - 5, 0, 1, 1, 1) for name in names)

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        return Tail(b"x" * (max_bytes - 1) + b"\n", 9_000_000, True)

    def run(self, command: Command) -> CommandOutput:
        if command.argv[0] == "lsblk":
            raise Unreadable("lsblk gave no answer within 10 s", UnreadableKind.TIMEOUT)
        if command.argv[0] == "journalctl":
            line = b'{"MESSAGE":"x"}\n'
            return CommandOutput(0, line * (EVIDENCE_FILE_MAX_BYTES // len(line) + 10_000), b"", False)
        if command.argv[0] == "lspci":
            raise ZeroDivisionError("a defect of ours")
        return super().run(command)


def test_every_wanted_file_comes_or_says_why_not(recorded: Recorded) -> None:
    items = list(collect_evidence(Full(recorded("laptop-disk-full").folder), now=NOW))
    paths = [item.path for item in items]
    assert len(set(paths)) == len(paths)
    for item in items:
        path = PurePosixPath(item.path)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert item.ms >= 0
        if isinstance(item, CollectedFile):
            assert 0 < len(item.content) <= EVIDENCE_FILE_MAX_BYTES
            assert item.why
            assert item.source
        else:
            assert item.reason
    skipped = {item.path: item.status for item in items if isinstance(item, Skipped)}
    assert skipped["disks/block-devices.json"] is SkipStatus.TIMEOUT
    assert skipped["hardware/pci.txt"] is SkipStatus.FAILED
    assert skipped["packages/packages.json"] is SkipStatus.SKIPPED


def test_logs_share_their_room_main_ones_first(recorded: Recorded) -> None:
    items = list(collect_evidence(Full(recorded("laptop-healthy").folder), now=NOW, only=["logs"]))
    files = [item for item in items if isinstance(item, CollectedFile)]
    assert (files[0].path, len(files[0].content)) == ("logs/files/syslog", EVIDENCE_FILE_MAX_BYTES)
    assert len(files[1].content) == OTHER_LOG_BYTES
    assert sum(len(item.content) for item in files) <= ALL_LOGS_BYTES
    assert all(item.truncated for item in files)
    left_out = [item for item in items if isinstance(item, Skipped)]
    assert len(files) + len(left_out) == 41
    assert left_out[0].reason == "all logs together are cut at 24 MiB"


def test_an_output_over_the_limit_keeps_its_end_cut_at_a_line(recorded: Recorded) -> None:
    (item,) = collect_evidence(Full(recorded("laptop-healthy").folder), now=NOW, only=["journal"])
    assert isinstance(item, CollectedFile)
    assert item.truncated
    assert len(item.content) <= EVIDENCE_FILE_MAX_BYTES
    assert item.content.startswith(b'{"MESSAGE"')
    assert item.content.endswith(b"}\n")


def test_out_of_time_the_rest_is_recorded_as_such(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "EVIDENCE_TIMEOUT_S", -1.0)
    items = list(collect_evidence(recorded("laptop-healthy"), now=NOW))
    assert {(type(item), item.status) for item in items if isinstance(item, Skipped)} == {(Skipped, SkipStatus.TIMEOUT)}
    assert [item.collector for item in items] == [item.id for item in evidence_catalogue(NOW)]


def test_an_unknown_subject_is_refused_with_those_there_are(recorded: Recorded) -> None:
    with pytest.raises(ValueError, match="no subject 'passwords'; there are system, processes"):
        collect_evidence(recorded("laptop-healthy"), now=NOW, only=["passwords"])


def test_only_the_asked_subjects_are_read(recorded: Recorded) -> None:
    items = list(collect_evidence(recorded("laptop-healthy"), now=NOW, only=["agent"]))
    assert [item.path for item in items] == ["agent/agent.json"]
    assert isinstance(items[0], CollectedFile)
    assert json.loads(items[0].content)["queued_items"] == 0


def test_what_the_checks_read_is_evidence_with_the_collectors_own_flags(recorded: Recorded) -> None:
    items = {item.path: item for item in collect_evidence(recorded("laptop-worn"), now=NOW)}
    for path, collector in (
        ("system/boots.json", BOOTS),
        ("disks/health.json", DISK_HEALTH),
        ("hardware/temperatures.json", TEMPERATURES),
        ("hardware/batteries.json", BATTERIES),
    ):
        item = items[path]
        assert isinstance(item, CollectedFile), item
        assert (item.source, item.may_contain) == (collector.id, collector.may_contain)
        assert json.loads(item.content)
    assert b"percentage_used" in items["disks/health.json"].content or b"ata" in items["disks/health.json"].content


@pytest.mark.parametrize("platform", [Platform.MACOS, Platform.WINDOWS])
def test_other_platforms_get_files_or_reasons_and_no_failures(platform: Platform, recorded: Recorded) -> None:
    class Other(RecordedMachine):
        @property
        def platform(self) -> Platform:
            return platform

    items = list(collect_evidence(Other(recorded("laptop-healthy").folder), now=NOW))
    assert items
    assert {item.status for item in items if isinstance(item, Skipped)} <= {SkipStatus.SKIPPED}


def test_windows_brings_its_event_log_and_what_its_checks_read(recorded: Recorded) -> None:
    items = {item.path: item for item in collect_evidence(recorded("windows-desktop-neglected"), now=NOW)}
    events = items["logs/events.jsonl"]
    assert isinstance(events, CollectedFile), events
    lines = [json.loads(line) for line in events.content.splitlines()]
    assert {line["unit"] for line in lines} >= {"Service Control Manager", "disk", "Schannel", "Application Error"}
    assert [line["at_unix_s"] for line in lines] == sorted(line["at_unix_s"] for line in lines)
    for path in ("system/operating-system.json", "packages/packages.json", "disks/health.json", "network/dns.json"):
        assert isinstance(items[path], CollectedFile), items[path]
    assert not [item for item in items.values() if isinstance(item, Skipped) and item.status is SkipStatus.FAILED]


def test_this_machine_yields_evidence() -> None:
    items = list(collect_evidence(local_machine(), now=local_machine().clock().unix_s))
    assert not [item for item in items if isinstance(item, Skipped) and item.status is SkipStatus.FAILED]
    processes = next(item for item in items if item.path == "processes/processes.json")
    assert isinstance(processes, CollectedFile)
    assert json.loads(processes.content)["processes"]


def test_what_may_be_inside_is_told_for_every_subject() -> None:
    for collector in evidence_catalogue(NOW):
        assert collector.why
        if collector.id in ("logs", "journal", "kernel", "processes", "network"):
            assert collector.may_contain
