"""Within a visit: words with the technician, and second questions (a fix that changes something, a bundle).

A second question is answered on a page of its own that shows its exact text; the hash of that text goes back with a
yes, and the service refuses a yes to any other. No comes first, and is what Enter presses.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.loopback import one, read_form
from agent.page.help import groups_of
from agent.page.shell import Shell, back
from agent.refusal import Refusal


class During:
    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> list[Route]:
        return [
            Route("/visits/say", self.say, methods=["POST"]),
            Route("/visits/again/{id}", self.show),
            Route("/visits/again/{id}", self.answer, methods=["POST"]),
        ]

    async def say(self, request: Request) -> Response:
        form = await read_form(request)
        await self._shell.ask("chat-say", text=one(form, "text").replace("\r\n", "\n").strip())
        return back("/visits", "said")

    async def show(self, request: Request) -> Response:
        asked = await self._one(request.path_params["id"])
        preview = asked["preview"]
        return await self._shell.show(
            request,
            "question_again.html",
            here="visits",
            asked=asked,
            paragraphs=asked["text"].split("\n"),
            preview=preview,
            groups=groups_of(preview) if preview else [],
        )

    async def answer(self, request: Request) -> Response:
        form = await read_form(request)
        said: dict[str, Any] = {"id": request.path_params["id"], "yes": one(form, "answer") == "yes"}
        if said["yes"]:
            offered, ticked = form.get("offered", []), set(form.get("file", []))
            said["text_sha256"] = one(form, "text_sha256")
            said["untick_paths"] = [path for path in offered if path not in ticked]
            said["untick_categories"] = form.get("leave_out", [])
        await self._shell.ask("question-answer", **said)
        return back("/visits", "agreed" if said["yes"] else "declined")

    async def _one(self, wanted: str) -> dict[str, Any]:
        asked: list[dict[str, Any]] = (await self._shell.ask("question-list"))["questions"]
        for each in asked:
            if each["id"] == wanted:
                return each
        raise Refusal(
            "this question is not open any more",
            expected="one that waits for your answer",
            got="none",
            hint="It was answered, or its time was over; without an answer it is a no.",
        )
