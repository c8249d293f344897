"""Every component on one page, with honest sample data or with one hostile text everywhere.

.venv/bin/python -m tests.web.kitchen_sink     # serves it on http://127.0.0.1:8099 to look at
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from web.figures import plot_data
from web.pages import NavItem, Pages, page_environment, static_mount
from web.security import SecurityHeaders

TEMPLATES = Path(__file__).parent / "templates"
NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
NAV = (
    NavItem("tickets", "Tickets", "/", "inbox", 12),
    NavItem("devices", "Devices", "/devices", "device"),
    NavItem("knowledge", "Knowledge", "/knowledge", "book"),
    NavItem("reports", "Reports", "/reports", "chart"),
    NavItem("audit", "Audit", "/audit", "shield"),
)


def samples() -> dict[str, str]:
    """The texts of the page when nobody is hostile."""
    return {
        "title": "Disk almost full on anna-laptop",
        "name": "anna-laptop",
        "sentence": "The disk that holds your files is 96 % full. At this pace it is full in about two days.",
        "log": "Mar 14 09:12:01 anna-laptop kernel: EXT4-fs warning (device sda2): ext4_dx_add_entry\n"
        "Mar 14 09:12:07 anna-laptop systemd[1]: cups.service: Failed with result 'exit-code'.\n"
        "Mar 14 09:13:44 anna-laptop kernel: Out of memory: Killed process 4242 (firefox)",
        "word": "harbour",
        "error": "This code was used before. Ask your technician to read out a new one.",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "href": "/tickets/1042",
    }


def metrics(points: int = 288, memory_label: str = "Memory") -> dict[str, Any]:
    """A day of two loads, with a gap."""
    start = int(NOW.timestamp()) - points * 300
    cpu: list[float | None] = [0.28 + 0.2 * math.sin(i / 30) + 0.06 * math.sin(i * 1.7) for i in range(points)]
    memory = [0.4 + i / points * 0.35 + 0.02 * math.sin(i / 5) for i in range(points)]
    gap = points // 14
    cpu[points // 2 : points // 2 + gap] = [None] * gap
    return plot_data([start + i * 300 for i in range(points)], {"Processor": cpu, memory_label: memory})


def make_app(texts: dict[str, str] | None = None, *, layout: str = "side") -> ASGIApp:
    """The application; `texts` replaces the sample texts, for hostile ones."""
    shown = samples() | (texts or {})
    pages = Pages(page_environment([TEMPLATES], face="Desk console", nav=NAV, layout=layout, now=lambda: NOW))

    async def everything(request: Request) -> Response:
        return pages.page(
            request, "kitchen_sink.html", t=shown, at=NOW, data=metrics(memory_label=shown["word"]), here="tickets"
        )

    async def part(request: Request) -> Response:
        return pages.fragment(request, "kitchen_sink.html", "swapped", t=shown, at=NOW, data=metrics(48))

    async def figures(request: Request) -> Response:
        return JSONResponse(plot_data([NOW.timestamp() - 60, NOW.timestamp()], {shown["name"]: [0.2, 0.7]}))

    async def refused(request: Request) -> Response:
        return pages.problem(
            request,
            status_code=403,
            title=shown["title"],
            text=shown["sentence"],
            hint="Ask your administrator.",
        )

    routes = [
        Route("/", everything),
        Route("/part", part, methods=["GET", "POST"]),
        Route("/figures.json", figures),
        Route("/refused", refused),
        static_mount(),
    ]
    return SecurityHeaders(Starlette(routes=routes))


def main() -> None:
    import uvicorn

    uvicorn.run(make_app(), host="127.0.0.1", port=8099)


if __name__ == "__main__":
    main()
