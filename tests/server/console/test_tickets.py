"""The list of tickets and one ticket, over HTTP, as signed-in people see them."""

from protocol.messages.items import Stored, TicketItem
from server.people.rules import Role
from tests.server.actors import World, uuid
from tests.server.console.browsing import People


async def test_a_customers_ticket_is_on_the_list_and_has_a_page(desk: World, people: People) -> None:
    device = await desk.approved()
    statement = device.ticket(words="The <printer> eats paper")
    async with desk.link(device) as link:
        await link.say(TicketItem(id=uuid("item"), ticket=device.key.sign(statement)))
        await link.hear(Stored)
    browser = await people.signed_in(Role.ADMIN)
    listed = await browser.get("/tickets")
    assert "The &lt;printer&gt; eats paper" in listed.text
    shown = await browser.get(f"/tickets/{statement.ticket}")
    assert shown.status_code == 200
    assert "The &lt;printer&gt; eats paper" in shown.text
