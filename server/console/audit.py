"""The audit log, read: entries from the newest back, the newest checkpoint with its witnesses, a proof for any entry.

What is shown here is the server's word, like everything it shows; so each page says how to check it without the server.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from protocol import strict_json
from protocol.audit import AuditWord
from protocol.certificates import DeviceCertificate
from protocol.checkpoints import WitnessVerifier, add_signature, open_checkpoint, verify_cosignature
from protocol.merkle import leaf_hash, verify_inclusion
from protocol.messages.api import WitnessLine
from protocol.statements import parse_payload
from server.asking import office_of
from server.audit.about import About
from server.audit.reading import PAGE_ROWS, AuditReading, Entry
from server.audit.store import Appended
from server.console.face import show
from server.console.proof import steps_of
from server.console.words import AUDIT_WORDS
from server.office import Office
from server.people.door import page, technicians_of
from server.refusal import not_found

#: A note is bounded; witnesses beyond these are counted, not listed.
_LINES_MAX: Final = 50
_A_DAY: Final = timedelta(days=1)


async def audit(request: Request) -> Response:
    office, query = office_of(request), request.query_params
    word = next((one for one in AuditWord if one.value == query.get("word")), None)
    text, below = query.get("q", "").strip()[:120], _index(query.get("below", ""))
    chosen = {"word": "" if word is None else word.value, "q": text}
    chosen |= {name: query.get(name, "").strip()[:120] for name in ("device", "technician", "ticket")}
    since, until = _day(query.get("from", "")), _day(query.get("to", ""))
    chosen |= {"from": since.isoformat() if since else "", "to": until.isoformat() if until else ""}
    about = About(
        device=chosen["device"],
        technician=chosen["technician"],
        ticket=chosen["ticket"],
        since_s=_midnight(since) if since else None,
        until_s=_midnight(until + _A_DAY) if until else None,
    )
    found = await AuditReading(office.database).page(below=below, word=word, text=text, about=about)
    devices = {one.entry.device for one in found.entries if one.entry.device}
    return show(
        request,
        "audit.html",
        here="audit",
        found=found,
        labels=await _labels(office, devices),
        words=[("", "Everything"), *((one.value, AUDIT_WORDS[one][0]) for one in AuditWord)],
        technicians=[("", "Anybody"), *((name, name) for name in await _technicians(office))],
        chosen=chosen,
        filtered=any(chosen.values()),
        newest=_href(chosen, None) if below is not None else "",
        older=_href(chosen, found.older) if found.older is not None else "",
        rows=PAGE_ROWS,
        **await _checkpoint(office),
    )


def _href(chosen: dict[str, str], below: int | None) -> str:
    values = {name: value for name, value in chosen.items() if value}
    if below is not None:
        values["below"] = str(below)
    return "/audit" + (f"?{urlencode(values)}" if values else "")


def _index(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _day(text: str) -> date | None:
    """YYYY-MM-DD, or nothing: an address that people edit by hand is no fault."""
    try:
        return date.fromisoformat(text) if len(text) == 10 and "2000" <= text[:4] < "3000" else None
    except ValueError:
        return None


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


async def _technicians(office: Office) -> list[str]:
    return sorted({one.name for one in await technicians_of(office)})


async def _checkpoint(office: Office) -> dict[str, Any]:
    """The newest note, and who has signed to have seen how much of it."""
    note = office.audit.note
    lines, count = await AuditReading(office.database).witnesses(_LINES_MAX)
    for line in lines:
        if line.size == office.audit.size:
            note = add_signature(note, line.line)
    checkpoint = open_checkpoint(note, office.audit.key.verifier)
    labels = await _labels(office, {line.device for line in lines})
    return {
        "note": note,
        "checkpoint": checkpoint,
        "log_key": office.audit.key.verifier.public_key.hex(),
        "witnesses": [
            {
                "device": line.device,
                "label": labels.get(line.device, ""),
                "size": line.size,
                "newest": line.size == checkpoint.size,
                "at": _witnessed_at(office, line),
            }
            for line in lines
        ],
        "witness_count": count,
    }


def _witnessed_at(office: Office, line: WitnessLine) -> int | None:
    """When the device signed; proven again here, under the key in its certificate."""
    checkpoint = office.audit.checkpoint_at(line.size)
    if checkpoint is None:
        return None
    key = parse_payload(line.certificate.leaf, DeviceCertificate).witness_key
    return verify_cosignature(checkpoint, line.line, WitnessVerifier(line.device, key))


async def _labels(office: Office, devices: set[str]) -> dict[str, str]:
    found = {device: await office.devices.get(device) for device in sorted(devices)}
    return {device: one.label for device, one in found.items() if one is not None}


async def checkpoint_note(request: Request) -> Response:
    """The signed note itself, as other tools read it (c2sp.org/tlog-checkpoint)."""
    return PlainTextResponse((await _checkpoint(office_of(request)))["note"])


async def _entry(request: Request, office: Office) -> Entry:
    """The one that was asked for, if the newest checkpoint covers it."""
    index = request.path_params["index"]
    found = await AuditReading(office.database).get(index) if index < office.audit.size else None
    if found is None:
        raise not_found("audit entry")
    return found


async def entry(request: Request) -> Response:
    office = office_of(request)
    found = await _entry(request, office)
    proof = office.audit.proof(Appended(found.index, found.leaf))
    checkpoint = open_checkpoint(proof.checkpoint, office.audit.key.verifier)
    hashed = leaf_hash(found.leaf)
    # A log that does not prove its own entry must say so loudly: this raises, and the page becomes the refusal.
    verify_inclusion(hashed, found.index, checkpoint.size, list(proof.path), checkpoint.root)
    device = found.entry.device
    committed = found.entry.commitment
    return show(
        request,
        "audit_entry.html",
        value_kept=committed is not None and await office.values.keeps(committed),
        here="audit",
        found=found,
        label=(await _labels(office, {device})).get(device, "") if device else "",
        leaf=found.leaf.decode(),
        leaf_hash=hashed.hex(),
        steps=steps_of(hashed, found.index, checkpoint.size, proof.path),
        checkpoint=checkpoint,
        note=proof.checkpoint,
        last=office.audit.size - 1,
    )


async def entry_proof(request: Request) -> Response:
    """The proof as the agents get it: leaf, index, path, checkpoint."""
    office = office_of(request)
    found = await _entry(request, office)
    proof = office.audit.proof(Appended(found.index, found.leaf))
    name = f"audit-entry-{found.index}.json"
    return Response(
        strict_json.dump(proof),
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


routes = [
    page("GET", "/audit", audit),
    page("GET", "/audit/checkpoint.txt", checkpoint_note),
    page("GET", "/audit/{index:int}", entry),
    page("GET", "/audit/{index:int}/proof.json", entry_proof),
]
