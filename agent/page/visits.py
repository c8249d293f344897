"""Visits: who is here and what they do right now, allow less, Stop; and the receipts of everybody who was here."""

import subprocess
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.children import child_argv, child_environment
from agent.loopback import read_form
from agent.page.shell import Shell, back
from protocol.actions.catalogue import ACTIONS
from protocol.actions.scopes import MEANINGS, Scope

_ENDED: Final = {
    "customer": "You stopped it.",
    "technician": "The technician ended it.",
    "expired": "The time you allowed was over.",
    "revoked": "The technician's certificate was withdrawn.",
    "connection-lost": "The connection was lost.",
    "protocol-error": "The technician's program did something it must not; it was cut off.",
    "agent-stopped": "Bellpull was stopped on this computer.",
    "audit-unavailable": "The audit log could not be reached, so nothing more was allowed.",
}
_OUTCOMES: Final = {
    "done": ("ok", "Done"),
    "failed": ("failed", "Did not work"),
    "refused": ("refused", "Refused"),
    "cancelled": ("skipped", "Cut off"),
    "unknown": ("unverified", "Not known: Bellpull ended while it ran"),
}


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
            Route("/visits/{grant:str}", self.receipt),
            Route("/visits/{grant:str}/proof.json", self.proof),
        ]

    async def show(self, request: Request) -> Response:
        enrolled = (await self._shell.ask("status"))["enrolled"]
        receipts = (await self._shell.ask("receipts"))["receipts"] if enrolled else []
        return await self._shell.show(
            request, "visits.html", here="visits", receipts=[receipt_view(each) for each in receipts]
        )

    async def part(self, request: Request) -> Response:
        """The live part alone, for htmx."""
        presence = await self._shell.presence()
        return self._shell.pages.page(
            request, "part_visit.html", live=presence["live"], asking=presence["asking"], now_s=presence["now_s"]
        )

    async def stop(self, request: Request) -> Response:
        done = await self._shell.ask("session-stop")
        return back("/visits", "stopped" if done["stopped"] else "nobody")

    async def less(self, request: Request) -> Response:
        form = await read_form(request)
        keep = [scope for scope in form.get("scope", []) if scope in MEANINGS]
        left = await self._shell.ask("session-narrow", scopes=keep)
        return back("/visits", "narrowed" if left["scopes"] else "stopped")

    async def question(self, request: Request) -> Response:
        """Open the approval page: a process and an origin of its own, whose address this page never learns."""
        await run_in_threadpool(self._open_question)
        return back("/visits", "asking")

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

    async def receipt(self, request: Request) -> Response:
        found = await self._shell.ask("receipt-file", grant=request.path_params["grant"])
        return await self._shell.show(request, "receipt.html", here="visits", receipt=receipt_view(found))

    async def proof(self, request: Request) -> Response:
        found = await self._shell.ask("receipt-file", grant=request.path_params["grant"])
        name = f"receipt-{found['grant'][:12]}.json"
        return Response(
            found["proof"],
            media_type="application/json",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )


def receipt_view(receipt: dict[str, Any]) -> dict[str, Any]:
    return {
        **receipt,
        "href": f"/visits/{receipt['grant']}",
        "ended": _ENDED.get(receipt["ended_by"], receipt["ended_by"]),
        "allowed": [MEANINGS[Scope(scope)].sentence for scope in receipt["scopes"]],
        "steps": [_step(action) for action in receipt["actions"]],
        "done_count": sum(action["outcome"] == "done" for action in receipt["actions"]),
    }


def _step(action: dict[str, Any]) -> dict[str, Any]:
    spec = ACTIONS.get(action["action"])
    state, label = _OUTCOMES.get(action["outcome"], ("skipped", action["outcome"]))
    sentence = f"asked for {action['action']}" if spec is None else spec.sentence
    return {**action, "sentence": sentence[:1].upper() + sentence[1:], "state": state, "label": label}
