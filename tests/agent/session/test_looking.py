"""Actions that look, on a machine that a test writes: filters, following, history, and that everything is redacted."""

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from agent.bundles.planning import make_plan
from agent.bundles.talk import BundleRequest
from agent.session.actions.diagnose import do_diagnose
from agent.session.actions.facts import do_facts
from agent.session.actions.logs import Growth, NewLines, do_logs, do_logs_follow
from agent.session.actions.services import do_services
from agent.session.actions.told import do_told
from agent.session.actions.workbench import Row, Workbench
from agent.session.own_names import names_of
from diagnostics.collectors.evidence_lines import SUBJECTS
from diagnostics.findings import Change, Finding, Severity
from diagnostics.machine.interface import Unreadable
from diagnostics.observations import LogLine
from diagnostics.redaction import Redactor
from diagnostics.strict_json import dump_json, encode
from protocol.actions.diagnose import DiagnoseArguments
from protocol.actions.facts import FactsArguments
from protocol.actions.logs import LogsArguments
from protocol.actions.remedies import RemediesListArguments
from protocol.actions.services import ServicesArguments
from tests.agent.session.told_machine import MACHINES, Over, ToldMachine

SECRET = b"a secret for pseudonyms of tests"
HOST = "annas-laptop"


@pytest.fixture(autouse=True)
def a_host_with_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: HOST)


@pytest.fixture
def machine() -> ToldMachine:
    return ToldMachine()


def bench_of(machine: ToldMachine, *told: Row) -> Workbench:
    return Workbench(machine, Redactor(names_of(machine), SECRET), machine.now, told=told)


def bodies(rows: Iterator[Row]) -> list[tuple[str, dict[str, object]]]:
    return [(row.kind, json.loads(row.body)) for row in rows]


def texts(rows: Iterator[Row], kind: str) -> list[str]:
    return [str(body["text"]) for each, body in bodies(rows) if each == kind]


def until_over(rows: Iterator[Row]) -> list[Row]:
    found: list[Row] = []
    with pytest.raises(Over):
        list(_each(rows, found))
    return found


def _each(rows: Iterator[Row], found: list[Row]) -> Iterator[Row]:
    for row in rows:
        found.append(row)
    yield from ()


# --- logs: files -----------------------------------------------------------------------------------------------------


def stamped(machine: ToldMachine, ago_s: int, text: str) -> bytes:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(machine.now - ago_s, UTC).isoformat()} {text}\n".encode()


def test_a_file_is_filtered_by_time_and_words(machine: ToldMachine) -> None:
    machine.logs["syslog"] = b"".join(
        (
            stamped(machine, 7200, "too old: timeout"),
            stamped(machine, 3000, "in range: timeout"),
            b"  continued: timeout\n",
            stamped(machine, 2000, "in range: other"),
            stamped(machine, 60, "too new: timeout"),
        )
    )
    asked = LogsArguments(source="syslog", since_s=3600, until_s=600, text="timeout")
    found = texts(do_logs(asked, bench_of(machine)), "text-line")
    assert [text.split(": ")[0].split()[-1] for text in found] == ["range", "continued"]


def test_a_file_without_times_says_so_and_leaves_nothing_out(machine: ToldMachine) -> None:
    machine.logs["boot.log"] = b"[  OK  ] Started one\n[  OK  ] Started two\n"
    rows = bodies(do_logs(LogsArguments(source="boot.log", severity="error"), bench_of(machine)))
    assert [kind for kind, _ in rows] == ["note", "note", "text-line", "text-line"]
    assert "units and severities" in str(rows[0][1]["text"])
    assert "no time" in str(rows[1][1]["text"])
    assert rows[2][1]["at_unix_s"] is None


def test_a_file_of_another_time_says_so(machine: ToldMachine) -> None:
    machine.logs["syslog"] = stamped(machine, 90_000, "yesterday")
    ((kind, body),) = bodies(do_logs(LogsArguments(source="syslog"), bench_of(machine)))
    assert kind == "note"
    assert "range of time" in str(body["text"])


@pytest.mark.parametrize("source", ["../etc/shadow", "/etc/passwd", "absent.log"])
def test_a_file_that_is_not_listed_cannot_be_named(machine: ToldMachine, source: str) -> None:
    machine.logs["syslog"] = b"line\n"
    for doing in (do_logs, do_logs_follow):
        with pytest.raises(Unreadable, match="no log file"):
            list(doing(LogsArguments(source=source), bench_of(machine)))


def test_a_followed_file_gives_each_whole_new_line_once(machine: ToldMachine) -> None:
    machine.logs["app.log"] = b"one\ntwo\nhalf"

    def write(data: bytes) -> Callable[[], None]:
        def add() -> None:
            machine.logs["app.log"] += data

        return add

    def rotate() -> None:
        machine.logs["app.log"] = b"anew\n"

    machine.pauses = [write(b" a line\n"), write(b""), write(b"three\nfour\n"), rotate]
    rows = until_over(do_logs_follow(LogsArguments(source="app.log"), bench_of(machine)))
    assert [json.loads(row.body)["text"] for row in rows if row.kind == "text-line"] == [
        "one", "two", "half", "half a line", "three", "four", "anew",
    ]  # fmt: skip
    assert any("begun anew" in row.body for row in rows if row.kind == "note")


def test_growth_beyond_the_window_gives_what_is_there() -> None:
    growth = Growth(10, b"0123456\n")
    assert growth.of(10_000, b"tail of it\n") == (b"tail of it\n", False)


# --- logs: the journal -----------------------------------------------------------------------------------------------


def entry(at: int, text: str, priority: int = 6) -> bytes:
    value = {"__REALTIME_TIMESTAMP": str(at * 1_000_000), "PRIORITY": str(priority), "MESSAGE": text}
    return json.dumps(value | {"_SYSTEMD_UNIT": "app.service"}).encode() + b"\n"


def test_the_journal_is_asked_for_exactly_the_range(machine: ToldMachine) -> None:
    machine.journal = lambda argv: entry(machine.now - 700, "slow") + entry(machine.now - 650, "slower")
    asked = LogsArguments(unit="app.service", severity="warning", since_s=3600, until_s=600, text="slower")
    assert texts(do_logs(asked, bench_of(machine)), "log-line") == ["slower"]
    assert set(machine.asked[0]) >= {
        "--unit=app.service", "--priority=4", f"--since=@{machine.now - 3600}", f"--until=@{machine.now - 600}",
    }  # fmt: skip


def test_a_followed_journal_gives_every_line_once_also_equal_ones(machine: ToldMachine) -> None:
    now = machine.now
    kept = [entry(now, "same"), entry(now, "same")]
    machine.journal = lambda argv: b"".join(kept)
    machine.pauses = [
        lambda: kept.append(entry(now, "same")),
        lambda: None,
        lambda: kept.extend((entry(now + 3, "later"), entry(now + 3, "same"))),
    ]
    rows = until_over(do_logs_follow(LogsArguments(), bench_of(machine)))
    assert [json.loads(row.body)["text"] for row in rows] == ["same", "same", "same", "later", "same"]


def test_lines_of_one_second_are_told_apart_by_their_number() -> None:
    line = LogLine(100, 6, "app", "x")
    new = NewLines((line,), 100)
    assert new.of((line, line, line)) == [line, line]
    assert new.of((line, line, line)) == []


# --- redaction -------------------------------------------------------------------------------------------------------


def test_a_name_has_the_same_mark_in_a_live_row_and_in_a_bundle_of_the_device(machine: ToldMachine) -> None:
    """The whole way of both: the session's workbench, and the bundle worker's own plan."""
    line = f"login of bob@{HOST}.lan from 203.0.113.77 on {HOST}"
    machine.logs["syslog"] = f"{line}\n".encode()
    (live,) = texts(do_logs(LogsArguments(source="syslog"), bench_of(machine)), "text-line")
    request = BundleRequest(
        "01890a5d-ac96-7745-bcce-b302099a8057", machine.now, SECRET.hex(), (), never=tuple(SUBJECTS)
    )
    bundled = make_plan(request, machine).content("logs/files/syslog").decode().strip()
    assert live == bundled
    assert HOST not in live
    assert "203.0.113.77" not in live
    assert live.count("<") >= 3
    assert "<host:" in live


def test_there_is_no_way_to_ask_for_lines_that_are_not_redacted() -> None:
    assert {name for name in LogsArguments.model_fields if "redact" in name or "raw" in name} == set()


def test_what_the_service_brings_goes_out_redacted_but_for_ids(machine: ToldMachine) -> None:
    run = "01890a5d-ac96-7745-bcce-b302099a8057"
    told = Row(
        "remedy-run", dump_json({"remedy": "clean", "run": run, "outcome": None, "detail": f"moved files of {HOST}"})
    )
    ((_, body),) = bodies(do_told(RemediesListArguments(), bench_of(machine, told)))
    assert body["run"] == run
    assert HOST not in str(body["detail"])
    assert "<host:" in str(body["detail"])


def test_a_change_says_in_the_receipt_what_it_came_to(machine: ToldMachine) -> None:
    ended = {"pid": 5, "name": "editor", "user": HOST, "how": "killed"}
    bench = bench_of(machine, Row("ended-process", dump_json(ended)))
    list(do_told(RemediesListArguments(), bench))
    assert bench.last_word.startswith("editor, of <host:")
    assert bench.last_word.endswith(": killed")


# --- one service -----------------------------------------------------------------------------------------------------


def test_one_service_comes_with_its_last_log_lines(machine: ToldMachine) -> None:
    machine.journal = lambda argv: entry(machine.now, f"ready on {HOST}")
    all_of_them = bodies(do_services(ServicesArguments(), bench_of(machine)))
    name = str(all_of_them[0][1]["name"]).removesuffix(".service")
    rows = bodies(do_services(ServicesArguments(name=name, lines=5), bench_of(machine)))
    assert [kind for kind, _ in rows] == ["service", "log-line"]
    assert HOST not in str(rows[1][1])
    assert f"--unit={name}.service" in machine.asked[-1]
    with pytest.raises(Unreadable, match="no service"):
        list(do_services(ServicesArguments(name="absent"), bench_of(machine)))


# --- history and facts -----------------------------------------------------------------------------------------------


def kept_history(machine_name: str) -> list[Row]:
    """The recorded machine's own history as the service would bring it."""
    series: dict[tuple[str, str], list[list[float]]] = {}
    for line in (MACHINES / machine_name / "history.jsonl").read_text().splitlines():
        value = json.loads(line)
        series.setdefault((value["metric"], value["instance"]), []).append([value["unix_s"], value["value"]])
    return [
        Row("history", dump_json({"metric": metric, "instance": instance, "points": points}))
        for (metric, instance), points in series.items()
    ]


def test_a_forecast_works_in_a_visit_with_what_the_agent_has_kept() -> None:
    from diagnostics.machine.recorded import RecordedMachine

    recorded = RecordedMachine(MACHINES / "server-disk-filling")
    redactor = Redactor(names_of(recorded), SECRET)
    now = recorded.about.now_unix_s
    asked = DiagnoseArguments(checks=("disk-fill-forecast",))
    without = bodies(do_diagnose(asked, Workbench(recorded, redactor, now)))
    told = tuple(kept_history("server-disk-filling"))
    with_it = bodies(do_diagnose(asked, Workbench(recorded, redactor, now, told=told)))
    assert [kind for kind, _ in without] == ["check"]
    assert [str(body["code"]) for kind, body in with_it if kind == "finding"] == ["disk-filling"]


def test_history_is_listed_and_given_for_a_plot_by_its_mark(machine: ToldMachine) -> None:
    told = Row(
        "history",
        dump_json({"metric": "disk.used-bytes", "instance": f"disk:/mnt/{HOST}", "points": [[1, 2.0], [61, 3.5]]}),
    )
    bench = bench_of(machine, told)
    ((_, line),) = bodies(do_facts(FactsArguments(subject="history"), bench))
    assert (line["points"], line["first_unix_s"], line["last"]) == (2, 1, 3.5)
    assert HOST not in str(line)
    asked = FactsArguments(subject="history", name="disk.used-bytes", instance=str(line["instance"]))
    ((kind, plot),) = bodies(do_facts(asked, bench))
    assert (kind, plot["points"]) == ("history", [[1, 2.0], [61, 3.5]])
    with pytest.raises(Unreadable, match="nothing of this"):
        list(do_facts(FactsArguments(subject="history", name="disk.used-bytes", instance="disk:/other"), bench))


def test_findings_come_with_what_changed_before_the_onset(machine: ToldMachine) -> None:
    finding = Finding(
        "service-failed",
        "service:cups",
        Severity.ERROR,
        "failed-services@1",
        1000,
        2000,
        changes=(Change(900, f"package cups 2.4 → 2.5 on {HOST}"),),
    )
    rows = bodies(do_facts(FactsArguments(), bench_of(machine, Row("finding", dump_json(encode(finding))))))
    assert [kind for kind, _ in rows] == ["finding", "change"]
    assert (rows[1][1]["finding"], rows[1][1]["at_unix_s"]) == ("service-failed", 900)
    assert HOST not in json.dumps(rows)


def test_observations_are_listed_and_read_now(machine: ToldMachine) -> None:
    listed = bodies(do_facts(FactsArguments(subject="observations"), bench_of(machine)))
    assert {"memory", "filesystems"} <= {str(body["id"]) for _, body in listed}
    rows = bodies(do_facts(FactsArguments(subject="observations", name="memory"), bench_of(machine)))
    assert {str(body["field"]) for _, body in rows} >= {"total_bytes", "available_bytes"}
    with pytest.raises(Unreadable, match="no collector"):
        list(do_facts(FactsArguments(subject="observations", name="absent"), bench_of(machine)))
