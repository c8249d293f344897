"""Get help: the customer's words, then exactly what would go with them, with a tick at each thing, then it goes.

words ─► ask-answer (known already?) ─► ask-preview (redacted here, nothing sent) ─► the page lists it
      ─► ask-send | ask-drop
"""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from agent.loopback import one, read_form
from agent.page.shell import Shell, back
from agent.page.wrong import Inquiries
from protocol.limits import WORDS_MAX_CHARS


class Help:
    def __init__(self, shell: Shell, inquiries: Inquiries) -> None:
        self._shell = shell
        self._inquiries = inquiries

    def routes(self) -> list[Route]:
        return [
            Route("/help", self.show),
            Route("/help", self.preview, methods=["POST"]),
            Route("/help/file", self.file),
            Route("/help/send", self.send, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        finding = await self._finding(request.query_params.get("finding", ""))
        enrolled = (await self._shell.ask("status"))["enrolled"]
        return await self._shell.show(
            request, "help.html", here="help", words="", error="", finding=finding, enrolled=enrolled
        )

    async def preview(self, request: Request) -> Response:
        form = await read_form(request)
        words = one(form, "words").replace("\r\n", "\n").strip()
        about = one(form, "finding")
        inquiry = self._inquiries.find(one(form, "wrong"))
        if inquiry is not None:
            words, about = inquiry.story(), inquiry.about
        finding = await self._finding(about)
        error = _fault(words, has_finding=finding is not None)
        if error:
            return await self._shell.show(
                request,
                "help.html",
                here="help",
                status_code=400,
                words=words,
                error=error,
                finding=finding,
                enrolled=True,
            )
        # The server has a few seconds to name an answer; the evidence is collected meanwhile.
        answered, preview = await asyncio.gather(self._shell.ask("ask-answer"), self._shell.ask("ask-preview"))
        return await self._shell.show(
            request,
            "help_preview.html",
            here="help",
            words=words,
            finding=finding,
            preview=preview,
            groups=groups_of(preview),
            answer=answered["answer"],
        )

    async def file(self, request: Request) -> Response:
        """One file of the preview, exactly as it would be sent; plain text, never a page."""
        shown = await self._shell.ask(
            "ask-show", preview=request.query_params.get("preview", ""), path=request.query_params.get("path", "")
        )
        return PlainTextResponse(shown["content"])

    async def send(self, request: Request) -> Response:
        form = await read_form(request)
        preview = one(form, "preview")
        act = one(form, "act")
        if act == "cancel":
            await self._shell.ask("ask-drop", preview=preview)
            return back("/help", "dropped")
        with_bundle = act == "all"
        if not with_bundle:
            await self._shell.ask("ask-drop", preview=preview)
        offered, ticked = form.get("offered", []), set(form.get("file", []))
        done = await self._shell.ask(
            "ask-send",
            words=one(form, "words").replace("\r\n", "\n").strip(),
            preview=preview if with_bundle else None,
            untick_paths=[path for path in offered if path not in ticked] if with_bundle else [],
            untick_categories=form.get("leave_out", []) if with_bundle else [],
            finding=one(form, "finding") or None,
        )
        return back(f"/tickets/{done['ticket']}", "sent")

    async def _finding(self, fingerprint: str) -> dict[str, Any] | None:
        """The finding it is about, if there still is one by this name."""
        if not fingerprint:
            return None
        for entry in (await self._shell.ask("findings"))["findings"]:
            if entry["fingerprint"] == fingerprint:
                return {"fingerprint": fingerprint, "title": entry["words"]["en"]["title"]}
        return None


def _fault(words: str, *, has_finding: bool) -> str:
    if not words and not has_finding:
        return "Write what is wrong; a few words are enough."
    if len(words) > WORDS_MAX_CHARS:
        return (
            f"This is {len(words)} characters long; {WORDS_MAX_CHARS} is the most. Shorten it, or send the rest later."
        )
    return ""


def groups_of(preview: dict[str, Any]) -> list[dict[str, Any]]:
    """The files of a preview by subject, in its order; what was not collected comes with its reason."""
    groups: dict[str, dict[str, Any]] = {}
    for file in preview["files"]:
        empty = {"name": file["category"], "bytes": 0, "files": [], "missing": [], "can_leave_out": False}
        group = groups.setdefault(file["category"], empty)
        if file["status"] == "ok":
            group["bytes"] += file["bytes"]
            group["can_leave_out"] |= file["can_untick"]
            group["files"].append({**file, "taken_out": sum(file["redactions"].values())})
        else:
            group["missing"].append(file)
    return list(groups.values())
