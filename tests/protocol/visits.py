"""A whole visit made in memory: request, grant, actions, journal, receipt, proof. Tests bend one thing at a time."""

from dataclasses import dataclass, field

from protocol.actions.scopes import Scope
from protocol.fields import device_id, sha256
from protocol.grants import (
    ActionStatement,
    ConsentMethod,
    ConsentTranscript,
    EndedBy,
    Grant,
    Receipt,
    ReceiptAction,
    SessionClose,
    SessionRequest,
)
from protocol.journal import GENESIS, JournalEntry, JournalWord, Outcome, commitment
from protocol.proofs import ProofFile
from protocol.session_rules import HandshakeFacts
from protocol.statements import Envelope, Verified, verify
from tests.making import NOW, Organisation, seed, serial, signing_key

ORG = Organisation()
TECHNICIAN = signing_key(f"{ORG.name} Ada Tech")
DEVICE = signing_key("device laptop")
DEVICE_ID = device_id(DEVICE.public)
ROOM = "a" * 26
TICKET = "01890a5d-ac96-7745-bcce-b302099a8057"
EPHEMERAL = seed("ephemeral")

FACTS = HandshakeFacts(
    device=DEVICE_ID,
    root=ORG.root_hash,
    room=ROOM,
    ticket=TICKET,
    remote_static=seed(f"{ORG.name} Ada Tech noise"),
    remote_ephemeral=EPHEMERAL,
)


def request_body(**changes: object) -> SessionRequest:
    body = SessionRequest(
        device=DEVICE_ID,
        root=ORG.root_hash,
        room=ROOM,
        ticket=TICKET,
        serial=serial(f"{ORG.name} Ada Tech"),
        initiator_ephemeral=EPHEMERAL,
        issued_at=NOW,
        nonce=seed("request nonce"),
        reason="The disk is filling up",
        scopes=(Scope.DIAGNOSE, Scope.PROCESSES),
        minutes=15,
    )
    return body.model_copy(update=changes)


def request(**changes: object) -> Verified[SessionRequest]:
    return verify(TECHNICIAN.sign(request_body(**changes)), SessionRequest, TECHNICIAN.verify_key)


def grant_body(request_hash: bytes, **changes: object) -> Grant:
    body = Grant(
        device=DEVICE_ID,
        root=ORG.root_hash,
        number=1,
        request=request_hash,
        handshake=seed("handshake"),
        serial=serial(f"{ORG.name} Ada Tech"),
        ticket=TICKET,
        scopes=(Scope.DIAGNOSE, Scope.PROCESSES),
        minutes=15,
        granted_at=NOW,
        not_after=NOW + 900,
        successor_of=None,
        consent=ConsentTranscript(
            text_sha256=seed("text"),
            language="en",
            ticked=(Scope.DIAGNOSE, Scope.PROCESSES),
            method=ConsentMethod.COMMAND,
            local_user="anna",
            decided_at=NOW,
        ),
    )
    return body.model_copy(update=changes)


def action(
    grant: bytes, sequence: int, name: str, previous: bytes, arguments: bytes = b"{}"
) -> Verified[ActionStatement]:
    body = ActionStatement(
        grant=grant,
        sequence=sequence,
        action=name,
        arguments_sha256=sha256(arguments),
        previous=previous,
        issued_at=NOW + sequence,
    )
    return verify(TECHNICIAN.sign(body), ActionStatement, TECHNICIAN.verify_key)


@dataclass
class Visit:
    """One finished visit with two actions, the second refused. `proof(...)` takes changes to the receipt."""

    request: Verified[SessionRequest] = field(default_factory=request)
    journal: list[JournalEntry] = field(default_factory=list)
    granted: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        body = grant_body(self.request.hash, **self.granted)
        self.grant = verify(DEVICE.sign(body), Grant, DEVICE.verify_key)
        first = action(self.grant.hash, 1, "diagnose", self.grant.hash)
        second = action(self.grant.hash, 2, "logs", first.hash)
        self.actions = [first, second]
        told = commitment(bytes(16), b"{}")
        self._write(JournalWord.SESSION_STARTED)
        self._write(JournalWord.ACTION_STARTED, action_sequence=1, action="diagnose", arguments=told)
        self._write(JournalWord.ACTION_ENDED, action_sequence=1, action="diagnose", outcome=Outcome.DONE)
        self._write(JournalWord.ACTION_REFUSED, action_sequence=2, action="logs", outcome=Outcome.REFUSED)
        self._write(JournalWord.SESSION_ENDED)
        self.rows = tuple(
            ReceiptAction(
                sequence=number,
                action=name,
                scope=scope,
                risk=0,
                outcome=outcome,
                started_at=NOW,
                ended_at=NOW + 1,
                arguments=told,
            )
            for number, name, scope, outcome in (
                (1, "diagnose", Scope.DIAGNOSE, Outcome.DONE),
                (2, "logs", Scope.LOGS, Outcome.REFUSED),
            )
        )

    def following(self, **changes: object) -> "Visit":
        """The visit under the successor of this one's grant, after a lost connection."""
        granted = {"successor_of": self.grant.hash, "number": 2, **changes}
        return Visit(request(resumes=self.grant.hash, nonce=seed("another nonce")), granted=granted)

    def _write(self, word: JournalWord, **fields: object) -> None:
        entry = JournalEntry(
            sequence=len(self.journal) + 1,
            previous=self.journal[-1].hash if self.journal else GENESIS,
            at=NOW,
            word=word,
            grant=self.grant.hash,
        )
        self.journal.append(entry.model_copy(update=fields))

    def close(self, **changes: object) -> Envelope:
        body = SessionClose(grant=self.grant.hash, journal_root=self.journal[-1].hash, actions=2, issued_at=NOW + 60)
        return TECHNICIAN.sign(body.model_copy(update=changes))

    def receipt(self, **changes: object) -> Receipt:
        body = Receipt(
            device=DEVICE_ID,
            root=ORG.root_hash,
            grant=self.grant.hash,
            grant_number=1,
            request=self.request.hash,
            serial=serial(f"{ORG.name} Ada Tech"),
            technician="Ada Tech",
            organisation=ORG.name,
            ticket=TICKET,
            reason="The disk is filling up",
            scopes=(Scope.DIAGNOSE, Scope.PROCESSES),
            granted_at=NOW,
            ended_at=NOW + 60,
            ended_by=EndedBy.CUSTOMER,
            rebuilt=False,
            journal_first=1,
            journal_last=len(self.journal),
            journal_root=self.journal[-1].hash,
            actions=self.rows,
            technician_close=self.close(),
        )
        return body.model_copy(update=changes)

    def proof(self, receipt: Receipt | None = None, **changes: object) -> ProofFile:
        body = ProofFile(
            technician=ORG.technician(),
            device=ORG.device(),
            device_key=DEVICE.public,
            request=self.request.envelope,
            grant=self.grant.envelope,
            changes=(),
            actions=tuple(each.envelope for each in self.actions),
            journal=tuple(self.journal),
            receipt=DEVICE.sign(receipt or self.receipt()),
        )
        return body.model_copy(update=changes)
