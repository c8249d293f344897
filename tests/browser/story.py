"""The main job as three people live it, in real browser windows on a running demo.

A technician asks from the workbench; the customer compares the words and says yes in a window of its own; diagnostics
run; what was not allowed is refused; the customer stops; all three read what was done. `look` is called at the moments
that are worth a picture.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

REASON = "You wrote that it is slow; I want to see what keeps it busy"
WITHIN_MS = 30_000
Look = Callable[[str, Page], None]


@dataclass(frozen=True)
class Faces:
    """The one-use links a demo printed, and where its agent lives."""

    console: str
    workbench: str
    customer: str
    agent_state: Path


@contextmanager
def running_demo(state: Path) -> Iterator[Faces]:
    """`bellpull demo` as a person starts it, and interrupted as a person ends it."""
    command = [str(Path(sys.executable).with_name("bellpull")), "demo", "--state", str(state)]
    environment = {**os.environ, "COLUMNS": "200"}
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        told: list[str] = []
        assert demo.stdout is not None
        for line in demo.stdout:
            told.append(line)
            if "Ctrl-C stops all of it" in line:
                break
        links = re.findall(r"^\s+(http://\S+/\S+)\s*$", "".join(told), re.MULTILINE)
        assert len(links) == 3, f"expected three links to open, got:\n{''.join(told)}"
        yield Faces(*links, agent_state=state / "agent")
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)


def play(browser: Browser, faces: Faces, look: Look = lambda _name, _page: None) -> None:
    """The whole story. Raises AssertionError at the first thing a person would stumble over."""
    desk, customer = _open(browser, faces.workbench), _open(browser, faces.customer)
    expect(customer.get_by_role("heading", level=1)).to_be_visible()
    look("customer-health", customer)

    _ask_for_a_visit(desk, {"diagnose", "processes"}, look)
    words = six_words(desk)
    with approval_window(browser, faces.agent_state) as question:
        assert six_words(question) == words, "the two ends show different words"
        expect(question.locator("body")).to_contain_text(REASON)
        look("customer-question", question)
        question.get_by_role("button", name=re.compile("^Yes")).click()
        expect(question.locator("body")).to_contain_text("You said yes")

    expect(desk.locator("main")).to_contain_text("Visit under way", timeout=WITHIN_MS)
    _run(desk, "Checks", "Done")
    _run(desk, "Processes", "Done")
    look("workbench", desk)
    _run(desk, "Logs", "outside what the customer allowed")

    customer.goto(_at(customer, "/visits"))
    expect(customer.locator("main")).to_contain_text("refused: you did not allow it", timeout=WITHIN_MS)
    look("customer-page", customer)
    customer.get_by_role("button", name="Stop the visit now").click()
    expect(customer.locator("main")).to_contain_text("Nobody is connected", timeout=WITHIN_MS)
    expect(desk.locator("main")).to_contain_text("Countersigned", timeout=WITHIN_MS)
    customer.goto(_at(customer, "/visits"))
    customer.get_by_role("link", name="Open").first.click()
    expect(customer.locator("main")).to_contain_text("Tom Vale", timeout=WITHIN_MS)
    look("customer-receipt", customer)

    console = _open(browser, faces.console)
    console.get_by_role("button", name="Sign in without setting a password").click()
    console.goto(_at(console, "/tickets"))
    console.locator("main a[href^='/tickets/']").first.click()
    expect(console.locator("main")).to_contain_text("in your workbench", timeout=WITHIN_MS)
    look("console-ticket", console)
    console.goto(_at(console, "/audit"))
    expect(console.locator("main")).to_contain_text("Receipt signed", timeout=WITHIN_MS)
    look("console-audit", console)


def _open(browser: Browser, link: str, width: int = 1280) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 880}, locale="en-GB").new_page()
    page.set_default_timeout(WITHIN_MS)
    page.goto(link)
    return page


def _at(page: Page, path: str) -> str:
    return re.sub(r"^(https?://[^/]+).*$", r"\1", page.url) + path


def _ask_for_a_visit(desk: Page, scopes: set[str], look: Look) -> None:
    desk.locator("main a[href^='/tickets/']").first.click()
    form = desk.locator("form[action$='/visit']")
    form.wait_for()
    look("workbench-ticket", desk)
    for box in form.locator("input[name=scope]").all():
        box.set_checked(box.get_attribute("value") in scopes)
    form.locator("input[name=reason]").fill(REASON)
    form.get_by_role("button").click()
    expect(desk.locator("main")).to_contain_text("Waiting for the customer", timeout=WITHIN_MS)


def six_words(page: Page) -> list[str]:
    """The words as they stand on the page, each in a list item of its own."""
    words = page.locator(".phrase li")
    expect(words).to_have_count(6, timeout=WITHIN_MS)
    return [text.strip() for text in words.all_inner_texts()]


@contextmanager
def approval_window(browser: Browser, agent_state: Path) -> Iterator[Page]:
    """The window that opens by itself where there is a desktop; here its address is asked for."""
    command = [
        sys.executable,
        "-m",
        "agent.consent.approval_page",
        "--state",
        str(agent_state),
        "--no-browser",
        "--json",
    ]
    window = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert window.stdout is not None
        yield _open(browser, json.loads(window.stdout.readline())["url"], width=900)
    finally:
        window.terminate()
        window.communicate(timeout=30)


def _run(desk: Page, tab: str, ends_with: str) -> None:
    desk.get_by_role("link", name=tab, exact=True).click()
    desk.locator("form[action='/visit/run'] button").first.click()
    expect(desk.locator("main")).to_contain_text(ends_with, timeout=WITHIN_MS)
