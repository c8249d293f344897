"""The first page: what needs somebody now."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.asking import office_of
from server.console.face import show, show_part
from server.people.door import page, visitor_of
from server.tickets.listing import Filter, Wanted
from web.pages import wants_fragment

ROWS = 8


async def home(request: Request) -> Response:
    office, customers = office_of(request), visitor_of(request).reach.customers
    urgent = await office.listing.page(customers, Filter(state=Wanted.NOW), 1, ROWS)
    context: dict[str, Any] = {"urgent": urgent}
    if wants_fragment(request):
        return show_part(request, "home.html", "now", **context)
    return show(request, "home.html", here="home", **context)


routes = [page("GET", "/", home)]
