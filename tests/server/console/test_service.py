"""Hours and targets on their page, and the time promised on a ticket's."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.people.rules import Role
from server.tickets.history import EventKind, events_of
from server.tickets.service_rules import ServiceRules, form_of_rules
from tests.server.console.browsing import People
from tests.server.in_process import in_process, open_ticket

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[People]:
    async with in_process(tmp_path_factory.mktemp("service")) as made:
        yield made


async def test_an_admin_sets_the_hours_and_others_read_them(people: People) -> None:
    admin, viewer = await people.signed_in(Role.ADMIN), await people.signed_in(Role.VIEWER)
    form = form_of_rules(ServiceRules()) | {
        "zone": "Europe/Berlin",
        "Saturday": "10:00-12:00",
        "holidays": "2026-12-25",
    }
    saved = await admin.post("/service-hours", form)
    assert "The clocks of all open tickets count by it" in saved.text
    shown = (await viewer.get("/service-hours")).text
    assert all(text in shown for text in ("Europe/Berlin", "10:00-12:00", "2026-12-25", "An admin changes these."))
    assert (await viewer.post("/service-hours", form)).status_code == 403
    refused = await admin.post("/service-hours", form | {"zone": "<b>Mars"})
    assert (refused.status_code, "No time zone of this name" in refused.text) == (422, True)
    assert "&lt;b&gt;Mars" in refused.text, "what was typed stays, as text"
    assert (await people.world.office.service.rules()).hours.zone == "Europe/Berlin"


async def test_a_ticket_shows_its_priority_and_what_is_left(people: People) -> None:
    world = people.world
    browser = await people.signed_in(Role.ADMIN, "anna")
    ticket = await open_ticket(world, await world.approved(), "help")
    shown = (await browser.get(f"/tickets/{ticket}")).text
    assert "3 of 4" in shown
    assert "left to answer" in (await browser.get("/tickets")).text
    saved = (await browser.post(f"/tickets/{ticket}/priority", {"impact": "3", "urgency": "3"})).text
    assert all(text in saved for text in ("1 of 4", "Priority 1"))
    for wrong in ({"impact": "9", "urgency": "1"}, {"impact": "1"}, {"impact": "x", "urgency": "1"}):
        assert (await browser.post(f"/tickets/{ticket}/priority", wrong)).status_code == 400
    world.clock.now += 30 * 86_400
    await world.office.service.ran_out()
    events = await events_of(world.office.database, ticket)
    assert sorted(one.after or "" for one in events if one.kind is EventKind.LATE) == ["answer", "solve"]
    browser = await people.browser_for("anna")
    late = (await browser.get("/tickets?state=late")).text
    assert ticket in late
    assert "late" in (await browser.get(f"/tickets/{ticket}")).text


async def test_a_canned_reply_stands_in_the_form_and_a_tracker_is_a_plain_link(people: People) -> None:
    world = people.world
    admin = await people.signed_in(Role.ADMIN, "berta")
    ticket = await open_ticket(world, await world.approved("desktop"), "replies")
    refused = await admin.post("/replies", {"id": "", "name": "Hello", "text": "Dear {name}"})
    assert (refused.status_code, "There is no such field ({name})" in refused.text) == (422, True)
    assert "Hello" in (await admin.post("/replies", {"id": "", "name": "Hello", "text": "Hi {customer}"})).text
    reply = (await world.office.replies.all())[0].id
    assert "Hi Acme</textarea>" in (await admin.get(f"/tickets/{ticket}?reply={reply}")).text
    assert (await admin.get(f"/tickets/{ticket}?reply=x")).status_code == 404
    await admin.get(f"/tickets/{ticket}")
    await admin.post(f"/tickets/{ticket}/hand-on", {"level": "3", "note": "A defect."})
    bad = await admin.post(f"/tickets/{ticket}/tracker", {"url": "javascript:alert(1)"})
    assert (bad.status_code, 'href="javascript' in bad.text) == (422, False)
    linked = (await admin.post(f"/tickets/{ticket}/tracker", {"url": "https://tracker.example/4?a=1&b=2"})).text
    assert 'href="https://tracker.example/4?a=1&amp;b=2" rel="noreferrer noopener nofollow"' in linked


async def test_watching_a_note_and_an_address_lead_to_notices(people: People) -> None:
    world = people.world
    admin, viewer = await people.signed_in(Role.ADMIN, "carla"), await people.signed_in(Role.VIEWER, "victor")
    ticket = await open_ticket(world, await world.approved("till"), "notices")
    await world.office.notices.gather()
    await viewer.get(f"/tickets/{ticket}")
    assert "Watched by victor." in (await viewer.post(f"/tickets/{ticket}/watch", {"watch": "yes"})).text
    assert (await viewer.post(f"/tickets/{ticket}/note", {"note": "mine"})).status_code == 403
    await admin.get(f"/tickets/{ticket}")
    noted = (await admin.post(f"/tickets/{ticket}/note", {"note": "@victor <b>look</b>"})).text
    assert "@victor &lt;b&gt;look&lt;/b&gt;" in noted
    assert (await admin.post(f"/tickets/{ticket}/note", {"note": " "})).status_code == 422
    assert await world.office.notices.gather() == 1
    shown = (await viewer.get("/notices")).text
    assert "You were mentioned" in shown
    assert f"/tickets/{ticket}" in shown
    assert "You were mentioned" not in (await admin.get("/notices")).text
    await viewer.get("/notices")
    wrong = await viewer.post("/notices/address", {"address": "nonsense"})
    assert (wrong.status_code, "no mail address" in wrong.text) == (422, True)
    await viewer.post("/notices/address", {"address": "victor@helpful.example"})
    assert "victor@helpful.example" in (await viewer.get("/notices")).text
    assert "marked as seen" in (await viewer.post("/notices/seen")).text
    assert all(one.seen for one in await world.office.notices.of("victor", None))
