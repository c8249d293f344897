"""/healthz and /metrics: is it alive, and what does it do."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server import VERSION
from server.asking import office_of
from server.metrics import CONTENT_TYPE


async def healthz(request: Request) -> Response:
    """200 while every part runs and the database answers; else 503."""
    office = office_of(request)
    well = office.failure is None and await office.database.answers()
    return JSONResponse({"ok": well, "version": VERSION}, 200 if well else 503)


async def metrics(request: Request) -> Response:
    office = office_of(request)
    office.metrics.agents.set(len(office.hub))
    office.metrics.rooms.set(office.relay.rooms)
    office.metrics.audit_entries.set(office.audit.size)
    return Response(office.metrics.text(), headers={"content-type": CONTENT_TYPE})


routes = [Route("/healthz", healthz), Route("/metrics", metrics)]
