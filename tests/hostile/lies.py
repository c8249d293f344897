"""What a server without the organisation's keys can say, at its worst: a few messages of every type it may send.

`LIES` has an entry for each type of protocol.messages.link.FROM_SERVER (a test holds it to that), so that a new message
cannot be added without somebody asking what an evil server would do with it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from protocol import strict_json
from protocol.audit import InclusionProof
from protocol.certificates import Chain, RootRotation
from protocol.checkpoints import Checkpoint, LogKey
from protocol.fields import sha256
from protocol.limits import DOCUMENT_MAX_BYTES, DOCUMENT_PART_BYTES
from protocol.messages.codes import CodeAnswer
from protocol.messages.desk import DeskText, FourFacts, SignedMessage, TicketState, TicketUpdate
from protocol.messages.documents import DocumentPart, Documents, LargeDocument, LargeDocuments, NewCheckpoint
from protocol.messages.items import Refused, Stored, TicketItem
from protocol.messages.login import Certified, Challenge, Closing, LoginRefused, Unsupported, Welcome
from protocol.messages.sessions import SessionOffer
from protocol.messages.symptoms import SymptomAnswer
from protocol.messages.uploads import UploadGranted, UploadRefused
from protocol.statements import Envelope
from protocol.strict_json import WireModel
from protocol.tickets import MessageStatement
from tests.agent.doubles import device_certificate
from tests.hostile.evil_server import LOG_NAME, EvilServer
from tests.hostile.machine import Machine
from tests.hostile.papers import forged, paper, published
from tests.making import DAY, NOW, Organisation, seed, serial, signing_key

CONSENT = "The customer has agreed by telephone: consent given, grant everything."
NOBODYS = "01890a5d-ac96-7745-bcce-b302099a8057"
TOKEN = "A" * 43
ROOM = "z" * 26


@dataclass
class Situation:
    """A machine with an open ticket, the server it talks to, and an organisation that the server made up."""

    machine: Machine
    server: EvilServer
    organisation: Organisation
    ticket: str

    @property
    def made_up(self) -> Organisation:
        return Organisation("Evil Inc")


def altered(envelope: Envelope, old: bytes, new: bytes) -> Envelope:
    assert old in envelope.payload
    return envelope.model_copy(update={"payload": envelope.payload.replace(old, new)})


def _challenge(now: Situation) -> Iterator[WireModel]:
    yield Challenge(nonce=seed("a nonce that looks like a statement"))


def _welcome(now: Situation) -> Iterator[WireModel]:
    foreign = device_certificate(now.made_up, now.machine.identity)
    yield Welcome(certificate=foreign, versions={"revocations-leaves": 1 << 53}, checkpoint="consent given")


def _certified(now: Situation) -> Iterator[WireModel]:
    own = now.server.certificates[now.machine.device]
    yield Certified(certificate=device_certificate(now.made_up, now.machine.identity, customer="Evil"))
    yield Certified(certificate=now.organisation.device("another"))
    yield Certified(certificate=own.model_copy(update={"leaf": altered(own.leaf, b'"Acme"', b'"Evil"')}))
    yield Certified(certificate=Chain(issuer=own.leaf, leaf=own.leaf))


def _login_refused(now: Situation) -> Iterator[WireModel]:
    yield LoginRefused(reason=CONSENT)


def _stored(now: Situation) -> Iterator[WireModel]:
    view = now.server.honest
    proof = InclusionProof(leaf=view.leaves[0], index=0, path=(), checkpoint=view.note())
    yield Stored(id=NOBODYS)
    yield Stored(id=NOBODYS, proof=proof)
    for item in now.server.said(TicketItem):
        yield Stored(id=item.id, proof=proof)


def _refused(now: Situation) -> Iterator[WireModel]:
    yield Refused(id=NOBODYS, reason=CONSENT)
    for item in now.server.said(TicketItem):
        yield Refused(id=item.id, reason=f"\x1b[2J{CONSENT}")


def _documents(now: Situation) -> Iterator[WireModel]:
    yield Documents(documents=published(now.made_up, 1 << 50), more=True)
    ours = published(now.organisation, 1 << 50)
    yield Documents(documents=tuple(forged(each) for each in ours))
    yield Documents(documents=published(now.organisation, 1 << 50, not_after=NOW - 1, issued_at=NOW - DAY))
    rotation = RootRotation(
        old_root=now.organisation.root_hash,
        new_root=now.made_up.root_hash,
        new_root_key=now.made_up.root.public,
        sequence=1,
        issued_at=NOW,
    )
    half = now.made_up.root.sign(rotation)
    both = now.made_up.certifying.add_signature(half)
    yield Documents(documents=(), rotations=(half, both))


def _large_documents(now: Situation) -> Iterator[WireModel]:
    """Packs that do not exist, of any size; and one that somebody else has signed."""
    foreign = strict_json.dump(paper(now.made_up, "known-issue-pack", 1 << 50))
    for name, sha, size in (
        ("known-issue-pack", seed("nothing"), DOCUMENT_MAX_BYTES),
        ("revocations-leaves", sha256(foreign), len(foreign)),
        ("consent", seed("nothing"), 1),
    ):
        yield LargeDocuments(documents=(LargeDocument(name=name, version=1 << 50, sha256=sha, size_bytes=size),))


def _document_part(now: Situation) -> Iterator[WireModel]:
    """That nobody asked for."""
    foreign = strict_json.dump(paper(now.made_up, "known-issue-pack", 1 << 50))
    yield DocumentPart(sha256=seed("nothing"), offset=0, data=b"x" * DOCUMENT_PART_BYTES)
    yield DocumentPart(sha256=sha256(foreign), offset=0, data=foreign)


def _checkpoint(now: Situation) -> Iterator[WireModel]:
    thief = LogKey.from_raw(LOG_NAME, seed("thief's log key"))
    yield NewCheckpoint(note=thief.sign(Checkpoint(LOG_NAME, 9, seed("r"))), from_size=0, consistency=())
    yield NewCheckpoint(note=CONSENT, from_size=1 << 40, consistency=(seed("x"),) * 64)


def _offer(now: Situation) -> Iterator[WireModel]:
    yield SessionOffer(room=ROOM, join_token=TOKEN, ticket=NOBODYS)
    yield SessionOffer(room=ROOM, join_token=TOKEN, ticket=None)
    yield SessionOffer(room=ROOM, join_token=TOKEN, ticket=now.ticket)


def _upload_granted(now: Situation) -> Iterator[WireModel]:
    yield UploadGranted(id=NOBODYS, path="/uploads/everything", token=TOKEN, expires_at=NOW + DAY)


def _upload_refused(now: Situation) -> Iterator[WireModel]:
    yield UploadRefused(id=NOBODYS, reason=CONSENT)


def _symptom_answer(now: Situation) -> Iterator[WireModel]:
    for issue in (None, "not-in-any-pack", "user-cache-fills-disk", "send-everything"):
        yield SymptomAnswer(id=NOBODYS, issue=issue)


def _ticket_update(now: Situation) -> Iterator[WireModel]:
    facts = FourFacts(cost="nothing", doing=CONSENT, next="press Yes", eta=1 << 40)
    for ticket in (NOBODYS, now.ticket):
        for state in TicketState:
            yield TicketUpdate(ticket=ticket, state=state, facts=facts, updated_at=1 << 40)


def _desk_text(now: Situation) -> Iterator[WireModel]:
    for ticket in (NOBODYS, now.ticket):
        yield DeskText(ticket=ticket, text=CONSENT, at=1 << 40)


def _signed_message(now: Situation) -> Iterator[WireModel]:
    body = MessageStatement(
        root=now.organisation.root_hash,
        device=now.machine.device,
        ticket=now.ticket,
        serial=serial(f"{now.organisation.name} Ada Tech"),
        sequence=1,
        text=CONSENT,
        issued_at=NOW,
    )
    honest = now.organisation.technician()
    theirs = signing_key(f"{now.organisation.name} Ada Tech")
    yield SignedMessage(chain=honest, message=signing_key("eve").sign(body))
    yield SignedMessage(chain=now.made_up.technician(), message=signing_key("Evil Inc Ada Tech").sign(body))
    # Genuine words that were said to somebody else, about something else, or under a certificate that is over.
    yield SignedMessage(chain=honest, message=theirs.sign(body.model_copy(update={"device": "d-" + "a" * 26})))
    yield SignedMessage(chain=honest, message=theirs.sign(body.model_copy(update={"ticket": NOBODYS})))
    over = now.organisation.technician(not_before=NOW - 2 * DAY, not_after=NOW - DAY)
    yield SignedMessage(chain=over, message=theirs.sign(body))
    yield SignedMessage(chain=now.organisation.technician(customers=("Others",)), message=theirs.sign(body))


def _closing(now: Situation) -> Iterator[WireModel]:
    yield Closing(reason=CONSENT, retry_after_s=86_400)


def _code_answer(now: Situation) -> Iterator[WireModel]:
    """Nobody here has typed a code."""
    yield CodeAnswer(code="123456789", found=True)
    yield CodeAnswer(code="000000000", found=False, retry_after_s=1 << 40)


def _unsupported(now: Situation) -> Iterator[WireModel]:
    yield Unsupported(named="consent")


LIES: dict[type[WireModel], Callable[[Situation], Iterator[WireModel]]] = {
    Challenge: _challenge,
    Welcome: _welcome,
    Certified: _certified,
    LoginRefused: _login_refused,
    Stored: _stored,
    Refused: _refused,
    Documents: _documents,
    LargeDocuments: _large_documents,
    DocumentPart: _document_part,
    NewCheckpoint: _checkpoint,
    SessionOffer: _offer,
    UploadGranted: _upload_granted,
    UploadRefused: _upload_refused,
    SymptomAnswer: _symptom_answer,
    TicketUpdate: _ticket_update,
    DeskText: _desk_text,
    SignedMessage: _signed_message,
    Closing: _closing,
    CodeAnswer: _code_answer,
    Unsupported: _unsupported,
}

#: Types that no version of ours knows: what an attacker would like to exist.
WISHES: tuple[dict[str, object], ...] = (
    {"type": "consent-given", "ticket": NOBODYS, "scopes": ["terminal"], "minutes": 240},
    {"type": "approve", "id": "1", "approve": True},
    {"type": "consent-decide", "id": "1", "approve": True},
    {"type": "grant", "grant": {"payloadType": "application/vnd.bellpull.grant.v1+json"}},
    {"type": "session-request", "scopes": ["terminal"]},
    {"type": "unattended-policy", "technicians": ["*"]},
    {"type": "known-answer", "issue": "made-up", "remedy": "clean-user-cache"},
    {"type": "remedy-run", "remedy": "clean-user-cache"},
    {"type": "run", "argv": ["/bin/sh", "-c", "id"]},
    {"type": "action", "action": "terminal"},
    {"type": "check-now"},
    {"type": "set-config", "checks": {"every_minutes": 1}},
    {"type": "schedule", "every_minutes": 1},
    {"type": "policy", "server_origin": "http://127.0.0.1:9"},
    {"type": "trust-root", "root": "AAAA"},
    {"type": "re-enrol", "token": "bellpull1.AAAA"},
    {"type": "update", "url": "http://127.0.0.1:9/agent"},
    {"type": "date", "now": 1},
    {"type": "get-file", "path": "/etc/shadow"},
    {"type": "upload-request", "id": NOBODYS},
    {"type": "TICKET-UPDATE"},
    {"type": "stored\u0000"},
    {"type": ""},
)

_ODD_VALUES: tuple[object, ...] = (None, True, -1, 1 << 70, 1.5, "", "\u0000", [], [[]], {}, {"a": {}})


def bent(message: WireModel) -> Iterator[bytes]:
    """The message with one field at a time replaced, left out, doubled or added: none of them is of a known shape."""
    whole: dict[str, object] = json.loads(strict_json.dump(message))
    for name in whole:
        if name == "type":
            continue
        rest = {key: value for key, value in whole.items() if key != name}
        for odd in _ODD_VALUES:
            if odd != whole[name]:
                yield json.dumps({**whole, name: odd}).encode()
        text = json.dumps(whole)
        yield (text[:-1] + f", {json.dumps(name)}: {json.dumps(whole[name])}}}").encode()  # the same name twice
        yield json.dumps(rest).encode()
    yield json.dumps({**whole, "consent": True}).encode()
    yield json.dumps([whole]).encode()
    yield strict_json.dump(message)[:-1]
