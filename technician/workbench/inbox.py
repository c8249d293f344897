"""Tickets waiting, and the devices they are about."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from protocol.messages.desk import TicketState
from technician.clock import now_s
from technician.commands.inbox import ticket_title
from technician.devices import know_device
from technician.workbench.state import desk_of, pages_of
from web.pages import wants_fragment

#: Most urgent first: what nobody has looked at, then by severity, then by age.
_STATE_ORDER = {TicketState.NEW: 0, TicketState.REOPENED: 0, TicketState.OPEN: 1}
_SEVERITY_ORDER = {"critical": 0, "error": 1, "warning": 2, "info": 3}
_CLOSED = (TicketState.SOLVED, TicketState.CLOSED)


async def inbox_page(request: Request) -> Response:
    desk = desk_of(request)
    show_closed = request.query_params.get("show") == "closed"
    async with desk.server() as api:
        tickets = (await api.tickets()).tickets
        devices = {row.device: row for row in (await api.devices()).devices}
    trust = desk.technician.store.trust
    rows = [
        {
            "ticket": ticket,
            "title": ticket_title(ticket),
            "device": know_device(devices[ticket.device], trust, now_s()) if ticket.device in devices else None,
            "connected": ticket.device in devices and devices[ticket.device].connected,
        }
        for ticket in sorted(
            tickets,
            key=lambda each: (
                _STATE_ORDER.get(each.state, 2),
                _SEVERITY_ORDER.get(each.severity or "", 4),
                -each.opened_at,
            ),
        )
        if (ticket.state in _CLOSED) == show_closed
    ]
    facts: dict[str, Any] = {
        "here": "inbox",
        "rows": rows,
        "show_closed": show_closed,
        "closed_count": sum(ticket.state in _CLOSED for ticket in tickets),
        "live": desk.live,
        "doubts": desk.technician.doubts[-3:],
        "alarms": desk.technician.store.alarms()[-3:],
        "expiry": desk.technician.expiry(desk.technician.now()),
    }
    if wants_fragment(request):
        return pages_of(request).fragment(request, "inbox.html", "rows", **facts)
    return pages_of(request).page(request, "inbox.html", **facts)


async def devices_page(request: Request) -> Response:
    desk = desk_of(request)
    async with desk.server() as api:
        rows = (await api.devices()).devices
    trust = desk.technician.store.trust
    devices = [{"row": row, "known": know_device(row, trust, now_s())} for row in rows]
    return pages_of(request).page(request, "devices.html", here="devices", devices=devices, live=desk.live)
