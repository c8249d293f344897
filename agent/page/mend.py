"""Fixes: what this computer can do itself, the exact steps before anything is done, and the way back."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.loopback import one, read_form
from agent.page.shell import Shell, back
from agent.page.wrong import Inquiries

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
    def __init__(self, shell: Shell, inquiries: Inquiries) -> None:
        self._shell = shell
        self._inquiries = inquiries

    def routes(self) -> list[Route]:
        return [
            Route("/mend", self.list),
            Route("/mend/run", self.run, methods=["POST"]),
            Route("/mend/undo", self.undo, methods=["POST"]),
            Route("/mend/{remedy}", self.preview),
        ]

    async def list(self, request: Request) -> Response:
        return await self._listed(request, None)

    async def preview(self, request: Request) -> Response:
        finding = request.query_params.get("finding") or None
        preview = await self._shell.ask("remedy-preview", remedy=request.path_params["remedy"], finding=finding)
        wrong = self._inquiries.find(request.query_params.get("wrong", ""))
        return await self._shell.show(
            request, "mend_preview.html", here="mend", preview=preview, wrong="" if wrong is None else wrong.id
        )

    async def run(self, request: Request) -> Response:
        form = await read_form(request)
        ending = await self._shell.ask("remedy-run", preview=one(form, "preview"))
        inquiry = self._inquiries.find(one(form, "wrong"))
        if inquiry is None:
            return await self._listed(request, _outcome(ending))
        told = _outcome(ending)
        inquiry.tried.append((told["tone"], one(form, "title")[:200], f"{told['words']} {told['detail']}".strip()))
        await self._inquiries.look(inquiry)
        return back(f"/help/wrong/{inquiry.id}")

    async def undo(self, request: Request) -> Response:
        form = await read_form(request)
        ending = await self._shell.ask("remedy-undo", run=one(form, "run"))
        return await self._listed(request, _outcome(ending))

    async def _listed(self, request: Request, ending: dict[str, Any] | None) -> Response:
        found = await self._shell.ask("remedies")
        remedies = [remedy_view(each) for each in found["remedies"]]
        return await self._shell.show(
            request,
            "mend.html",
            here="mend",
            meant=[each for each in remedies if each["findings"]],
            others=[each for each in remedies if not each["findings"] and _is_offered(each)],
            policy=policy_words(found["policy"]),
            outcomes=[(OUTCOMES.get(name, ("info", name)), count) for name, count in found["outcomes"].items()],
            ending=ending,
        )


def _is_offered(remedy: dict[str, Any]) -> bool:
    """One that needs a subject which is not there would only say no; what it did stays in sight."""
    return not remedy["needs_finding"] or bool(remedy["runs"])


def policy_words(policy: dict[str, Any]) -> str:
    """What the owner lets run without asking, as a sentence."""
    if policy["stop"]:
        return "All fixes are stopped on this computer."
    if not policy["alone"]:
        return "No fix runs without asking."
    quiet = f", never within {policy['quiet']}" if policy["quiet"] else ""
    times = "once" if policy["runs_a_day"] == 1 else f"{policy['runs_a_day']} times"
    return f"Safe fixes run without asking, at most {times} in 24 hours{quiet}."


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
