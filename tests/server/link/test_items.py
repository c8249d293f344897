"""Items of the outbox: stored once, answered again, refused for ever; and nothing of another device's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select

from agent.watch.counters import counters
from agent.watch.shadow_counts import Counted
from protocol.audit import AuditEntry, AuditWord
from protocol.fields import sha256
from protocol.messages.api import MessageSource
from protocol.messages.desk import CustomerText, TicketState
from protocol.messages.items import (
    AuditItem,
    Refused,
    ReportItem,
    SealedItem,
    SealedKind,
    Stored,
    TicketItem,
    TicketOutcomeItem,
)
from protocol.messages.login import Welcome
from protocol.messages.report import Report, ReportedFinding, ReportedMetric, ReportedSeverity, ReportedState
from protocol.messages.symptoms import Symptom, SymptomAnswer, Symptoms
from protocol.strict_json import WireModel
from server.link.model import items
from server.tickets.model import tickets
from tests.making import NOW
from tests.server.actors import AgentLink, DeviceActor, World, case, sealed_bytes, uuid


@asynccontextmanager
async def linked(desk: World, name: str = "laptop") -> AsyncIterator[tuple[DeviceActor, AgentLink]]:
    device = await desk.approved(name)
    async with desk.link(device) as link:
        await link.hear(Welcome)
        yield device, link


async def answer(link: AgentLink, item: WireModel) -> Stored | Refused:
    await link.say(item)
    while True:
        heard = await link.hear_any()
        if isinstance(heard, Stored | Refused):
            return heard


async def count(desk: World, table) -> int:  # type: ignore[no-untyped-def]
    async with desk.office.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


def sealed(name: str, ticket: str | None, data: bytes | None = None) -> SealedItem:
    data = sealed_bytes(name) if data is None else data
    return SealedItem(
        id=uuid(name), kind=SealedKind.EVIDENCE, ticket=ticket, case=case(name), sha256=sha256(data), data=data
    )


async def test_every_kind_of_item_sent_three_times_is_stored_once_and_answered_alike(desk: World) -> None:
    async with linked(desk) as (device, link):
        statement = device.ticket()
        entry = AuditEntry(word=AuditWord.REMEDY_STARTED, author=device.device, at=NOW, device=device.device)
        every: list[WireModel] = [
            TicketItem(id=uuid("1"), ticket=device.key.sign(statement)),
            sealed("2", statement.ticket),
            CustomerText(id=uuid("3"), ticket=statement.ticket, text="It still happens.", at=NOW),
            ReportItem(id=uuid("4"), report=Report(at=NOW)),
            AuditItem(id=uuid("5"), entry=entry),
            TicketOutcomeItem(id=uuid("6"), ticket=statement.ticket, outcome="cleared-by-itself", at=NOW),
        ]
        before = desk.office.audit.size
        for item in every:
            answers = [await answer(link, item) for _ in range(3)]
            assert {type(one) for one in answers} == {Stored}, answers
            assert len({one.proof.index for one in answers if isinstance(one, Stored) and one.proof}) <= 1
        assert desk.office.audit.size == before + 1
        assert await count(desk, tickets) == 1
        assert [len(await desk.office.tickets.messages_of(statement.ticket))] == [1]
        assert len(await desk.office.tickets.sealed_of(statement.ticket)) == 1
        row, _ = await desk.office.tickets.require(statement.ticket, None)
        assert row.state is TicketState.SOLVED


async def test_an_id_used_for_something_else_gets_the_first_answer_and_changes_nothing(desk: World) -> None:
    async with linked(desk) as (device, link):
        await answer(link, ReportItem(id=uuid("same"), report=Report(at=NOW)))
        again = TicketItem(id=uuid("same"), ticket=device.key.sign(device.ticket()))
        assert isinstance(await answer(link, again), Stored)
        assert await count(desk, tickets) == 0


async def test_two_devices_may_use_the_same_item_id(desk: World) -> None:
    async with linked(desk, "one") as (_, one), linked(desk, "two") as (_, two):
        for link in (one, two):
            assert isinstance(await answer(link, ReportItem(id=uuid("same"), report=Report(at=NOW))), Stored)
        assert await count(desk, items) == 2


async def test_a_refusal_is_kept_and_repeated_also_when_it_would_be_right_by_now(desk: World) -> None:
    async with linked(desk) as (device, link):
        statement = device.ticket()
        early = CustomerText(id=uuid("early"), ticket=statement.ticket, text="hello", at=NOW)
        first = await answer(link, early)
        await answer(link, TicketItem(id=uuid("ticket"), ticket=device.key.sign(statement)))
        assert isinstance(first, Refused)
        assert await answer(link, early) == first


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"device": "d-" + "b" * 26}, "another device"),
        ({"root": b"r" * 32}, "another organisation"),
    ],
)
async def test_a_ticket_about_somebody_else_is_refused(desk: World, change: dict[str, object], why: str) -> None:
    async with linked(desk) as (device, link):
        refused = await answer(link, TicketItem(id=uuid("t"), ticket=device.key.sign(device.ticket(**change))))
        assert isinstance(refused, Refused)
        assert why in refused.reason
        assert await count(desk, tickets) == 0


async def test_a_forged_ticket_is_refused(desk: World) -> None:
    other = desk.device("other")
    async with linked(desk) as (device, link):
        for envelope in (
            other.key.sign(device.ticket()),
            device.login(b"n" * 32).statement,
            device.key.sign(device.ticket()).model_copy(update={"payload": b"{}"}),
        ):
            assert isinstance(
                await answer(link, TicketItem(id=uuid(envelope.payload.hex()[:9]), ticket=envelope)), Refused
            )
        assert await count(desk, tickets) == 0


async def test_a_device_touches_no_ticket_of_another(desk: World) -> None:
    async with linked(desk, "victim") as (victim, theirs), linked(desk, "thief") as (thief, link):
        statement = victim.ticket()
        await answer(theirs, TicketItem(id=uuid("t"), ticket=victim.key.sign(statement)))
        for item in (
            TicketItem(id=uuid("a"), ticket=thief.key.sign(thief.ticket(words="mine now"))),
            sealed("b", statement.ticket),
            CustomerText(id=uuid("c"), ticket=statement.ticket, text="let me in", at=NOW),
            TicketOutcomeItem(id=uuid("d"), ticket=statement.ticket, outcome="solved-mechanically", at=NOW),
        ):
            assert isinstance(await answer(link, item), Refused)
        row, kept = await desk.office.tickets.require(statement.ticket, None)
        assert (row.words, row.state, kept) == (statement.words, TicketState.NEW, victim.key.sign(statement))
        assert await desk.office.tickets.messages_of(statement.ticket) == ()


@pytest.mark.parametrize(
    "data", [b"", b"plain words", b"age-encryption.org/v2\n", b"age-encryption.org/v1", b"\x1f\x8b" + b"x" * 50]
)
async def test_what_is_not_age_ciphertext_is_not_kept(desk: World, data: bytes) -> None:
    async with linked(desk) as (_, link):
        refused = await answer(link, sealed("plain", None, data))
        assert isinstance(refused, Refused)
        assert "age" in refused.reason


async def test_sealed_data_with_another_hash_is_refused(desk: World) -> None:
    async with linked(desk) as (_, link):
        item = sealed("x", None).model_copy(update={"sha256": b"h" * 32})
        assert isinstance(await answer(link, item), Refused)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"author": "server"}, "author"),
        ({"author": "organisation"}, "author"),
        ({"author": "d-" + "b" * 26}, "author"),
        ({"device": "d-" + "b" * 26}, "another device"),
        ({"word": AuditWord.DEVICE_ENROLLED}, "does not write"),
        ({"word": AuditWord.SIGN_IN}, "does not write"),
        ({"word": AuditWord.DOCUMENT_PUBLISHED}, "does not write"),
        ({"word": AuditWord.SESSION_OFFERED}, "does not write"),
    ],
)
async def test_a_device_writes_only_its_own_words_into_the_log(
    desk: World, change: dict[str, object], why: str
) -> None:
    async with linked(desk) as (device, link):
        before = desk.office.audit.size
        entry = AuditEntry(word=AuditWord.SESSION_STARTED, author=device.device, at=NOW, device=device.device)
        refused = await answer(link, AuditItem(id=uuid("e"), entry=entry.model_copy(update=change)))
        assert isinstance(refused, Refused)
        assert why in refused.reason
        assert desk.office.audit.size == before


async def test_reports_that_arrive_late_do_not_undo_newer_ones(desk: World) -> None:
    def report(at: int, state: ReportedState) -> Report:
        finding = ReportedFinding(
            code="disk-space",
            instance="0" * 16,
            severity=ReportedSeverity.WARNING,
            state=state,
            first_seen=NOW - 50,
            last_seen=at,
            count=1,
        )
        metric = ReportedMetric(name="memory.available-bytes", at=at, value=float(at))
        return Report(at=at, findings=(finding,), metrics=(metric,))

    async with linked(desk) as (device, link):
        await answer(link, ReportItem(id=uuid("new"), report=report(NOW, ReportedState.RESOLVED)))
        await answer(link, ReportItem(id=uuid("old"), report=report(NOW - 10, ReportedState.ACTIVE)))
        (found,) = await desk.office.findings.of_device(device.device)
        assert found.state is ReportedState.RESOLVED
        series = await desk.office.findings.series(device.device, "memory.available-bytes", since=0)
        assert [point.at for point in series] == [NOW - 10, NOW]


async def test_words_of_the_customer_reopen_what_was_called_solved(desk: World) -> None:
    async with linked(desk) as (device, link):
        statement = device.ticket()
        await answer(link, TicketItem(id=uuid("t"), ticket=device.key.sign(statement)))
        outcome = TicketOutcomeItem(id=uuid("o"), ticket=statement.ticket, outcome="cleared-by-itself", at=NOW)
        await answer(link, outcome)
        await answer(link, CustomerText(id=uuid("c"), ticket=statement.ticket, text="It is back.", at=NOW))
        row, _ = await desk.office.tickets.require(statement.ticket, None)
        assert row.state is TicketState.REOPENED
        (message,) = await desk.office.tickets.messages_of(statement.ticket)
        assert (message.source, message.text) == (MessageSource.CUSTOMER, "It is back.")


async def test_symptoms_are_answered_with_what_they_were_elsewhere_and_leave_nothing_behind(desk: World) -> None:
    for number in range(3):
        async with linked(desk, f"elsewhere-{number}") as (_, link):
            known = ReportedFinding(
                code="disk-space-low", instance="0" * 16, severity=ReportedSeverity.ERROR, state=ReportedState.ACTIVE,
                first_seen=NOW, last_seen=NOW, count=1, known_issue="caches-fill-it",
            )  # fmt: skip
            await answer(link, ReportItem(id=uuid(f"report {number}"), report=Report(at=NOW, findings=(known,))))
    async with linked(desk, "asking") as (_, link):
        for code, named in (("disk-space-low", "caches-fill-it"), ("dns-slow", None)):
            symptom = Symptom(code=code, instance="1" * 16, severity=ReportedSeverity.ERROR)
            await link.say(Symptoms(id=uuid(code), pack=1, findings=(symptom,)))
            while not isinstance(heard := await link.hear_any(), SymptomAnswer):
                continue
            assert (heard.id, heard.issue) == (uuid(code), named)
    assert await count(desk, tickets) == 0


async def test_what_devices_count_of_trials_reaches_the_organisation_and_nobody_else(desk: World) -> None:
    """The names are those that the agent's own code gives."""
    for number, fired in enumerate((0, 4)):
        async with linked(desk, f"counting-{number}") as (_, link):
            points = counters({"our-issue": Counted(2, fired, 90)}, {"solved-mechanically": 1})
            numbers = tuple(ReportedMetric(name=point.name, at=NOW, value=point.value) for point in points)
            item = ReportItem(id=uuid(f"counts {number}"), report=Report(at=NOW, metrics=numbers))
            assert isinstance(await answer(link, item), Stored)
    told = await desk.get("/api/organisation/trials", await desk.organisation_token())
    assert told.json() == {
        "trials": [{"issue": "our-issue", "version": 2, "devices": 2, "fired_devices": 1, "fired": 4, "quiet": 180}]
    }
    assert (await desk.get("/api/organisation/trials")).status_code == 401
