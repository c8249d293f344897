"""The workbench in a real browser, against a real visit: every tab as a technician meets it, in one world.

The demo is started as a person starts it; the customer answers at the command line, as they may. Nothing here is a
stand-in: what a tab shows came from this machine through the agent, the relay and the visit.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from technician.workbench.tabs import catalogue
from tests.browser.accessibility import faults
from tests.browser.conftest import Complaints
from tests.browser.story import Faces, running_demo

WITHIN_MS = 20_000
SCOPES = ("diagnose", "chat", "logs", "files.read", "processes", "processes.end", "remedy", "terminal")
SOAK = os.environ.get("BELLPULL_SOAK") == "1"
NAME = "<img src=x onerror=alert(1)>.txt"
WORDS = "The quick brown fox <b>jumps</b>.\n" * 100


@dataclass(frozen=True)
class World:
    """A running demo; in the folder that its customer allows lies one oddly named file."""

    faces: Faces
    terminal: bool

    def agent(self, *words: str) -> Any:
        """One command of the customer."""
        command = [str(Path(sys.executable).with_name("bellpull-agent")), *words]
        done = subprocess.run(
            [*command, "--state", str(self.faces.agent_state), "--json"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("workbench") / "demo"
    with running_demo(folder) as faces:
        (folder / "machine" / "Documents" / NAME).write_text(WORDS)
        # Only an administrator of the machine may: elsewhere the tab has to say so.
        command = [str(Path(sys.executable).with_name("bellpull-agent")), "terminal", "enable"]
        enabled = subprocess.run([*command, "--state", str(faces.agent_state)], capture_output=True, check=False)
        yield World(faces, enabled.returncode == 0)


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_one_visit_through_all_its_tabs(
    world: World, browser: Browser, complaints: Complaints, reaching_past: Callable[[Page], list[str]]
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", accept_downloads=True)
    complaints.watch(context)
    desk = context.new_page()
    desk.set_default_timeout(WITHIN_MS)
    desk.goto(world.faces.workbench)
    begin(desk, world)

    checks(desk)
    processes(desk)
    logs(desk)
    files(desk)
    terminal(desk, world)
    remedies(desk)
    chat(desk, world)
    notes(desk)
    closed(desk)
    keys(desk)
    narrow(desk, reaching_past)
    usable(desk)

    at(desk, "checks")
    desk.get_by_role("button", name="End the visit").click()
    expect(main(desk)).to_contain_text("Countersigned", timeout=WITHIN_MS)
    context.close()
    assert complaints.unexpected() == []


def main(desk: Page) -> Any:
    return desk.locator("main")


def at(desk: Page, tab: str) -> None:
    desk.goto(re.sub(r"^(https?://[^/]+).*$", r"\1", desk.url) + f"/visit?tab={tab}")


def begin(desk: Page, world: World) -> None:
    desk.locator("main a[href^='/tickets/']").first.click()
    form = desk.locator("form[action$='/visit']")
    for box in form.locator("input[name=scope]").all():
        box.set_checked(box.get_attribute("value") in SCOPES)
    form.locator("input[name=reason]").fill("You wrote that it is slow")
    form.get_by_role("button").click()
    expect(main(desk)).to_contain_text("Waiting for the customer")
    (question,) = world.agent("consent", "list")["pending"]
    shown = [text.strip() for text in desk.locator(".phrase li").all_inner_texts()]
    assert shown == question["phrase"], "the two ends show different words"
    world.agent("consent", "approve", question["id"])
    expect(main(desk)).to_contain_text("Visit under way")


def checks(desk: Page) -> None:
    at(desk, "checks")
    desk.get_by_label(re.compile("^Checks")).fill("disk-space memory-pressure")
    desk.get_by_role("button", name="Run checks").click()
    expect(main(desk)).to_contain_text("Free disk space")
    expect(main(desk)).to_contain_text("Done")


def processes(desk: Page) -> None:
    """The list comes again by itself, without a word in the transcript; ending one is asked twice."""
    at(desk, "processes")
    desk.get_by_role("button", name="List processes").click()
    expect(main(desk)).to_contain_text("Asked again every")
    rows = desk.locator("#live-main tbody tr")
    expect(rows.first).to_be_visible()
    first = desk.locator("#main-seen").get_attribute("value")
    expect(desk.locator("#main-seen")).not_to_have_value(first or "", timeout=WITHIN_MS)
    rows.first.get_by_role("button", name="End").click()
    expect(desk.locator("#question")).to_contain_text("What is not saved in it is lost")
    desk.get_by_role("link", name="No, leave it").click()
    expect(desk.locator("#question")).to_have_count(0)


def logs(desk: Page) -> None:
    """Following goes on until it is cancelled, and the rest of the visit with it."""
    at(desk, "logs")
    desk.get_by_role("button", name="Follow").click()
    desk.get_by_role("button", name="Cancel").click()
    expect(main(desk)).to_contain_text("Cancelled")


def files(desk: Page) -> None:
    """A name that is markup elsewhere is a name here; the file comes whole and is saved as an attachment."""
    at(desk, "files")
    desk.get_by_role("button", name="Allowed folders").click()
    desk.locator("tr", has_text="Documents").get_by_role("button", name="Open").click()
    row = desk.locator("tr", has_text=NAME)
    expect(row).to_be_visible()
    row.get_by_role("button", name="Download").click()
    expect(main(desk)).to_contain_text("SHA-256")
    with desk.expect_download() as saved:
        desk.get_by_role("link", name="Save a copy").click()
    assert saved.value.path().read_text() == WORDS
    assert "<" not in saved.value.suggested_filename


def terminal(desk: Page, world: World) -> None:
    """What is typed is done there, stays while another tab is looked at, and ends with its shell."""
    at(desk, "terminal")
    desk.get_by_role("button", name="Open a terminal").click()
    desk.locator("#question").get_by_role("button", name="Open a terminal").click()
    if not world.terminal:
        expect(main(desk)).to_contain_text(re.compile("administrator|enabled"))
        return
    screen = desk.locator(".xterm-rows, .xterm-accessibility-tree").first
    expect(screen).to_contain_text(re.compile(r"[#$]"))
    desk.keyboard.type("echo $((40+2))-bell; stty size\n")
    expect(screen).to_contain_text("42-bell")
    at(desk, "checks")
    at(desk, "terminal")
    expect(screen).to_contain_text("42-bell")
    desk.keyboard.type("exit\n")
    expect(main(desk)).to_contain_text("The shell ended with 0.")


def remedies(desk: Page) -> None:
    at(desk, "remedies")
    desk.get_by_role("button", name="List fixes").click()
    expect(desk.locator("#live-main")).to_contain_text("can be put back")


def chat(desk: Page, world: World) -> None:
    """Both ways; what came while another tab was open is counted there."""
    at(desk, "chat")
    desk.locator("textarea").fill("I am looking at it now.")
    desk.keyboard.press("Enter")
    expect(desk.locator(".message-mine")).to_contain_text("I am looking at it now.")
    at(desk, "checks")
    world.agent("chat", "Thank you <b>Tom</b>!")
    expect(desk.locator(".tabs a", has_text="Chat")).to_contain_text("1 new")
    at(desk, "chat")
    expect(desk.locator(".messages")).to_contain_text("Thank you <b>Tom</b>!")


def notes(desk: Page) -> None:
    """What a colleague wrote is opened here, with its author; it was sealed on its way."""
    at(desk, "notes")
    desk.locator("textarea").fill("The fan is loud. <i>Ask Bob.</i>")
    desk.get_by_role("button", name="Keep this note").click()
    expect(desk.locator("article")).to_contain_text("The fan is loud. <i>Ask Bob.</i>")
    expect(desk.locator("article")).to_contain_text("Tom Vale")


def closed(desk: Page) -> None:
    at(desk, "services")
    expect(desk.locator(".tabs a.closed", has_text="Services")).to_be_visible()
    expect(main(desk)).to_contain_text("The customer did not allow “services”")
    expect(desk.get_by_role("link", name="Ask for it anew")).to_be_visible()


def keys(desk: Page) -> None:
    at(desk, "checks")
    desk.keyboard.press("3")
    expect(desk.locator(".tabs a[aria-current]")).to_contain_text("Processes")
    desk.keyboard.press("f")
    assert desk.evaluate("document.activeElement.name") == "sort"
    desk.keyboard.press("Escape")
    assert desk.evaluate("document.activeElement === document.body")


def usable(desk: Page) -> None:
    """WCAG 2 AA, with what the tabs have shown still on them; a soak looks at all of them."""
    desk.set_viewport_size({"width": 1280, "height": 900})
    for tab in catalogue.TABS if SOAK else ("processes",):
        at(desk, tab)
        assert faults(desk) == [], tab


@pytest.mark.browser
def test_everybody_can_use_the_customers_page(world: World, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(WITHIN_MS)
    page.goto(world.faces.customer)
    origin = re.sub(r"^(https?://[^/]+).*$", r"\1", page.url)
    expect(page.locator("main h1")).to_be_visible()
    paths = [address for item in page.locator(".mainnav a").all() if (address := item.get_attribute("href"))]
    assert "/help" in paths
    found = {}
    for path in ["/", "/visits/abuse", *paths] if SOAK else ["/help"]:
        page.goto(origin + path)
        if bad := faults(page):
            found[path] = bad
    assert found == {}
    context.close()


def narrow(desk: Page, reaching_past: Callable[[Page], list[str]]) -> None:
    """Tabs with what they have shown still on them are no wider than a telephone."""
    desk.set_viewport_size({"width": 400, "height": 800})
    desk.emulate_media(color_scheme="dark")
    for tab in ("checks", "processes", "files", "terminal", "chat"):
        at(desk, tab)
        assert reaching_past(desk) == [], tab
