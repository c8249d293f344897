"""What every page of the customer has: the service behind it, the banner of a live visit, short notes, refusals."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from agent.consent.telling import OUTCOMES
from agent.local.client import ServiceAbsent
from agent.loopback import ask
from agent.refusal import Refusal
from protocol.errors import ProtocolError
from web.pages import NavItem, Pages, page_environment

NAV: Final = (
    NavItem("health", "Health", "/", "health"),
    NavItem("help", "Get help", "/help", "bell"),
    NavItem("tickets", "My requests", "/tickets", "ticket"),
    NavItem("visits", "Visits", "/visits", "eye"),
    NavItem("mend", "Fixes", "/mend", "wrench"),
    NavItem("about", "Who sees what", "/about", "shield"),
)

#: Short notes after an act, by the word in the address: nobody else's text can be put there.
NOTES: Final[Mapping[str, tuple[str, str]]] = {
    "stopped": ("The visit is over. Nothing of it runs any more.", "ok"),
    "nobody": ("Nobody was connected.", "info"),
    "narrowed": ("From now on they may do less.", "ok"),
    "sent": ("Your words are on their way to the desk.", "ok"),
    "judged": ("Thank you. Your answer is on its way to the desk.", "ok"),
    "dropped": ("Nothing was sent.", "info"),
    "looked": ("Looked again just now.", "ok"),
    "snoozed": ("You will not hear of it until tomorrow.", "ok"),
    "ignored": ("You will not hear of it again.", "ok"),
    "asking": ("The question is opening in a window of its own.", "info"),
    "frozen": ("It is over. Nobody is connected, and nobody can connect.", "ok"),
    "lifted": ("Technicians can ask again. Nobody comes in unless you say yes.", "ok"),
    "found": ("The technician is there. In a moment they ask to connect; read the question before you answer.", "ok"),
    "seen": ("Noted.", "ok"),
    "said": ("Your message is on its way to the technician.", "ok"),
    "agreed": ("You said yes. It is being done now.", "ok"),
    "declined": ("You said no. Nothing of it is done.", "ok"),
}

#: A visit in one of these states is shown: the technician is here, is coming back, or is leaving.
HERE: Final = ("active", "paused", "stopping")
NOBODY: Final[dict[str, Any]] = {
    "live": None, "asking": [], "asking_again": [], "frozen": False, "unattended": []
}  # fmt: skip


class Note:
    """One flash, as base.html shows it."""

    def __init__(self, text: str, tone: str) -> None:
        self.text = text
        self.tone = tone


class Shell:
    """One for the process. Rooms of the page take it and give their routes."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.asked_at_s = time.monotonic()  # an open page asks every two seconds
        templates = Path(__file__).parent / "templates"
        environment = page_environment([templates], face="This computer", nav=NAV, layout="column")
        environment.globals["outcome_words"] = dict(OUTCOMES)
        environment.globals["risk_words"] = ("only looks", "safe", "asks first", "asks first, may restart")
        self.pages = Pages(environment)

    def routes(self) -> list[Route]:
        return [Route("/part/banner", self.banner)]

    async def ask(self, verb: str, /, **arguments: Any) -> Any:
        self.asked_at_s = time.monotonic()
        return await ask(self.state, verb, **arguments)

    async def show(
        self, request: Request, template: str, *, here: str, status_code: int = 200, **context: object
    ) -> Response:
        """A whole page with the banner of whoever is here now."""
        note = NOTES.get(request.query_params.get("note", ""))
        return self.pages.page(
            request,
            template,
            status_code=status_code,
            here=here,
            flashes=() if note is None else (Note(*note),),
            **await self.presence(),
            **context,
        )

    async def presence(self) -> dict[str, Any]:
        """Who is here, who asks, who was: what the banner needs. An agent that is not enrolled has none of it."""
        if not (await self.ask("status"))["enrolled"]:
            return NOBODY | {"now_s": int(time.time())}
        sessions = (await self.ask("session-list"))["sessions"]
        return {
            "live": next((each for each in sessions if each["state"] in HERE), None),
            "asking": (await self.ask("consent-list"))["pending"],
            "asking_again": (await self.ask_if_known("question-list", {"questions": []}))["questions"],
            "frozen": (await self.ask("abuse-list"))["frozen"],
            "unattended": (await self.ask("unattended-visits"))["visits"],
            "now_s": int(time.time()),
        }

    async def ask_if_known(self, verb: str, absent: Any) -> Any:
        """As `ask`; `absent` from a service that is older than this page."""
        try:
            return await self.ask(verb)
        except Refusal as error:
            if error.what != "the service does not know this request":
                raise
            return absent

    async def banner(self, request: Request) -> Response:
        return self.pages.page(request, "part_banner.html", **await self.presence())

    async def refusal(self, request: Request, error: Exception) -> Response:
        """What the service refused, in its words; and what to do when it is not there."""
        assert isinstance(error, (Refusal, ProtocolError))  # noqa: S101 - registered for these two
        absent = isinstance(error, ServiceAbsent)
        return self.pages.page(
            request,
            "refused.html",
            status_code=503 if absent else 409,
            absent=absent,
            what=error.what,
            expected=error.expected,
            got=error.got,
            hint=error.hint,
            **NOBODY | {"now_s": int(time.time())},
        )


def back(path: str, note: str = "") -> Response:
    """After a post: look at `path`, with a short note."""
    return RedirectResponse(f"{path}?note={note}" if note else path, status_code=303)
