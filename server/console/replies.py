"""Canned replies: the organisation's list of them. On a ticket one is chosen by `?reply=ID` and stands in the form."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from protocol.limits import WORDS_MAX_CHARS
from server.asking import office_of
from server.console.face import Flash, show
from server.people.door import form_of, page, visitor_of
from server.refusal import Refusal, not_found
from server.tickets.replies import FIELDS, NAME_MAX_CHARS

_FLASHES: Final = {"kept": Flash("Saved. The desk can use it from now on."), "removed": Flash("Removed.")}


async def replies(request: Request) -> Response:
    return await _replies(request)


async def _replies(
    request: Request, *, form: dict[str, str] | None = None, error: str = "", status_code: int = 200
) -> Response:
    office, chosen = office_of(request), request.query_params.get("edit", "")
    if form is None:
        edited = await office.replies.get(reply_number(chosen)) if chosen else None
        form = {"id": str(edited.id), "name": edited.name, "text": edited.text} if edited else {}
    return show(
        request,
        "replies.html",
        status_code=status_code,
        flash=_FLASHES.get(request.query_params.get("done", "")),
        here="tickets",
        replies=await office.replies.all(),
        fields=FIELDS,
        form=form,
        error=error,
        name_max=NAME_MAX_CHARS,
        words_max=WORDS_MAX_CHARS,
    )


async def keep(request: Request) -> Response:
    form, by = form_of(request), visitor_of(request).account.name
    reply = reply_number(form["id"]) if form.get("id") else None
    try:
        await office_of(request).replies.keep(reply, form.get("name", ""), form.get("text", ""), by=by)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        facts = refusal.facts
        error = f"{facts.what[:1].upper()}{facts.what[1:]}{f' ({facts.got})' if facts.got else ''}: {facts.expected}."
        return await _replies(request, form=form, error=error, status_code=422)
    return RedirectResponse("/replies?done=kept", status_code=303)


async def remove(request: Request) -> Response:
    await office_of(request).replies.remove(reply_number(request.path_params["reply"]))
    return RedirectResponse("/replies?done=removed", status_code=303)


def reply_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise not_found("reply")
    return int(text)


routes = [
    page("GET", "/replies", replies),
    page("POST", "/replies", keep),
    page("POST", "/replies/{reply}/remove", remove),
]
