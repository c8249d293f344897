"""Something is wrong: looked at now, explained, fixed where it can be; else all of it goes to the desk.

    words ─► something-wrong (checks that matter, known issues on this computer; nothing is sent)
          ─► what was found and why · questions ─► yes or no ─► looked at again
          ─► a fix ─► its exact steps ─► yes ─► looked at again: is it gone?
          ─► it helped   or   help.py: the words, the answers and what was tried, as one request

What was said and tried is kept by this process alone, until it ends; the service keeps none of it.
"""

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.loopback import one, read_form
from agent.page.shell import Shell, back
from agent.refusal import Refusal
from protocol.limits import WORDS_MAX_CHARS

#: One person at one computer; older ones are forgotten.
_KEPT: Final = 20


@dataclass
class Inquiry:
    """`passed`: questions they could not answer. `tried`: what a fix came to, as (tone, title, words)."""

    id: str
    words: str
    answers: dict[str, bool] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    tried: list[tuple[str, str, str]] = field(default_factory=list)
    first_seen: dict[str, str] = field(default_factory=dict)
    advice: dict[str, Any] = field(default_factory=dict)
    looked_at: int = 0

    @property
    def gone(self) -> list[str]:
        """Titles of what was found at first and is not there any more."""
        here = {finding["fingerprint"] for finding in self.advice["findings"]}
        return [title for fingerprint, title in self.first_seen.items() if fingerprint not in here]

    @property
    def questions(self) -> list[dict[str, Any]]:
        return [each for each in self.advice["questions"] if each["id"] not in self.passed]

    @property
    def about(self) -> str:
        """The finding that a request would be about."""
        found = self.advice["findings"]
        return str(found[0]["fingerprint"]) if found else ""

    def story(self) -> str:
        """For the desk: their words, then what was asked here and tried here."""
        lines = [self.words] if self.words else []
        said = [f"- {self.asked[name]} {'Yes.' if yes else 'No.'}" for name, yes in self.answers.items()]
        tried = [f"- {title}: {words}" for _, title, words in self.tried]
        lines += ["", "I was asked here:", *said] if said else []
        lines += ["", "Tried here:", *tried] if tried else []
        return "\n".join(lines).strip()[:WORDS_MAX_CHARS]


class Inquiries:
    """Those of this process, the newest last."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._kept: OrderedDict[str, Inquiry] = OrderedDict()

    async def begin(self, words: str) -> Inquiry:
        inquiry = Inquiry(secrets.token_hex(8), words)
        await self.look(inquiry)
        self._kept[inquiry.id] = inquiry
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return inquiry

    def find(self, wanted: str) -> Inquiry | None:
        return self._kept.get(wanted)

    def require(self, wanted: str) -> Inquiry:
        found = self.find(wanted)
        if found is None:
            raise Refusal(
                "this page does not know any more what was wrong",
                expected="what was asked since it was opened",
                got="something older",
                hint="Say once more what is wrong.",
            )
        return found

    async def look(self, inquiry: Inquiry) -> None:
        advice = await self._shell.ask("something-wrong", words=inquiry.words, answers=dict(inquiry.answers))
        inquiry.advice, inquiry.looked_at = advice, int(time.time())
        for finding in advice["findings"]:
            inquiry.first_seen.setdefault(finding["fingerprint"], finding["title"])


class Wrong:
    def __init__(self, shell: Shell, inquiries: Inquiries) -> None:
        self._shell = shell
        self._inquiries = inquiries

    def routes(self) -> list[Route]:
        return [
            Route("/help/wrong", self.begin, methods=["POST"]),
            Route("/help/wrong/{id}", self.show),
            Route("/help/wrong/{id}/answer", self.answer, methods=["POST"]),
            Route("/help/wrong/{id}/again", self.again, methods=["POST"]),
        ]

    async def begin(self, request: Request) -> Response:
        form = await read_form(request)
        words = one(form, "words").replace("\r\n", "\n").strip()
        if len(words) > WORDS_MAX_CHARS:
            raise Refusal("this is too long", expected=f"at most {WORDS_MAX_CHARS} characters", got=f"{len(words)}")
        inquiry = await self._inquiries.begin(words)
        return back(f"/help/wrong/{inquiry.id}")

    async def show(self, request: Request) -> Response:
        inquiry = self._inquiries.require(request.path_params["id"])
        enrolled = (await self._shell.ask("status"))["enrolled"]
        return await self._shell.show(request, "wrong.html", here="help", inquiry=inquiry, enrolled=enrolled)

    async def answer(self, request: Request) -> Response:
        inquiry = self._inquiries.require(request.path_params["id"])
        form = await read_form(request)
        question = next((each for each in inquiry.questions if each["id"] == one(form, "question")), None)
        if question is None:
            raise Refusal("this question is not asked any more", expected="one that is on the page", got="another")
        match one(form, "answer"):
            case "yes" | "no" as said:
                inquiry.answers[question["id"]] = said == "yes"
                inquiry.asked[question["id"]] = question["text"]
                await self._inquiries.look(inquiry)
            case _:
                inquiry.passed.add(question["id"])
        return back(f"/help/wrong/{inquiry.id}")

    async def again(self, request: Request) -> Response:
        inquiry = self._inquiries.require(request.path_params["id"])
        await self._inquiries.look(inquiry)
        return back(f"/help/wrong/{inquiry.id}", "looked")
