"""Notes for colleagues on a ticket: read with their proven authors, written signed and sealed. The server reads none.

What was read is kept for some seconds: a page of a live visit asks for itself again several times a second.
"""

import time
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from protocol.messages.api import TicketDetail
from protocol.messages.items import SealedKind
from technician.api import Api
from technician.clock import now_s, uuid7
from technician.notes import ReadNote, seal_note
from technician.notes import read_note as open_note
from technician.workbench.desk import Desk
from technician.workbench.state import desk_of

#: The newest of a ticket; older ones by `bellpull notes`.
SHOWN_MAX: Final = 50
FRESH_S: Final = 10.0


async def notes_in(desk: Desk, api: Api, ticket: TicketDetail) -> list[ReadNote]:
    """Newest first; what cannot be opened or proven says why."""
    rows = [row for row in ticket.sealed if row.kind is SealedKind.NOTE][-SHOWN_MAX:]
    trust = desk.technician.store.trust
    notes = [await open_note(api, desk.keys, trust, ticket.ticket, row) for row in rows]
    desk.notes[ticket.ticket] = (time.monotonic(), sorted(notes, key=lambda note: -note.at))
    return desk.notes[ticket.ticket][1]


async def notes_of(desk: Desk, ticket: str) -> list[ReadNote]:
    """As they were some seconds ago at most."""
    read_at_s, notes = desk.notes.get(ticket, (float("-inf"), []))
    if time.monotonic() - read_at_s < FRESH_S:
        return notes
    async with desk.server() as api:
        return await notes_in(desk, api, await api.ticket(ticket))


async def write_note(request: Request) -> Response:
    """POST: one note; back to the page it was written on."""
    desk, form = desk_of(request), await request.form()
    ticket = request.path_params["ticket"]
    async with desk.server() as api:
        detail = await api.ticket(ticket)
        technician = desk.technician
        text = str(form.get("note", "")).strip()
        note = seal_note(desk.keys, technician.chain, technician.store.trust, detail.ticket, text, uuid7(), now_s())
        await api.push_note(detail.ticket, note)
    desk.notes.pop(ticket, None)
    back = "/visit?tab=notes" if form.get("back") == "visit" else f"/tickets/{ticket}#notes"
    return RedirectResponse(back, status_code=303)
