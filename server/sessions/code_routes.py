"""Codes for customers to type: make one, see whether somebody has typed it."""

from fastapi import APIRouter

from protocol.messages.codes import CODE_S, CodeMade, CodeState, CodeTold
from server.asking import Caller, OfficeOf
from server.openapi import refuses
from server.refusal import Refusal, not_found

router = APIRouter()


@router.post("/api/codes", responses=refuses(409))
async def make(office: OfficeOf, caller: Caller) -> CodeMade:
    return CodeMade(code=office.codes.make(caller.serial, caller.customers, office.mono()), expires_in_s=CODE_S)


@router.get("/api/codes/{code}")
async def look(office: OfficeOf, caller: Caller, code: str) -> CodeTold:
    found = office.codes.look(code, caller.serial, office.mono())
    if found is None:
        raise not_found("code of yours that is still open")
    waiting = CodeTold(state=CodeState.WAITING, expires_in_s=found.expires_in_s)
    if found.device is None or found.ticket is None:
        return waiting
    try:
        row, _ = await office.tickets.require(found.ticket, caller.customers)
    except Refusal:
        return waiting  # typed, but the ticket itself is still on its way from the device
    if row.device != found.device:
        return waiting
    return CodeTold(state=CodeState.TYPED, expires_in_s=found.expires_in_s, device=found.device, ticket=found.ticket)
