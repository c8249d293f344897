"""Windows' event log on a composed machine: the same lines as a journal's, whatever language the Windows speaks."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.event_log import level_for, parse_events
from diagnostics.collectors.logs import journal_lines
from diagnostics.machine import commands
from diagnostics.machine.commands import event_log, is_listed
from diagnostics.machine.interface import Command, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.observations import LogLine

NOW = 1_795_288_500
# Composed after the output of Windows 11's wevtutil in its documentation; the second one of a German Windows.
SPOOLER = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='Service Control Manager' Guid='{555908d1-a6d7-4695-8e1e-26931d2012f4}'/>"
    "<EventID Qualifiers='49152'>7031</EventID><Level>2</Level>"
    "<TimeCreated SystemTime='2026-11-21T18:34:44.1234567Z'/><Channel>System</Channel><Computer>ANNA-PC</Computer>"
    "</System><EventData><Data Name='param1'>Print Spooler</Data></EventData><RenderingInfo Culture='de-DE'>"
    "<Message>Der Dienst &quot;Druckerwarteschlange&quot;\r\nwurde unerwartet beendet.</Message>"
    "<Level>Fehler</Level></RenderingInfo></Event>"
)
ORPHAN = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Old Driver'/>"
    "<EventID>51</EventID><Level>3</Level><TimeCreated SystemTime='2026-11-21T18:00:00.000Z'/></System>"
    "<EventData><Data Name='DeviceName'>\\Device\\Harddisk1</Data></EventData></Event>"
)
EVIL = "<!DOCTYPE x [<!ENTITY a 'aaaa'>]>"


@pytest.fixture
def windows(tmp_path: Path) -> RecordedMachine:
    """Composed: a Windows machine whose two channels were asked for an hour of warnings."""
    answers = []
    for channel, content in (("System", SPOOLER + "\r\n" + ORPHAN), ("Application", "")):
        command = event_log(channel, since_unix_s=NOW - 3600, most_grave_level=3, max_events=200)
        answers.append({"argv": command.argv, "exit_code": 0, "stdout": content, "stderr": "", "truncated": False})
    (tmp_path / "answers.json").write_text(json.dumps({"commands": answers}))
    (tmp_path / "machine.toml").write_text(
        f'format = 1\nname = "desk"\norigin = "composed"\nplatform = "windows"\nnow_unix_s = {NOW}\nabout = "events"\n'
    )
    return RecordedMachine(tmp_path)


def test_events_come_through_the_same_interface_as_a_journal(windows: RecordedMachine) -> None:
    asked = {"now": NOW, "since_unix_s": NOW - 3600, "least_severity": 4, "max_lines": 200}
    orphan, spooler = journal_lines(windows, **asked)  # type: ignore[arg-type]
    assert spooler == LogLine(
        1_795_286_084,
        3,
        "Service Control Manager",
        'Der Dienst "Druckerwarteschlange" wurde unerwartet beendet.',
    )
    assert (orphan.severity, orphan.text) == (4, "event 51 DeviceName=\\Device\\Harddisk1")


def test_events_are_filtered_by_program_and_by_words(windows: RecordedMachine) -> None:
    answer = windows._answers.commands[0].stdout
    lines = parse_events(answer.encode())
    assert len(lines) == 2
    assert level_for(3) == 2
    assert level_for(7) == 5


def test_a_broken_cut_or_malicious_event_is_left_out() -> None:
    content = SPOOLER.replace("</System>", "") + SPOOLER.replace("<System>", f"{EVIL}<System>") + ORPHAN + SPOOLER[:200]
    assert [line.unit for line in parse_events(content.encode())] == ["Old Driver"]


@given(st.binary(max_size=400))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_no_bytes_break_the_parser(noise: bytes) -> None:
    parse_events(noise + SPOOLER.encode()[:300] + noise + b"</Event>" + noise)


@pytest.mark.parametrize(
    "argv",
    [
        ("wevtutil", "clear-log", "System"),
        (
            "wevtutil",
            "query-events",
            "Security",
            "/count:5",
            "/reversedirection:true",
            "/format:RenderedXml",
            "/query:*",
        ),
        (*event_log("System", since_unix_s=0, max_events=5).argv[:6], "/query:*[System[Level<=5]]"),
        (*event_log("System", since_unix_s=0, max_events=5).argv, "/remote:evil"),
    ],
)
def test_only_this_question_may_be_asked(argv: tuple[str, ...]) -> None:
    assert not is_listed(Command(commands.EVENT_LOG, argv))


def test_questions_within_their_bounds_are_listed() -> None:
    for level in range(1, 6):
        assert is_listed(event_log("System", since_unix_s=0, until_unix_s=NOW, most_grave_level=level, max_events=5000))
    with pytest.raises(Unreadable):
        event_log("Security", since_unix_s=0, max_events=5)
    with pytest.raises(Unreadable):
        event_log("System", since_unix_s=0, max_events=0)


def test_a_range_of_the_journal_is_listed_and_nothing_beside_it() -> None:
    asked = commands.journal(unit="a.service", since_unix_s=1, until_unix_s=2, user=True)
    assert is_listed(asked)
    assert "--user-unit=a.service" in asked.argv
    assert not is_listed(Command(commands.JOURNAL, (*asked.argv, "--vacuum-size=1")))
