"""Notices of whoever is signed in, where they want mails; watching a ticket, and notes to colleagues on it."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.asking import office_of
from server.console.face import Flash, show
from server.notifications.rules import NOTICE_WORDS
from server.people.door import form_of, page, visitor_of
from server.refusal import Refusal
from server.tickets.handing import NOTE_MAX_CHARS
from server.tickets.history import account

_FLASHES: Final = {"address": Flash("Saved."), "seen": Flash("All of them are marked as seen.")}


async def notices(request: Request) -> Response:
    return await _notices(request)


async def _notices(request: Request, *, typed: str | None = None, error: str = "", status_code: int = 200) -> Response:
    office, visitor = office_of(request), visitor_of(request)
    name = visitor.account.name
    return show(
        request,
        "notices.html",
        status_code=status_code,
        flash=_FLASHES.get(request.query_params.get("done", "")),
        here="notices",
        notices=await office.notices.of(name, visitor.reach.customers),
        notice_words=NOTICE_WORDS,
        address=typed if typed is not None else await office.notices.address_of(name) or "",
        error=error,
        by_mail=office.config.settings.mail is not None,
    )


async def seen(request: Request) -> Response:
    await office_of(request).notices.seen(visitor_of(request).account.name)
    return RedirectResponse("/notices?done=seen", status_code=303)


async def set_address(request: Request) -> Response:
    text = form_of(request).get("address", "")
    try:
        await office_of(request).notices.set_address(visitor_of(request).account.name, text)
    except Refusal as refusal:
        error = f"This is no mail address. Expected: {refusal.facts.expected}."
        return await _notices(request, typed=text, error=error, status_code=422)
    return RedirectResponse("/notices?done=address", status_code=303)


async def watch(request: Request) -> Response:
    office, visitor = office_of(request), visitor_of(request)
    row, _ = await office.tickets.require(request.path_params["ticket"], visitor.reach.customers)
    on = form_of(request).get("watch") == "yes"
    await office.notices.watch(row.ticket, visitor.account.name, on=on)
    return RedirectResponse(f"/tickets/{row.ticket}?done={'watched' if on else 'unwatched'}", status_code=303)


async def note(request: Request) -> Response:
    """Words for colleagues: the customer never hears them, and this server can read them."""
    office, visitor = office_of(request), visitor_of(request)
    row, _ = await office.tickets.require(request.path_params["ticket"], visitor.reach.customers)
    text = form_of(request).get("note", "").strip()
    if not 0 < len(text) <= NOTE_MAX_CHARS:
        raise Refusal(422, "a note has words", expected=f"1 to {NOTE_MAX_CHARS} characters")
    await office.tickets.note(row.ticket, text, by=account(visitor.account.name))
    return RedirectResponse(f"/tickets/{row.ticket}?done=noted#history", status_code=303)


routes = [
    page("GET", "/notices", notices),
    page("POST", "/notices/seen", seen),
    page("POST", "/notices/address", set_address),
    page("POST", "/tickets/{ticket}/watch", watch),
    page("POST", "/tickets/{ticket}/note", note),
]
