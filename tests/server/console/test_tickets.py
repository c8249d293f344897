"""Tickets in the console over HTTP: seen, filtered, answered, moved; the device hears of it."""

import re
from dataclasses import dataclass

import pytest

from protocol.messages.desk import DeskText, TicketState, TicketUpdate
from protocol.messages.items import TicketItem
from server.console.facts_form import utc_minute
from server.people.rules import Role
from tests.making import NOW, signing_key
from tests.server.actors import DeviceActor, World, uuid
from tests.server.console.browsing import Browser, People
from tests.server.console.lived import Lived, fill, say

FACTS = {
    "cost": "Nothing.", "doing": "Looking at the queue.", "next": "We call you.", "eta_choice": "7200", "eta_at": "",
    "state": "open",
}  # fmt: skip


@dataclass
class Case:
    """A device with one ticket of its customer, and an admin in front of its page."""

    device: DeviceActor
    ticket: str
    browser: Browser

    @property
    def page(self) -> str:
        return f"/tickets/{self.ticket}"


@pytest.fixture
async def case(desk: World, people: People) -> Case:
    device = await desk.approved()
    statement = device.ticket(words="The <printer> eats paper & more")
    async with desk.link(device) as link:
        await say(link, TicketItem(id=uuid("item"), ticket=device.key.sign(statement)))
    browser = await people.signed_in(Role.ADMIN)
    return Case(device, statement.ticket, browser)


async def test_a_customers_ticket_is_on_the_list_and_has_a_page(case: Case) -> None:
    for path in ("/", "/tickets", "/tickets?q=PRINTER", case.page):
        assert "The &lt;printer&gt; eats paper &amp; more" in (await case.browser.get(path)).text
    assert "No ticket matches" in (await case.browser.get("/tickets?q=scanner")).text
    assert "No ticket matches" in (await case.browser.get("/tickets?state=solved")).text


async def test_a_ticket_that_is_not_there_is_a_page_that_says_so(case: Case) -> None:
    for ticket in (uuid("none"), "x", "../../etc/passwd", "<script>"):
        answer = await case.browser.get(f"/tickets/{ticket}")
        assert answer.status_code == 404
        assert "<script>" not in answer.text


async def test_the_device_hears_new_facts_at_once_and_each_eta_is_kept(desk: World, case: Case) -> None:
    async with desk.link(case.device) as link:
        await link.hear(TicketUpdate)  # how it stood at login
        done = await case.browser.post(f"{case.page}/facts", FACTS)
        assert "Saved." in done.text
        update = await link.hear(TicketUpdate)
    assert (update.state, update.facts.doing, update.facts.eta) == (TicketState.OPEN, FACTS["doing"], NOW + 7200)
    await case.browser.post(f"{case.page}/facts", {**FACTS, "eta_choice": "at", "eta_at": utc_minute(NOW + 86_400)})
    page = (await case.browser.get(case.page)).text
    kept = [row.eta for row in await desk.office.tickets.eta_history_of(case.ticket)]
    assert kept == [NOW + 4 * 3600, NOW + 7200, (NOW + 86_400) // 60 * 60]
    assert len(re.findall(r"<s><time", page)) == 2


@pytest.mark.parametrize("field", ["cost", "doing", "next"])
async def test_an_empty_fact_changes_nothing_and_keeps_what_was_typed(desk: World, case: Case, field: str) -> None:
    before = (await desk.office.tickets.require(case.ticket, None))[0]
    refused = await case.browser.post(f"{case.page}/facts", {**FACTS, field: "  ", "state": "solved"})
    assert refused.status_code == 422
    assert "It cannot be empty." in refused.text
    assert all(FACTS[other] in refused.text for other in ("cost", "doing", "next") if other != field)
    assert (await desk.office.tickets.require(case.ticket, None))[0] == before


async def test_a_ticket_moves_only_as_the_table_says(case: Case) -> None:
    async def offered() -> set[str]:
        form = re.search(r'<select id="field-state".*?</select>', (await case.browser.get(case.page)).text, re.DOTALL)
        assert form is not None
        return set(re.findall(r'value="([^"]+)"', form[0]))

    assert await offered() == {"new", "open", "waiting-customer", "waiting-third-party", "solved"}
    assert (await case.browser.post(f"{case.page}/facts", {**FACTS, "state": "closed"})).status_code == 409
    assert (await case.browser.post(f"{case.page}/facts", {**FACTS, "state": "solved"})).status_code == 200
    assert await offered() == {"solved", "closed", "reopened"}
    assert (await case.browser.post(f"{case.page}/facts", {**FACTS, "state": "closed"})).status_code == 200
    assert await offered() == {"closed"}
    for state in TicketState:
        answer = await case.browser.post(f"{case.page}/facts", {**FACTS, "state": state.value})
        assert (answer.status_code == 200) is (state is TicketState.CLOSED)


async def test_words_of_the_desk_reach_the_device_marked_as_the_servers_and_again_after_it_was_away(
    desk: World, case: Case
) -> None:
    async with desk.link(case.device) as link:
        await link.hear(TicketUpdate)
        done = await case.browser.post(f"{case.page}/words", {"text": "Is it plugged in?"})
        assert "Not verified for the customer" in done.text
        first = await link.hear(DeskText)
    await case.browser.post(f"{case.page}/words", {"text": "Said while you were away."})
    async with desk.link(case.device) as link:
        assert await link.hear(DeskText) == first
        assert (await link.hear(DeskText)).text == "Said while you were away."


@pytest.mark.parametrize(("text", "status"), [("", 422), ("  \n ", 422), ("x" * 4001, 422), ("x" * 4000, 200)])
async def test_words_are_neither_empty_nor_endless(case: Case, text: str, status: int) -> None:
    assert (await case.browser.post(f"{case.page}/words", {"text": text})).status_code == status


async def test_a_page_stays_light_however_much_is_said_and_all_of_it_can_be_read(desk: World, case: Case) -> None:
    for at in range(200):
        await desk.office.tickets.desk_text(case.ticket, f"message {at} " + "x" * 900)
    page = await case.browser.get(case.page)
    assert len(page.content) < 150_000
    assert "message 199" in page.text
    assert "message 5 " not in page.text
    assert "Show 170 earlier messages" in page.text
    assert "message 5 " in (await case.browser.get(f"{case.page}?words=all")).text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
async def test_who_only_reads_is_offered_no_form(people: People, case: Case, role: Role) -> None:
    browser = await people.signed_in(role)
    page = (await browser.get(case.page)).text
    assert "eats paper" in page
    assert "<textarea" not in page
    assert (await browser.post(f"{case.page}/facts", FACTS)).status_code == 403
    assert (await browser.post(f"{case.page}/words", {"text": "hello"})).status_code == 403


async def test_a_technician_neither_sees_nor_changes_another_customers_ticket(
    desk: World, people: People, case: Case
) -> None:
    await desk.technician_token("Ada Tech", customers=("Bluebird",))
    browser = await people.signed_in(Role.TECHNICIAN, "ada")
    await desk.office.people.link_technician("ada", signing_key("Helpful Ltd Ada Tech").public)
    assert "eats paper" not in (await browser.get("/tickets?state=all")).text
    for done in (
        await browser.get(case.page),
        await browser.post(f"{case.page}/facts", FACTS),
        await browser.post(f"{case.page}/words", {"text": "hello"}),
        await browser.get(f"/devices/{case.device.device}"),
    ):
        assert done.status_code == 404
    assert await desk.office.tickets.messages_of(case.ticket) == ()


async def test_what_refreshes_itself_is_a_part_of_the_page(case: Case) -> None:
    device = f"/devices/{case.device.device}"
    for path, holds in (("/", "eats paper"), ("/tickets", "eats paper"), ("/devices", "laptop"), (device, "Away")):
        part = await case.browser.get(path, **{"hx-request": "true", "hx-request-type": "partial"})
        assert part.status_code == 200
        assert holds in part.text
        assert "<html" not in part.text


async def test_an_overdue_promise_is_said_in_red_on_every_page(desk: World, case: Case) -> None:
    desk.clock.now += 5 * 3600
    await case.browser.sign_in("admin")
    assert "Overdue" in (await case.browser.get("/tickets")).text
    assert "Tell them what is true now." in (await case.browser.get(case.page)).text
    kept = await case.browser.post(f"{case.page}/facts", {**FACTS, "eta_choice": "keep"})
    assert (kept.status_code, "This time has passed." in kept.text) == (422, True)


async def test_the_whole_story_of_a_ticket_is_on_its_page(desk: World, people: People) -> None:
    import asyncio

    lived = Lived(desk, asyncio.get_running_loop())
    await fill(lived)
    admin = await people.browser_for("admin")
    page = (await admin.get(f"/tickets/{lived.ticket}")).text
    for expected in (
        "I changed the cartridge and it still does.",  # the customer's words
        "disk-space-low",  # what the device reports
        "Evidence from the device", "412 kB", "Receipt of a visit",  # sealed, with sizes
        "bellpull workbench", f"bellpull evidence {lived.ticket}",
        f"bellpull connect {lived.device} --ticket {lived.ticket}",
        "Mira Sundqvist", "diagnose.run", "services.list", "logs.read", "Refused",  # the visit
        "9 kB to the device, 31 kB back, all sealed",
        "It also blinks orange now.", "Signed, verified for the customer", "A new drum unit is ordered",
    ):  # fmt: skip
        assert expected in page, expected
    assert len(page.encode()) < 150_000
