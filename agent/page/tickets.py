"""My requests: each with the four facts, and the words of both sides with how far they can be believed.

What a technician signed shows their verified name. Everything else that came from the desk came via the server: it is
shown as plain text, marked as not verified, and nothing in it becomes a link.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.loopback import one, read_form
from agent.page.shell import Shell, back
from agent.refusal import Refusal

_STATES = {
    "new": "new",
    "open": "open",
    "waiting-customer": "waiting",
    "waiting-third-party": "waiting",
    "solved": "solved",
    "closed": "closed",
    "reopened": "reopened",
}
_STATE_WORDS = {
    "new": "Waiting for the desk",
    "open": "Being worked on",
    "waiting-customer": "Waiting for you",
    "waiting-third-party": "Waiting for somebody else",
    "solved": "Solved",
    "closed": "Closed",
    "reopened": "Open again",
}


MARKS = {"5": "5 – very good", "4": "4 – good", "3": "3 – fair", "2": "2 – poor", "1": "1 – bad"}


class Tickets:
    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> list[Route]:
        return [
            Route("/tickets", self.list),
            Route("/tickets/{ticket}", self.show),
            Route("/tickets/{ticket}/say", self.say, methods=["POST"]),
            Route("/tickets/{ticket}/verdict", self.judge, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        enrolled = (await self._shell.ask("status"))["enrolled"]
        found = (await self._shell.ask("tickets"))["tickets"] if enrolled else []
        return await self._shell.show(
            request, "tickets.html", here="tickets", tickets=[ticket_view(each) for each in found]
        )

    async def show(self, request: Request) -> Response:
        found = await self._shell.ask("ticket", ticket=request.path_params["ticket"])
        return await self._shell.show(
            request,
            "ticket.html",
            here="tickets",
            ticket=ticket_view(found),
            messages=[message_view(each) for each in found["messages"]],
            marks=[("", "No mark"), *MARKS.items()],
        )

    async def say(self, request: Request) -> Response:
        form = await read_form(request)
        ticket = request.path_params["ticket"]
        await self._shell.ask("ticket-text", ticket=ticket, text=one(form, "text").replace("\r\n", "\n").strip())
        return back(f"/tickets/{ticket}", "sent")

    async def judge(self, request: Request) -> Response:
        form = await read_form(request)
        ticket, helped, mark = request.path_params["ticket"], one(form, "helped"), one(form, "mark")
        if helped not in ("yes", "no") or mark not in ("", *MARKS):
            raise Refusal("this is no answer", expected="yes or no, and a mark from 1 to 5 or none", got="another")
        await self._shell.ask("ticket-verdict", ticket=ticket, helped=helped == "yes", mark=int(mark) if mark else None)
        return back(f"/tickets/{ticket}", "judged")


def ticket_view(ticket: dict[str, Any]) -> dict[str, Any]:
    words = ticket["words"].strip()
    title = words.split("\n")[0][:90] if words else "A problem this computer found"
    return {
        **ticket,
        "title": title,
        "state_key": _STATES.get(ticket["state"], "open"),
        "state_words": _STATE_WORDS.get(ticket["state"], ticket["state"]),
        "href": f"/tickets/{ticket['ticket']}",
    }


def message_view(message: dict[str, Any]) -> dict[str, Any]:
    kind = message["kind"]
    return {
        "author": "You" if kind == "own" else message["author"] or "The desk",
        "at": message["at"],
        "text": message["text"],
        "verified": kind == "verified",
        "mine": kind == "own",
    }
