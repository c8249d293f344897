"""Tickets, their sealed evidence and their messages, for technicians. Of other customers: 404, as if absent."""

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.messages.api import Accepted, MessagePush, NotePush, TicketDetail, TicketList, TicketRow
from protocol.messages.desk import TicketState
from protocol.statements import VerifyKey, verify
from protocol.tickets import MessageStatement
from server.asking import Caller, OfficeOf, Reader, body
from server.bundles.rules import AGE_HEADER, starts_like_ciphertext
from server.openapi import refuses, takes
from server.refusal import not_found

router = APIRouter()


class Sealed(Response):
    """Bytes that only a technician's own program can open."""

    media_type = "application/octet-stream"


@router.get("/api/tickets")
async def tickets(office: OfficeOf, reader: Reader, state: TicketState | None = None) -> TicketList:
    return TicketList(tickets=await office.tickets.visible(reader.customers, state=state))


@router.get("/api/tickets/{ticket}")
async def ticket_detail(ticket: str, office: OfficeOf, reader: Reader) -> TicketDetail:
    row, statement = await office.tickets.require(ticket, reader.customers)
    return TicketDetail(
        **{name: getattr(row, name) for name in TicketRow.model_fields},
        statement=statement,
        sealed=await office.tickets.sealed_of(row.ticket),
        bundles=await office.bundles.of_ticket(row.ticket),
        sessions=await office.sessions.rows(reader.customers, ticket=row.ticket),
        messages=await office.tickets.messages_of(row.ticket),
        eta_history=await office.tickets.eta_history_of(row.ticket),
    )


@router.post("/api/tickets/{ticket}/messages", responses=refuses(409), **takes(MessagePush))
async def message(ticket: str, request: Request, office: OfficeOf, caller: Caller) -> Accepted:
    """A message signed by the caller's own certificate, about this ticket and its device."""
    row, _ = await office.tickets.require(ticket, caller.customers)
    signed = (await body(request, MessagePush)).signed
    trust = office.organisation.require_trust()
    author = trust.technician(signed.chain, office.now()).body
    said = verify(signed.message, MessageStatement, VerifyKey(author.signing_key)).body
    for what, expected, got in (
        ("author", caller.serial, author.serial),
        ("certificate", author.serial, said.serial),
        ("ticket", ticket, said.ticket),
        ("device", row.device, said.device),
        ("organisation", trust.root_hash.hex(), said.root.hex()),
    ):
        if expected != got:
            raise RemoteProtocolError(f"the message names another {what}", expected=expected, got=got)
    if await office.tickets.signed_message(ticket, signed, said):
        office.hub.push(row.device, signed)
        await office.tell_ticket(row.device, row.ticket)
    return Accepted()


@router.post("/api/tickets/{ticket}/notes", responses=refuses(409), **takes(NotePush))
async def note(ticket: str, request: Request, office: OfficeOf, caller: Caller) -> Accepted:
    """A sealed note: ciphertext for colleagues. Whose it is stands inside, signed, where this server cannot read."""
    row, _ = await office.tickets.require(ticket, caller.customers)
    pushed = await body(request, NotePush)
    if sha256(pushed.data) != pushed.sha256 or not starts_like_ciphertext(pushed.data[: len(AGE_HEADER)]):
        raise RemoteProtocolError("this is no sealed note", expected="an age file with the hash it names", got="other")
    await office.tickets.keep_note(row.device, row.ticket, pushed)
    return Accepted()


@router.get("/api/blobs/{blob}", response_class=Sealed)
async def blob(blob: str, office: OfficeOf, caller: Caller) -> Response:
    """Sealed bytes: evidence, a receipt, or a whole bundle."""
    small = await office.tickets.sealed_data(blob)
    if small is not None:
        await office.devices.require(small[0], caller.customers)
        return Sealed(small[1])
    path = await office.bundles.complete_file(blob, caller.customers)
    if path is None:
        raise not_found("blob")
    return FileResponse(path, media_type=Sealed.media_type)
