"""Notes on a ticket for colleagues: signed by their author, sealed to the organisation, so the server reads neither.

    text ── NoteStatement, signed ── SignedNote with the author's chain ── age, to the recipients in force ──► server
    blob ── own age key ── chain judged at the time of writing ── signature ──► author, text; or why not

A server can hold notes back; it cannot write, change or read one, or move it to another ticket.
"""

from dataclasses import dataclass
from typing import Final

import pyrage

from protocol import strict_json
from protocol.certificates import Chain, TechnicianCertificate
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.limits import NOTE_SEALED_MAX_BYTES, WORDS_MAX_CHARS
from protocol.messages.api import NotePush, SealedRow
from protocol.statements import VerifyKey, parse_payload, verify
from protocol.tickets import NoteStatement, SignedNote
from protocol.trust import Trust
from technician.evidence import BlobSource, open_blob
from technician.keys.technician_keys import TechnicianKeys
from technician.problems import Problem

_NOTE_MAX_BYTES: Final = NOTE_SEALED_MAX_BYTES


@dataclass(frozen=True)
class ReadNote:
    """One note. `author` is proven, or empty with the reason in `fault`; then `text` is nobody's."""

    id: str
    author: str
    at: int
    text: str
    fault: str = ""


def seal_note(
    keys: TechnicianKeys, chain: Chain, trust: Trust, ticket: str, text: str, note_id: str, now: int
) -> NotePush:
    """Signed and sealed, ready to be pushed. Problem when nobody could open it."""
    if not 1 <= len(text.strip()) <= WORDS_MAX_CHARS:
        raise Problem("write something", expected=f"1 to {WORDS_MAX_CHARS} characters", got=str(len(text)), exit_code=2)
    recipients = trust.recipients(now)
    if recipients is None:
        raise Problem(
            "a note cannot be sealed now",
            expected="recipients that the organisation has published",
            got="none in force",
            hint="The organisation publishes them: bellpull org publish",
        )
    body = NoteStatement(
        root=trust.root_hash,
        ticket=ticket,
        serial=parse_payload(chain.leaf, TechnicianCertificate).serial,
        text=text,
        issued_at=now,
    )
    plain = strict_json.dump(SignedNote(chain=chain, note=keys.sign(body)))
    sealed = pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(each.age) for each in recipients.recipients])
    return NotePush(id=note_id, sha256=sha256(sealed), data=sealed)


async def read_note(source: BlobSource, keys: TechnicianKeys, trust: Trust, ticket: str, row: SealedRow) -> ReadNote:
    """One note of a ticket; what cannot be opened or proven says why, and the others still show."""
    try:
        data = await open_blob(source, keys, row)
        signed = strict_json.parse(data, SignedNote, what="note", max_bytes=_NOTE_MAX_BYTES)
        return _proven(signed, trust, ticket, row.id)
    except (RemoteProtocolError, Problem) as error:
        return ReadNote(row.id, "", row.at, "", str(error))


def _proven(signed: SignedNote, trust: Trust, ticket: str, note_id: str) -> ReadNote:
    claimed = parse_payload(signed.note, NoteStatement)
    author = trust.technician(signed.chain, claimed.issued_at).body
    said = verify(signed.note, NoteStatement, VerifyKey(author.signing_key)).body
    for what, expected, got in (
        ("certificate", author.serial, said.serial),
        ("organisation", trust.root_hash.hex(), said.root.hex()),
        ("ticket", ticket, said.ticket),
    ):
        if expected != got:
            raise RemoteProtocolError(f"the note names another {what}", expected=expected, got=got)
    return ReadNote(note_id, author.name, said.issued_at, said.text)
