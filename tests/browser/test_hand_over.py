"""A visit handed over between two workbenches, each with keys of its own, in a real browser; the customer in theirs.

In a soak, as the same by two command lines (tests/agent/session/test_whole_way.py); its rules are tried at every run.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.agent.session.programs import World, wait_for
from tests.browser.conftest import Complaints
from tests.browser.story import REASON, Look, approval_window, six_words

WITHIN_MS = 30_000


@contextmanager
def workbench(home: Path) -> Iterator[str]:
    """`bellpull workbench`, as a technician starts it; its one-use address."""
    bellpull = str(Path(sys.executable).with_name("bellpull"))
    command = [bellpull, "workbench", "--no-browser", "--home", str(home), "--json"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())["address"]
    finally:
        running.terminate()
        running.communicate(timeout=30)


def opened(browser: Browser, complaints: Complaints, address: str) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, locale="en-GB")
    complaints.watch(context)
    page = context.new_page()
    page.set_default_timeout(WITHIN_MS)
    page.goto(address)
    return page


def ask(desk: Page, *, takes_over: bool) -> None:
    desk.locator("main a[href^='/tickets/']").first.click()
    form = desk.locator("form[action$='/visit']")
    for box in form.locator("input[name=scope]").all():
        box.set_checked(box.get_attribute("value") == "processes")
    form.locator("input[name=takes_over]").set_checked(takes_over)
    form.locator("input[name=reason]").fill(REASON)
    form.get_by_role("button").click()
    expect(desk.locator("main")).to_contain_text("Waiting for the customer")


def play(browser: Browser, complaints: Complaints, folder: Path, look: Look = lambda _name, _page: None) -> None:
    with ExitStack() as stack:
        world = World(folder)
        stack.callback(world.close)
        other = world.another_technician("Bea Tech")
        tom = opened(browser, complaints, stack.enter_context(workbench(world.home)))
        bea = opened(browser, complaints, stack.enter_context(workbench(other)))

        ask(tom, takes_over=False)
        with approval_window(browser, world.state) as question:
            assert six_words(question) == six_words(tom)
            question.get_by_role("button", name=re.compile("^Yes")).click()
            expect(question.locator("body")).to_contain_text("You said yes")
        expect(tom.locator("main")).to_contain_text("Visit under way")

        tom.get_by_text("Hand over to a colleague").click()
        tom.get_by_label("Their name, as their certificate says it").fill("Bea Tech")
        tom.get_by_role("button", name="Hand over").click()
        expect(tom.locator("main")).to_contain_text("To be handed over to Bea Tech.")
        expect(tom.locator("main")).to_contain_text("Bea Tech may come now")
        look("hand-over-named", tom)

        ask(bea, takes_over=True)
        with approval_window(browser, world.state) as question:
            expect(question.locator("body")).to_contain_text("Bea Tech asks to take over from Tom Vale.")
            expect(question.locator("body")).to_contain_text("If you say no, Tom Vale stays.")
            assert six_words(question) == six_words(bea)
            look("hand-over-question", question)
            question.get_by_role("button", name=re.compile("^Yes")).click()
            expect(question.locator("body")).to_contain_text("You said yes")
        expect(bea.locator("main")).to_contain_text("Visit under way")
        expect(tom.locator("main")).to_contain_text("The customer let Bea Tech in")
        expect(tom.locator("main")).to_contain_text("Proven under your organisation's root")
        expect(tom.get_by_role("button", name="Run checks")).to_have_count(0)
        expect(tom.get_by_text("Hand over to a colleague")).to_have_count(0)
        look("hand-over-given", tom)
        look("hand-over-taken", bea)

        bea.get_by_role("link", name="Processes", exact=True).click()
        bea.locator("form[action='/visit/run'] button").first.click()
        expect(bea.locator("main")).to_contain_text("Done")
        bea.get_by_role("button", name="End the visit").click()
        expect(bea.locator("main")).to_contain_text("Countersigned")

        wait_for(lambda: len(world.receipts()) == 2)
        after, before = world.receipts()
        assert [each["technician"] for each in (before, after)] == ["Tom Vale", "Bea Tech"]
        assert after["taken_over_from"]["grant"] == before["grant"]
        assert world.agent("receipts", "verify")["ok"]


@pytest.mark.browser
@pytest.mark.soak
@pytest.mark.timeout(400)
def test_a_visit_is_handed_over_from_one_workbench_to_another(
    browser: Browser, complaints: Complaints, tmp_path: Path
) -> None:
    play(browser, complaints, tmp_path)
    assert complaints.unexpected() == []
