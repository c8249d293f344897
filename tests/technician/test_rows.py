"""Rows of a result as people read them; and the words a technician types."""

import json
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from protocol.actions.catalogue import ACTIONS
from protocol.actions.diagnose import DiagnoseArguments
from protocol.actions.logs import LogsArguments
from protocol.actions.processes import ProcessesArguments
from protocol.actions.services import ServicesArguments
from protocol.visit import Item
from technician.problems import Problem
from technician.session.commands import TypedAction, parse_command
from technician.session.rows import KINDS, show
from tests.technician.device_end import process_item


def item(kind: str, body: object) -> Item:
    return Item(id=1, kind=kind, body=body if isinstance(body, str) else json.dumps(body))


def test_a_process_is_shown_with_units() -> None:
    (table,) = show([process_item(812)])
    assert [column.label for column in table.columns] == [
        "PID", "Name", "User", "CPU", "Memory", "State", "Running", "Began",
    ]  # fmt: skip
    assert table.rows == (("812", "program-812", "<user:7f3a91c0>", "25 %", "61 MB", "sleeping", "1 h 6 min", "0"),)


def test_every_kind_of_row_of_a_visit_is_shown() -> None:
    """One of each, with every column filled by its own words."""
    rows: dict[str, dict[str, object]] = {
        "text-line": {"file": "syslog", "at_unix_s": None, "text": "a line"},
        "ended-process": {"pid": 5, "name": "sleep", "user": "anna", "how": "killed"},
        "collector": {"id": "memory", "cost": "cheap", "may_contain": ["user-names"]},
        "observation": {"collector": "memory", "field": "total_bytes", "index": 0, "value": "8"},
        "change": {"finding": "service-failed", "at_unix_s": 1, "what": "cups 2.4 → 2.5"},
        "series": {"metric": "m", "instance": "i", "points": 2, "first_unix_s": 1, "last_unix_s": 2, "last": 0.5},
        "history": {"metric": "m", "instance": "i", "points": [[1, 0.0], [2, 1.0], [3, 0.5]]},
        "remedy": {
            "id": "clean", "title": "Clean", "text": "…", "risk": 2, "reversible": True, "estimated_s": 60,
            "not_now": None, "again_at": None,
        },
        "remedy-step": {"preview": "p", "remedy": "clean", "risk": 2, "number": 1, "text": "Move 3 files"},
        "remedy-run": {
            "remedy": "clean", "run": "r", "asked_at": 1, "next": "watch", "watch_until": 2, "outcome": None,
            "detail": "", "ended_at": None,
        },
        "chat-message": {"number": 1, "at": 1, "by": "customer", "name": "anna", "text": "<b>hi</b>"},
        "bundle": {"id": "b", "ticket": "t", "bytes": 5000, "files": 3},
        "note": {"text": "nothing found"},
    }  # fmt: skip
    tables = {table.kind: table for table in show([item(kind, body) for kind, body in rows.items()])}
    assert set(tables) == set(rows)
    for table in tables.values():
        assert table.broken == 0, table.kind
        assert len(table.rows[0]) == len(table.columns), table.kind
    assert tables["history"].rows[0][2] == "▁█▅"
    assert tables["chat-message"].rows[0][1:] == ("anna (customer)", "<b>hi</b>")
    assert tables["ended-process"].rows[0][3] == "it did not listen and was killed"


def test_checks_carry_their_titles_and_findings_plain_words() -> None:
    finding = {
        "code": "disk-space-low", "instance": "disk:/", "severity": "warning", "rule": "disk-space@1",
        "first_seen_unix_s": 1, "last_seen_unix_s": 2, "state": "pending", "count": 1, "evidence": [],
        "facts": {"mount": "/", "available_bytes": 3_000_000_000, "total_bytes": 100_000_000_000},
        "explained_by": None, "remedies": [], "changes": [], "time_to_act": None,
    }  # fmt: skip
    tables = show(
        [item("check", {"id": "disk-space", "status": "ok", "ms": 3, "reason": ""}), item("finding", finding)]
    )
    assert [table.kind for table in tables] == ["finding", "check"]
    assert tables[0].rows[0][:2] == ("warning", "Little disk space left")
    assert "3.0 GB left" in tables[0].rows[0][2]
    assert tables[1].rows[0][:2] == ("Free disk space", "ok")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        '{"pid":1}',
        '{"pid":"1","parent_pid":1,"name":"","user":"","state":"","cpu_fraction":0,"lifetime_cpu_fraction":0,'
        '"rss_bytes":0,"threads":1,"age_s":0}',
        '{"pid":1,"pid":2}',
        "{" * 5000,
    ],
)
def test_a_row_that_is_not_what_it_says_is_counted_and_not_guessed_at(body: str) -> None:
    (table,) = show([item("process", body), process_item(1)])
    assert (table.broken, len(table.rows)) == (1, 1)


def test_a_kind_of_a_newer_device_is_shown_as_it_came() -> None:
    (table,) = show([item("quantum-state", '{"spin":"up"}')])
    assert table.rows == (("quantum-state", '{"spin":"up"}'),)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(some.sampled_from(sorted(KINDS)), some.text(max_size=200))
def test_no_body_breaks_the_screen(kind: str, body: str) -> None:
    (table,) = show([item(kind, body)])
    assert table.broken == 1 or len(table.rows) == 1


# --- typed commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("diagnose", TypedAction("diagnose", DiagnoseArguments())),
        ("diagnose disk-space dns", TypedAction("diagnose", DiagnoseArguments(checks=("disk-space", "dns")))),
        ("ps", TypedAction("processes", ProcessesArguments())),
        ("ps memory 5", TypedAction("processes", ProcessesArguments(sort="memory", limit=5))),
        ("services failed", TypedAction("services", ServicesArguments(state="failed"))),
        ("logs list", TypedAction("logs", LogsArguments(list=True))),
        (
            "logs syslog severity=error since=2h text='out of memory' lines=20",
            TypedAction(
                "logs", LogsArguments(source="syslog", severity="error", since_s=7200, text="out of memory", lines=20)
            ),
        ),
    ],
)
def test_a_line_becomes_an_action_with_typed_arguments(line: str, action: TypedAction) -> None:
    assert parse_command(line) == action


@pytest.mark.parametrize(
    "line",
    [
        "reboot", "ps 5 memory", "ps memory 5 more", "ps memory 99999", "services broken", "diagnose Disk;rm",
        "logs a b", "logs since=yesterday", "logs lines=0", "logs unit='a b;c'", "logs 'unclosed",
    ],
)  # fmt: skip
def test_what_is_not_meant_is_refused_with_help(line: str) -> None:
    with pytest.raises(Problem, match="not a command here") as refusal:
        parse_command(line)
    assert "help" in refusal.value.expected


@settings(deadline=None, derandomize=True, max_examples=200)
@given(some.text(max_size=80))
def test_no_line_asks_for_anything_outside_the_catalogue(line: str) -> None:
    try:
        action = parse_command(line)
    except Problem:
        return
    assert isinstance(action.arguments, ACTIONS[action.name].arguments)


@given(some.text(min_size=1, max_size=60))
@settings(deadline=None, derandomize=True, max_examples=100)
def test_words_to_look_for_arrive_as_they_were_typed(text: str) -> None:
    action = parse_command("logs journal " + shlex.quote(f"text={text}"))
    assert action.arguments.model_dump()["text"] == text
