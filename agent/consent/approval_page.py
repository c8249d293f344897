"""The approval page: a process and an origin of its own that shows one thing, the question, and takes one answer.

Apart from the customer's page: no script runs here, no other remote text is shown, nothing links to it, and its
address is opened by this process alone. Each question has a nonce of its own, minted when it is shown and good for
one answer; `No` comes first and is what Enter presses. It holds no key and decides nothing: the service does
(gate.py), and refuses a yes to any other text than the one it wrote.

    python -m agent.consent.approval_page --state DIR [--no-browser] [--json]
"""

import argparse
import hmac
import secrets
import sys
import time
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from agent.consent.asked import AskedQuestion
from agent.local.client import call
from agent.loopback import ask, one, read_form, serve_face
from agent.refusal import Refusal
from protocol.actions.scopes import MEANINGS
from protocol.errors import ProtocolError
from protocol.grants import ConsentMethod
from web.pages import Pages, page_environment, static_mount

FACE: Final = "Somebody asks to connect"
#: Opened for a question, it stays this long after the last one was answered, then ends by itself.
_LINGER_S: Final = 90.0


class ApprovalPage:
    def __init__(self, state: Path) -> None:
        self._state = state
        self._nonces: dict[str, str] = {}  # question → nonce of its newest showing
        templates = Path(__file__).parent / "templates"
        self._pages = Pages(page_environment([templates], face=FACE, layout="column"))

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self.show),
                Route("/answer", self.answer, methods=["POST"]),
                Route("/answered/{what}", self.answered),
                static_mount(),
            ],
            exception_handlers={Refusal: self.refusal, ProtocolError: self.refusal},
        )

    async def show(self, request: Request) -> Response:
        pending = (await ask(self._state, "consent-list"))["pending"]
        if not pending:
            return self._pages.page(request, "waiting.html")
        prompt = await ask(self._state, "consent-show", id=pending[0]["id"])
        nonce = self._nonces[prompt["id"]] = secrets.token_urlsafe(32)
        question = AskedQuestion.of(prompt)
        _, *paragraphs = question.text.strip("\n").split("\n\n")
        return self._pages.page(
            request,
            "question.html",
            prompt=prompt,
            nonce=nonce,
            paragraphs=[paragraph.split("\n") for paragraph in paragraphs],
            options=[
                {"value": option.scope, "label": option.sentence, "checked": option.ticked, "risk": option.risk}
                for option in question.options
            ],
            minutes=[(minutes, f"{minutes} minutes") for minutes in question.minute_choices],
        )

    async def answer(self, request: Request) -> Response:
        form = await read_form(request)
        prompt_id, offered = one(form, "id"), one(form, "nonce")
        kept = self._nonces.pop(prompt_id, None)
        if kept is None or not hmac.compare_digest(offered.encode(), kept.encode()):
            raise Refusal(
                "this answer does not belong to the question that is open",
                expected="an answer from the page as it was shown last",
                got="another one",
                hint="Open the question again and answer there.",
            )
        if one(form, "answer") != "yes":
            await ask(self._state, "consent-decide", id=prompt_id, approve=False)
            return RedirectResponse("/answered/no", status_code=303)
        scopes = [scope for scope in form.get("scope", []) if scope in MEANINGS]
        if not scopes:
            # Every tick taken away is a no, however the button was called.
            await ask(self._state, "consent-decide", id=prompt_id, approve=False)
            return RedirectResponse("/answered/no", status_code=303)
        await ask(
            self._state,
            "consent-decide",
            id=prompt_id,
            approve=True,
            text_sha256=one(form, "text_sha256"),
            scopes=scopes,
            minutes=_number(one(form, "minutes")),
            method=ConsentMethod.APPROVAL_PAGE.value,
        )
        return RedirectResponse("/answered/yes", status_code=303)

    async def answered(self, request: Request) -> Response:
        return self._pages.page(request, "answered.html", yes=request.path_params["what"] == "yes")

    async def refusal(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, (Refusal, ProtocolError))  # noqa: S101 - registered for these
        comparison = f"Expected: {error.expected}. Got: {error.got}." if error.expected else ""
        return self._pages.page(
            request, "approval_problem.html", status_code=409, what=error.what, text=comparison, hint=error.hint
        )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise Refusal("this is not a number of minutes", expected="a number", got=text[:20])
    return int(text)


def open_page(state: Path, *, browser: bool, wants_json: bool, plain_host: bool = False, linger: bool = False) -> int:
    """Serve the page until Ctrl-C; with `linger` until nothing has been asked for a while."""
    page = ApprovalPage(state)
    last_needed = time.monotonic()

    def over() -> bool:
        nonlocal last_needed
        if not linger:
            return False
        try:
            needed = bool(call(state, "consent-list")["pending"])
        except Refusal:
            return True  # the service is gone, and the question with it
        if needed:
            last_needed = time.monotonic()
        return time.monotonic() - last_needed > _LINGER_S

    return serve_face(
        lambda origin: page.app(),
        face="approval",
        scripts=False,
        browser=browser,
        wants_json=wants_json,
        plain_host=plain_host,
        until=over,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="agent.consent.approval_page", allow_abbrev=False)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--plain-host", action="store_true", help="127.0.0.1 in the address instead of *.localhost")
    parser.add_argument("--linger", action="store_true", help="end by itself when nothing is asked any more")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return open_page(
        arguments.state,
        browser=not arguments.no_browser,
        wants_json=arguments.json,
        plain_host=arguments.plain_host,
        linger=arguments.linger,
    )


if __name__ == "__main__":
    sys.exit(main())
