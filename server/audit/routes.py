"""The whole log as files can hold it: exact leaves, the checkpoint, and who witnessed what. Sent as it is read."""

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from protocol.checkpoints import add_signature
from protocol.fields import encode_base64
from protocol.messages.api import AuditExport, WitnessLine
from server.asking import OfficeOf
from server.office import Office

router = APIRouter()

#: Connected devices are asked to witness the exported checkpoint; an export waits this long for the first.
_WITNESS_WAIT_S = 2.0
#: A note is bounded; all lines stand in `witnesses` too.
_LINES_MAX = 200
_PAGE_ENTRIES = 1000


@router.get("/api/audit/export", response_model=None, responses={200: {"model": AuditExport}})
async def export(office: OfficeOf) -> StreamingResponse:
    office.announcer.announce()
    size, note = office.audit.size, office.audit.note
    await _wait_for_a_witness(office, size)
    witnesses = await office.witnesses.lines()
    for witness in [each for each in witnesses if each.size == size][:_LINES_MAX]:
        note = add_signature(note, witness.line)
    return StreamingResponse(_pieces(office, size, note, witnesses), media_type="application/json")


async def _wait_for_a_witness(office: Office, size: int) -> None:
    try:
        async with asyncio.timeout(_WITNESS_WAIT_S if len(office.hub) else 0), office.witnesses.taken:
            while all(line.size < size for line in await office.witnesses.lines()):
                await office.witnesses.taken.wait()
    except TimeoutError:
        pass  # an export without a fresh witness is still an export: it says which sizes were witnessed


async def _pieces(office: Office, size: int, note: str, witnesses: tuple[WitnessLine, ...]) -> AsyncIterator[bytes]:
    """An `AuditExport`, entry by entry: a log of years is never in memory at once."""
    verifier = office.audit.key.verifier
    frame = AuditExport(
        log_name=verifier.name, log_key=verifier.public_key, entries=(), checkpoint=note, witnesses=witnesses
    )
    before, after = frame.model_dump_json().split('"entries":[]', 1)
    yield f'{before}"entries":['.encode()
    for first in range(0, size, _PAGE_ENTRIES):
        page = await office.audit.entries(first, min(_PAGE_ENTRIES, size - first))
        yield ("," * (first > 0) + ",".join(json.dumps(encode_base64(leaf)) for leaf in page)).encode()
    yield f"]{after}".encode()
