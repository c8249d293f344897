"""The application: every room's routes, one table of doors, one doorkeeper. Reads like a table of contents.

    uvicorn ─► SecurityHeaders ─► Doorkeeper (who may pass) ─► routes ─► office (the rooms)

A room that joins adds its routes to ROUTES, its doors to access.py and, for a new kind of caller, an authenticator.
"""

from contextlib import suppress
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from protocol.errors import RemoteProtocolError
from server import health, openapi
from server.access import DOORS
from server.audit import routes as audit
from server.authenticators import authenticators
from server.bundles import routes as bundles
from server.console import routes as console
from server.console.face import show_refusal
from server.devices import routes as devices
from server.doorkeeper import Doorkeeper, refusal_response
from server.link import routes as link
from server.logs import log
from server.office import Office
from server.organisation import routes as organisation
from server.refusal import Refusal
from server.relay import routes as relay
from server.sessions import code_routes as codes
from server.sessions import routes as sessions
from server.technicians import routes as technicians
from server.tickets import routes as tickets
from web.security import SecurityHeaders

ROUTES: Final[list[BaseRoute]] = [
    *health.routes,
    *openapi.routes,
    *organisation.router.routes,
    *devices.router.routes,
    *technicians.router.routes,
    *tickets.router.routes,
    *sessions.router.routes,
    *codes.router.routes,
    *audit.router.routes,
    *bundles.routes,
    *link.routes,
    *relay.routes,
    *console.routes,
]


def build(office: Office) -> ASGIApp:
    """The whole server as one ASGI application. Whoever serves it opens and closes the office: serving.py."""

    # FastAPI's own schema page knows neither doors nor bodies: openapi.py makes ours.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.office = office
    app.router.routes.extend(ROUTES)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RemoteProtocolError, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(SQLAlchemyError, _failed)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _failed)  # type: ignore[arg-type]
    kept = Doorkeeper(
        app,
        office=office,
        routes=ROUTES,
        doors=DOORS,
        authenticators=authenticators(office),
        page_of=show_refusal,
    )
    return SecurityHeaders(kept)


async def _failed(request: HTTPConnection, error: Exception) -> Response | None:
    """A fault of ours: said plainly, without its inside; the log has that. A page for browsers, JSON for programs."""
    refusal = Refusal(500, "the server failed", hint="The operator finds the reason in its log.")
    if isinstance(error, SQLAlchemyError):
        log.error("database-failed", route=request.scope["path"].split("/")[1], exc_info=error)
        refusal = Refusal(503, "the database does not answer", hint="Nothing was done; try again.", retry_after_s=5)
    if isinstance(request, WebSocket):
        with suppress(RuntimeError):  # it was closed before
            await request.close(1011)
        return None
    assert isinstance(request, Request)  # noqa: S101 - there are no other connections
    if request.scope["path"].startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return refusal_response(refusal)
    try:
        return show_refusal(request, refusal)
    except Exception:  # noqa: BLE001 - the pages themselves are what failed
        log.error("page-failed", exc_info=True)
        return refusal_response(refusal)


async def _refused(request: Request, error: Exception) -> Response:
    match error:
        case Refusal():
            refusal = error
        case RemoteProtocolError():
            refusal = Refusal.of(error)
        case RequestValidationError():
            fault = error.errors()[0]
            where, expected = ".".join(str(part)[:40] for part in fault["loc"]), str(fault["msg"])
            refusal = Refusal(400, "the address is malformed", expected=expected, got=f"something else in {where}")
        case never:
            raise never
    request.app.state.office.metrics.refusals.labels(status=str(refusal.status)).inc()
    return refusal_response(refusal)
