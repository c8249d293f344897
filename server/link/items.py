"""Items of the outbox: one line in the catalogue for each kind; each taken wholly, once, or refused for ever.

    item ─► [row in `items` + what it says, one transaction] ─► stored
                └─ the row was there: the answer that was given ─► again

An audit entry goes to the log instead, which keeps its own (device, id).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.audit import AuditWord
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.messages.desk import CustomerText, TicketVerdict
from protocol.messages.items import (
    AuditItem,
    Refused,
    ReportItem,
    SealedItem,
    Stored,
    TicketItem,
    TicketOutcomeItem,
)
from protocol.statements import VerifyKey, verify
from protocol.strict_json import WireModel
from protocol.tickets import TicketStatement
from server.audit.rules import fault_of
from server.bundles.rules import AGE_HEADER
from server.devices.rules import Device
from server.link.model import items
from server.link.refused import ItemRefused
from server.office import Office

#: Takes an item inside a transaction. Returns the ticket whose state the agent is to be told, if any.
Taker = Callable[[Office, AsyncConnection, Device, Any], Awaitable[str | None]]


async def _report(office: Office, connection: AsyncConnection, device: Device, item: ReportItem) -> None:
    left_out = await office.findings.take(connection, device.device, item.report)
    office.metrics.rows_left_out.inc(left_out)


async def _ticket(office: Office, connection: AsyncConnection, device: Device, item: TicketItem) -> str:
    statement = verify(item.ticket, TicketStatement, VerifyKey(device.signing_key))
    trust = office.organisation.require_trust()
    if statement.body.device != device.device:
        raise ItemRefused("the ticket names another device")
    if statement.body.root != trust.root_hash and not office.organisation.was_root(statement.body.root):
        raise ItemRefused("the ticket names another organisation")
    return await office.tickets.open(connection, device.device, statement)


async def _sealed(office: Office, connection: AsyncConnection, device: Device, item: SealedItem) -> None:
    if sha256(item.data) != item.sha256:
        raise ItemRefused("the sealed data does not have the hash it names")
    if not item.data.startswith(AGE_HEADER):
        raise ItemRefused("only age-encrypted data is kept here")
    await office.tickets.keep_sealed(connection, device.device, item)


async def _outcome(office: Office, connection: AsyncConnection, device: Device, item: TicketOutcomeItem) -> str:
    return await office.tickets.outcome(connection, device.device, item)


async def _customer_text(office: Office, connection: AsyncConnection, device: Device, item: CustomerText) -> str:
    return await office.tickets.customer_text(connection, device.device, item)


async def _verdict(office: Office, connection: AsyncConnection, device: Device, item: TicketVerdict) -> str:
    return await office.returning.verdict(connection, device.device, item)


TAKERS: Final[Mapping[type[WireModel], Taker]] = MappingProxyType(
    {
        ReportItem: _report,
        TicketItem: _ticket,
        SealedItem: _sealed,
        TicketOutcomeItem: _outcome,
        CustomerText: _customer_text,
        TicketVerdict: _verdict,
    }
)


async def take(office: Office, device: Device, item: Any) -> Stored | Refused:
    """Store an item of `device` once; the same id again gets the same answer."""
    try:
        if isinstance(item, AuditItem):
            return await _audit(office, device, item)
        return await _take_once(office, device, item)
    except ItemRefused as refused:
        return await _refuse(office, device, item, refused.reason)
    except RemoteProtocolError as error:
        return await _refuse(office, device, item, str(error))


async def _take_once(office: Office, device: Device, item: Any) -> Stored | Refused:
    answer: list[Stored | Refused] = []
    told: list[str] = []

    async def job(connection: AsyncConnection) -> None:
        answer.clear()
        told.clear()
        row = {"device": device.device, "id": item.id, "type": item.type, "received_at": office.now()}
        insert = office.database.insert(items).values(**row)
        done = await connection.execute(insert.on_conflict_do_nothing(index_elements=["device", "id"]))
        if done.rowcount == 1:
            ticket = await TAKERS[type(item)](office, connection, device, item)
            if ticket is not None:
                told.append(ticket)
            answer.append(Stored(id=item.id))
            return
        given = await connection.scalar(
            select(items.c.refused).where(items.c.device == device.device, items.c.id == item.id)
        )
        answer.append(Refused(id=item.id, reason=given) if given else Stored(id=item.id))

    await office.batch.put(job)
    for ticket in told:
        await office.tell_ticket(device.device, ticket)
    return answer[0]


async def _refuse(office: Office, device: Device, item: Any, reason: str) -> Refused:
    row = {"device": device.device, "id": item.id, "type": item.type, "refused": reason[:300]}

    async def job(connection: AsyncConnection) -> None:
        insert = office.database.insert(items).values(**row, received_at=office.now())
        await connection.execute(insert.on_conflict_do_nothing(index_elements=["device", "id"]))

    await office.batch.put(job)
    return Refused(id=item.id, reason=reason[:300])


async def _audit(office: Office, device: Device, item: AuditItem) -> Stored:
    if fault := fault_of(item.entry, device.device):
        raise ItemRefused(fault)
    # The log is kept for ever: a device that floods it is made to wait, and its link with it.
    await asyncio.sleep(office.quotas.audit_entries.reserve(device.device, office.mono()))
    appended = await office.audit.append(item.entry, device=device.device, item=item.id)
    if item.entry.word is AuditWord.SESSION_STARTED:
        await office.sessions.noticed(device.device, item.entry)
    return Stored(id=item.id, proof=office.audit.proof(appended))
