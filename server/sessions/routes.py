"""Asking for a room. The server pairs two sockets and proves nothing: everything is proven in the handshake."""

from fastapi import APIRouter, Request

from protocol.audit import AuditWord
from protocol.messages.api import SessionAsk, SessionList, SessionRoom
from protocol.messages.sessions import SessionOffer
from server.asking import Caller, OfficeOf, Reader, body
from server.openapi import refuses, takes
from server.refusal import not_found
from server.relay.meeting import DECLINED
from server.relay.rooms import Side
from server.sessions.rules import check_offer
from server.tokens import new_room

router = APIRouter()


@router.post("/api/sessions", responses=refuses(404, 409), **takes(SessionAsk))
async def ask(request: Request, office: OfficeOf, caller: Caller) -> SessionRoom:
    asked = await body(request, SessionAsk)
    await office.devices.require(asked.device, caller.customers)
    held: str | None = None
    if asked.ticket is not None:
        row, _ = await office.tickets.require(asked.ticket, caller.customers)
        if row.device != asked.device:
            raise not_found("ticket of this device")
        held = row.ticket

    def take() -> float:
        mono, quotas = office.mono(), office.quotas
        return max(
            quotas.offers_by_device.take(asked.device, mono), quotas.offers_by_technician.take(caller.serial, mono)
        )

    check_offer(
        connected=office.hub.connected(asked.device),
        rooms=office.relay.rooms_of(caller.serial),
        rooms_max=office.config.settings.caps.rooms_per_technician,
        take=take,
    )
    room = new_room()
    commitment = await office.audit.commit_to(f"technician {caller.serial} room {room}")
    await office.record(AuditWord.SESSION_OFFERED, device=asked.device, commitment=commitment)
    await office.sessions.asked(room, asked.device, held, caller.serial)
    tokens = office.relay.open(room, device=asked.device, serial=caller.serial)
    offer = SessionOffer(room=room, join_token=tokens[Side.DEVICE], ticket=asked.ticket)
    if not office.hub.push(asked.device, offer):
        office.relay.end(room, DECLINED, "the agent left")
        check_offer(connected=False, rooms=0, rooms_max=1, take=lambda: 0)
    return SessionRoom(room=room, join_token=tokens[Side.TECHNICIAN], path=f"/relay/{room}")


@router.get("/api/sessions")
async def sessions(office: OfficeOf, reader: Reader, ticket: str = "", device: str = "") -> SessionList:
    return SessionList(sessions=await office.sessions.rows(reader.customers, ticket=ticket, device=device))
