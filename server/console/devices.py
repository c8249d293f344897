"""Devices: the list, and one device with its findings, its checks and plots of the numbers its owner lets it report."""

from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from server.asking import office_of
from server.console.face import show, show_part
from server.console.marks import marks_of
from server.console.plots import DRAWN_NAMES, RANGES, figures_of, plots_of, range_for, tiles_of
from server.console.visits import visits_of
from server.console.words import from_code
from server.devices.fleet import FleetReading
from server.devices.listing import DeviceListing, Shown
from server.findings.changes import ChangeReading
from server.findings.rules import PRESENT
from server.findings.series import SeriesReading
from server.office import Office
from server.people.door import page, visitor_of
from server.tickets.listing import Filter, Wanted
from web.pages import wants_fragment

#: The newest; a device that invents more does not make its page heavy.
FINDINGS_SHOWN: Final = 40

SHOWN: Final = {
    Shown.ALL: "All",
    Shown.CONNECTED: "Connected",
    Shown.AWAY: "Away",
    Shown.GRAVE: "With errors",
    Shown.WAITING: "Waiting for approval",
}


def connected_ids(office: Office) -> frozenset[str]:
    return frozenset(connection.device.device for connection in office.hub)


async def devices(request: Request) -> Response:
    office, customers = office_of(request), visitor_of(request).reach.customers
    query = request.query_params
    shown = next((one for one in Shown if one.value == query.get("show")), Shown.ALL)
    text, number = query.get("q", "").strip()[:120], page_number(query.get("page", ""))
    here = connected_ids(office)
    listing = DeviceListing(office.database)
    customer, finding = query.get("customer", "")[:120], query.get("finding", "")[:64]
    found = await listing.page(customers, here, number, shown=shown, text=text, customer=customer, finding=finding)
    chosen = {"show": "" if shown is Shown.ALL else shown.value, "q": text, "customer": customer, "finding": finding}
    context: dict[str, Any] = {
        "found": found,
        "connected": here,
        "text": text,
        "customer": customer,
        "finding": finding,
        "filtered": any(chosen.values()),
        "newer": _href(chosen, number - 1) if number > 1 else "",
        "older": _href(chosen, number + 1) if found.has_more else "",
        "here_again": _href(chosen, number),
    }
    if wants_fragment(request):
        return show_part(request, "devices.html", "rows", **context)
    counts = await listing.counts(customers, here, text, customer=customer, finding=finding)
    fleet = FleetReading(office.database)
    spread = await fleet.by_finding(customers, customer=customer)
    tabs = [
        {
            "key": one.value,
            "label": label,
            "href": _href({**chosen, "show": "" if one is Shown.ALL else one.value}, 1),
            "count": counts[one],
        }
        for one, label in SHOWN.items()
    ]
    return show(
        request,
        "devices.html",
        here="devices",
        tabs=tabs,
        current=shown.value,
        health=[(line, _href({"customer": line.customer}, 1)) for line in await fleet.by_customer(customers)],
        spread=[(line, _href({"customer": customer, "finding": line.code}, 1)) for line in spread],
        customers=[(name, name) for name in await listing.customers(customers)],
        findings=[(code, from_code(code)) for code in sorted({*(line.code for line in spread), finding} - {""})],
        **context,
    )


def _href(chosen: dict[str, str], number: int) -> str:
    values = {name: value for name, value in chosen.items() if value} | ({"page": str(number)} if number > 1 else {})
    return "/devices" + (f"?{urlencode(values)}" if values else "")


def page_number(text: str) -> int:
    """From an address: 1 for anything that is not a page."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 and int(text) >= 1 else 1


async def device(request: Request) -> Response:
    office, customers = office_of(request), visitor_of(request).reach.customers
    found = await office.devices.require(request.path_params["device"], customers)
    reading = SeriesReading(office.database)
    now = office.now()
    span = range_for(request.query_params.get("range", ""), await reading.first_at(found.device), now)
    steps = await reading.steps(found.device, DRAWN_NAMES, since=now - span.long_s, step_s=span.step_s)
    findings = await office.findings.of_device(found.device)
    checks = await office.findings.checks_of(found.device)
    newest = await reading.newest(found.device)
    context: dict[str, Any] = {
        "device": found,
        "connected": office.hub.connected(found.device),
        "successor": (await office.devices.successors([found.device])).get(found.device),
        "present": [one for one in findings if one.state in PRESENT][:FINDINGS_SHOWN],
        "over": [one for one in findings if one.state not in PRESENT][:FINDINGS_SHOWN],
        "checks": checks,
    }
    if wants_fragment(request):
        return show_part(request, "device.html", "state", **context)
    tickets = await office.listing.page(customers, Filter(state=Wanted.ALL, device=found.device), 1, 10)
    visits = await office.sessions.rows(customers, device=found.device, limit=10)
    since = now - span.long_s
    changes = await ChangeReading(office.database).since(found.device, since)
    marks = marks_of(findings, tickets.lines, visits, changes, since=since, now=now)
    plots = plots_of(steps, [mark.drawn for mark in marks.shown])
    return show(
        request,
        "device.html",
        here="devices",
        plots=plots,
        marks=[mark.told for mark in reversed(marks.shown)],
        marks_left_out=marks.left_out,
        tiles=tiles_of(newest, plots),
        figures=figures_of(newest),
        span=span,
        ranges=[
            {"key": one.key, "label": one.label, "href": f"/devices/{found.device}?range={one.key}#numbers"}
            for one in RANGES
        ],
        tickets=tickets.lines,
        visits=await visits_of(office, visits),
        **context,
    )


routes = [page("GET", "/devices", devices), page("GET", "/devices/{device}", device)]
