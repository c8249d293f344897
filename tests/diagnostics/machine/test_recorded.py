"""A recorded machine gives the same answers as the one that was recorded, and never makes one up."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.examine import examine
from diagnostics.history import MemoryHistory
from diagnostics.machine.commands import DPKG
from diagnostics.machine.interface import Clock, Machine, Place, Unreadable
from diagnostics.machine.local import local_machine
from diagnostics.machine.recorded import NotARecordedMachine, Origin, RecordedMachine
from diagnostics.machine.recording import RecordingMachine, write_recording

Recorded = Callable[[str], RecordedMachine]


def what_all_say(machine: Machine) -> dict[str, object]:
    said: dict[str, object] = {}
    for collector in COLLECTORS:
        try:
            said[collector.id] = collector.collect(machine)
        except Unreadable as unreadable:
            said[collector.id] = unreadable.reason
    return said


def test_this_machine_recorded_says_what_it_said(tmp_path: Path) -> None:
    noted = RecordingMachine(local_machine())
    assert isinstance(noted, Machine)
    said = what_all_say(noted)
    write_recording(noted, tmp_path / "mine", name="mine", about="this machine")
    again = RecordedMachine(tmp_path / "mine")
    assert isinstance(again, Machine)
    assert (again.about.name, again.about.origin) == ("mine", Origin.RECORDED)
    assert what_all_say(again) == said


@pytest.mark.parametrize("name", ["laptop-healthy", "restricted-user", "hostile-names", "office-dns-dead"])
def test_a_recording_of_a_recording_is_examined_alike(name: str, tmp_path: Path, recorded: Recorded) -> None:
    noted = RecordingMachine(recorded(name))
    now = noted.clock().unix_s
    first = examine(noted, MemoryHistory(), now=now)
    write_recording(noted, tmp_path / name, name=name, about="again")
    second = examine(RecordedMachine(tmp_path / name), MemoryHistory(), now=now)
    assert [(result.id, result.status, result.reason) for result in second.checks] == [
        (result.id, result.status, result.reason) for result in first.checks
    ]
    assert second.findings == first.findings


def test_what_was_never_asked_is_not_made_up(recorded: Recorded) -> None:
    machine = recorded("laptop-disk-full")
    for ask in (
        lambda: machine.run(DPKG),
        lambda: machine.read_file("/proc/vmstat"),
        lambda: machine.space("/nowhere"),
        lambda: machine.command_line(1),
        lambda: machine.list_folder("/var/log"),
        lambda: machine.ask_resolvers(["192.0.2.9"], b"\0" * 12, timeout_s=1),
        lambda: recorded("debian-virtual-machine").measure(Place.USER_CACHE),
    ):
        with pytest.raises(Unreadable, match="not in this recording"):
            ask()


def test_files_outside_of_the_list_are_not_read_from_a_recording_either(recorded: Recorded) -> None:
    for path in ("/etc/shadow", "/../../etc/passwd", "/proc/meminfo/../../x"):
        with pytest.raises(Unreadable, match="not on the list"):
            recorded("laptop-healthy").read_file(path)


def test_a_recording_is_never_written_over_another(tmp_path: Path) -> None:
    noted = RecordingMachine(local_machine())
    (tmp_path / "mine.txt").write_text("not a recording")
    with pytest.raises(FileExistsError, match="not empty"):
        write_recording(noted, tmp_path, name="x", about="x")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (None, "expected a machine.toml, found none"),
        ("format = 9", "is missing"),
        (
            'format = 9\nname = "x"\norigin = "recorded"\nplatform = "linux"\nnow_unix_s = 1\nabout = ""',
            "expected format 1, got 9",
        ),
        (
            'format = 1\nname = "x"\norigin = "invented"\nplatform = "linux"\nnow_unix_s = 1\nabout = ""',
            "expected one of recorded, composed",
        ),
        ("not toml at all [", "machine.toml"),
    ],
)
def test_a_folder_that_is_no_recording_says_what_was_expected(toml: str | None, message: str, tmp_path: Path) -> None:
    if toml is not None:
        (tmp_path / "machine.toml").write_text(toml)
    with pytest.raises(NotARecordedMachine, match=message):
        RecordedMachine(tmp_path)


def test_broken_answers_say_where(tmp_path: Path, recorded: Recorded) -> None:
    source = recorded("laptop-healthy").folder
    (tmp_path / "machine.toml").write_text((source / "machine.toml").read_text())
    (tmp_path / "answers.json").write_text('{"agent": {"rss_bytes": "many"}}')
    with pytest.raises(NotARecordedMachine, match=r"answers\.json: Answers\.agent\.rss_bytes: expected int"):
        RecordedMachine(tmp_path)


def test_the_clock_stands_while_a_machine_is_recorded(recorded: Recorded) -> None:
    """A question that names a time (`since an hour ago`) must be the same one when the recording is asked."""

    class Ticking(RecordedMachine):
        ticks = 0

        def clock(self) -> Clock:
            self.ticks += 1
            return Clock(1_795_000_000 + self.ticks, None)

    noted = RecordingMachine(Ticking(recorded("laptop-healthy").folder))
    assert noted.clock() == noted.clock()
