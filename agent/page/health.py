"""Health: what the checks found, in plain words, and what can be done about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agent.loopback import one, read_form
from agent.page.shell import Shell, back
from diagnostics.checks.catalogue import CATALOGUE

_TITLES: Mapping[str, str] = {check.id: check.title for check in CATALOGUE}
_DAY_S = 86_400


class Health:
    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> list[Route]:
        return [
            Route("/", self.show),
            Route("/health/look", self.look, methods=["POST"]),
            Route("/health/snooze", self.snooze, methods=["POST"]),
            Route("/health/ignore", self.ignore, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        seen = await self._shell.ask("findings")
        status = await self._shell.ask("status")
        return await self._shell.show(
            request,
            "health.html",
            here="health",
            findings=[finding_view(entry) for entry in seen["findings"]],
            checks=[check_view(check) for check in seen["checks"]],
            looked_at=seen["looked_at"],
            trouble=seen["trouble"],
            enrolled=status["enrolled"],
            waiting=waiting_view(seen["waiting"]),
            alarms=status["alarms"],
        )

    async def look(self, request: Request) -> Response:
        await self._shell.ask("check-now")
        return back("/", "looked")

    async def snooze(self, request: Request) -> Response:
        form = await read_form(request)
        await self._shell.ask("finding-snooze", fingerprint=one(form, "fingerprint"), seconds=_DAY_S)
        return back("/", "snoozed")

    async def ignore(self, request: Request) -> Response:
        form = await read_form(request)
        await self._shell.ask("finding-ignore", fingerprint=one(form, "fingerprint"))
        return back("/", "ignored")


def finding_view(entry: dict[str, Any]) -> dict[str, Any]:
    """A finding as the template shows it: its English words, and its remedies."""
    words = entry["words"].get("en", {"title": entry["code"], "text": ""})
    return {
        "fingerprint": entry["fingerprint"],
        "severity": entry["severity"],
        "title": words["title"],
        "paragraphs": [part for part in words["text"].split("\n") if part.strip()],
        "first_seen": entry["first_seen_unix_s"],
        "last_seen": entry["last_seen_unix_s"],
        "evidence": entry["evidence"],
        "remedies": [remedy for remedy in entry["remedies"] if remedy["risk"] > 0],
        "known_issue": entry["known_issue"],
    }


def waiting_view(waiting: Mapping[str, str]) -> list[dict[str, str]]:
    """Checks that are due and wait for a better moment, with what for."""
    return [{"title": _TITLES.get(check, check), "reason": reason} for check, reason in sorted(waiting.items())]


def check_view(check: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": _TITLES.get(check["id"], check["id"]),
        "status": check["status"],
        "reason": check["reason"],
        "at": check["at"],
    }


def worst(findings: Sequence[dict[str, Any]]) -> str:
    order = ("info", "warning", "error", "critical")
    return max((finding["severity"] for finding in findings), key=order.index, default="ok")
