"""What the desk promises: its hours and the targets of each priority, on a page; and the priority of one ticket."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.asking import office_of
from server.console.face import Flash, show
from server.people.door import form_of, page, visitor_of
from server.refusal import Refusal
from server.tickets.history import account
from server.tickets.priority import IMPACT_WORDS, URGENCY_WORDS, Impact, Priority, Urgency, priority_of
from server.tickets.service_rules import DAYS, ServiceRules, form_of_rules, read_rules

_FLASHES: Final = {"hours": Flash("Saved. The clocks of all open tickets count by it from now on.")}


async def hours(request: Request) -> Response:
    rules = await office_of(request).service.rules()
    return _hours(request, form_of_rules(rules), {})


def _hours(request: Request, form: dict[str, str], errors: dict[str, str], *, status_code: int = 200) -> Response:
    return show(
        request,
        "service_hours.html",
        status_code=status_code,
        flash=_FLASHES.get(request.query_params.get("done", "")),
        here="tickets",
        days=DAYS,
        priorities=[one.value for one in Priority],
        impacts=list(IMPACT_WORDS.items()),
        urgencies=list(URGENCY_WORDS.items()),
        priority_of=priority_of,
        form=form,
        errors=errors,
    )


async def set_hours(request: Request) -> Response:
    form = form_of(request)
    rules = read_rules(form)
    if isinstance(rules, dict):
        typed = {name: form.get(name, "") for name in form_of_rules(ServiceRules())}
        return _hours(request, typed, rules, status_code=422)
    await office_of(request).service.set_rules(rules, by=visitor_of(request).account.name)
    return RedirectResponse("/service-hours?done=hours", status_code=303)


async def judge(request: Request) -> Response:
    office, visitor, form = office_of(request), visitor_of(request), form_of(request)
    row, _ = await office.tickets.require(request.path_params["ticket"], visitor.reach.customers)
    try:
        impact, urgency = Impact(int(form.get("impact", ""))), Urgency(int(form.get("urgency", "")))
    except ValueError:
        raise Refusal(400, "there is no such impact or urgency", expected="one of those offered") from None
    await office.service.judge(row.ticket, impact, urgency, by=account(visitor.account.name))
    return RedirectResponse(f"/tickets/{row.ticket}?done=priority", status_code=303)


routes = [
    page("GET", "/service-hours", hours),
    page("POST", "/service-hours", set_hours),
    page("POST", "/tickets/{ticket}/priority", judge),
]
