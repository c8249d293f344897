"""Lies about the time: the server's Date, its timestamps, and the machine's own clock turned back.

What has expired stays expired. The only words about time that a device listens to are its own clocks and statements
that the organisation has signed.
"""

from pathlib import Path

import pytest

from diagnostics.bundle import new_identity
from protocol.certificates import Recipient
from protocol.messages.desk import DeskText, FourFacts, TicketState, TicketUpdate
from protocol.messages.documents import Documents
from protocol.messages.items import SealedItem, TicketItem
from protocol.visit import RefusalReason
from tests.hostile.evil_server import EvilServer
from tests.hostile.machine import Machine, Time, enrolled, restarted
from tests.hostile.papers import KINDS, paper
from tests.hostile.test_old_papers import a_grave_finding
from tests.hostile.visitors import Knock, Rogue
from tests.making import DAY, NOW, Organisation

YEAR = 365 * DAY
DATES = [
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Sat, 16 Jan 2027 08:00:00 GMT",  # a day ahead: what a jump may be, if a second source agrees
    "Fri, 15 Jan 2038 08:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "yesterday",
]


async def knock(evil: EvilServer, machine: Machine, rogue: Rogue) -> Knock:
    ticket = machine.ask_for_help()
    knocked = await rogue.enter(await evil.offer(ticket), ticket)

    def answered() -> bool:
        knocked.step()
        return bool(machine.prompts or knocked.refused)

    await machine.until(answered)
    return knocked


@pytest.mark.parametrize("date", DATES)
async def test_the_servers_date_is_nobodys_time(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, date: str
) -> None:
    """In its headers, and in every message that carries a time."""
    evil.headers["date"] = date
    async with enrolled(tmp_path / "s", evil, organisation) as machine:
        ticket = machine.ask_for_help()
        facts = FourFacts(cost="nothing", doing="x", next="y", eta=1 << 40)
        for at in (0, NOW - YEAR, NOW + YEAR, 1 << 40):
            await evil.say(TicketUpdate(ticket=ticket, state=TicketState.OPEN, facts=facts, updated_at=at))
            await evil.say(DeskText(ticket=ticket, text=f"it is {at}", at=at))
        await machine.until(lambda: len(machine.member.tickets.messages(ticket)) == 4)
        assert machine.agent.ground.clocks.wall() == NOW
        machine.time.pass_s(10)
        assert machine.agent.ground.clocks.wall() == NOW + 10
        shown = machine.member.tickets.get(ticket)
        assert shown is not None
        assert shown.updated_at == NOW, "by the device's own clock"


async def test_documents_of_another_organisation_are_no_source_of_time(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """The machine's clock leaps by a month; a statement that the server made up does not confirm it, a genuine does."""
    async with enrolled(tmp_path / "s", evil, organisation) as machine:
        machine.agent.ground.clocks.wall()
        machine.time.wall_s += 30 * DAY
        ahead = {"issued_at": NOW + 30 * DAY - 60, "not_after": NOW + 60 * DAY}
        made_up = Organisation("Evil Inc", not_after=NOW + 100 * DAY)
        await evil.say(Documents(documents=tuple(paper(made_up, kind, 9, **ahead) for kind in KINDS)))
        await machine.until(lambda: machine.log.events("warning").count("document-refused") == len(KINDS))
        assert machine.agent.ground.clocks.wall() == NOW
        await evil.say(Documents(documents=(paper(organisation, KINDS[0], 9, **ahead),)))
        await machine.until(lambda: machine.agent.ground.clocks.wall() == NOW + 30 * DAY)


@pytest.mark.parametrize("back_s", [120, DAY, YEAR, 50 * YEAR])
async def test_a_clock_turned_back_never_revives_a_technicians_certificate(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, back_s: int
) -> None:
    """By whoever can set the clock, while the service runs and while it is off."""
    documents = (organisation.revocations(),)
    time = Time()
    async with enrolled(tmp_path / "s", evil, organisation, documents=documents, time=time) as machine:
        rogue = Rogue(evil, machine, organisation, not_before=NOW - DAY, not_after=NOW + 60)
        time.pass_s(61)
        assert machine.agent.ground.clocks.wall() == NOW + 61
        time.wall_s -= back_s
        knocked = await knock(evil, machine, rogue)
        await machine.until(lambda: not machine.member.door.busy)
        refused_as_expired(machine, knocked)
        machine.time.boot_s += 600  # the floor is written every ten minutes
        time.wall_s = NOW + 661
        assert machine.agent.ground.clocks.wall() == NOW + 661
    time.wall_s -= back_s
    time.boot_s = 5.0  # it was turned off
    async with restarted(machine, evil) as again:
        rogue.machine = again
        knocked = await knock(evil, again, rogue)
        await again.until(lambda: not again.member.door.busy)
        refused_as_expired(again, knocked)
        assert again.prompts_ever == 0


def refused_as_expired(machine: Machine, knocked: Knock) -> None:
    assert [each.reason for each in knocked.refused] == [RefusalReason.NOT_CERTIFIED]
    (why,) = [fields["why"] for _, event, fields in machine.log.lines if event == "visit-ended"]
    assert "technician certificate has expired" in why


async def test_a_clock_turned_back_never_revives_recipients(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    _, age = new_identity()
    over_soon = paper(organisation, KINDS[2], 1, recipients=(Recipient(name="Ada", age=age),), not_after=NOW + 60)
    time = Time()
    async with enrolled(tmp_path / "s", evil, organisation, documents=(over_soon,), time=time) as machine:
        time.pass_s(61)
        machine.agent.ground.clocks.wall()
        time.wall_s -= DAY
        await a_grave_finding(machine)
        await evil.until(lambda: evil.said(TicketItem))
        await machine.until(lambda: machine.member.outbox.numbers().items == 0)
        assert evil.said(SealedItem) == []


async def test_the_control_the_same_technician_in_time_is_a_question(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    documents = (organisation.revocations(),)
    async with enrolled(tmp_path / "s", evil, organisation, documents=documents) as machine:
        rogue = Rogue(evil, machine, organisation, not_before=NOW - DAY, not_after=NOW + 60)
        await knock(evil, machine, rogue)
        assert machine.prompts_ever == 1
