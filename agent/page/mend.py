"""Fixes: what this computer can do itself, the exact steps before anything is done, and the way back."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.loopback import one, read_form
from agent.page.shell import Shell

OUTCOMES: Final = {
    "solved-mechanically": ("ok", "It helped: the problem is gone."),
    "cleared-by-itself": ("ok", "The problem had gone by itself before this could help."),
    "solved-by-a-person": ("info", "Shown as a guide."),
    "not-solved": ("warning", "Done, but the problem is still there."),
    "rolled-back": ("info", "Everything was put back."),
    "not-needed": ("info", "There was nothing to do."),
    "refused": ("info", "Nothing was changed."),
    "not-begun": ("info", "Nothing was changed: it did not begin."),
}


class Mend:
    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> list[Route]:
        return [
            Route("/mend", self.list),
            Route("/mend/run", self.run, methods=["POST"]),
            Route("/mend/undo", self.undo, methods=["POST"]),
            Route("/mend/{remedy}", self.preview),
        ]

    async def list(self, request: Request) -> Response:
        remedies = (await self._shell.ask("remedies"))["remedies"]
        return await self._shell.show(
            request, "mend.html", here="mend", remedies=[remedy_view(each) for each in remedies], ending=None
        )

    async def preview(self, request: Request) -> Response:
        finding = request.query_params.get("finding") or None
        preview = await self._shell.ask("remedy-preview", remedy=request.path_params["remedy"], finding=finding)
        return await self._shell.show(request, "mend_preview.html", here="mend", preview=preview)

    async def run(self, request: Request) -> Response:
        form = await read_form(request)
        ending = await self._shell.ask("remedy-run", preview=one(form, "preview"))
        return await self._ended(request, ending)

    async def undo(self, request: Request) -> Response:
        form = await read_form(request)
        ending = await self._shell.ask("remedy-undo", run=one(form, "run"))
        return await self._ended(request, ending)

    async def _ended(self, request: Request, ending: dict[str, Any]) -> Response:
        remedies = (await self._shell.ask("remedies"))["remedies"]
        return await self._shell.show(
            request,
            "mend.html",
            here="mend",
            remedies=[remedy_view(each) for each in remedies],
            ending=_outcome(ending),
        )


def remedy_view(remedy: dict[str, Any]) -> dict[str, Any]:
    return {**remedy, "runs": [{**run, **_outcome(run)} for run in remedy["runs"]]}


def _outcome(ending: dict[str, Any]) -> dict[str, Any]:
    if ending["outcome"] is None:
        return {
            "tone": "info",
            "words": "Done. It is being watched, and can be put back until then:",
            "detail": "",
            "watch_until": ending.get("watch_until"),
        }
    tone, words = OUTCOMES.get(ending["outcome"], ("info", ending["outcome"]))
    return {"tone": tone, "words": words, "detail": ending["detail"], "watch_until": None}
