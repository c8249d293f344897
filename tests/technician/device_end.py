"""The device's end of a visit, put together from protocol pieces: records in, records out, no network.

It checks what an agent must check (certificate, handshake, action chain) with protocol's own rules, so that a
technician's program that only talks to a lenient friend fails here.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import strict_json
from protocol.actions.catalogue import find_action, parse_arguments
from protocol.actions.scopes import Scope
from protocol.certificates import Chain, Document
from protocol.channel import FrameType
from protocol.connection import Connection, SessionFrame, StreamOpened
from protocol.fields import device_id, sha256
from protocol.grants import (
    ActionStatement,
    ChangeKind,
    ConsentMethod,
    ConsentTranscript,
    EndedBy,
    Grant,
    GrantChange,
    Receipt,
    ReceiptAction,
    SessionRequest,
)
from protocol.journal import GENESIS, JournalEntry, JournalWord, Outcome, commitment
from protocol.noise import SESSION_PROTOCOL, HandshakeState, session_prologue
from protocol.phrase import phrase
from protocol.proofs import ProofFile
from protocol.session_rules import (
    GrantState,
    HandshakeFacts,
    RefusedAction,
    check_request,
    next_action,
    skip_action,
)
from protocol.statements import Envelope, SigningKey, VerifyKey, verify
from protocol.strict_json import WireModel
from protocol.trust import Trust
from protocol.visit import (
    ActionResult,
    Changed,
    Granted,
    Hello,
    Introduction,
    Item,
    NotGranted,
    OpenAction,
    RefusalReason,
    SessionClosing,
)
from tests.making import NOW, Organisation, seed, signing_key


def device_noise(name: str = "laptop") -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(seed(f"device {name} noise secret"))


@dataclass
class DeviceEnd:
    """One device in one room. `granted`: what the customer ticks; empty means no."""

    organisation: Organisation
    room: str
    ticket: str | None
    granted: tuple[Scope, ...] = (Scope.DIAGNOSE, Scope.PROCESSES)
    name: str = "laptop"
    certified: bool = True
    note: str = ""
    revocations: Document | None = None
    items: Sequence[Item] = ()
    signing: SigningKey = field(init=False)
    journal: list[JournalEntry] = field(default_factory=list)
    told: list[ReceiptAction] = field(default_factory=list)
    statements: list[Envelope] = field(default_factory=list)
    changes: list[Envelope] = field(default_factory=list)
    proof: ProofFile | None = None

    def __post_init__(self) -> None:
        self.signing = signing_key(f"device {self.name}")
        self.device = device_id(self.signing.public)
        self.handshake = HandshakeState(
            SESSION_PROTOCOL,
            initiator=False,
            prologue=session_prologue(self.organisation.root_hash, self.device, self.ticket or "", self.room),
            s=device_noise(self.name),
            ephemeral=lambda: X25519PrivateKey.from_private_bytes(seed("device ephemeral")),
        )
        self.connection: Connection | None = None
        self.state: GrantState | None = None
        self.first = True
        self.hello: Hello | None = None
        self.closing: SessionClosing | None = None
        self.heir: str | None = None
        self.open_streams: list[int] = []

    @property
    def chain(self) -> Chain:
        noise = device_noise(self.name).public_key().public_bytes_raw()
        return self.organisation.device(self.name, noise_key=noise)

    @property
    def phrase(self) -> tuple[str, ...]:
        return phrase(self.handshake.handshake_hash)

    def receive(self, data: bytes) -> list[bytes]:
        """What goes back to the technician."""
        if self.connection is not None:
            for event in self.connection.receive(data, 0.0):
                match event:
                    case SessionFrame(type, payload):
                        self._frame(type, payload)
                    case StreamOpened(stream, payload):
                        self._action(stream, payload)
                    case _:
                        pass
            return self.connection.data_to_send(0.0)
        if self.first:
            self.first = False
            self.handshake.read_message(data)
            return [self.handshake.write_message()]
        introduction = strict_json.parse(self.handshake.read_message(data), Introduction)
        self._introduced(introduction)
        self.connection = Connection.from_handshake(self.handshake, now_s=0.0)
        self.send(
            FrameType.HELLO,
            Hello(
                checkpoint=self.note,
                versions={},
                revocations=self.revocations,
                certificate=self.chain if self.certified else None,
            ),
        )
        return self.connection.data_to_send(0.0)

    def flush(self) -> list[bytes]:
        assert self.connection is not None
        return self.connection.data_to_send(0.0)

    def send(self, frame: FrameType, message: WireModel) -> None:
        assert self.connection is not None
        self.connection.send_session(frame, strict_json.dump(message))

    # --- what the customer does --------------------------------------------------------------------------

    def decide(self, **bent: object) -> list[bytes]:
        """Grant what is ticked, or refuse. `bent` changes the grant, for tests that lie."""
        if not self.granted:
            self.send(FrameType.REFUSED, NotGranted(reason=RefusalReason.CUSTOMER))
            return self.flush()
        body = Grant(
            device=self.device,
            root=self.organisation.root_hash,
            number=1,
            request=self.request.hash,
            handshake=self.handshake.handshake_hash,
            serial=self.request.body.serial,
            ticket=self.ticket,
            scopes=self.granted,
            minutes=self.request.body.minutes,
            granted_at=NOW,
            not_after=NOW + 60 * self.request.body.minutes,
            successor_of=None,
            consent=ConsentTranscript(
                text_sha256=sha256(b"the text shown"),
                language="en",
                ticked=self.granted,
                method=ConsentMethod.COMMAND,
                local_user="anna",
                decided_at=NOW,
            ),
        )
        envelope = self.signing.sign(body.model_copy(update=bent))
        self.state = GrantState.begin(verify(envelope, Grant, self.signing.verify_key))
        self._write(JournalWord.SESSION_STARTED)
        self.send(FrameType.GRANT, Granted(grant=envelope))
        return self.flush()

    def narrow(self, *scopes: Scope) -> list[bytes]:
        assert self.state is not None
        self.state = self.state.narrowed(scopes)
        self._change(ChangeKind.NARROWED, scopes)
        return self.flush()

    def stop(self) -> list[bytes]:
        """Stop: the change, then the journal's root; the receipt follows the countersignature."""
        assert self.state is not None
        self.state = self.state.ended(EndedBy.CUSTOMER)
        self._change(ChangeKind.STOPPED, ())
        self.end()
        return self.flush()

    def end(self) -> None:
        self._write(JournalWord.SESSION_ENDED)
        closing = SessionClosing(step="root", journal_root=self.journal[-1].hash, actions=len(self.statements))
        self.send(FrameType.SESSION_CLOSE, closing)

    # --- what the technician sends -----------------------------------------------------------------------

    def _introduced(self, introduction: Introduction) -> None:
        trust: Trust = self.organisation.trust
        certificate = trust.technician(introduction.technician, NOW).body
        key = VerifyKey(certificate.signing_key)
        self.technician_chain = introduction.technician
        self.technician = certificate
        self.request = verify(introduction.request, SessionRequest, key)
        check_request(
            self.request,
            certificate,
            HandshakeFacts(
                device=self.device,
                root=self.organisation.root_hash,
                room=self.room,
                ticket=self.ticket,
                remote_static=self.handshake.remote_static or b"",
                remote_ephemeral=self.handshake.remote_ephemeral or b"",
            ),
            "Acme",
            NOW,
        )

    def _frame(self, frame: FrameType, payload: bytes) -> None:
        match frame:
            case FrameType.HELLO:
                self.hello = strict_json.parse(payload, Hello)
            case FrameType.SESSION_CLOSE:
                closing = strict_json.parse(payload, SessionClosing)
                if closing.step == "end":
                    assert self.state is not None
                    self.state = self.state.ended(EndedBy.TECHNICIAN)
                    self.end()
                elif closing.step == "hand-over":
                    self.heir = closing.to
                else:
                    self.closing = closing
                    self._send_receipt()
            case _:
                raise AssertionError(f"unexpected {frame}")

    def _action(self, stream: int, payload: bytes) -> None:
        assert self.state is not None
        assert self.connection is not None
        opened = strict_json.parse(payload, OpenAction)
        action = verify(opened.action, ActionStatement, VerifyKey(self.technician.signing_key))
        spec = find_action(action.body.action)
        parse_arguments(spec, opened.arguments)
        self.statements.append(opened.action)
        try:
            self.state = next_action(self.state, action, spec.scope, sha256(opened.arguments), elapsed_s=1.0, now=NOW)
        except RefusedAction as error:
            self.state = skip_action(self.state, action)
            self._tell(action.body, spec.scope, spec.risk, Outcome.REFUSED)
            self._close_stream(stream, ActionResult(outcome=Outcome.REFUSED, detail=error.what[:300]))
            return
        lines = b"".join(strict_json.dump(item) + b"\n" for item in self.items)
        while lines:
            room = min(self.connection.sendable_bytes(stream), 50_000, len(lines))
            self.connection.send(stream, lines[:room])
            lines = lines[room:]
        self._tell(action.body, spec.scope, spec.risk, Outcome.DONE)
        self._close_stream(stream, ActionResult(outcome=Outcome.DONE, rows=len(self.items)))

    def _close_stream(self, stream: int, result: ActionResult) -> None:
        assert self.connection is not None
        self.connection.close_stream(stream, strict_json.dump(result))

    # --- the books ---------------------------------------------------------------------------------------

    def _tell(self, action: ActionStatement, scope: Scope, risk: int, outcome: Outcome) -> None:
        secret = commitment(bytes(16), b"{}")
        named = {"action_sequence": action.sequence, "action": action.action, "scope": scope, "risk": risk}
        if outcome is Outcome.DONE:
            self._write(JournalWord.ACTION_STARTED, arguments=secret, **named)
            self._write(JournalWord.ACTION_ENDED, outcome=outcome, **named)
        else:
            self._write(JournalWord.ACTION_REFUSED, outcome=outcome, **named)
        self.told.append(
            ReceiptAction(
                sequence=action.sequence,
                action=action.action,
                scope=scope,
                risk=risk,
                outcome=outcome,
                started_at=NOW,
                ended_at=NOW,
                arguments=secret,
            )
        )

    def _write(self, word: JournalWord, **fields: object) -> None:
        assert self.state is not None
        entry = JournalEntry(
            sequence=len(self.journal) + 1,
            previous=self.journal[-1].hash if self.journal else GENESIS,
            at=NOW,
            word=word,
            grant=self.state.grant.hash,
        )
        self.journal.append(entry.model_copy(update=fields))

    def _change(self, kind: ChangeKind, scopes: Sequence[Scope]) -> None:
        assert self.state is not None
        change = GrantChange(
            device=self.device,
            grant=self.state.grant.hash,
            number=len(self.changes) + 1,
            kind=kind,
            scopes=tuple(scopes),
            changed_at=NOW,
        )
        envelope = self.signing.sign(change)
        self.changes.append(envelope)
        self.send(FrameType.GRANT_CHANGE, Changed(change=envelope))

    def make_proof(self, **bent: object) -> ProofFile:
        assert self.state is not None
        grant = self.state.grant
        receipt = Receipt(
            device=self.device,
            root=self.organisation.root_hash,
            grant=grant.hash,
            grant_number=1,
            request=self.request.hash,
            serial=self.technician.serial,
            technician=self.technician.name,
            organisation=self.technician.organisation,
            ticket=self.ticket,
            reason=self.request.body.reason,
            scopes=grant.body.scopes,
            granted_at=NOW,
            ended_at=NOW + 60,
            ended_by=self.state.ended_by or EndedBy.TECHNICIAN,
            rebuilt=False,
            journal_first=1,
            journal_last=len(self.journal),
            journal_root=self.journal[-1].hash,
            actions=tuple(self.told),
            technician_close=self.closing.close if self.closing else None,
        )
        return ProofFile(
            technician=self.technician_chain,
            device=self.chain if self.certified else None,
            device_key=self.signing.public,
            request=self.request.envelope,
            grant=grant.envelope,
            changes=tuple(self.changes),
            actions=tuple(self.statements),
            journal=tuple(self.journal),
            receipt=self.signing.sign(receipt.model_copy(update=bent)),
        )

    def _send_receipt(self) -> None:
        assert self.connection is not None
        self.proof = self.proof or self.make_proof()
        data = strict_json.dump(self.proof)
        for at in range(0, len(data), 60_000):
            self.connection.send_session(FrameType.RECEIPT, data[at : at + 60_000])
        self.connection.send_session(FrameType.RECEIPT, b"")


def process_item(number: int) -> Item:
    body = {
        "pid": number,
        "parent_pid": 1,
        "name": f"program-{number}",
        "user": "<user:7f3a91c0>",
        "state": "sleeping",
        "cpu_fraction": 0.25,
        "lifetime_cpu_fraction": 0.1,
        "rss_bytes": 61_000_000,
        "threads": 3,
        "age_s": 4000.0,
    }
    return Item(id=number, kind="process", body=json.dumps(body))
