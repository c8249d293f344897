"""Sealed notes of technicians: kept once, on tickets of their own customers, ciphertext only."""

import pytest

from protocol.fields import sha256
from protocol.messages.api import NotePush, TicketDetail
from protocol.messages.items import SealedKind, Stored, TicketItem
from protocol.messages.login import Welcome
from tests.server.actors import World, sealed_bytes, uuid


async def ticket_of(desk: World) -> str:
    device = await desk.approved()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        ticket = device.ticket()
        await link.say(TicketItem(id=uuid("t"), ticket=device.key.sign(ticket)))
        await link.hear(Stored)
    return ticket.ticket


def note(name: str = "note", data: bytes | None = None) -> NotePush:
    blob = sealed_bytes(name) if data is None else data
    return NotePush(id=uuid(name), sha256=sha256(blob), data=blob)


async def test_a_note_is_kept_once_and_handed_out_as_it_came(desk: World) -> None:
    ticket, token = await ticket_of(desk), await desk.technician_token()
    for _ in range(2):
        done = await desk.post(f"/api/tickets/{ticket}/notes", note(), token)
        assert done.status_code == 200, done.text
    detail = TicketDetail.model_validate_json((await desk.get(f"/api/tickets/{ticket}", token)).content)
    (row,) = detail.sealed
    assert (row.kind, row.sha256) == (SealedKind.NOTE, note().sha256)
    assert (await desk.get(f"/api/blobs/{row.id}", token)).content == note().data
    other = NotePush(id=uuid("note"), sha256=note("b").sha256, data=note("b").data)
    assert (await desk.post(f"/api/tickets/{ticket}/notes", other, token)).status_code == 409


@pytest.mark.parametrize("fault", ["clear", "hash"])
async def test_what_is_no_sealed_note_is_refused(desk: World, fault: str) -> None:
    ticket, token = await ticket_of(desk), await desk.technician_token()
    clear = note(data=b"the disk was replaced in spring")
    wrong = note().model_copy(update={"sha256": bytes(32)})
    done = await desk.post(f"/api/tickets/{ticket}/notes", clear if fault == "clear" else wrong, token)
    assert done.status_code == 400


async def test_nobody_writes_on_a_ticket_of_another_customer(desk: World) -> None:
    ticket = await ticket_of(desk)
    token = await desk.technician_token("Zoe", customers=("Zenith",))
    assert (await desk.post(f"/api/tickets/{ticket}/notes", note(), token)).status_code == 404
    assert (await desk.post(f"/api/tickets/{ticket}/notes", note())).status_code == 401
