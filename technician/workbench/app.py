"""The workbench as one application: routes inside, doors and headers outside.

    SecurityHeaders ─ HostAndOrigin ─ LaunchToken ─ pages

A problem becomes a page that says what was expected, what came and what to do. Text of a customer's machine reaches
the browser as text alone (web/pages.py).
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from protocol.errors import ProtocolError
from technician.api import ServerRefusal, SignInNeeded
from technician.bundles import JudgedBundle
from technician.problems import Problem
from technician.workbench.bundle import bundle_page, show_bundle
from technician.workbench.desk import Desk
from technician.workbench.inbox import devices_page, inbox_page
from technician.workbench.news import visit_news
from technician.workbench.notes import write_note
from technician.workbench.receipts import receipt_page, receipts_page
from technician.workbench.shells import terminal_socket
from technician.workbench.state import pages_of
from technician.workbench.ticket import ask_for_visit, send_message, ticket_page
from technician.workbench.transfers import downloaded_file, upload_file
from technician.workbench.visit import cancel_run, confirm_words, end_visit, hand_over, run_action, visit_page
from web.loopback import HostAndOrigin, LaunchToken
from web.own_user import OwnUser
from web.pages import NavItem, Pages, page_environment, static_mount
from web.security import SecurityHeaders

NAV = (
    NavItem("inbox", "Inbox", "/", "inbox"),
    NavItem("visit", "Visit", "/visit", "terminal"),
    NavItem("devices", "Devices", "/devices", "device"),
    NavItem("receipts", "Receipts", "/receipts", "receipt"),
)
ROUTES: tuple[BaseRoute, ...] = (
    Route("/", inbox_page),
    Route("/devices", devices_page),
    Route("/tickets/{ticket}", ticket_page),
    Route("/tickets/{ticket}/bundles/{bundle}", bundle_page),
    Route("/tickets/{ticket}/visit", ask_for_visit, methods=["POST"]),
    Route("/tickets/{ticket}/messages", send_message, methods=["POST"]),
    Route("/tickets/{ticket}/notes", write_note, methods=["POST"]),
    Route("/visit", visit_page),
    WebSocketRoute("/visit/news", visit_news),
    WebSocketRoute("/visit/terminal", terminal_socket),
    Route("/visit/run", run_action, methods=["POST"]),
    Route("/visit/cancel", cancel_run, methods=["POST"]),
    Route("/visit/upload", upload_file, methods=["POST"]),
    Route("/visit/downloads/{run}", downloaded_file),
    Route("/visit/confirm", confirm_words, methods=["POST"]),
    Route("/visit/hand-over", hand_over, methods=["POST"]),
    Route("/visit/end", end_visit, methods=["POST"]),
    Route("/receipts", receipts_page),
    Route("/receipts/{name}", receipt_page),
)


def build_app(desk: Desk) -> Starlette:
    """The pages, without doors."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        if desk.live is not None:
            await desk.live.close()
        await desk.close()

    app = Starlette(
        routes=[*ROUTES, static_mount()],
        lifespan=lifespan,
        exception_handlers=PROBLEMS,
    )
    app.state.desk = desk
    app.state.pages = pages_for(desk.technician.file.organisation, NAV)
    return app


def build_bundle_app(bundle: JudgedBundle) -> Starlette:
    """The page of one bundle that was opened from a file; no server, no keys and no other page behind it."""

    async def page(request: Request) -> Response:
        return show_bundle(request, bundle, None, "")

    app = Starlette(routes=[Route("/", page), static_mount()], exception_handlers=PROBLEMS)
    app.state.pages = pages_for(bundle.customer or "", ())
    return app


def pages_for(organisation: str, nav: Iterable[NavItem]) -> Pages:
    templates = Path(__file__).parent / "templates"
    environment = page_environment([templates], face="Workbench", nav=nav, organisation=organisation)
    environment.filters["zip"] = zip
    return Pages(environment)


def behind_doors(app: ASGIApp, *, port: int, origins: Collection[str]) -> tuple[ASGIApp, LaunchToken]:
    """The application as it is served, and the door that knows the one-use address."""
    door = LaunchToken(app, face="workbench", port=port)
    return SecurityHeaders(HostAndOrigin(OwnUser(door), origins=origins)), door


def _problem(request: Request, error: Exception) -> Response:
    """What went wrong, in the words of whoever found it."""
    assert isinstance(error, Problem | ProtocolError)  # noqa: S101 - registered for exactly these
    status = 502 if isinstance(error, ProtocolError) else 400
    if isinstance(error, SignInNeeded):
        status = 401
    elif isinstance(error, ServerRefusal) and error.status == 404:
        status = 404
    compared = "; ".join(
        f"{label}: {value}" for label, value in (("expected", error.expected), ("got", error.got)) if value
    )
    title = error.what[:1].upper() + error.what[1:]
    # Where the form stood that could not be done; the door outside has made sure that it was on our own pages.
    came_from = urlsplit(request.headers.get("referer", ""))
    back = urlunsplit(("", "", came_from.path or "/", came_from.query, ""))
    return pages_of(request).problem(
        request, status_code=status, title=title, text=compared, hint=error.hint, back=back
    )


def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for exactly this
    return pages_of(request).problem(
        request, status_code=error.status_code, title=error.detail, text="The workbench has no such page."
    )


PROBLEMS: Mapping[type[Exception], Callable[[Request, Exception], Response]] = {
    Problem: _problem,
    ProtocolError: _problem,
    HTTPException: _not_found,
}
