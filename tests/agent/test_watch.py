"""The watch: schedule, worker, store, report, automatic tickets. Looks come from recorded values or this machine."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import AutomaticTickets as From
from agent.config import Config, ReportSettings
from agent.identity.identity import Identity
from agent.link.outbox import Outbox
from agent.refusal import Refusal
from agent.store.database import Database
from agent.store.kept_values import KeptValues
from agent.tickets.automatic import AutomaticTickets, over, reason_of, wanted
from agent.tickets.store import OwnTicket, TicketStore
from agent.watch import counters
from agent.watch.finding_store import FindingStore, StoredHistory
from agent.watch.look import CheckLine, Explained, Look, LookRequest, MetricPoint, SeenFinding, Trial
from agent.watch.report import report_of
from agent.watch.schedule import FIRST_MAX_S, first_look_s, next_look_s
from agent.watch.shadow_counts import TRIALS_MAX, Counted, ShadowCounts
from agent.watch.watch import Watch, run_worker
from agent.watch.worker import look_once
from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.findings import Finding, FindingState, Severity
from diagnostics.history import Point
from diagnostics.machine.own_use import AgentState
from diagnostics.machine.recorded import RecordedMachine
from protocol import strict_json
from protocol.messages.desk import FourFacts, TicketState, TicketUpdate
from protocol.messages.link import parse_item
from protocol.messages.report import ReportedState
from tests.agent.doubles import HandClocks, MemoryLog
from tests.making import NOW

HOUR = 3600
ALL = [check.id for check in CATALOGUE]
MACHINES = Path(__file__).parent.parent / "machines"


def finding(instance: str = "disk:/home/anna", **changes: object) -> Finding:
    made = Finding(
        code="disk-full",
        instance=instance,
        severity=Severity.ERROR,
        rule="disk-space@1",
        first_seen_unix_s=NOW - 600,
        last_seen_unix_s=NOW,
        state=FindingState.ACTIVE,
        count=3,
        facts={"path": "/home/anna", "used_fraction": 0.98},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def seen(found: Finding) -> SeenFinding:
    return SeenFinding(found, {"en": Explained("The disk is full", "Anna's disk is full."), "ru": Explained("", "")})


def look(*findings: Finding, ended: tuple[str, ...] = (), metrics: tuple[MetricPoint, ...] = ()) -> Look:
    return Look(
        checks=(CheckLine("disk-space", "finding", 3, ""), CheckLine("dns", "skipped", 0, "no route for anna")),
        findings=tuple(seen(found) for found in findings),
        appeared=(),
        ended=ended,
        metrics=metrics,
        duration_s=0.25,
        cpu_s=0.1,
    )


# --- schedule ---------------------------------------------------------------------------------------------------


@settings(deadline=None, derandomize=True)
@given(st.floats(300, 86_400), st.floats(0, 1, exclude_max=True), st.integers(0, 1000))
def test_the_next_look_is_never_sooner_than_the_interval_less_a_tenth(
    every_s: float, uniform: float, failures: int
) -> None:
    pause = next_look_s(every_s, uniform, failures=failures)
    assert every_s * 0.9 <= pause <= max(3600, every_s) * 1.1


def test_machines_that_start_together_do_not_look_together() -> None:
    assert (first_look_s(0.0), first_look_s(0.5)) == (0.0, FIRST_MAX_S / 2)
    assert next_look_s(300, 0.0) == 270
    assert next_look_s(300, 0.999999) == pytest.approx(330, abs=0.01)


def test_a_failing_worker_is_asked_less_often() -> None:
    assert [round(next_look_s(300, 0.5, failures=count)) for count in range(5)] == [300, 600, 1200, 2400, 3600]


# --- worker -----------------------------------------------------------------------------------------------------


def test_only_checks_whose_own_interval_is_over_are_due() -> None:
    from agent.watch.worker import due

    first, *rest = CATALOGUE
    ran = {check.id: NOW - 1 for check in CATALOGUE} | {first.id: NOW - first.interval_s}
    assert due(CATALOGUE, ran, NOW) == [first]
    assert due(CATALOGUE, {}, NOW) == list(CATALOGUE)
    assert due(CATALOGUE, {check.id: NOW + 9 * HOUR for check in rest}, NOW) == list(CATALOGUE)


async def test_the_worker_looks_at_this_machine_in_a_process_of_its_own(database: Database) -> None:
    request = LookRequest(now=NOW, database=str(database.path), everything=True, disabled=("dns",))
    answer = Look.from_bytes(await run_worker(request.to_bytes()))
    assert {check.id for check in answer.checks} == {check.id for check in CATALOGUE} - {"dns"}
    assert all(check.reason for check in answer.checks if check.status in ("skipped", "failed"))
    assert any(metric.name == "memory.available-bytes" for metric in answer.metrics)


async def test_a_worker_that_gets_nonsense_says_so_instead_of_inventing_a_look() -> None:
    with pytest.raises(Refusal, match="check worker failed"):
        await run_worker(b'{"now":"yesterday"}')


async def test_the_database_is_only_read_by_the_worker(database: Database) -> None:
    history = StoredHistory(database.path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        history._connection.execute("DELETE FROM findings")
    history.close()


def test_a_request_and_a_look_survive_the_pipe() -> None:
    request = LookRequest(now=NOW, database="/x", everything=False, ran_at={"dns": 3}, agent=AgentState(pid=7))
    assert LookRequest.from_bytes(request.to_bytes()) == request
    told = look(finding(), metrics=(MetricPoint("a.b", "", 1.5),))
    assert Look.from_bytes(told.to_bytes()) == told


# --- store ------------------------------------------------------------------------------------------------------


def test_a_look_is_kept_whole(database: Database) -> None:
    store = FindingStore(database)
    store.keep(look(finding(), finding("disk:/", severity=Severity.CRITICAL)), NOW)
    assert [entry.finding.instance for entry in store.visible()] == ["disk:/", "disk:/home/anna"]
    assert [(run.id, run.status, run.reason) for run in store.check_runs()] == [
        ("disk-space", "finding", ""),
        ("dns", "skipped", "no route for anna"),
    ]
    store.keep(look(finding()), NOW + 300)
    assert [entry.finding.instance for entry in store.all()] == ["disk:/home/anna"]


def test_the_worker_reads_what_the_service_kept(database: Database) -> None:
    store = FindingStore(database)
    store.keep(look(finding(), metrics=(MetricPoint("disk.used", "disk:/", 0.5),)), NOW)
    store.keep(look(finding(), metrics=(MetricPoint("disk.used", "disk:/", 0.6),)), NOW + 300)
    store.snooze(finding().fingerprint, NOW + HOUR, NOW)
    history = StoredHistory(database.path)
    assert history.series("disk.used", "disk:/", since_unix_s=NOW) == (Point(NOW, 0.5), Point(NOW + 300, 0.6))
    assert history.series("disk.used", "disk:/", since_unix_s=NOW + 1) == (Point(NOW + 300, 0.6),)
    known, snoozed = history.known_findings()
    assert [item.state for item in known] == [FindingState.SNOOZED]
    assert snoozed == {finding().fingerprint: NOW + HOUR}
    history.close()


def test_history_keeps_every_look_for_a_day_and_one_an_hour_for_a_month(database: Database) -> None:
    store = FindingStore(database)
    for step in range(0, 40 * 24 * HOUR, 900 * 4 * 6):  # every six hours for 40 days
        store.keep(look(metrics=(MetricPoint("m", "", 1.0),)), NOW + step)
    last = NOW + step
    for minute in range(0, 180, 5):
        store.keep(look(metrics=(MetricPoint("m", "", 2.0),)), last + 60 * minute)
    store.keep(look(metrics=(MetricPoint("m", "", 3.0),)), last + 60 * 175 + 26 * HOUR)
    history = StoredHistory(database.path)
    points = history.series("m", "", since_unix_s=0)
    assert points[0].unix_s >= last + 60 * 175 + 26 * HOUR - 30 * 86_400
    close = [point for point in points if last <= point.unix_s < last + 3 * HOUR]
    assert len({point.unix_s // HOUR for point in close}) == len(close)
    history.close()


def test_a_clock_that_was_set_back_leaves_no_points_from_the_future(database: Database) -> None:
    store = FindingStore(database)
    store.keep(look(metrics=(MetricPoint("m", "", 1.0),)), NOW + 500)
    store.keep(look(metrics=(MetricPoint("m", "", 2.0),)), NOW)
    history = StoredHistory(database.path)
    assert history.series("m", "", since_unix_s=0) == (Point(NOW, 2.0),)
    history.close()


def test_a_person_may_ignore_a_finding_and_change_their_mind(database: Database) -> None:
    store = FindingStore(database)
    store.keep(look(finding()), NOW)
    store.ignore(finding().fingerprint, NOW)
    assert store.visible() == []
    with pytest.raises(Refusal, match="cannot be changed so now"):
        store.snooze(finding().fingerprint, NOW + 60, NOW)
    store.unignore(finding().fingerprint, NOW)
    entry = store.get(finding().fingerprint)
    assert entry is not None
    assert entry.finding.state is FindingState.PENDING
    with pytest.raises(Refusal, match="no such finding"):
        store.ignore("nothing|here", NOW)


# --- report -----------------------------------------------------------------------------------------------------


def test_a_report_holds_the_published_list_and_no_name(identity: Identity) -> None:
    told = look(
        finding(explained_by="cause|disk:/home/anna"),
        finding("disk:/", state=FindingState.RESOLVED),
        finding("disk:/old", state=FindingState.RESOLVED),
        ended=("disk-full|disk:/",),
        metrics=(MetricPoint("disk.used-fraction", "disk:/home/anna", 0.98), MetricPoint("load.one-minute", "", 1.0)),
    )
    report = report_of(told, settings=ReportSettings(), pseudonym=identity.pseudonym, gap_count=4, now=NOW)
    assert [entry.state for entry in report.findings] == [ReportedState.RESOLVED, ReportedState.ACTIVE]
    assert report.gap_count == 4
    assert [(metric.name, metric.instance is None) for metric in report.metrics] == [
        ("disk.used-fraction", False),
        ("load.one-minute", True),
    ]
    text = strict_json.dump(report)
    for secret in (b"anna", b"/home", b"disk:", b"no route", b"Anna"):
        assert secret not in text


def test_metrics_that_the_owner_switched_off_stay_here(identity: Identity) -> None:
    told = look(metrics=(MetricPoint("a.b", "", 1.0), MetricPoint("c.d", "", 2.0)))
    some = ReportSettings(metrics_disabled=("a.b",))
    none = ReportSettings(metrics=False)
    assert [
        [metric.name for metric in report_of(told, settings=s, pseudonym=str, gap_count=0, now=NOW).metrics]
        for s in (some, none)
    ] == [["c.d"], []]


def test_a_report_always_fits_a_message(identity: Identity) -> None:
    told = look(
        *(finding(f"disk:/{number}") for number in range(400)),
        metrics=tuple(MetricPoint(f"metric.{number}", f"disk:/{number}", number / 7) for number in range(900)),
    )
    report = report_of(told, settings=ReportSettings(), pseudonym=identity.pseudonym, gap_count=0, now=NOW)
    assert (len(report.findings), len(report.metrics)) == (200, 500)
    assert len(strict_json.dump(report)) < 200_000


# --- tickets by themselves --------------------------------------------------------------------------------------


@pytest.fixture
def tickets(database: Database, identity: Identity, outbox: Outbox, clocks: HandClocks) -> TicketStore:
    return TicketStore(database, identity, outbox, clocks)


def closed(tickets: TicketStore, ticket: OwnTicket) -> None:
    facts = FourFacts(cost="-", doing="-", next="-", eta=NOW)
    tickets.updated(TicketUpdate(ticket=ticket.ticket, state=TicketState.CLOSED, facts=facts, updated_at=NOW))


@pytest.mark.parametrize(
    ("changes", "automatic_from", "opens"),
    [
        ({}, From.ERROR, True),
        ({}, From.CRITICAL, False),
        ({}, From.NEVER, False),
        ({"severity": Severity.WARNING}, From.ERROR, False),
        ({"severity": Severity.CRITICAL}, From.CRITICAL, True),
        ({"state": FindingState.PENDING}, From.ERROR, False),
        ({"state": FindingState.SNOOZED}, From.ERROR, False),
        ({"state": FindingState.IGNORED}, From.ERROR, False),
        ({"state": FindingState.RESOLVED}, From.ERROR, False),
        ({"explained_by": "cause|x"}, From.ERROR, False),
    ],
)
def test_only_what_is_grave_and_stays_opens_a_ticket(
    changes: dict[str, object], automatic_from: From, opens: bool
) -> None:
    entry = seen(finding("disk:/home/anna", **changes))
    assert wanted([entry], [], automatic_from) == ([entry] if opens else [])


def test_a_closed_ticket_does_not_come_back_but_a_returned_problem_does(
    tickets: TicketStore, clocks: HandClocks
) -> None:
    from protocol.tickets import TicketOrigin

    entry = seen(finding())
    opened = tickets.open(origin=TicketOrigin.FINDING, finding=reason_of(entry))
    assert wanted([entry], tickets.list(), From.ERROR) == []
    closed(tickets, opened)
    assert wanted([entry], tickets.list(), From.ERROR) == []
    returned = seen(finding(first_seen_unix_s=NOW + 50))
    assert wanted([returned], tickets.list(), From.ERROR) == [returned]


def test_forty_problems_open_five_tickets_a_look_gravest_first() -> None:
    entries = [seen(finding(f"disk:/{number}")) for number in range(40)]
    gravest = seen(finding("disk:/boot", severity=Severity.CRITICAL))
    chosen = wanted([*entries, gravest], [], From.ERROR)
    assert len(chosen) == 5
    assert chosen[0] == gravest


def automatic(
    tickets: TicketStore, clocks: HandClocks, log: MemoryLog, sealed: bytes | None = b"sealed"
) -> AutomaticTickets:
    async def seal(entry: SeenFinding, told: Look) -> bytes | None:
        return sealed

    return AutomaticTickets(tickets, clocks, From.ERROR, seal=seal, log=log)


async def test_a_grave_finding_opens_one_ticket_and_its_end_is_told(
    tickets: TicketStore, clocks: HandClocks, log: MemoryLog, outbox: Outbox
) -> None:
    carried = automatic(tickets, clocks, log)
    await carried.looked(look(finding()))
    await carried.looked(look(finding(count=4)))
    (ticket,) = tickets.list()
    assert ticket.finding is not None
    assert ticket.finding.code == "disk-full"
    ended = look(finding(state=FindingState.RESOLVED), ended=(finding().fingerprint,))
    assert over(ended, tickets.list()) == [ticket]
    await carried.looked(ended)
    await carried.looked(ended)
    kinds = [waiting.kind for waiting in outbox.due((), 10)]
    assert kinds == ["ticket", "ticket-outcome", "sealed"]


async def test_without_recipients_a_ticket_waits_for_them_an_hour(
    tickets: TicketStore, clocks: HandClocks, log: MemoryLog
) -> None:
    carried = automatic(tickets, clocks, log, sealed=None)
    await carried.looked(look(finding(first_seen_unix_s=NOW - 60)))
    assert tickets.list() == []
    clocks.pass_s(HOUR)
    await carried.looked(look(finding(first_seen_unix_s=NOW - 60)))
    assert len(tickets.list()) == 1


# --- the loop ---------------------------------------------------------------------------------------------------


def watch(database: Database, clocks: HandClocks, log: MemoryLog, answer: bytes | Exception) -> Watch:
    async def worker(request: bytes) -> bytes:
        assert json.loads(request)["now"] == clocks.wall()
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Watch(
        database, clocks, Config(), log=log, agent_state=lambda: AgentState(pid=1), worker=worker, uniform=lambda: 0.0
    )


async def test_a_look_is_kept_before_anybody_hears_of_it(
    database: Database, clocks: HandClocks, log: MemoryLog
) -> None:
    watching = watch(database, clocks, log, look(finding()).to_bytes())
    heard: list[int] = []

    async def listener(told: Look) -> None:
        heard.append(len(watching.store.all()))

    watching.on_look(listener)
    await watching.look()
    assert heard == [1]
    assert watching.last_look_at == NOW


async def test_a_listener_that_cannot_keep_its_part_does_not_stop_the_others(
    database: Database, clocks: HandClocks, log: MemoryLog
) -> None:
    watching = watch(database, clocks, log, look(finding()).to_bytes())
    heard: list[str] = []

    async def full(told: Look) -> None:
        raise Refusal("the outbox is full")

    async def next_one(told: Look) -> None:
        heard.append("ticket")

    watching.on_look(full)
    watching.on_look(next_one)
    await watching.look()
    assert heard == ["ticket"]
    assert watching.trouble == "the outbox is full"


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"checks":[],"checks":[]}', b"\xff\xfe", Refusal("it was killed")])
async def test_a_look_that_cannot_be_read_changes_nothing_and_is_shown(
    database: Database, clocks: HandClocks, log: MemoryLog, answer: bytes | Exception
) -> None:
    store = FindingStore(database)
    store.keep(look(finding()), NOW - 300)
    watching = watch(database, clocks, log, answer)
    with pytest.raises((Refusal, ValueError)):
        await watching.look()
    assert len(store.all()) == 1
    assert watching.trouble


def test_a_report_item_is_one_that_the_outbox_takes(identity: Identity, outbox: Outbox, tmp_path: Path) -> None:
    from agent.uuid7 import uuid7
    from protocol.messages.items import ReportItem

    report = report_of(look(finding()), settings=ReportSettings(), pseudonym=identity.pseudonym, gap_count=0, now=NOW)
    outbox.put(ReportItem(id=uuid7(), report=report), NOW)
    assert parse_item(outbox.due((), 1)[0].body) == ReportItem(id=outbox.due((), 1)[0].id, report=report)


# --- known issues -----------------------------------------------------------------------------------------------

MACHINES = Path(__file__).resolve().parents[1] / "machines"


def recorded_look(name: str, database: Database | None = None, **changes: object) -> Look:
    from agent.watch.worker import look_once
    from diagnostics.machine.recorded import RecordedMachine

    machine = RecordedMachine(MACHINES / name)
    request = LookRequest(now=machine.clock().unix_s, database=None, everything=True)
    history = StoredHistory(database.path) if database else None
    return look_once(machine, replace(request, **changes), history)  # type: ignore[arg-type]


def test_a_sick_machine_gets_words_and_advice_with_its_findings(database: Database) -> None:
    """As the service does it: look, keep, look again, until what stays is shown."""
    store = FindingStore(database)
    first = recorded_look("laptop-disk-full", database)
    now = first.findings[0].finding.first_seen_unix_s
    for minute in range(0, 60, 5):
        store.keep(recorded_look("laptop-disk-full", database, now=now + minute * 60), now + minute * 60)
    shown = store.visible()
    assert "disk-space" in {entry.finding.rule.partition("@")[0] for entry in shown}
    for entry in shown:
        assert entry.words["en"].title
        assert entry.words["ru"].text
    explained = [entry for entry in shown if entry.known_issue]
    assert explained
    assert explained[0].advice["en"].text


def test_a_healthy_machine_has_nothing_to_show() -> None:
    assert recorded_look("laptop-healthy").findings == ()


PACKED = """\
id = "disk-full-here"
version = 1
certainty = "certain"
priority = 99
article = "Ask the desk."
[title]
en = "Our own word on full disks"
ru = "Наше слово о полных дисках"
[explain]
en = "Call us about {mount}."
ru = "Позвоните нам: {mount}."
[when]
finding = "disk-space-low"
where = [{ fact = "mount", is = "/" }]
[[cases]]
name = "full"
expect = "fires"
findings = [{ code = "disk-space-low", instance = "disk:/", facts = { mount = "/" } }]
[[cases]]
name = "room"
expect = "quiet"
judged = ["disk-space-low"]
"""


def look_with(text: str, folder: Path) -> Look:
    """The third look at a recorded machine: its full disk is confirmed by then."""
    machine, database = RecordedMachine(MACHINES / "laptop-disk-full"), Database(folder / "agent.db")
    store, found = FindingStore(database), None
    for step in range(3):
        history = StoredHistory(database.path)
        packed = LookRequest(
            now=NOW + step * HOUR,
            database=str(database.path),
            everything=True,
            issues={"disk-full-here": text},
            device="device-1",
        )
        found = look_once(machine, packed, history)
        history.close()
        store.keep(found, NOW + step * HOUR)
    database.close()
    assert found is not None
    return found


def issue_on_root(told: Look) -> str | None:
    return next(entry.known_issue for entry in told.findings if entry.finding.instance == "disk:/")


def test_an_organisations_own_issue_explains_a_finding(tmp_path: Path) -> None:
    told = look_with(PACKED, tmp_path)
    assert (issue_on_root(told), told.trials, told.unused_issues) == ("disk-full-here", (), ())


def test_an_issue_on_trial_is_counted_and_told_to_nobody(tmp_path: Path) -> None:
    told = look_with(PACKED + '[rollout]\nmode = "shadow"\n', tmp_path)
    assert issue_on_root(told) == "user-cache-fills-disk"
    assert told.trials == (Trial("disk-full-here", 1, fired=True),)


def test_an_issue_on_trial_is_counted_as_quiet_on_a_machine_that_is_well(tmp_path: Path) -> None:
    issues = {"disk-full-here": PACKED + '[rollout]\nmode = "shadow"\n', "other": PACKED, "broken": "shadow"}
    request = LookRequest(now=NOW, database=None, everything=False, issues=issues, ran_at=dict.fromkeys(ALL, NOW))
    found = look_once(RecordedMachine(MACHINES / "laptop-healthy"), request, None)
    assert (found.findings, found.trials) == ((), (Trial("disk-full-here", 1, fired=False),))


def test_an_issue_whose_own_case_does_not_hold_is_named_and_not_used(tmp_path: Path) -> None:
    told = look_with(PACKED.replace('is = "/"', 'is = "/never"'), tmp_path)
    assert issue_on_root(told) == "user-cache-fills-disk"
    assert told.unused_issues == ("disk-full-here: its own case 'full' does not hold",)


def test_trials_are_counted_look_by_look_and_over_a_restart(database: Database) -> None:
    counts = ShadowCounts(database)
    counts.count((), NOW)
    assert counts.all() == {}
    counts.count((Trial("a", 1, fired=True), Trial("b", 1, fired=False)), NOW)
    counts.count((Trial("a", 1, fired=False), Trial("b", 1, fired=False)), NOW + HOUR)
    again = ShadowCounts(database)
    assert again.all() == {"a": Counted(1, 1, 1, NOW), "b": Counted(1, 0, 2)}
    again.count((Trial("a", 2, fired=True),), NOW + 2 * HOUR)
    assert again.all() == {"a": Counted(2, 1, 0, NOW + 2 * HOUR)}
    again.count([Trial(f"t{number:03}", 1, fired=True) for number in range(500)], NOW)
    assert len(again.all()) == TRIALS_MAX


def test_what_trials_and_fixes_counted_is_told_as_numbers_that_the_owner_may_keep_back() -> None:
    numbers = counters.counters({"our-trial": Counted(3, 7, 5)}, {"solved-mechanically": 2, "refused": 9})
    names = {point.name: point.value for point in numbers}
    assert names["trial.our-trial.v3.fired"] == 7
    assert names["trial.our-trial.v3.quiet"] == 5
    assert names["remedies.solved-mechanically"] == 2
    assert names["remedies.not-solved"] == 0
    assert "remedies.refused" not in names
    for settings_, told in (
        (ReportSettings(), len(numbers)),
        (ReportSettings(metrics=False), 0),
        (ReportSettings(metrics_disabled=("trial.our-trial.v3.fired",)), len(numbers) - 1),
    ):
        report = report_of(
            look(finding()), settings=settings_, pseudonym=lambda _: "0" * 16, gap_count=0, now=NOW, counters=numbers
        )
        assert len(report.metrics) == told


def test_counters_are_told_every_six_hours_and_after_a_clock_went_back(database: Database) -> None:
    kept = KeptValues(database)
    assert counters.due(kept, NOW)
    counters.told(kept, NOW)
    assert [counters.due(kept, NOW + seconds) for seconds in (1, 6 * HOUR - 1, 6 * HOUR, -1)] == [
        False, False, True, True,
    ]  # fmt: skip


def test_the_longest_name_of_a_trial_is_still_a_metric() -> None:
    numbers = counters.counters({"a" * 64: Counted(999_999, 1, 1), "b": Counted(10**9, 1, 1)}, {})
    assert all(len(point.name) <= 96 for point in numbers)
    assert not [point for point in numbers if point.name.startswith("trial.b")]


# --- what changed -----------------------------------------------------------------------------------------------


def test_a_look_compares_with_the_looks_before_it_over_a_restart(tmp_path: Path) -> None:
    machine = RecordedMachine(MACHINES / "laptop-healthy")
    first, second = look_at(machine, tmp_path, NOW), look_at(machine, tmp_path, NOW + HOUR)
    drift = {line.id: line for line in first.checks}["config-drift"]
    assert (drift.status, drift.reason) == ("skipped", "this is the first look: there is nothing to compare with yet")
    assert {line.id: line.status for line in second.checks}["config-drift"] == "ok"


def look_at(machine: RecordedMachine, folder: Path, now: int) -> Look:
    """One look with a database opened and closed around it, as after a restart of the service."""
    database = Database(folder / "agent.db")
    try:
        request = LookRequest(now=now, database=str(folder / "agent.db"), everything=True)
        history = StoredHistory(folder / "agent.db")
        found = look_once(machine, request, history)
        history.close()
        FindingStore(database).keep(found, now)
    finally:
        database.close()
    return found
