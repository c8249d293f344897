"""The first day of a server: an organisation is pinned, a device comes, asks for help, and a technician meets it."""

import asyncio

from protocol.audit import AuditEntry, AuditWord, check_inclusion
from protocol.checkpoints import open_checkpoint
from protocol.messages.api import (
    AuditExport,
    CertificatePush,
    DeviceList,
    SessionAsk,
    SessionRoom,
    TicketDetail,
    TicketList,
)
from protocol.messages.desk import TicketState, TicketUpdate
from protocol.messages.documents import Cosigned, NewCheckpoint
from protocol.messages.items import AuditItem, Stored, TicketItem
from protocol.messages.login import Certified, Welcome
from protocol.messages.sessions import SessionOffer
from tests.making import NOW
from tests.server.actors import World, log_verifier, paired, uuid


async def test_a_device_enrols_is_approved_while_connected_and_opens_a_ticket_that_a_technician_sees(
    either_desk: World,
) -> None:
    device = await either_desk.enrolled()
    async with either_desk.link(device) as link:
        welcome = await link.hear(Welcome)
        assert welcome.certificate is None

        device.chain = either_desk.certificate(device)
        approved = await either_desk.post(
            "/api/organisation/certificates",
            CertificatePush(chain=device.chain),
            await either_desk.organisation_token(),
        )
        assert approved.status_code == 200, approved.text
        assert (await link.hear(Certified)).certificate == device.chain

        statement = device.ticket()
        item = TicketItem(id=uuid("item"), ticket=device.key.sign(statement))
        await link.say(item)
        update = await link.hear(TicketUpdate)
        assert (update.ticket, update.state) == (statement.ticket, TicketState.NEW)
        assert all((update.facts.cost, update.facts.doing, update.facts.next, update.facts.eta > NOW))
        assert (await link.hear(Stored)).id == item.id

        token = await either_desk.technician_token()
        row = DeviceList.model_validate_json((await either_desk.get("/api/devices", token)).content).devices[0]
        assert (row.device, row.customer, row.connected) == (device.device, "Acme", True)
        listed = TicketList.model_validate_json((await either_desk.get("/api/tickets", token)).content).tickets
        assert [ticket.words for ticket in listed] == [statement.words]
        detail = TicketDetail.model_validate_json(
            (await either_desk.get(f"/api/tickets/{statement.ticket}", token)).content
        )
        assert detail.statement == item.ticket


async def test_a_technician_and_a_device_meet_in_a_room_and_exchange_bytes_both_ways(either_desk: World) -> None:
    device = await either_desk.approved()
    token = await either_desk.technician_token()
    async with either_desk.link(device) as link:
        await link.hear(Welcome)
        done = await either_desk.post("/api/sessions", SessionAsk(device=device.device, ticket=None), token)
        assert done.status_code == 200, done.text
        room = SessionRoom.model_validate_json(done.content)
        offer = await link.hear(SessionOffer)
        assert offer.room == room.room
        async with (
            either_desk.relay(room.room, room.join_token) as technician,
            either_desk.relay(offer.room, offer.join_token) as agent,
        ):
            await asyncio.gather(paired(technician), paired(agent))
            await technician.send(b"\x01" * 65_535)
            await agent.send(b"\x02")
            assert await agent.recv() == b"\x01" * 65_535
            assert await technician.recv() == b"\x02"


async def test_an_audit_entry_is_stored_with_a_proof_witnessed_and_exported(either_desk: World) -> None:
    device = await either_desk.approved()
    facts = (await either_desk.get("/api/server")).json()
    entry = AuditEntry(word=AuditWord.SESSION_ENDED, author=device.device, at=NOW, device=device.device)
    async with either_desk.link(device) as link:
        await link.hear(Welcome)
        await link.say(AuditItem(id=uuid("entry"), entry=entry))
        stored = await link.hear(Stored)
        assert stored.proof is not None
        checkpoint = open_checkpoint(stored.proof.checkpoint, log_verifier(facts))
        check_inclusion(stored.proof, entry, checkpoint.size, checkpoint.root)

        token = await either_desk.technician_token()
        asked = asyncio.create_task(either_desk.get("/api/audit/export", token))
        seen = await link.hear(NewCheckpoint)
        while open_checkpoint(seen.note, log_verifier(facts)).size < either_desk.office.audit.size:
            seen = await link.hear(NewCheckpoint)
        line = device.witness.cosign(seen.note, log_verifier(facts), NOW)
        await link.say(Cosigned(size=open_checkpoint(seen.note, log_verifier(facts)).size, line=line))
        export = AuditExport.model_validate_json((await asked).content)
    assert [witness.line for witness in export.witnesses] == [line]
    assert line in export.checkpoint
    assert stored.proof.leaf in export.entries
