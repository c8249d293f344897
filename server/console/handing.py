"""Who has a ticket, on its page: take it or give it to somebody, hand it on with a note, give it up with a reason."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from protocol.messages.api import TicketRow
from server.asking import office_of
from server.console import ticket as ticket_page
from server.console.owners import owners_of
from server.console.ticket import HandingForm
from server.office import Office
from server.people.door import form_of, page, visitor_of
from server.refusal import Refusal
from server.tickets.history import Author, account
from server.tickets.levels import Level


@dataclass(frozen=True)
class _Asked:
    """What every form here needs: the ticket as the visitor may see it, who asks, and who may have it."""

    office: Office
    row: TicketRow
    by: Author
    owners: tuple[str, ...]


async def _asked(request: Request) -> _Asked:
    office, visitor = office_of(request), visitor_of(request)
    row, _ = await office.tickets.require(request.path_params["ticket"], visitor.reach.customers)
    device = await office.devices.require(row.device, visitor.reach.customers)
    owners = await owners_of(office, device.customer or device.asked_customer)
    return _Asked(office, row, account(visitor.account.name), owners)


async def give(request: Request) -> Response:
    asked, form = await _asked(request), form_of(request)
    await asked.office.handing.give(asked.row.ticket, form.get("owner") or None, owners=asked.owners, by=asked.by)
    return await _done(asked, "owner")


async def hand_on(request: Request) -> Response:
    asked, form = await _asked(request), form_of(request)
    note, to, owner = form.get("note", ""), _level(form.get("level", "")), form.get("next_owner", "")
    try:
        await asked.office.handing.hand_on(
            asked.row.ticket, to, note, owner=owner or None, owners=asked.owners, by=asked.by
        )
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        typed = HandingForm(note=note, level=to, owner=owner, note_error=_sentence(refusal))
        return await ticket_page.show_ticket(request, handing=typed, status_code=422)
    return await _done(asked, "handed-on")


async def give_up(request: Request) -> Response:
    asked, reason = await _asked(request), form_of(request).get("reason", "")
    try:
        await asked.office.handing.give_up(asked.row.ticket, reason, by=asked.by)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        typed = HandingForm(reason=reason, reason_error=_sentence(refusal))
        return await ticket_page.show_ticket(request, handing=typed, status_code=422)
    return await _done(asked, "given-up")


async def link_tracker(request: Request) -> Response:
    asked, text = await _asked(request), form_of(request).get("url", "")
    try:
        await asked.office.trackers.link(asked.row.ticket, text, by=asked.by)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        typed = HandingForm(url=text, url_error=_sentence(refusal))
        return await ticket_page.show_ticket(request, handing=typed, status_code=422)
    return await _done(asked, "tracker")


async def _done(asked: _Asked, what: str) -> Response:
    await asked.office.tell_ticket(asked.row.device, asked.row.ticket)
    return RedirectResponse(f"/tickets/{asked.row.ticket}?done={what}", status_code=303)


def _level(text: str) -> Level:
    try:
        return Level(int(text))
    except ValueError:
        raise Refusal(400, "there is no such level", expected="1, 2 or 3", got=text[:20]) from None


def _sentence(refusal: Refusal) -> str:
    facts = refusal.facts
    return f"{facts.what[:1].upper()}{facts.what[1:]}: {facts.expected}."


routes = [
    page("POST", "/tickets/{ticket}/owner", give),
    page("POST", "/tickets/{ticket}/hand-on", hand_on),
    page("POST", "/tickets/{ticket}/give-up", give_up),
    page("POST", "/tickets/{ticket}/tracker", link_tracker),
]
