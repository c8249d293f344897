"""A ticket's owner, level and end in the console: who may do what, what stays typed, what is told."""

import pytest

from protocol.messages.desk import TicketState
from protocol.messages.items import TicketItem
from server.people.rules import Role
from tests.making import signing_key
from tests.server.actors import World, uuid
from tests.server.console.browsing import People
from tests.server.console.lived import say


@pytest.fixture
async def ticket(desk: World) -> str:
    device = await desk.approved()
    statement = device.ticket(words="It hums.")
    async with desk.link(device) as link:
        await say(link, TicketItem(id=uuid("item"), ticket=device.key.sign(statement)))
    return statement.ticket


async def test_a_ticket_is_taken_handed_on_with_a_note_and_given_up(desk: World, people: People, ticket: str) -> None:
    admin = await people.signed_in(Role.ADMIN, "anna")
    await people.account("bert", Role.TECHNICIAN)
    page = f"/tickets/{ticket}"
    assert "Take it" in (await admin.get(page)).text
    taken = (await admin.post(f"{page}/owner", {"owner": "anna"})).text
    assert "The ticket has one owner." in taken
    assert "anna has it" in taken
    fields = {"level": "2", "note": "Hums <b>louder</b> when warm.", "next_owner": "bert"}
    handed = (await admin.post(f"{page}/hand-on", fields)).text
    assert "Passed on to second line" in handed
    assert "Hums &lt;b&gt;louder&lt;/b&gt; when warm." in handed
    row, _ = await desk.office.tickets.require(ticket, None)
    assert (row.owner, row.level) == ("bert", 2)
    ended = (await admin.post(f"{page}/give-up", {"reason": "The fan is no longer made."})).text
    assert "Closed as not solved." in ended
    assert "Not solved" in ended
    row, _ = await desk.office.tickets.require(ticket, None)
    assert (row.state, row.facts.doing) == (TicketState.CLOSED, "The fan is no longer made.")


async def test_what_is_missing_is_said_and_what_was_typed_stays(desk: World, people: People, ticket: str) -> None:
    admin = await people.signed_in(Role.ADMIN)
    refused = await admin.post(f"/tickets/{ticket}/hand-on", {"level": "3", "note": " ", "next_owner": ""})
    assert refused.status_code == 422
    assert "A ticket is handed on with a note" in refused.text
    long = await admin.post(f"/tickets/{ticket}/hand-on", {"level": "3", "note": "y" * 2001, "next_owner": ""})
    assert (long.status_code, "y" * 2001 in long.text) == (422, True)
    assert '<option value="3" selected>' in long.text
    assert (await admin.post(f"/tickets/{ticket}/give-up", {"reason": ""})).status_code == 422
    for level in ("-1", "0", "1"):
        fields = {"level": level, "note": "n"}
        assert (await admin.post(f"/tickets/{ticket}/hand-on", fields)).status_code == 409
    for level in ("9", "x", "", "²"):
        fields = {"level": level, "note": "n"}
        assert (await admin.post(f"/tickets/{ticket}/hand-on", fields)).status_code == 400
    assert (await desk.office.tickets.require(ticket, None))[0].owner is None


async def test_an_account_that_cannot_work_on_it_is_neither_offered_nor_taken(
    desk: World, people: People, ticket: str
) -> None:
    admin = await people.signed_in(Role.ADMIN)
    await people.account("vera", Role.VIEWER)
    await desk.technician_token("Ada Tech", customers=("Bluebird",))
    await people.account("ada", Role.TECHNICIAN)
    await desk.office.people.link_technician("ada", signing_key("Helpful Ltd Ada Tech").public)
    page = (await admin.get(f"/tickets/{ticket}")).text
    for name in ("vera", "ada", "nobody"):
        assert f'<option value="{name}"' not in page
        assert (await admin.post(f"/tickets/{ticket}/owner", {"owner": name})).status_code == 422


@pytest.mark.parametrize("path", ["owner", "hand-on", "give-up"])
async def test_a_technician_of_another_customer_changes_nothing(
    desk: World, people: People, ticket: str, path: str
) -> None:
    await desk.technician_token("Ada Tech", customers=("Bluebird",))
    browser = await people.signed_in(Role.TECHNICIAN, "ada")
    await desk.office.people.link_technician("ada", signing_key("Helpful Ltd Ada Tech").public)
    fields = {"owner": "ada", "level": "2", "note": "mine", "reason": "no"}
    assert (await browser.post(f"/tickets/{ticket}/{path}", fields)).status_code == 404
