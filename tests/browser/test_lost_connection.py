"""The workbench's tabs while the server is killed and comes back, in a real browser: what goes on, and what cannot.

In a soak: the command line goes the same way in tests/agent/session/test_whole_way.py.
"""

import os
import re
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from protocol.fields import sha256
from protocol.limits import RISK3_WAIT_S
from tests.agent.session.programs import World, log_of_tests
from tests.browser.conftest import Complaints
from tests.browser.story import REASON, Look, approval_window
from tests.browser.test_hand_over import opened, workbench

WITHIN_MS = 60_000
SCOPES = ("files.read", "files.write", "logs", "terminal", "chat")


def at(desk: Page, tab: str) -> None:
    desk.goto(re.sub(r"^(https?://[^/]+).*$", r"\1", desk.url) + f"/visit?tab={tab}")


def shows(desk: Page, words: str) -> None:
    expect(desk.locator("main")).to_contain_text(words, timeout=WITHIN_MS)


def play(browser: Browser, complaints: Complaints, folder: Path, look: Look = lambda _name, _page: None) -> None:
    with ExitStack() as stack:
        world, log = World(folder), log_of_tests()
        stack.callback(log.unlink)
        stack.callback(world.close)
        world.agent("terminal", "enable")
        content = os.urandom(1 << 20) * 64
        (world.documents / "large.bin").write_bytes(content)
        log.write_text("the first line\nthe second line\n")
        desk = opened(browser, complaints, stack.enter_context(workbench(world.home)))
        begin(desk, browser, world)

        at(desk, "terminal")
        desk.get_by_role("button", name="Open a terminal").click()
        desk.locator("#question").get_by_role("button", name="Open a terminal").click()
        shows(desk, "Hang up")
        at(desk, "logs")
        desk.get_by_label("Source").fill(log.name)
        desk.get_by_role("button", name="Follow").click()
        shows(desk, "the second line")

        at(desk, "files")
        desk.get_by_role("button", name="Allowed folders").click()
        desk.get_by_role("button", name="Open").first.click()
        desk.get_by_role("button", name="Download").first.click()
        expect(desk.locator("progress").first).to_be_visible()
        world.server.kill()
        shows(desk, "Looking for a way back")
        look("lost-files", desk)
        with log.open("a") as file:
            file.write("written while nobody was there\n")
        world.server.start_again()
        shows(desk, "SHA-256")
        shows(desk, "the connection was lost once on the way")
        shows(desk, sha256(content).hex()[:4])
        look("went-on-files", desk)

        at(desk, "logs")
        shows(desk, "written while nobody was there")
        assert [line.split()[-1] for line in desk.locator(".loglines .text").all_inner_texts()] == [
            "line", "line", "there",
        ]  # fmt: skip
        look("went-on-logs", desk)
        at(desk, "terminal")
        shows(desk, "It ended with the connection, and so did what was started in it.")
        expect(desk.get_by_role("button", name="Open another")).to_be_visible()
        look("went-on-terminal", desk)
        at(desk, "chat")
        world.agent("chat", "Are you still there?")
        shows(desk, "Are you still there?")
        desk.get_by_role("button", name="End the visit").click()
        shows(desk, "Countersigned")
        assert world.agent("receipts", "verify")["ok"]


def begin(desk: Page, browser: Browser, world: World) -> None:
    desk.locator("main a[href^='/tickets/']").first.click()
    form = desk.locator("form[action$='/visit']")
    for box in form.locator("input[name=scope]").all():
        box.set_checked(box.get_attribute("value") in SCOPES)
    form.locator("input[name=reason]").fill(REASON)
    form.get_by_role("button").click()
    shows(desk, "Waiting for the customer")
    with approval_window(browser, world.state) as question:
        time.sleep(RISK3_WAIT_S + 0.2)
        question.reload()
        for box in question.locator("input[name=scope]").all():
            box.check()  # what is risky is not ticked beforehand
        question.get_by_role("button", name=re.compile("^Yes")).click()
        expect(question.locator("body")).to_contain_text("You said yes")
    shows(desk, "Visit under way")


@pytest.mark.browser
@pytest.mark.soak
@pytest.mark.timeout(400)
def test_tabs_go_on_over_a_server_that_dies(browser: Browser, complaints: Complaints, tmp_path: Path) -> None:
    complaints.allow("Failed to load resource")
    play(browser, complaints, tmp_path)
    assert complaints.unexpected() == []
