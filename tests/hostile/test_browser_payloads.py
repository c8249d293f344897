"""Browser payloads where a person decides or reads: the approval page, and the technician's workbench, in Chromium.

Everything a stranger can write comes by its real way: the technician's name in a certificate of the organisation, the
reason in a signed request through the handshake, the customer's words in the agent's own store; at the workbench the
customer's words, what they add, and findings in sealed evidence. It is shown whole, as text; no script runs, the
policy has nothing to report, nothing leads away, and no button moves.
"""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from playwright.sync_api import Error, Page

from agent.consent.approval_page import ApprovalPage
from agent.consent.gate import PendingPrompt
from protocol.limits import REASON_MAX_CHARS, WORDS_MAX_CHARS
from protocol.messages.desk import CustomerText, FourFacts, TicketState, TicketUpdate
from server import serving
from technician.workbench.app import behind_doors, build_app
from technician.workbench.desk import Desk
from tests.agent.visit_rig import FakeHost
from tests.browser.conftest import _chromium, browser, complaints, page, serve
from tests.hostile.evil_server import EvilServer, evil_server
from tests.hostile.machine import Machine, enrolled
from tests.hostile.payloads import SCRIPTS, payloads, soaking
from tests.hostile.visitors import Knock, Rogue
from tests.making import NOW, Organisation
from tests.server.actors import uuid
from tests.technician.scene import Scene, at_now, scene
from web.loopback import HostAndOrigin, LaunchToken
from web.plain_text import one_line, plain
from web.security import SecurityHeaders

__all__ = ["_chromium", "at_now", "browser", "complaints", "page", "serve"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
T = TypeVar("T")
NAME_MAX_CHARS = 120


class Beside:
    """An event loop in a thread of its own: Playwright keeps this one to itself."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def close(self) -> None:
        self.run(self.stack.aclose())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@pytest.fixture
def beside() -> Iterator[Beside]:
    running = Beside()
    yield running
    running.close()


_STRANGE = """() => [...document.querySelectorAll('body *')].flatMap((element) =>
  [...element.attributes].filter((one) => /^(on|hx-on|style$|srcdoc$)/.test(one.name)
    || (/^(href|src|action|formaction|xlink:href|data)$/.test(one.name) && !/^([/?#]|data:image)/.test(one.value)))
  .map((one) => `${element.tagName} ${one.name}=${one.value.slice(0, 60)}`))"""


def nothing_strange(page: Page) -> None:
    """No attribute that acts, no address elsewhere, no element that ours do not have."""
    assert page.evaluate(_STRANGE) == []
    assert (
        page.locator("main script, main style, main iframe, main object, main embed, main base, main meta").count() == 0
    )


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def words_of(text: str) -> str:
    """As much of it as people's words may hold: a NUL is refused before it goes anywhere."""
    return text.replace("\x00", "")[:WORDS_MAX_CHARS]


# --- the approval page ------------------------------------------------------------------------------------------------


class Visitors:
    """A machine, and technicians with any name and any reason who come to its door."""

    def __init__(self, evil: EvilServer, machine: Machine, organisation: Organisation) -> None:
        self.evil, self.machine, self.organisation = evil, machine, organisation
        visits = machine.member.door.visits
        # No session is begun here: a real host for every question would be a process each.
        visits._parts = replace(visits._parts, make_host=FakeHost)
        self.ticket = ""
        self.knock: Knock | None = None

    async def ask(self, text: str) -> PendingPrompt:
        """Somebody named `text` knocks for the reason `text` about a ticket in the words `text`."""
        if self.ticket:
            facts = FourFacts(cost="nothing", doing="done", next="nothing", eta=NOW)
            closed = TicketUpdate(ticket=self.ticket, state=TicketState.CLOSED, facts=facts, updated_at=NOW)
            await self.evil.say(closed)
        self.machine.time.pass_s(2)
        self.ticket = self.machine.ask_for_help(words_of(text))
        named = text[:NAME_MAX_CHARS] if text[:NAME_MAX_CHARS].isprintable() and text else "Ada Tech"
        # The keys and the serial stay; only the name in the certificate is another.
        rogue = Rogue(self.evil, self.machine, self.organisation, certified_as=named)
        room = await self.evil.offer(self.ticket)
        self.knock = await rogue.enter(room, self.ticket, reason=text[:REASON_MAX_CHARS] or "?")
        await self.machine.until(self._asked)
        return self.machine.prompts[0]

    def _asked(self) -> bool:
        assert self.knock is not None
        self.knock.step()
        assert not self.knock.refused, self.knock.refused
        return bool(self.machine.prompts)

    async def leave(self) -> None:
        assert self.knock is not None
        self.knock.leave()
        await self.machine.until(lambda: not self.machine.member.door.busy)


@pytest.fixture
def visitors(beside: Beside, tmp_path: Path) -> Visitors:
    async def begin() -> Visitors:
        organisation = Organisation()
        evil = await beside.stack.enter_async_context(evil_server(organisation.root.public))
        documents = (organisation.revocations(),)
        machine = await beside.stack.enter_async_context(
            enrolled(tmp_path / "s", evil, organisation, documents=documents)
        )
        return Visitors(evil, machine, organisation)

    return beside.run(begin())


def test_no_payload_is_more_than_text_on_the_approval_page(
    page: Page, serve: Callable[..., str], beside: Beside, visitors: Visitors
) -> None:
    doors: list[LaunchToken] = []

    def behind(origin: str) -> Any:
        app = ApprovalPage(visitors.machine.folder.root).app()
        doors.append(LaunchToken(app, face="approval", port=int(origin.rpartition(":")[2])))
        return SecurityHeaders(HostAndOrigin(doors[0], origins={origin}), scripts=False)

    origin = serve(make=behind)
    page.goto(doors[0].address(origin))
    for text in payloads():
        prompt = beside.run(visitors.ask(text))
        answer = page.goto(origin + "/")
        assert answer is not None
        assert answer.status == 200, text
        shown = squeezed(page.locator("main").inner_text())
        for line in prompt.text.text.splitlines():
            assert squeezed(line) in shown, (text, line)
        assert page.title().startswith(one_line(prompt.facts.technician)[:40])
        assert page.locator("form").count() == 1
        assert page.locator("form").get_attribute("action") == "/answer"
        assert page.evaluate("document.activeElement.value") == "no", "No has the focus, whatever was written"
        assert page.locator("button").count() == 2
        assert page.locator("script").count() == 0
        nothing_strange(page)
        beside.run(visitors.leave())
    assert len(visitors.machine.agent.ground.database.query("SELECT 1 FROM grants")) == 0


# --- the workbench ----------------------------------------------------------------------------------------------------


#: Payloads in the sealed evidence of one ticket; one ticket in as many is opened, all of them in a soak.
A_TICKET = 1 if soaking() else 6


def evidence_of(texts: Sequence[str]) -> bytes:
    findings = [
        {
            "code": "disk-space-low", "instance": f"disk:{text[:80]}", "severity": "error", "rule": "disk-space@1",
            "first_seen_unix_s": NOW, "last_seen_unix_s": NOW, "state": "active", "count": 2, "explained_by": None,
            "facts": {"mount": text[:200], "available_bytes": 1_000_000_000, "total_bytes": 50_000_000_000},
            "evidence": [{"source": text[:60], "locator": text[:60], "excerpt": text[:300], "sha256": "ab" * 32}],
            "remedies": [], "changes": [], "time_to_act": None,
        }
        for text in texts
    ]  # fmt: skip
    document = {"schema": 1, "made_at": NOW, "findings": findings, "checks": []}
    return json.dumps(document).encode("utf-8", "surrogatepass")


@pytest.fixture
def desk(beside: Beside, tmp_path: Path, at_now: None, monkeypatch: pytest.MonkeyPatch) -> tuple[Scene, Desk]:
    # uvicorn's own leaves signals to the main thread, which this server is not in.
    monkeypatch.setattr(serving.PoliteServer, "capture_signals", uvicorn.Server.capture_signals)

    async def begin() -> tuple[Scene, Desk]:
        made = await beside.stack.enter_async_context(scene(tmp_path))
        tickets = made.world.office.tickets
        tickets._open_max = tickets._a_day_max = 10_000
        return made, Desk.open(made.technician)

    return beside.run(begin())


async def a_ticket(made: Scene, number: int, text: str, sealed: Sequence[str]) -> str:
    """A ticket in these words, with these words added, and `sealed` in its evidence."""
    words = words_of(text)
    ticket = await made.ticket(words, sealed=(evidence_of(sealed),))
    item = CustomerText(id=uuid(f"more {number}"), ticket=ticket, text=words, at=NOW)
    await made._store(item)  # type: ignore[arg-type]
    return ticket


def test_no_payload_is_more_than_text_on_the_workbench(
    page: Page, serve: Callable[..., str], beside: Beside, desk: tuple[Scene, Desk]
) -> None:
    made, workbench = desk
    doors: list[LaunchToken] = []

    def behind(origin: str) -> Any:
        app, door = behind_doors(build_app(workbench), port=int(origin.rpartition(":")[2]), origins={origin})
        doors.append(door)
        return app

    origin = serve(make=behind)
    texts = list({words_of(text): text for text in payloads()}.values())
    groups = [texts[at : at + A_TICKET] for at in range(0, len(texts), A_TICKET)]
    opened = [
        (group, beside.run(a_ticket(made, at * A_TICKET + number, text, group)))
        for at, group in enumerate(groups)
        for number, text in enumerate(group)
    ]
    page.goto(doors[0].address(origin))
    assert page.locator("main a[href^='/tickets/']").count() >= len(texts)
    nothing_strange(page)
    for group, ticket in opened[::A_TICKET]:
        page.goto(f"{origin}/tickets/{ticket}")
        shown = squeezed(page.locator("main").text_content() or "")
        assert shown.count(squeezed(plain(words_of(group[0])))) >= 2, group[0]
        for text in group:
            assert squeezed(plain(text[:60])) in shown, text
        nothing_strange(page)
    page.goto(f"{origin}/devices")
    nothing_strange(page)


def test_the_payloads_would_run_on_a_careless_page(page: Page, serve: Callable[..., str], complaints: Any) -> None:
    """The control: put into a page as markup, most of them are noticed by what watches here."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, Response
    from starlette.routing import Route

    async def careless(request: Request) -> Response:
        return HTMLResponse(f"<main>{SCRIPTS[int(request.query_params['n'])]}</main>")

    complaints.allow(".")
    origin = serve(SecurityHeaders(Starlette(routes=[Route("/", careless)])))
    noticed = 0
    # One that leads away is left out; of the others, markup in a sample, and all in a soak.
    staying = [number for number, text in enumerate(SCRIPTS) if "http-equiv" not in text]
    if not soaking():
        staying = [number for number in staying if SCRIPTS[number].startswith("<")][::4]
    for number in staying:
        before = len(complaints.said)
        try:
            page.goto(f"{origin}/?n={number}")
            strange = bool(page.evaluate(_STRANGE))
        except Error:  # it led its page away
            strange = True
        noticed += strange or len(complaints.said) > before
    assert noticed > len(staying) / 2
