"""Every naughty string, in a real Chromium: as the technician's reason, as ticket words, as words from the desk. Shown
as text, no script runs, nothing is fetched from elsewhere, nothing scrolls sideways at 400 px."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Page, async_playwright, expect
from starlette.applications import Starlette

from agent.consent.approval_page import ApprovalPage
from agent.page.serve import build
from agent.tickets.store import MessageKind
from protocol.actions.logs import LogsArguments
from protocol.actions.scopes import Scope
from protocol.limits import REASON_MAX_CHARS
from protocol.tickets import TicketOrigin
from tests.agent.consent.test_prompt_text import FACTS
from tests.agent.technician_end import until
from tests.agent.visit_rig import Rig
from tests.making import NOW
from web.loopback import HostAndOrigin, LaunchToken
from web.security import SecurityHeaders

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PAYLOADS = (
    "<script>window.broken=1</script>",
    '"><img src=x onerror=window.broken=1>',
    "'><svg/onload=window.broken=1>",
    "javascript:window.broken=1",
    '</textarea></title></style><script src="http://evil.example/x.js"></script>',
    "{{ 7*7 }}{% include '/etc/passwd' %}",
    "<a href=javascript:window.broken=1>click</a>",
    "\u202e<script>window.broken=1</script>",
    "<iframe srcdoc='<script>parent.broken=1</script>'>",
    "<base href=http://evil.example/><form action=/x>",
    "<meta http-equiv=refresh content=0;url=http://evil.example>",
)


def naughty_strings() -> list[str]:
    folder = Path(os.environ.get("BELLPULL_VECTORS") or Path(__file__).resolve().parents[4] / "shared" / "vectors")
    file = folder / "naughty-strings.json"
    if not file.is_file():
        pytest.skip(f"public test vectors are absent: {file} (set BELLPULL_VECTORS to their folder)")
    loaded = json.loads(file.read_text("utf-8"))
    listed = loaded if isinstance(loaded, list) else loaded["strings"]
    return [each if isinstance(each, str) else each["string"] for each in listed]


_WIDEST = (
    "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth)"
    ".slice(0, 3).map(e => e.outerHTML.slice(0, 200))"
)


@dataclass
class Watched:
    """A page of a browser, and everything that went wrong in it."""

    page: Page
    origin: str
    faults: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(self.origin + path)
        assert await self.page.evaluate("window.broken") is None
        width = await self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 400, f"{path} scrolls sideways: {width}: {await self.page.evaluate(_WIDEST)}"
        assert self.faults == []


@asynccontextmanager
async def in_browser(app: Starlette, face: str, *, scripts: bool) -> AsyncIterator[Watched]:
    """The app behind its real doors on a real port, and a Chromium that came in by the one-use address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = int(listening.getsockname()[1])
        origin = f"http://bell-0123456789abcdef.localhost:{port}"
        door = LaunchToken(app, face=face, port=port)
        served = SecurityHeaders(HostAndOrigin(door, origins={origin}), scripts=scripts)
        config = uvicorn.Config(served, log_level="error", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                page = await browser.new_page(viewport={"width": 400, "height": 900})
                watched = Watched(page, origin)
                page.on("pageerror", lambda error: watched.faults.append(f"script error: {error}"))
                page.on("dialog", lambda dialog: watched.faults.append(f"a dialog: {dialog.message}"))
                page.on("console", lambda said: watched.faults.append(said.text) if said.type == "error" else None)
                page.on(
                    "request",
                    lambda asked: None if asked.url.startswith(origin) else watched.faults.append(asked.url),
                )
                await page.goto(door.address(origin))
                yield watched
                await browser.close()
        finally:
            server.should_exit = True
            await serving


@pytest.fixture(autouse=True)
def needs_chromium() -> None:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")


async def test_words_of_everybody_are_text(service: Rig) -> None:
    """Own ticket words, unverified words from the desk, signed words: 515 naughty strings and then some."""
    everything = [*PAYLOADS, *(text for text in naughty_strings() if text.strip())]
    tickets = []
    for start in range(0, len(everything), 250):
        part = everything[start : start + 250]
        opened = service.tickets.open(origin=TicketOrigin.CUSTOMER, words=part[0])
        tickets.append(opened.ticket)
        for number, text in enumerate(part):
            kind = MessageKind.VERIFIED if number % 2 else MessageKind.UNVERIFIED
            author = text[:100] if kind is MessageKind.VERIFIED else None
            service.tickets.heard(opened.ticket, kind, author, number, text, NOW, f"{start + number}".encode())
    async with in_browser(build(service.folder.root), "page", scripts=True) as watched:
        for ticket in tickets:
            await watched.open(f"/tickets/{ticket}")
            assert await watched.page.locator(".message").count() >= 20
            outside = "a[href^='http'], a[href^='//'], iframe, base, embed, object"
            assert await watched.page.locator(outside).count() == 0
        await watched.open("/tickets")


async def test_the_technicians_reason_is_text_on_the_approval_page(service: Rig) -> None:
    reasons = [*PAYLOADS, *(text for text in naughty_strings() if "<" in text or "\u202e" in text)][:60]
    async with in_browser(ApprovalPage(service.folder.root).app(), "approval", scripts=False) as watched:
        for reason in reasons:
            facts = replace(FACTS, reason=reason[:REASON_MAX_CHARS], technician=reason[:120] or "x")
            asking = asyncio.create_task(service.gate.ask(facts))
            await until(lambda: bool(service.gate.pending()))
            await watched.open("/")
            await expect(watched.page.locator("button[value=no]")).to_be_focused()
            assert await watched.page.locator("script").count() == 0
            service.gate.refuse(service.gate.pending()[0].id)
            await asking
            service.gate._local_act_age_s = lambda: 0.0
            service.clocks.pass_s(2)


async def test_pressing_enter_on_the_question_is_no(service: Rig) -> None:
    asking = asyncio.create_task(service.gate.ask(FACTS))
    await until(lambda: bool(service.gate.pending()))
    async with in_browser(ApprovalPage(service.folder.root).app(), "approval", scripts=False) as watched:
        await watched.open("/")
        await watched.page.keyboard.press("Enter")
        await watched.page.wait_for_url("**/answered/no")
    assert type(await asking).__name__ == "No"


async def test_every_page_of_the_customer_in_light_and_dark(service: Rig) -> None:
    """From nobody to a report of abuse, with a technician whose every argument and word is hostile."""
    async with in_browser(build(service.folder.root), "page", scripts=True) as watched:
        await watched.open("/visits")
        await expect(watched.page.locator("text=A technician gave me a code")).to_have_count(1)
        technician = await service.let_in(scopes=(Scope.DIAGNOSE, Scope.PROCESSES, Scope.LOGS, Scope.CHAT))
        # The open page loads itself anew: what can be unticked and written to is there.
        await watched.page.wait_for_selector("text=Allow only what is ticked")
        await expect(watched.page.locator("textarea[name=text]")).to_have_count(1)
        visit = service.visits.in_force()
        assert visit is not None
        for payload in PAYLOADS:
            await technician.act("logs", LogsArguments(source=payload, text=payload))
            service.chat.say(visit.grant, "technician", payload[:100], payload)
        light = ("/", "/help", "/tickets", "/visits", "/visits/abuse", "/mend", "/about")
        for scheme, paths in (("light", light), ("dark", ("/", "/visits", "/visits/abuse"))):
            await watched.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for path in paths:
                await watched.open(path)
                assert await watched.page.locator(".session-banner").count() == 1
        # The live part refreshes itself; Stop is one press.
        await watched.page.goto(watched.origin + "/visits")
        await watched.page.click("text=Stop the visit now")
        await watched.page.wait_for_selector("text=Nothing of it runs any more")
        assert service.hosts[0].killed
        await service.over()
        await watched.open(f"/visits/{service.receipts.list()[0].grant.hex()}")
        await watched.page.click("text=Report abuse")
        await watched.page.fill("textarea[name=words]", "".join(PAYLOADS))
        await watched.page.click("text=End everything, and let nobody in")
        await watched.page.wait_for_selector("text=It is over.")
        await watched.open("/visits/abuse")
        assert service.freeze.on
