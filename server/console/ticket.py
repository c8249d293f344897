"""One ticket, with all the server knows of it. Sealed things are named, with size and hash; never opened."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from protocol.certificates import TechnicianCertificate
from protocol.limits import WORDS_MAX_CHARS
from protocol.messages.api import MessageRow, MessageSource
from protocol.messages.desk import TicketState
from protocol.statements import parse_payload
from server.asking import office_of
from server.console.face import Flash, show
from server.console.facts_form import AT, KEEP, SOON, FactsForm, read_facts
from server.console.history import timeline_of
from server.console.owners import owners_of
from server.console.replies import reply_number
from server.console.visits import visits_of
from server.people.door import form_of, page, visitor_of
from server.technicians.listing import TechnicianListing
from server.tickets.handing import NOTE_MAX_CHARS, REASON_MAX_CHARS
from server.tickets.history import Author, account, events_of
from server.tickets.levels import LEVEL_WORDS, OUTCOME_WORDS, Level, Outcome, handing_targets
from server.tickets.priority import IMPACT_WORDS, URGENCY_WORDS
from server.tickets.replies import fields_of, filled
from server.tickets.rules import MOVES, OPEN_STATES, PAUSED_STATES

_FLASHES: Final = {
    "facts": Flash("Saved. The customer sees it as soon as their device is connected."),
    "priority": Flash("Saved. The clocks count against the new targets."),
    "owner": Flash("Saved. The ticket has one owner."),
    "handed-on": Flash("Handed on, with everything in it and your note."),
    "tracker": Flash("Linked. The address stands beside the ticket."),
    "watched": Flash("You hear of what happens to it, under Notices."),
    "unwatched": Flash("You hear of it no longer, unless you have it or are mentioned."),
    "noted": Flash("Noted for colleagues. The customer does not see it."),
    "given-up": Flash("Closed as not solved. The customer reads your reason."),
    "words": Flash("Sent. The customer sees it marked “via the server, not verified”."),
}
_AUTHORS: Final = {
    MessageSource.CUSTOMER: "Customer",
    MessageSource.DESK: "Desk",
    MessageSource.TECHNICIAN: "Technician",
}


#: A page stays light whatever a device sends: the newest of each.
WORDS_SHOWN: Final = 30
FINDINGS_SHOWN: Final = 40
SEALED_SHOWN: Final = 40
VISITS_SHOWN: Final = 20
ETAS_SHOWN: Final = 5
EVENTS_SHOWN: Final = 12


@dataclass(frozen=True)
class HandingForm:
    """What was typed into the forms of handing.py, and what is wrong with it."""

    note: str = ""
    level: Level | None = None
    owner: str = ""
    note_error: str = ""
    reason: str = ""
    reason_error: str = ""
    url: str = ""
    url_error: str = ""


async def ticket(request: Request) -> Response:
    return await show_ticket(request)


async def show_ticket(
    request: Request,
    *,
    form: FactsForm | None = None,
    handing: HandingForm | None = None,
    words: str = "",
    words_error: str = "",
    status_code: int = 200,
) -> Response:
    visitor = visitor_of(request)
    office, customers = office_of(request), visitor.reach.customers
    row, statement = await office.tickets.require(request.path_params["ticket"], customers)
    device = await office.devices.require(row.device, customers)
    findings = await office.findings.of_device(row.device)
    said = await office.tickets.messages_of(row.ticket)
    events = await events_of(office.database, row.ticket)
    serials = {event.by.name for event in events if event.by.name}
    may_hand = visitor.may("POST", "/tickets/{ticket}/hand-on") and row.state in OPEN_STATES
    all_words = request.query_params.get("words") == "all"
    lacking: list[str] = []
    if not words and (chosen := request.query_params.get("reply", "")):
        reply = await office.replies.get(reply_number(chosen))
        words, lacking = filled(reply.text, fields_of(statement, device.customer))
    return show(
        request,
        "ticket.html",
        status_code=status_code,
        flash=_FLASHES.get(request.query_params.get("done", "")),
        here="tickets",
        ticket=row,
        device=device,
        connected=office.hub.connected(row.device),
        overdue=row.state in OPEN_STATES - PAUSED_STATES and row.facts.eta < office.now(),
        statement_hash=statement.hash.hex(),
        repeats=await office.listing.repeats_of(row.ticket),
        own_findings=[one for one in findings if one.code == row.finding],
        other_findings=[one for one in findings if one.code != row.finding][:FINDINGS_SHOWN],
        # The newest one is the ETA itself.
        eta_history=(await office.tickets.eta_history_of(row.ticket))[:-1][-ETAS_SHOWN:],
        messages=[_message(message) for message in (said if all_words else said[-WORDS_SHOWN:])],
        words_hidden=0 if all_words else max(0, len(said) - WORDS_SHOWN),
        sealed=(await office.tickets.sealed_of(row.ticket))[-SEALED_SHOWN:],
        bundles=(await office.bundles.of_ticket(row.ticket))[-SEALED_SHOWN:],
        visits=await visits_of(office, await office.sessions.rows(customers, ticket=row.ticket, limit=VISITS_SHOWN)),
        form=form or FactsForm.of(row.facts, row.state),
        eta_choices=[(KEEP, "As it is"), *((str(s), text) for s, text in SOON.items()), (AT, "At the time below")],
        moves=[row.state, *(state for state in TicketState if state in MOVES[row.state])],
        level=LEVEL_WORDS[Level(row.level)],
        outcome=None if row.outcome is None else OUTCOME_WORDS[Outcome(row.outcome)],
        service=await office.service.of(row.ticket),
        impacts=[(str(one.value), words) for one, words in IMPACT_WORDS.items()],
        urgencies=[(str(one.value), words) for one, words in URGENCY_WORDS.items()],
        timeline=timeline_of(events, await TechnicianListing(office.database).names(serials)),
        events_shown=EVENTS_SHOWN,
        may_hand=may_hand,
        owners=await owners_of(office, device.customer or device.asked_customer) if may_hand else (),
        targets=[(level.value, LEVEL_WORDS[level]) for level in handing_targets(Level(row.level))],
        handing=handing or HandingForm(),
        watchers=await office.notices.watchers_of(row.ticket),
        tracker=await office.trackers.of(row.ticket),
        third_line=row.level == Level.THIRD_LINE,
        replies=await office.replies.all() if visitor.may("POST", "/tickets/{ticket}/words") else (),
        reply_lacks=lacking,
        note_max=NOTE_MAX_CHARS,
        reason_max=REASON_MAX_CHARS,
        words=words,
        words_error=words_error,
        words_max=WORDS_MAX_CHARS,
    )


def _message(message: MessageRow) -> dict[str, object]:
    """A technician’s words were verified under the pinned root when they came; the console’s own never are."""
    author = _AUTHORS[message.source]
    if message.signed is not None:
        author = parse_payload(message.signed.chain.leaf, TechnicianCertificate).name
    return {"source": message.source, "author": author, "at": message.at, "text": message.text}


def _by(request: Request) -> Author:
    return account(visitor_of(request).account.name)


async def set_facts(request: Request) -> Response:
    office, customers = office_of(request), visitor_of(request).reach.customers
    row, _ = await office.tickets.require(request.path_params["ticket"], customers)
    form = form_of(request)
    wanted = next((state for state in TicketState if state.value == form.get("state")), row.state)
    facts = read_facts(form, row.facts, wanted, office.now())
    if isinstance(facts, FactsForm):
        return await show_ticket(request, form=facts, status_code=422)
    await office.tickets.set_facts(row.ticket, facts, wanted, by=_by(request))
    await office.tell_ticket(row.device, row.ticket)
    return RedirectResponse(f"/tickets/{row.ticket}?done=facts", status_code=303)


async def send_words(request: Request) -> Response:
    office, customers = office_of(request), visitor_of(request).reach.customers
    row, _ = await office.tickets.require(request.path_params["ticket"], customers)
    text = form_of(request).get("text", "").strip()
    error = "There is nothing to send yet." if not text else ""
    if len(text) > WORDS_MAX_CHARS:
        error = f"At most {WORDS_MAX_CHARS} characters; these are {len(text)}."
    if error:
        return await show_ticket(request, words=text, words_error=error, status_code=422)
    office.hub.push(row.device, await office.tickets.desk_text(row.ticket, text, by=_by(request)))
    return RedirectResponse(f"/tickets/{row.ticket}?done=words#words", status_code=303)


routes = [
    page("GET", "/tickets/{ticket}", ticket),
    page("POST", "/tickets/{ticket}/facts", set_facts),
    page("POST", "/tickets/{ticket}/words", send_words),
]
