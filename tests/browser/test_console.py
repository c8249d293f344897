"""The console in a real Chromium, served by the real server: looks at every width, plots, proofs, and hostile texts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from protocol.limits import OUTBOX_IN_FLIGHT_MAX
from protocol.messages.desk import CustomerText
from protocol.messages.items import Stored, TicketItem
from server.config import Caps, Settings
from tests.browser.accessibility import faults
from tests.making import NOW
from tests.server.actors import DeviceActor, World, case, uuid
from tests.server.console.lived import Lived, lived_server, say
from tests.web.naughty import naughty_strings
from web.plain_text import plain

#: Of one page's own bytes; stylesheets, scripts and icons are fetched once and kept for ever.
PAGE_MAX_BYTES = 150_000
SOAK = os.environ.get("BELLPULL_SOAK") == "1"
#: Of the tickets in naughty words, the pages that are looked at: one in so many.
PAGES_EACH = 1 if SOAK else 8
#: Each is a host name and a ticket's words: all in a soak, one in so many otherwise (the kitchen sink shows all);
#: one in so many of these is said in a conversation as well.
TEXTS_EACH = 1 if SOAK else 4
SAID_EACH = 1 if SOAK else 2
LABEL_MAX_CHARS = 80


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with lived_server(tmp_path_factory.mktemp("console")) as running:
        yield running


def sign_in(page: Page, desk: Lived, name: str = "admin") -> None:
    page.clock.set_fixed_time(NOW * 1000)
    page.goto(desk.link(name))
    page.get_by_role("button", name="Sign in without setting a password").click()
    page.wait_for_url(f"{desk.origin}/")


def paths(desk: Lived) -> dict[str, str]:
    return {
        "now": "/", "tickets": "/tickets", "ticket": f"/tickets/{desk.ticket}",
        "ticket of a finding": f"/tickets/{desk.finding_ticket}", "devices": "/devices",
        "device": f"/devices/{desk.device}", "audit": "/audit", "entry": "/audit/9", "people": "/people",
        "person": "/people/mira", "account": "/account",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(400, "light"), (1600, "dark")]
    + (
        [(400, "dark"), (800, "light"), (800, "dark"), (1280, "light"), (1280, "dark"), (1600, "light")] if SOAK else []
    ),
)
def test_no_page_reaches_past_the_window(
    page: Page, desk: Lived, reaching_past: Callable[[Page], list[str]], width: int, scheme: Any
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    sign_in(page, desk)
    found = {}
    for name, path in paths(desk).items():
        page.goto(desk.origin + path)
        if name == "device":
            page.wait_for_selector(".u-wrap canvas")
        if past := reaching_past(page):
            found[name] = past
    assert found == {}


#: Looked at by axe in every run; a soak looks at all, and at both widths.
LOOKED_AT = ("ticket", "device")


def test_everybody_can_use_every_page(page: Page, desk: Lived) -> None:
    """WCAG 2 AA in light and dark, as far as a program can tell."""
    sign_in(page, desk)
    found = {}
    for width in (400, 1280) if SOAK else (1280,):
        page.set_viewport_size({"width": width, "height": 900})
        for name, path in (everything(desk) if SOAK else {name: everything(desk)[name] for name in LOOKED_AT}).items():
            answer = page.goto(desk.origin + path)
            assert answer is not None
            assert answer.status == 200, path
            if bad := faults(page):
                found[f"{name} at {width}"] = bad
    assert found == {}


def everything(desk: Lived) -> dict[str, str]:
    """The pages of `paths`, and those that look the same at every width."""
    return paths(desk) | {
        "reports": "/reports?period=year", "figure": "/reports/incidents-by-level?period=year",
        "service hours": "/service-hours", "tokens": "/account/tokens",
    }  # fmt: skip


def test_every_page_is_light(page: Page, desk: Lived) -> None:
    sign_in(page, desk)
    heavy = {}
    for name, path in paths(desk).items():
        answer = page.goto(desk.origin + path)
        assert answer is not None
        assert answer.status == 200
        size = len(answer.body())
        if size > PAGE_MAX_BYTES:
            heavy[name] = size
    assert heavy == {}


def test_without_scripts_everything_can_be_read_and_a_ticket_can_be_answered(browser: Browser, desk: Lived) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 400, "height": 900})
    page = context.new_page()
    page.goto(desk.link("admin"))
    page.get_by_role("button", name="Sign in without setting a password").click()
    page.goto(f"{desk.origin}/devices/{desk.device}")
    assert page.locator(".plot-still path").first.is_visible()
    page.goto(f"{desk.origin}/tickets/{desk.finding_ticket}")
    assert page.get_by_text("At (UTC)").is_visible()
    page.get_by_label("Being done now").fill("We restart the print service.")
    page.get_by_role("button", name="Save and tell the customer").click()
    page.get_by_text("Saved. The customer sees it").wait_for()
    assert page.locator(".four-facts").get_by_text("We restart the print service.").is_visible()
    context.close()


def test_a_time_is_typed_in_the_readers_zone_and_kept_in_utc(browser: Browser, desk: Lived) -> None:
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-GB")
    page = context.new_page()
    sign_in(page, desk)
    page.goto(f"{desk.origin}/tickets/{desk.finding_ticket}")
    page.get_by_label("At (your time)").fill("2027-01-16T12:00")
    assert page.locator("[name=eta_choice]").input_value() == "at"
    page.get_by_role("button", name="Save and tell the customer").click()
    page.get_by_text("Saved. The customer sees it").wait_for()
    assert page.locator(".four-facts time").get_attribute("title") == "2027-01-16 03:00:00 UTC"
    assert page.locator(".four-facts time").text_content() == "16 Jan 2027, 12:00"
    assert page.get_by_label("At (your time)").input_value() == "2027-01-16T12:00"
    context.close()


def test_the_numbers_of_a_device_are_drawn(page: Page, desk: Lived) -> None:
    sign_in(page, desk)
    page.goto(f"{desk.origin}/devices/{desk.device}")
    page.wait_for_selector(".u-wrap canvas")
    assert page.locator(".u-wrap canvas").count() == page.locator(".plot").count() >= 9
    page.locator(".u-over").first.scroll_into_view_if_needed()
    box = page.locator(".u-over").first.bounding_box()
    assert box is not None
    marked = page.locator(".event-head", has_text="Ticket: ").text_content()
    for x in range(0, int(box["width"]), 6):  # somewhere along the axis, the pointer meets the ticket
        page.mouse.move(box["x"] + x, box["y"] + 20)
        if "Ticket: " in (page.locator(".plot-mark").first.text_content() or ""):
            break
    assert (marked or "").strip() in (page.locator(".plot-mark").first.text_content() or "")
    assert "Volume 3f2a" in (page.locator(".u-legend").first.text_content() or "")


def test_a_proof_is_computed_again_in_the_browser_and_a_changed_one_is_not_believed(page: Page, desk: Lived) -> None:
    sign_in(page, desk)
    page.goto(f"{desk.origin}/audit/9")
    page.get_by_role("button", name="Compute it in this browser").click()
    page.get_by_text("Your browser computed").wait_for()

    def lie(route: Any) -> None:
        answer = route.fetch()
        proof = answer.json()
        proof["path"][0] = proof["path"][-1]
        route.fulfill(response=answer, json=proof)

    page.route("**/proof.json", lie)
    page.get_by_role("button", name="Compute it in this browser").click()
    page.get_by_text("These do not agree").wait_for()


def test_lists_keep_themselves_fresh(page: Page, desk: Lived) -> None:
    page.clock.install(time=NOW * 1000)
    page.goto(desk.link("admin"))
    page.get_by_role("button", name="Sign in without setting a password").click()
    page.wait_for_url(f"{desk.origin}/")
    page.goto(f"{desk.origin}/devices")
    page.get_by_role("link", name="anna-laptop").wait_for()
    with page.expect_response(lambda answer: answer.url.endswith("/devices"), timeout=20_000) as part:
        page.clock.fast_forward(60_000)
    assert part.value.status == 200
    assert "<html" not in part.value.text()
    page.get_by_role("link", name="anna-laptop").wait_for()


def test_a_list_is_filtered_without_typing_anything(page: Page, desk: Lived) -> None:
    sign_in(page, desk)
    page.goto(f"{desk.origin}/tickets")
    page.get_by_label("Severity").select_option("critical")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/tickets?*severity=critical*")
    assert page.locator("td:first-child a").all_text_contents() == ["Service failed"]


def test_a_stranger_at_the_door_sees_the_way_in_and_nothing_else(page: Page, desk: Lived, complaints: Any) -> None:
    complaints.allow("status of 40[14]")
    page.goto(f"{desk.origin}/tickets/{desk.ticket}")
    assert "/sign-in?next=" in page.url
    assert page.get_by_role("navigation").count() == 0
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("The name or the password is not right.").wait_for()
    page.goto(f"{desk.origin}/no/such/page")
    page.get_by_role("heading", name="There is nothing here").wait_for()


# --- hostile texts ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lived, list[str]]]:
    """Every naughty string as a device's label, as the words of a ticket, and as what a customer writes and is told."""
    caps = Caps(
        enrolments_a_minute=10_000, links_a_minute=10_000, items_a_minute=100_000, requests_a_minute=100_000,
        open_tickets_per_device=1000, tickets_a_day_per_device=1000, pending_enrolments=10_000,
    )  # fmt: skip
    texts = naughty_strings()[::TEXTS_EACH]
    with lived_server(tmp_path_factory.mktemp("hostile"), settings=Settings(caps=caps)) as running:
        running.call(_speak(running.world, running.ticket, texts))
        yield running, texts


async def _speak(world: World, ticket: str, texts: list[str]) -> None:
    laptop = world.device("anna-laptop")
    said = [
        CustomerText(id=uuid(f"words {at}"), ticket=ticket, text=text, at=NOW)
        for at, text in enumerate(texts)
        if text and at % SAID_EACH == 0  # a message says something
    ]
    async with world.link(laptop) as link:
        for first in range(0, len(said), OUTBOX_IN_FLIGHT_MAX):
            burst = said[first : first + OUTBOX_IN_FLIGHT_MAX]
            for one in burst:
                await link.say(one)
            assert {(await link.hear(Stored)).id for _ in burst} == {one.id for one in burst}
        for first in range(0, len(texts), OUTBOX_IN_FLIGHT_MAX):
            here = [at for at in range(first, min(first + OUTBOX_IN_FLIGHT_MAX, len(texts))) if at % PAGES_EACH]
            tickets = [_ticket_item(laptop, at, texts[at]) for at in here]
            for ticket_item in tickets:
                await link.say(ticket_item)
            assert {(await link.hear(Stored)).id for _ in tickets} == {one.id for one in tickets}
    for first in range(0, len(texts), 20):
        await asyncio.gather(*(_enrol(world, at, texts[at]) for at in range(first, min(first + 20, len(texts)))))
    await asyncio.gather(*(world.office.tickets.desk_text(ticket, text) for text in texts[::SAID_EACH] if text))


async def _enrol(world: World, at: int, text: str) -> None:
    """A device by this name (as much of it as a label holds); where its page is looked at, a ticket of its own."""
    device = world.device(f"hostile {at}")
    asked = world.enrolment(device, customer="Acme")
    done = await world.post("/api/enrol", asked.model_copy(update={"label": text[:LABEL_MAX_CHARS]}))
    assert done.status_code == 202, done.text
    if at % PAGES_EACH == 0:
        async with world.link(device) as link:
            await say(link, _ticket_item(device, at, text))


def _ticket_item(device: DeviceActor, at: int, text: str) -> TicketItem:
    statement = device.ticket(f"hostile ticket {at}", words=text, case=case(f"hostile {at}"))
    return TicketItem(id=uuid(f"hostile item {at}"), ticket=device.key.sign(statement))


def test_every_naughty_string_is_shown_as_text_and_none_runs(
    page: Page, hostile_desk: tuple[Lived, list[str]], reaching_past: Callable[[Page], list[str]]
) -> None:
    desk, texts = hostile_desk
    page.set_default_timeout(60_000)
    sign_in(page, desk)

    labels: list[str] = []
    for number in range(1, 100):
        page.goto(f"{desk.origin}/devices?show=waiting&page={number}")
        shown = page.locator("td:first-child a[href^='/devices/']").all_text_contents()
        if not shown:
            break
        labels += shown
        assert reaching_past(page) == []
    expected = [plain(text[:LABEL_MAX_CHARS]) or "Unnamed device" for text in texts]
    assert sorted(labels) == sorted([*expected, "reception-pc"])

    titles = 0
    for number in range(1, 100):
        page.goto(f"{desk.origin}/tickets?page={number}&state=new")
        here = page.locator("td:first-child a").count()
        if not here:
            break
        titles += here
        assert reaching_past(page) == []
    assert titles == len(texts) + 1

    page.goto(f"{desk.origin}/tickets/{desk.ticket}?words=all")
    said = page.locator(".message-text").all_text_contents()
    spoken = [plain(text) for text in texts[::SAID_EACH] if text]
    assert sorted(said) == sorted(
        [
            *spoken, *spoken, "It also blinks orange now.", "A new drum unit is ordered in case it is needed.",
            "Thank you. I have looked at the queue: three jobs were stuck. Please print one page now.",
        ]
    )  # fmt: skip
    assert reaching_past(page) == []

    for query in texts[:: 1 if SOAK else 15]:
        page.goto(f"{desk.origin}/tickets")
        page.locator("[name=q]").fill(query.replace("\n", " ")[:120])
        page.get_by_role("button", name="Show").click()
        page.wait_for_load_state()
        assert page.get_by_role("heading", name="Tickets").is_visible()


def test_tickets_in_naughty_words_have_pages_that_show_them(page: Page, hostile_desk: tuple[Lived, list[str]]) -> None:
    """Each page holds the words whole, and the label; one in twenty-five, all of them in a soak."""
    desk, texts = hostile_desk
    sign_in(page, desk)
    for at in range(0, len(texts), PAGES_EACH):
        page.goto(f"{desk.origin}/tickets/{uuid(f'hostile ticket {at}')}")
        if texts[at]:
            assert page.locator("blockquote").text_content() == plain(texts[at])
        label = page.locator(".ticket-of a").text_content()
        assert label == (plain(texts[at][:LABEL_MAX_CHARS]) or "Unnamed device")


def test_naughty_strings_in_forms_are_kept_and_shown_as_text(page: Page, hostile_desk: tuple[Lived, list[str]]) -> None:
    """What the desk itself types: facts, words, account names, searches."""
    desk, texts = hostile_desk
    sign_in(page, desk)
    ticket = f"{desk.origin}/tickets/{desk.finding_ticket}"
    for text in [text for text in texts if text.strip()][:: 5 if SOAK else 12]:
        typed = text[:500]
        page.goto(ticket)
        page.get_by_label("Being done now").fill(typed)
        page.get_by_role("button", name="Save and tell the customer").click()
        page.wait_for_load_state()
        shown = page.locator(".four-facts dd").nth(1)
        if page.get_by_text("Saved. The customer sees it").count():
            assert shown.text_content() == plain(page.get_by_label("Being done now").input_value())
        else:  # refused in words: characters that no text field holds
            assert page.get_by_role("heading", name="This could not be read").is_visible()


def test_the_hostile_data_stays_out_of_attributes_and_addresses(
    page: Page, hostile_desk: tuple[Lived, list[str]]
) -> None:
    desk, _ = hostile_desk
    sign_in(page, desk)
    page.goto(f"{desk.origin}/tickets/{desk.ticket}?words=all")
    strange = page.evaluate(
        """() => [...document.querySelectorAll('main *')].flatMap((element) =>
          [...element.attributes].filter((one) => /^on|^style$|^srcdoc$/.test(one.name)
            || (/^(href|src|action)$/.test(one.name) && !/^[/?#]/.test(one.value)))
          .map((one) => `${element.tagName} ${one.name}=${one.value.slice(0, 40)}`))"""
    )
    assert strange == []
    assert page.locator("main script:not([type='application/json']), main iframe, main object, main embed").count() == 0


def test_the_vectors_are_where_they_should_be() -> None:
    root = Path(os.environ.get("BELLPULL_VECTORS") or Path(__file__).resolve().parents[3] / "shared" / "vectors")
    assert (root / "naughty-strings.json").exists(), "set BELLPULL_VECTORS to the folder of public test vectors"
