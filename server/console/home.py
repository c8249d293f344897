"""The first page: what needs somebody now. Each figure leads to the rows behind it."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from protocol.messages.desk import TicketState
from server.asking import office_of
from server.console.devices import connected_ids
from server.console.face import show, show_part
from server.console.visits import Visit, visits_of
from server.devices.listing import DeviceListing, Shown
from server.office import Office
from server.people.door import page, visitor_of
from server.people.reach import Reach
from server.tickets.listing import Filter, Wanted
from web.pages import wants_fragment

TICKET_ROWS: Final = 8
DEVICE_ROWS: Final = 6


async def home(request: Request) -> Response:
    office, reach = office_of(request), visitor_of(request).reach
    here, listing = connected_ids(office), DeviceListing(office.database)
    counts, devices = await office.listing.counts(reach.customers), await listing.counts(reach.customers, here)
    context: dict[str, Any] = {
        "urgent": await office.listing.page(reach.customers, Filter(state=Wanted.NOW), 1, TICKET_ROWS),
        "untouched": counts.get(TicketState.NEW, 0) + counts.get(TicketState.REOPENED, 0),
        "overdue": await office.listing.overdue(reach.customers),
        "any_ticket": bool(counts),
        "grave": await listing.page(reach.customers, here, shown=Shown.GRAVE, rows=DEVICE_ROWS),
        "waiting": await listing.page(reach.customers, here, shown=Shown.WAITING, rows=DEVICE_ROWS),
        "connected": here,
        "connected_count": devices[Shown.CONNECTED],
        "device_count": devices[Shown.ALL],
        "visits": await _now_on_devices(office, reach),
        "pinned": office.organisation.trust is not None,
        "origin": office.config.origin,
    }
    if wants_fragment(request):
        return show_part(request, "home.html", "now", **context)
    return show(request, "home.html", here="home", **context)


async def _now_on_devices(office: Office, reach: Reach) -> list[Visit]:
    rows = await office.sessions.rows(reach.customers)
    return await visits_of(office, tuple(row for row in rows if row.paired_at is not None and row.ended_at is None))


routes = [page("GET", "/", home)]
