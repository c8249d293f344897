"""Floods of requests: a server that offers rooms without end, alone and with a rogue technician of our organisation.

At most three questions in an hour, whoever asks and however often; none at all without a ticket of the customer's own.
"""

from pathlib import Path

import pytest

from agent.consent.policy import Answer
from protocol.limits import HOUR_S, LOCAL_ACT_FRESH_S, PROMPTS_AN_HOUR
from protocol.messages.sessions import OfferDeclined
from tests.hostile.evil_server import EvilServer
from tests.hostile.machine import Machine, enrolled
from tests.hostile.visitors import Rogue
from tests.making import Organisation

A_FLOOD = 1000
NOBODYS = "01890a5d-ac96-7745-bcce-b302099a8057"


def reasons(evil: EvilServer) -> set[str]:
    return {declined.reason for declined in evil.said(OfferDeclined)}


async def settled(evil: EvilServer, machine: Machine, name: str, declined_before: int) -> bool:
    """Wait for the machine's answer to an offer; whether it came into the room."""
    room = evil.rooms[name]
    await evil.until(lambda: room.here["device"].is_set() or len(evil.said(OfferDeclined)) > declined_before)
    return room.here["device"].is_set()


@pytest.mark.parametrize("ticket", [NOBODYS, None], ids=["a ticket that nobody opened here", "no ticket"])
async def test_a_thousand_offers_without_a_ticket_of_this_device_are_no_question(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, ticket: str | None
) -> None:
    async with enrolled(tmp_path / "s", evil, organisation) as machine:
        machine.ask_for_help()
        for number in range(A_FLOOD):
            assert not await settled(evil, machine, await evil.offer(ticket), number)
            machine.time.pass_s(HOUR_S / A_FLOOD)
        assert reasons(evil) == {"unknown-ticket"}
        assert machine.prompts_ever == 0
        assert [heard for heard in evil.heard if heard.where.startswith("relay")] == [], "it joined no room"


async def flood(evil: EvilServer, machine: Machine, rogue: Rogue, ticket: str, count: int, over_s: float) -> int:
    """`count` offers within `over_s` on the machine's clock, each with the rogue behind it; how many were questions.

    A question is withdrawn at once: the rogue leaves and asks again, which is cheaper than waiting for an answer.
    """
    before = machine.prompts_ever
    for _ in range(count):
        name = await evil.offer(ticket)
        asked_before = machine.prompts_ever
        if await settled(evil, machine, name, len(evil.said(OfferDeclined))):
            knock = await rogue.enter(name, ticket)
            await machine.until(lambda knock=knock, n=asked_before: _moved_on(machine, knock, n))
            knock.leave()
            await machine.until(lambda: not machine.member.door.busy)
        machine.time.pass_s(over_s / count)
    return machine.prompts_ever - before


def _moved_on(machine: Machine, knock: object, asked_before: int) -> bool:
    knock.step()  # type: ignore[attr-defined]
    return machine.prompts_ever > asked_before or bool(knock.refused)  # type: ignore[attr-defined]


async def test_a_thousand_requests_in_an_hour_are_three_questions(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    documents = (organisation.revocations(),)
    async with enrolled(tmp_path / "s", evil, organisation, documents=documents) as machine:
        ticket = machine.ask_for_help()
        machine.time.pass_s(LOCAL_ACT_FRESH_S + 1)
        rogue = Rogue(evil, machine, organisation)
        assert await flood(evil, machine, rogue, ticket, A_FLOOD, HOUR_S - 1) == PROMPTS_AN_HOUR
        assert "cool-down" in reasons(evil)
        assert len(evil.said(OfferDeclined)) == A_FLOOD - PROMPTS_AN_HOUR
        rows = machine.agent.ground.database.query("SELECT answer FROM prompts")
        assert [row["answer"] for row in rows] == [Answer.WITHDRAWN] * PROMPTS_AN_HOUR


async def test_a_request_for_help_is_no_licence_to_ask_a_thousand_times(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """The customer has just asked for help, so questions are welcome; not a thousand of them."""
    documents = (organisation.revocations(),)
    async with enrolled(tmp_path / "s", evil, organisation, documents=documents) as machine:
        ticket = machine.ask_for_help()
        rogue = Rogue(evil, machine, organisation)
        assert await flood(evil, machine, rogue, ticket, 60, LOCAL_ACT_FRESH_S) <= PROMPTS_AN_HOUR
