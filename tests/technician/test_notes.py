"""Notes for colleagues: read with their proven author, and nothing that a server could have made up."""

from dataclasses import dataclass, field

import pyrage
import pytest

from protocol import strict_json
from protocol.certificates import BundleRecipients, Chain, Recipient
from protocol.fields import sha256
from protocol.messages.api import NotePush, SealedRow
from protocol.messages.items import SealedKind
from protocol.tickets import MessageStatement, NoteStatement, SignedNote
from protocol.trust import Trust
from technician.notes import ReadNote, read_note, seal_note
from technician.problems import Problem
from tests.agent.visiting import ORG, TICKET, chain_of, technician_keys, trusting
from tests.making import DAY, NOW, seed, serial, signing_key

KEYS = technician_keys()
CHAIN = chain_of(KEYS)
NOTE_ID = "01890a5d-ac96-7745-bcce-b302099a8058"
TEXT = "The disk was replaced in spring. <b>Ask Bob</b>"


@dataclass
class Server:
    """Keeps blobs, and may hand out others."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    async def blob(self, blob: str) -> bytes:
        return self.blobs[blob]

    def row(self, note: NotePush) -> SealedRow:
        self.blobs[note.id] = note.data
        return SealedRow(
            id=note.id, kind=SealedKind.NOTE, sha256=note.sha256, size_bytes=len(note.data), at=NOW, session=None
        )


def trust_with_recipients() -> Trust:
    recipients = BundleRecipients(
        root=ORG.root_hash,
        version=1,
        issued_at=NOW,
        not_after=NOW + DAY,
        recipients=(Recipient(name="Ada Tech", age=KEYS.age_recipient),),
    )
    return trusting().accept(ORG.publish(recipients), NOW)


TRUST = trust_with_recipients()


async def read(server: Server, note: NotePush, ticket: str = TICKET) -> ReadNote:
    return await read_note(server, KEYS, TRUST, ticket, server.row(note))


async def test_a_note_is_read_with_its_proven_author() -> None:
    note = seal_note(KEYS, CHAIN, TRUST, TICKET, TEXT, NOTE_ID, NOW)
    assert TEXT.encode() not in note.data
    assert await read(Server(), note) == ReadNote(NOTE_ID, "Ada Tech", NOW, TEXT)


def sealed(plain: bytes) -> NotePush:
    """Anybody who knows the recipients can seal to them; a server does."""
    data = pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(KEYS.age_recipient)])
    return NotePush(id=NOTE_ID, sha256=sha256(data), data=data)


def body(**changes: object) -> NoteStatement:
    claimed = NoteStatement(
        root=ORG.root_hash, ticket=TICKET, serial=serial(f"{ORG.name} Ada Tech"), text="Pay them", issued_at=NOW
    )
    return claimed.model_copy(update=changes)


def forged(chain: Chain = CHAIN, signer: str = "", **changes: object) -> NotePush:
    key = signing_key(signer or f"{ORG.name} Ada Tech")
    return sealed(strict_json.dump(SignedNote(chain=chain, note=key.sign(body(**changes)))))


def message_as_note() -> NotePush:
    said = MessageStatement(
        root=ORG.root_hash,
        device="d-" + "a" * 26,
        ticket=TICKET,
        serial=serial("t"),
        sequence=1,
        text="x",
        issued_at=NOW,
    )
    return sealed(strict_json.dump(SignedNote(chain=CHAIN, note=signing_key(f"{ORG.name} Ada Tech").sign(said))))


@pytest.mark.parametrize(
    "note",
    [
        sealed(b"not a note"),
        forged(signer="the server's own key"),
        forged(chain=ORG.technician("Bob", signing_key=signing_key("bob").public)),
        forged(serial=serial("another")),
        forged(root=seed("another organisation")),
        forged(issued_at=NOW - 400 * DAY),
        message_as_note(),
    ],
    ids=["no note", "another key", "another's chain", "another serial", "another root", "long ago", "a message"],
)
async def test_a_note_that_somebody_made_up_is_nobodys(note: NotePush) -> None:
    found = await read(Server(), note)
    assert (found.author, found.text) == ("", "")
    assert found.fault


async def test_a_note_moved_to_another_ticket_or_swapped_is_noticed() -> None:
    server = Server()
    note = seal_note(KEYS, CHAIN, TRUST, TICKET, TEXT, NOTE_ID, NOW)
    assert "another ticket" in (await read(server, note, "01890a5d-ac96-7745-bcce-b302099a8059")).fault
    row = server.row(note)
    server.blobs[NOTE_ID] = seal_note(KEYS, CHAIN, TRUST, TICKET, "other", NOTE_ID, NOW).data
    assert "another blob" in (await read_note(server, KEYS, TRUST, TICKET, row)).fault


def test_nothing_is_written_that_nobody_could_open() -> None:
    with pytest.raises(Problem, match="cannot be sealed"):
        seal_note(KEYS, CHAIN, trusting(), TICKET, TEXT, NOTE_ID, NOW)
    for text in ("", "   ", "x" * 4001):
        with pytest.raises(Problem, match="write something"):
            seal_note(KEYS, CHAIN, TRUST, TICKET, text, NOTE_ID, NOW)
