"""Handing messages to agents: bounded queues, answers that wait, pushes that never do."""

import asyncio

from protocol.messages.api import EnrolmentState
from protocol.messages.items import Heartbeat, TicketItem
from protocol.messages.login import Closing, Unsupported, Welcome
from server.link.hub import REPLIES_MAX, WAITING_MAX, Connection, Hub
from tests.server.actors import World, uuid
from tests.server.stores import Stores
from tests.server.tickets.test_tickets import about_disk


def connection(name: str = "d-1") -> Connection:
    class Named:
        device = name
        state = EnrolmentState.PENDING

    return Connection(Named(), 0)  # type: ignore[arg-type]


async def test_an_agent_that_takes_nothing_is_let_go_when_its_queue_is_full() -> None:
    one = connection()
    pushed = [one.push(Heartbeat()) for _ in range(WAITING_MAX + 1)]
    assert pushed == [True] * WAITING_MAX + [False]
    assert one.over.is_set()
    assert not one.push(Heartbeat())


async def test_answers_wait_for_room_and_leave_some_for_others() -> None:
    one = connection()
    asking = asyncio.create_task(_reply(one, REPLIES_MAX + 5))
    for _ in range(REPLIES_MAX + 20):
        await asyncio.sleep(0)
    assert not asking.done()
    assert one.push(Heartbeat()), "a full set of answers does not cost an agent its link"
    for _ in range(5):
        await one.next()
    await asking


async def _reply(one: Connection, count: int) -> None:
    for _ in range(count):
        await one.reply(Unsupported(named="x"))


async def test_a_newer_connection_of_a_device_stays_when_the_older_one_is_removed() -> None:
    hub, older, newer = Hub(), connection(), connection()
    hub.add(older)
    hub.add(newer)
    hub.remove(older)
    assert hub.get("d-1") is newer
    assert older.over.is_set()
    assert isinstance(Closing.model_validate_json(next(older.drain())), Closing)
    hub.remove(newer)
    assert (len(hub), hub.push("d-1", Heartbeat())) == (0, False)


async def test_a_device_with_very_many_ticket_names_still_comes_in(desk: World) -> None:
    device = await desk.approved()
    stores = Stores(desk.office.database, desk.clock)
    for at in range(WAITING_MAX + 50):
        await stores.open(device, about_disk(device, f"again {at}"))
    async with desk.link(device) as link:
        await link.hear(Welcome)
        item = TicketItem(id=uuid("i"), ticket=device.key.sign(device.ticket("one more")))
        await link.say(item)
        while (heard := await link.hear_any()).type != "stored":  # type: ignore[attr-defined]
            assert heard.type == "ticket-update"  # type: ignore[attr-defined]
        assert desk.office.hub.connected(device.device)
