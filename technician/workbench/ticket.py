"""One ticket: the four facts, what the customer said, sealed evidence opened here, messages, and asking for a visit."""

import random
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from protocol import strict_json
from protocol.actions.scopes import MEANINGS, Scope
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.limits import REASON_MAX_CHARS, SESSION_MINUTES_MAX, WORDS_MAX_CHARS
from protocol.messages.api import MessageRow, MessageSource, TicketDetail
from protocol.messages.desk import SignedMessage
from protocol.messages.items import SealedKind
from protocol.proofs import verify_proof
from protocol.statements import VerifyKey, parse_payload, verify
from protocol.tickets import MessageStatement, TicketStatement
from protocol.trust import Trust
from technician.clock import now_s
from technician.devices import DeviceFacts, know_device
from technician.evidence import OpenedEvidence, open_evidence
from technician.private_files import write_private
from technician.problems import Problem
from technician.session.closing import receipt_path
from technician.workbench.desk import Desk
from technician.workbench.live import LiveVisit, VisitPlan
from technician.workbench.notes import notes_in
from technician.workbench.state import desk_of, pages_of
from technician.workbench.tabs.chat import begin_chat

#: Evidence and receipts shown on the page; older ones stay at the server.
_SEALED_SHOWN = 12


@dataclass(frozen=True)
class ShownMessage:
    """For ui.messages. `verified`: signed by a technician certified by our organisation, about this ticket."""

    author: str
    at: int
    text: str
    mine: bool
    verified: bool


async def ticket_page(request: Request) -> Response:
    desk = desk_of(request)
    async with desk.server() as api:
        ticket = await api.ticket(request.path_params["ticket"])
        device = know_device(await api.device(ticket.device), desk.technician.store.trust, now_s())
        rows = [row for row in ticket.sealed if row.kind is not SealedKind.NOTE]
        sealed = [await open_evidence(api, desk.keys, row) for row in rows[:_SEALED_SHOWN]]
        notes = await notes_in(desk, api, ticket)
    trust = desk.technician.store.trust
    own = desk.technician.certificate(now_s()).body
    wanted = request.query_params.getlist("scope")  # a tab of a visit that did not have it leads here
    return pages_of(request).page(
        request,
        "ticket.html",
        here="inbox",
        ticket=ticket,
        device=device,
        signed=ticket_is_the_devices(ticket, device),
        evidence=[each for each in sealed if each.row.kind not in (SealedKind.RECEIPT, SealedKind.TRANSCRIPT)],
        transcripts=[each for each in sealed if each.row.kind is SealedKind.TRANSCRIPT],
        notes=notes,
        receipts=[shown_receipt(each, desk) for each in sealed if each.row.kind is SealedKind.RECEIPT],
        earlier_etas=[row.eta for row in ticket.eta_history if row.eta != ticket.facts.eta],
        messages=[shown_message(row, ticket, trust, own.serial) for row in ticket.messages],
        scopes=[
            {
                "value": scope.value,
                "label": scope.value,
                "hint": "You may " + MEANINGS[scope].sentence + ".",
                "risk": MEANINGS[scope].risk,
                "checked": MEANINGS[scope].risk == 0 or scope.value in wanted,
            }
            for scope in own.scopes
        ],
        live=desk.live,
        limits={"reason": REASON_MAX_CHARS, "minutes": SESSION_MINUTES_MAX, "words": WORDS_MAX_CHARS},
    )


async def ask_for_visit(request: Request) -> Response:
    """POST: start the one live visit."""
    desk, form = desk_of(request), await request.form()
    if desk.live is not None and not desk.live.phase.over:
        raise Problem("another visit is under way", expected="one at a time", hint="End it first.")
    async with desk.server() as api:
        ticket = await api.ticket(request.path_params["ticket"])
        device = know_device(await api.device(ticket.device), desk.technician.store.trust, now_s())
    plan = VisitPlan(
        device=device,
        ticket=ticket.ticket,
        scopes=_scopes([str(value) for value in form.getlist("scope")]),
        minutes=_minutes(str(form.get("minutes", ""))),
        reason=_bounded(str(form.get("reason", "")), REASON_MAX_CHARS, "reason"),
        takes_over=bool(form.get("takes_over")),
    )
    desk.live = LiveVisit(desk.technician, plan, begin=begin_chat)
    desk.live.places = tuple(sorted(random.SystemRandom().sample(range(1, 7), 2)))
    return RedirectResponse("/visit", status_code=303)


async def send_message(request: Request) -> Response:
    """POST: words to the customer, signed by the technician's key."""
    desk, form = desk_of(request), await request.form()
    text = _bounded(str(form.get("text", "")), WORDS_MAX_CHARS, "message")
    own = desk.technician.certificate(now_s()).body
    async with desk.server() as api:
        ticket = await api.ticket(request.path_params["ticket"])
        statement = MessageStatement(
            root=own.root,
            device=ticket.device,
            ticket=ticket.ticket,
            serial=own.serial,
            sequence=1 + sum(row.source is MessageSource.TECHNICIAN for row in ticket.messages),
            text=text,
            issued_at=now_s(),
            asks_evidence=form.get("asks_evidence") == "yes",
        )
        await api.send_message(
            ticket.ticket, SignedMessage(chain=desk.technician.chain, message=desk.keys.sign(statement))
        )
    return RedirectResponse(f"/tickets/{ticket.ticket}#messages", status_code=303)


def ticket_is_the_devices(ticket: TicketDetail, device: DeviceFacts) -> bool:
    """Whether the device's certified key signed this ticket, and its clear words are the signed ones."""
    if not device.certified or device.signing_key is None:
        return False
    try:
        body = verify(ticket.statement, TicketStatement, VerifyKey(device.signing_key)).body
    except RemoteProtocolError:
        return False
    return (body.ticket, body.case, body.device, body.words, body.finding) == (
        ticket.ticket,
        ticket.case,
        ticket.device,
        ticket.words,
        ticket.finding,
    )


def shown_message(row: MessageRow, ticket: TicketDetail, trust: Trust, own_serial: str) -> ShownMessage:
    """A signed message names its verified author; everything else is the server's word."""
    if row.signed is not None:
        try:
            issued = parse_payload(row.signed.message, MessageStatement).issued_at
            certificate = trust.technician(row.signed.chain, issued).body
            body = verify(row.signed.message, MessageStatement, VerifyKey(certificate.signing_key)).body
            if (body.ticket, body.serial, body.text) == (ticket.ticket, certificate.serial, row.text):
                return ShownMessage(certificate.name, body.issued_at, body.text, certificate.serial == own_serial, True)
        except ProtocolError:
            if parse_payload(row.signed.message, MessageStatement).root in {left.hash for left in trust.left}:
                return ShownMessage("Somebody (signed under a root that was left)", row.at, row.text, False, False)
            return ShownMessage("Somebody (the signature does not hold)", row.at, row.text, False, False)
    author = {MessageSource.CUSTOMER: "Customer", MessageSource.DESK: "Desk"}.get(row.source, "Technician")
    return ShownMessage(author, row.at, row.text, False, False)


def shown_receipt(opened: OpenedEvidence, desk: Desk) -> dict[str, object]:
    """A sealed receipt: proven, and kept among our own if it did not come over the visit's own connection."""
    if opened.proof is None:
        return {"at": opened.row.at, "name": "", "fault": opened.fault}
    try:
        proven = verify_proof(opened.proof, *desk.technician.store.trust.roots)
    except RemoteProtocolError as error:
        return {"at": opened.row.at, "name": "", "fault": str(error)}
    path = receipt_path(desk.technician.home, opened.proof)
    if not path.exists():
        write_private(path, strict_json.dump(opened.proof))
    return {"at": proven.receipt.ended_at, "name": path.stem, "fault": ""}


def _scopes(values: list[str]) -> tuple[Scope, ...]:
    try:
        scopes = tuple(dict.fromkeys(Scope(value) for value in values))
    except ValueError:
        raise Problem("an unknown scope", expected=", ".join(Scope), got=", ".join(values)[:80]) from None
    if not scopes:
        raise Problem("nothing is asked for", expected="at least one scope", hint="Tick what you need.")
    return scopes


def _minutes(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:6]) <= SESSION_MINUTES_MAX:
        raise Problem("how many minutes?", expected=f"1 to {SESSION_MINUTES_MAX}", got=text[:20])
    return int(text)


def _bounded(text: str, most: int, what: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= most:
        raise Problem(f"the {what} is empty or too long", expected=f"1 to {most} characters", got=str(len(text)))
    return text
