"""A followed log over lost connections: the agent's own reading at one end, the technician's program at the other.

Whatever line was the last that came, the next connection brings what is behind it: none twice, none left out.
"""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.session.actions.logs import do_logs_follow, place_behind
from agent.session.actions.workbench import Row, Workbench
from agent.session.own_names import names_of
from diagnostics.redaction import Redactor
from protocol.actions.logs import MARKS_MAX, SINCE_MAX_S, LastLines, LogsArguments, mark_of, time_of
from protocol.journal import Outcome
from protocol.visit import ActionResult, Item
from technician.session.going_on import Followed
from technician.session.run import Run
from tests.agent.session.test_looking import SECRET, entry
from tests.agent.session.told_machine import Over, ToldMachine
from tests.technician.test_run import Line

FILE = LogsArguments(source="app.log", lines=50)
JOURNAL = LogsArguments(lines=50)


def bench_of(machine: ToldMachine) -> Workbench:
    return Workbench(machine, Redactor(names_of(machine), SECRET), machine.now)


def rows_of(machine: ToldMachine, asked: LogsArguments, most: int | None = None) -> list[Row]:
    """What comes before the connection is lost: all until the machine's pauses are over, or the first `most`."""
    found: list[Row] = []
    try:
        for row in do_logs_follow(asked, bench_of(machine)):
            found.append(row)
            if len(found) == most:
                return found
    except Over:
        pass
    return found


def cut_off(outcome: Outcome = Outcome.CANCELLED) -> Run:
    run = Run(Line(), 1, "logs.follow")
    run.finish(ActionResult(outcome=outcome, detail="the connection was lost"), cut_off=True)
    return run


class Reader:
    """The technician's program: what it shows, and what it asks for after each loss."""

    def __init__(self, asked: LogsArguments) -> None:
        self.followed = Followed("logs.follow", asked)
        self.asked = asked
        self.shown: list[str] = []
        self.notes: list[str] = []

    def take(self, rows: list[Row]) -> None:
        for number, row in enumerate(rows, start=1):
            if self.followed.takes(Item(id=number, kind=row.kind, body=row.body)):
                (self.notes if row.kind == "note" else self.shown).append(json.loads(row.body)["text"])

    def come_back(self) -> LogsArguments:
        again = self.followed.again(cut_off())
        assert isinstance(again, LogsArguments)
        return again


def write(machine: ToldMachine, data: bytes) -> Callable[[], None]:
    def add() -> None:
        machine.logs["app.log"] += data

    return add


@pytest.mark.parametrize("came", range(1, 7))
def test_a_file_goes_on_behind_the_last_line_that_came(came: int) -> None:
    machine = ToldMachine({"app.log": b"one\ntwo\nthree\n"})
    machine.pauses = [write(machine, b"four\n"), write(machine, b"five\nsix\n")]
    reader = Reader(FILE)
    reader.take(rows_of(machine, FILE, came + 1))  # the first is the note that these lines have no time
    machine.logs["app.log"] = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n"  # written while nobody was there
    machine.pauses = [write(machine, b"eight\n")]
    reader.take(rows_of(machine, reader.come_back()))
    assert reader.shown == ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    assert len(reader.notes) == 1


def test_a_line_that_was_half_there_is_given_again_when_it_is_whole() -> None:
    machine = ToldMachine({"app.log": b"one\ntwo\nha"})
    reader = Reader(FILE)
    reader.take(rows_of(machine, FILE))
    machine.logs["app.log"] += b"lf\nnext\n"
    reader.take(rows_of(machine, reader.come_back()))
    assert reader.shown == ["one", "two", "ha", "half", "next"]
    assert not any("missing" in note for note in reader.notes)


def test_a_log_that_was_begun_anew_meanwhile_says_that_lines_may_be_missing() -> None:
    machine = ToldMachine({"app.log": b"one\ntwo\n"})
    reader = Reader(FILE)
    reader.take(rows_of(machine, FILE))
    machine.logs["app.log"] = b"first of a new file\n"
    reader.take(rows_of(machine, reader.come_back()))
    assert reader.shown[-1] == "first of a new file"
    assert "some may be missing" in reader.notes[-1]


def test_filters_hold_for_what_comes_later() -> None:
    machine = ToldMachine({"app.log": b"a timeout\nother\n"})
    asked = LogsArguments(source="app.log", text="timeout")
    reader = Reader(asked)
    reader.take(rows_of(machine, asked))
    machine.logs["app.log"] += b"other again\nanother timeout\n"
    reader.take(rows_of(machine, reader.come_back()))
    assert reader.shown == ["a timeout", "another timeout"]


def test_the_journal_goes_on_by_the_devices_own_time_also_with_equal_lines_in_one_second() -> None:
    machine = ToldMachine()
    now = machine.now
    kept = [entry(now - 5, "a"), entry(now, "same"), entry(now, "same")]
    machine.journal = lambda argv: b"".join(kept)
    reader = Reader(JOURNAL)
    reader.take(rows_of(machine, JOURNAL))
    kept += [entry(now, "same"), entry(now + 2, "later")]
    machine.asked.clear()
    reader.take(rows_of(machine, reader.come_back()))
    assert reader.shown == ["a", "same", "same", "same", "later"]
    assert f"--since=@{now - 5}" in machine.asked[0]


def test_nothing_older_than_a_month_comes_whatever_is_said_to_have_come() -> None:
    machine = ToldMachine()
    machine.journal = lambda argv: b""
    asked = LogsArguments(after=LastLines(marks=(bytes(32),), since=1))
    rows_of(machine, asked)
    assert f"--since=@{machine.now - SINCE_MAX_S}" in machine.asked[0]


def test_a_journal_that_lost_its_past_says_that_lines_may_be_missing() -> None:
    machine = ToldMachine()
    kept = [entry(machine.now, f"line {number}") for number in range(3)]
    machine.journal = lambda argv: b"".join(kept)
    reader = Reader(JOURNAL)
    reader.take(rows_of(machine, JOURNAL))
    kept[:] = [entry(machine.now + 9, "after a vacuum")]
    reader.take(rows_of(machine, reader.come_back()))
    assert reader.shown[-1] == "after a vacuum"
    assert "some may be missing" in reader.notes[-1]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    texts=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=60),
    cuts=st.lists(st.integers(1, 40), max_size=4),
)
def test_wherever_it_is_cut_every_line_is_shown_once(texts: list[str], cuts: list[int]) -> None:
    """Lines with a number, so that they differ, and the journal's same-second ones that need not."""
    machine = ToldMachine({"app.log": b""})
    lines = [f"{number} {text}" for number, text in enumerate(texts)]
    machine.logs["app.log"] = "".join(f"{line}\n" for line in lines).encode()
    asked = LogsArguments(source="app.log", lines=100)
    reader = Reader(asked)
    for cut in cuts:
        reader.take(rows_of(machine, asked, cut))
        asked = reader.come_back()
    reader.take(rows_of(machine, asked))
    assert reader.shown == lines


def test_nothing_that_came_is_asked_for_from_the_beginning() -> None:
    reader = Reader(JOURNAL)
    assert reader.come_back() == JOURNAL


def test_what_was_refused_or_failed_is_not_asked_for_again() -> None:
    for outcome in (Outcome.REFUSED, Outcome.FAILED, Outcome.UNKNOWN):
        assert Followed("logs.follow", JOURNAL).again(cut_off(outcome)) is None
    assert Followed("processes.end", JOURNAL).again(cut_off()) is None, "it changes something"


def test_messages_that_came_already_are_not_shown_again() -> None:
    followed = Followed("chat", JOURNAL)
    messages = [Item(id=1, kind="chat-message", body=json.dumps({"number": number})) for number in (1, 2)]
    assert [followed.takes(message) for message in messages] == [True, True]
    assert [followed.takes(message) for message in messages] == [False, False]
    assert followed.takes(messages[0].model_copy(update={"body": '{"number":3}'}))


def test_only_the_newest_lines_go_along_and_a_row_that_is_none_breaks_nothing() -> None:
    reader = Reader(FILE)
    for number in range(2 * MARKS_MAX):
        reader.followed.takes(Item(id=1, kind="text-line", body=json.dumps({"text": str(number)})))
    assert reader.followed.takes(Item(id=1, kind="text-line", body="no json {"))
    after = reader.come_back().after
    assert after is not None
    assert len(after.marks) == MARKS_MAX
    assert (time_of("[1]"), time_of('{"at_unix_s":-4}'), time_of('{"at_unix_s":7}')) == (0, 0, 7)


def test_a_place_is_found_behind_the_whole_sequence_only() -> None:
    marks = [mark_of("log-line", text) for text in "abcabd"]
    a, b, d = marks[0], marks[1], marks[5]
    assert place_behind(marks, [a, b, d]) == 6
    assert place_behind(marks, [b, a]) == 2, "the newest may have changed since: it is given again"
    assert place_behind(marks, [d, d]) == 6
    assert place_behind(marks, [mark_of("log-line", "x")]) is None
