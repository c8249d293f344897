"""Visits: who is here and what they do right now, allow less, Stop; a code that a technician read out.

The live part fetches itself every second. When somebody comes or goes, or may do other things than before, the whole
page is loaded anew: what can be ticked and written always fits what is true.
"""

import subprocess
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from agent.children import child_argv, child_environment
from agent.loopback import one, read_form
from agent.page.receipts import receipt_view
from agent.page.shell import Shell, back
from agent.refusal import Refusal
from protocol.actions.scopes import MEANINGS


class Visits:
    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> list[Route]:
        return [
            Route("/visits", self.show),
            Route("/visits/part", self.part),
            Route("/visits/stop", self.stop, methods=["POST"]),
            Route("/visits/less", self.less, methods=["POST"]),
            Route("/visits/question", self.question, methods=["POST"]),
            Route("/visits/code", self.code, methods=["POST"]),
            Route("/visits/seen", self.seen, methods=["POST"]),
        ]

    async def show(self, request: Request, *, status_code: int = 200, **problem: str) -> Response:
        enrolled = (await self._shell.ask("status"))["enrolled"]
        receipts = (await self._shell.ask("receipts"))["receipts"] if enrolled else []
        tickets = (await self._shell.ask("tickets"))["tickets"] if enrolled else []
        policy = (await self._shell.ask("policy-show")) if enrolled else None
        presence = await self._shell.presence()
        return await self._shell.show(
            request,
            "visits.html",
            here="visits",
            status_code=status_code,
            enrolled=enrolled,
            receipts=[receipt_view(each) for each in receipts],
            tickets=[(each["ticket"], _title(each)) for each in tickets if each["open"]],
            policy=policy,
            key=state_key(presence),
            chat=await self._chat(presence),
            code_problem=problem.get("problem", ""),
            code_typed=problem.get("typed", ""),
            code_words=problem.get("words", ""),
        )

    async def part(self, request: Request) -> Response:
        """The live part alone, for htmx; the whole page when it no longer fits."""
        presence = await self._shell.presence()
        answer = self._shell.pages.page(request, "part_visit.html", chat=await self._chat(presence), **presence)
        if request.query_params.get("key", "") != state_key(presence):
            answer.headers["HX-Refresh"] = "true"
        return answer

    async def _chat(self, presence: dict[str, Any]) -> dict[str, Any] | None:
        """The messages of the visit that is going on; None where it has none."""
        if presence["live"] is None:
            return None
        found: dict[str, Any] = await self._shell.ask_if_known("chat-list", {"open": False, "messages": []})
        return {
            "open": found["open"],
            "messages": [
                {
                    "author": "You" if each["by"] == "customer" else each["name"],
                    "at": each["at"],
                    "text": each["text"],
                    "verified": each["by"] == "technician",
                    "mine": each["by"] == "customer",
                }
                for each in found["messages"]
            ],
        }

    async def stop(self, request: Request) -> Response:
        done = await self._shell.ask("session-stop")
        return back("/visits", "stopped" if done["stopped"] else "nobody")

    async def less(self, request: Request) -> Response:
        form = await read_form(request)
        keep = [scope for scope in form.get("scope", []) if scope in MEANINGS]
        left = await self._shell.ask("session-narrow", scopes=keep)
        return back("/visits", "narrowed" if left["scopes"] else "stopped")

    async def code(self, request: Request) -> Response:
        """A technician on the telephone gave a code: find them. What is wrong with it is said where it was typed."""
        form = await read_form(request)
        typed, words = one(form, "code"), one(form, "words").replace("\r\n", "\n").strip()
        named: dict[str, str] = {"ticket": one(form, "ticket")} if one(form, "ticket") else {}
        try:
            await self._shell.ask("visit-code", code=typed[:40], words="" if named else words, **named)
        except Refusal as error:
            problem = f"{error.what[:1].upper()}{error.what[1:]}. {error.hint}"
            return await self.show(request, status_code=409, problem=problem, typed=typed[:40], words=words)
        return back("/visits", "found")

    async def seen(self, request: Request) -> Response:
        """The customer has read who came in under the owner's policy."""
        form = await read_form(request)
        number = one(form, "number")
        await self._shell.ask("unattended-seen", number=int(number) if number.isdigit() and len(number) < 16 else 0)
        return back("/visits", "seen")

    async def question(self, request: Request) -> Response:
        """Open the approval page: a process and an origin of its own, whose address this page never learns."""
        await run_in_threadpool(self._open_question)
        return RedirectResponse("/visits?note=asking", status_code=303)

    def _open_question(self) -> None:
        argv = child_argv("agent.consent.approval_page", "--state", str(self._shell.state), "--linger", "--json")
        subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=child_environment(),
        )


def _title(ticket: dict[str, Any]) -> str:
    return ticket["words"].strip().split("\n")[0][:80] or "A problem this computer found"


def state_key(presence: dict[str, Any]) -> str:
    """Who is here, and what they may do: while it stays the same, the page around the live part fits."""
    live = presence["live"]
    here = "nobody" if live is None else f"{live['room']}.{live['state']}.{'.'.join(live['scopes'])}"
    return f"{here}.{'frozen' if presence['frozen'] else 'open'}.{len(presence['asking_again'])}"
