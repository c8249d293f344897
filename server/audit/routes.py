"""The whole log as files can hold it: exact leaves, the checkpoint, and who witnessed what."""

import asyncio

from fastapi import APIRouter

from protocol.checkpoints import add_signature
from protocol.messages.api import AuditExport
from server.asking import OfficeOf

router = APIRouter()

#: Connected devices are asked to witness the exported checkpoint; an export waits this long for the first.
_WITNESS_WAIT_S = 2.0
#: A note is bounded; all lines stand in `witnesses` too.
_LINES_MAX = 200


@router.get("/api/audit/export")
async def export(office: OfficeOf) -> AuditExport:
    audit = office.audit
    office.announcer.announce()
    size, note = audit.size, audit.note
    try:
        async with asyncio.timeout(_WITNESS_WAIT_S if len(office.hub) else 0):
            async with office.witnesses.taken:
                while all(line.size < size for line in await office.witnesses.lines()):
                    await office.witnesses.taken.wait()
    except TimeoutError:
        pass  # an export without a fresh witness is still an export: it says which sizes were witnessed
    witnesses = await office.witnesses.lines()
    for witness in [each for each in witnesses if each.size == size][:_LINES_MAX]:
        note = add_signature(note, witness.line)
    return AuditExport(
        log_name=audit.key.verifier.name,
        log_key=audit.key.verifier.public_key,
        entries=tuple(await audit.entries(0, size)),
        checkpoint=note,
        witnesses=witnesses,
    )
