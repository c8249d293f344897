"""The list of tickets: what needs somebody first stands first; filters and pages live in the address."""

from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from protocol.messages.desk import TicketState
from protocol.messages.report import ReportedSeverity
from server.asking import office_of
from server.console.devices import page_number
from server.console.face import show, show_part
from server.console.words import STATE_WORDS
from server.people.door import page, visitor_of
from server.tickets.listing import Filter, Wanted
from web.pages import wants_fragment

STATES: Final = [
    (Wanted.OPEN.value, "Not solved yet"),
    (Wanted.NOW.value, "Needs somebody now"),
    (Wanted.LATE.value, "Later than promised"),
    *((state.value, word) for state, (_, word) in STATE_WORDS.items()),
    (Wanted.ALL.value, "All"),
]


async def tickets(request: Request) -> Response:
    office, customers = office_of(request), visitor_of(request).reach.customers
    query = request.query_params
    wanted = Filter(
        state=_state(query.get("state", "")),
        severity=_severity(query.get("severity", "")),
        customer=query.get("customer", "")[:120],
        text=query.get("q", "").strip()[:120],
    )
    number = page_number(query.get("page", ""))
    found = await office.listing.page(customers, wanted, number)
    chosen = {
        "state": wanted.state.value if wanted.state != Wanted.OPEN else "",
        "severity": wanted.severity or "",
        "customer": wanted.customer,
        "q": wanted.text,
    }
    context: dict[str, Any] = {
        "found": found,
        "wanted": wanted,
        "states": STATES,
        "severities": [(one.value, one.value.capitalize()) for one in reversed(ReportedSeverity)],
        "newer": _href(chosen, number - 1) if number > 1 else "",
        "older": _href(chosen, number + 1) if found.has_more else "",
        "here_again": _href(chosen, number),
        "filtered": any(chosen.values()),
    }
    if wants_fragment(request):
        return show_part(request, "tickets.html", "rows", **context)
    return show(
        request,
        "tickets.html",
        here="tickets",
        customers=[(name, name) for name in await office.listing.customers(customers)],
        **context,
    )


def _href(chosen: dict[str, str], number: int) -> str:
    values = {name: value for name, value in chosen.items() if value} | ({"page": str(number)} if number > 1 else {})
    return "/tickets" + (f"?{urlencode(values)}" if values else "")


def _state(text: str) -> TicketState | Wanted:
    for kind in (TicketState, Wanted):
        if text in {member.value for member in kind}:
            return kind(text)
    return Wanted.OPEN


def _severity(text: str) -> ReportedSeverity | None:
    return ReportedSeverity(text) if text in {member.value for member in ReportedSeverity} else None


routes = [page("GET", "/tickets", tickets)]
