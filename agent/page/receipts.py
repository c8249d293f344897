"""Receipts: one for each visit: who, when, why, what you allowed, what was done and changed, and how to undo it."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.consent.telling import METHODS, capitalised, ended, scope_sentences
from agent.page.shell import Shell

#: The mark of an outcome, and its word where there is room for one only.
_OUTCOMES: Final = {
    "done": ("ok", "Done"),
    "failed": ("failed", "Did not work"),
    "refused": ("refused", "Refused"),
    "cancelled": ("skipped", "Cut off"),
    "unknown": ("unverified", "Not known: Bellpull ended while it ran"),
}


class Receipts:
    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> list[Route]:
        return [
            Route("/visits/{grant:str}", self.receipt),
            Route("/visits/{grant:str}/proof.json", self.proof),
        ]

    async def receipt(self, request: Request) -> Response:
        found = await self._shell.ask("receipt-file", grant=request.path_params["grant"])
        return await self._shell.show(request, "receipt.html", here="visits", receipt=receipt_view(found))

    async def proof(self, request: Request) -> Response:
        found = await self._shell.ask("receipt-file", grant=request.path_params["grant"])
        return Response(
            found["proof"],
            media_type="application/json",
            headers={"content-disposition": f'attachment; filename="receipt-{found["grant"][:12]}.json"'},
        )


def receipt_view(receipt: dict[str, Any]) -> dict[str, Any]:
    steps = [_step(action) for action in receipt["actions"]]
    return {
        **receipt,
        "href": f"/visits/{receipt['grant']}",
        "ended": f"{capitalised(ended(receipt['ended_by']))}.",
        "how": capitalised(METHODS.get(receipt["method"], receipt["method"])),
        "unattended": receipt["method"] == "unattended-policy",
        "allowed": scope_sentences(receipt["scopes"]),
        "narrowed": [
            {"at": change["at"], "left": scope_sentences(change["scopes"])}
            for change in receipt["changes"]
            if change["kind"] == "narrowed"
        ],
        "steps": steps,
        "changed": [step for step in steps if step["changed"]],
        "done_count": sum(action["outcome"] == "done" for action in receipt["actions"]),
    }


def _step(action: dict[str, Any]) -> dict[str, Any]:
    state, label = _OUTCOMES.get(action["outcome"], ("skipped", action["outcome"]))
    return {**action, "sentence": capitalised(action["sentence"]), "state": state, "label": label}
