"""Exactly one receipt for each grant: made at the end of a visit, or at the next start when the agent died before.

What it says is read back from the disk, never from the memory of the visit: the booked actions, the journal from the
grant's first entry to its last, the changes. An action with a beginning and no end is told as `unknown`. The primary
key of the table makes a second receipt for one grant impossible.

The proof file (receipt, journal, statements, certificates) stays with the customer whatever the server answers; a
copy is sealed to the organisation's recipients and queued, and another goes through the session's own channel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sqlite3 import Row
from typing import Final

from agent.clocks import Clocks
from agent.proofs.books import Books
from agent.session.grants_store import BookedAction, StoredGrant
from agent.store.database import Database
from agent.uuid7 import uuid7
from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.grants import EndedBy, Grant, GrantChange, Receipt, ReceiptAction, SessionRequest
from protocol.journal import JournalEntry, JournalWord, Outcome
from protocol.limits import SEALED_BLOB_MAX_BYTES
from protocol.messages.items import SealedItem, SealedKind
from protocol.proofs import ProofFile
from protocol.statements import Envelope, SigningKey, VerifyKey, parse_payload, verify

#: The largest proof file that is read: a receipt of 1 MiB and the journal and statements behind it.
PROOF_MAX_BYTES: Final = 64 * 1024 * 1024
#: So many are listed; older ones stay on the disk.
LISTED_MAX: Final = 1000
#: What the link carries as one item; a longer visit's copy went through the session only.
SEALED_PROOF_MAX_BYTES: Final = SEALED_BLOB_MAX_BYTES


@dataclass(frozen=True)
class KeptReceipt:
    """A line of the list. `sent`: waiting | queued | too-large (then the copy went through the session only)."""

    grant: bytes
    made_at: int
    rebuilt: bool
    sent: str
    receipt: Receipt
    grant_body: Grant
    changes: tuple[GrantChange, ...]
    takes_over: bool  # the technician asked to take over from another, who was there then


def receipt_actions(
    booked: Sequence[BookedAction], entries: Sequence[JournalEntry], ended_at: int
) -> tuple[ReceiptAction, ...]:
    """Every booked action with the outcome that the journal tells; none told means unknown."""
    ends = {
        entry.action_sequence: entry
        for entry in entries
        if entry.word in (JournalWord.ACTION_ENDED, JournalWord.ACTION_REFUSED)
    }
    told = []
    for action in booked:
        end = ends.get(action.sequence)
        told.append(
            ReceiptAction(
                sequence=action.sequence,
                action=action.action,
                scope=action.scope,
                risk=action.risk,
                outcome=Outcome.UNKNOWN if end is None or end.outcome is None else end.outcome,
                started_at=action.started_at,
                ended_at=max(action.started_at, end.at if end is not None else ended_at),
                arguments=action.arguments,
                detail="" if end is None else end.detail,
            )
        )
    return tuple(told)


def build_receipt(
    grant: StoredGrant,
    actions: Sequence[BookedAction],
    own_entries: Sequence[JournalEntry],
    *,
    ended_by: EndedBy,
    rebuilt: bool,
    close: Envelope | None,
) -> Receipt:
    """Pure. `own_entries`: the grant's journal entries, the last of which is SESSION_ENDED."""
    body, request, technician = grant.grant_body, grant.request_body, grant.technician_body
    first, last = own_entries[0], own_entries[-1]
    return Receipt(
        device=body.device,
        root=body.root,
        grant=grant.hash,
        grant_number=grant.number,
        request=body.request,
        serial=body.serial,
        technician=technician.name,
        organisation=technician.organisation,
        ticket=body.ticket,
        reason=request.reason,
        scopes=body.scopes,
        granted_at=body.granted_at,
        ended_at=last.at,
        ended_by=ended_by,
        rebuilt=rebuilt,
        journal_first=first.sequence,
        journal_last=last.sequence,
        journal_root=last.hash,
        actions=receipt_actions(actions, own_entries, last.at),
        technician_close=close,
    )


class Receipts:
    """`seal`: bytes → age-sealed to the organisation's recipients, or None when there are none in force."""

    def __init__(
        self,
        database: Database,
        books: Books,
        signing: SigningKey,
        clocks: Clocks,
        *,
        seal: Callable[[bytes], bytes | None],
        enqueue: Callable[[SealedItem], None],
        case_of: Callable[[str], str | None],
        new_id: Callable[[], str] = uuid7,
        transcript: Callable[[ProofFile], bytes] | None = None,
    ) -> None:
        """`transcript`: what stands behind a receipt, sealed and sent beside its copy, once."""
        self._transcript = transcript
        self._database = database
        self._books = books
        self._signing = signing
        self._clocks = clocks
        self._seal = seal
        self._enqueue = enqueue
        self._case_of = case_of
        self._new_id = new_id

    def make(self, grant: bytes, *, ended_by: EndedBy, rebuilt: bool, close: Envelope | None = None) -> bytes:
        """The proof file of an ended grant; the same bytes when it was made before. Closes the books first."""
        kept = self.proof(grant)
        if kept is not None:
            return kept
        stored = self._books.grants.get(grant)
        if stored is None:
            raise RemoteProtocolError("no such grant", expected="a grant of this device", got=grant.hex()[:16])
        self._books.close(grant, ended_by, "rebuilt after the agent had stopped" if rebuilt else "")
        stored = self._books.grants.get(grant) or stored
        own = self._books.journal.of_grant(grant)
        actions = self._books.grants.actions(grant)
        receipt = build_receipt(
            stored, actions, own, ended_by=stored.ended_by or ended_by, rebuilt=rebuilt, close=close
        )
        signed = self._signing.sign(receipt)
        proof = strict_json.dump(
            ProofFile(
                technician=stored.technician,
                device=stored.device,
                device_key=self._signing.public,
                request=stored.request,
                grant=stored.grant,
                changes=tuple(self._books.grants.changes(grant)),
                actions=tuple(action.envelope for action in actions),
                journal=tuple(self._books.journal.between(own[0].sequence, own[-1].sequence)),
                receipt=signed,
            )
        )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO receipts (grant_hash, made_at, rebuilt, proof, item_id) VALUES (?, ?, ?, ?, ?)",
                (grant, self._clocks.wall(), int(rebuilt), proof, self._new_id()),
            )
            self._books.receipt_made(grant, signed.hash)
        self.send_waiting()
        return proof

    def rebuild_missing(self) -> int:
        """At the start of the service: a receipt for every grant that a crash left without one."""
        left = self._books.grants.without_receipt()
        for grant in left:
            self.make(grant.hash, ended_by=grant.ended_by or EndedBy.AGENT_STOPPED, rebuilt=True)
        return len(left)

    def send_waiting(self) -> None:
        """Seal and queue copies that could not go before (no recipients in force, a crash in between)."""
        for row in self._database.query("SELECT grant_hash, proof, item_id FROM receipts WHERE sent = 'waiting'"):
            sealed = self._seal(row["proof"])
            if sealed is None:
                return
            if len(sealed) > SEALED_PROOF_MAX_BYTES:
                self._mark(row["grant_hash"], "too-large")
                continue
            receipt = _receipt_in(row["proof"])
            item = SealedItem(
                id=row["item_id"],
                kind=SealedKind.RECEIPT,
                ticket=receipt.ticket,
                case=None if receipt.ticket is None else self._case_of(receipt.ticket),
                session=receipt.grant,
                sha256=sha256(sealed),
                data=sealed,
            )
            beside = self._sealed_transcript(row["proof"], item)
            with self._database.transaction():
                self._enqueue(item)
                if beside is not None:
                    self._enqueue(beside)
                self._mark(row["grant_hash"], "queued")

    def _sealed_transcript(self, proof: bytes, receipt: SealedItem) -> SealedItem | None:
        """None where there is none, or where it is longer than the link carries: the receipt is enough of a proof."""
        if self._transcript is None:
            return None
        sealed = self._seal(self._transcript(proof_in(proof)))
        if sealed is None or len(sealed) > SEALED_PROOF_MAX_BYTES:
            return None
        return receipt.model_copy(
            update={
                "id": self._new_id(),
                "kind": SealedKind.TRANSCRIPT,
                "sha256": sha256(sealed),
                "data": sealed,
            }
        )

    def _mark(self, grant: bytes, sent: str) -> None:
        with self._database.transaction() as connection:
            connection.execute("UPDATE receipts SET sent = ? WHERE grant_hash = ?", (sent, grant))

    def proof(self, grant: bytes) -> bytes | None:
        rows = self._database.query("SELECT proof FROM receipts WHERE grant_hash = ?", (grant,))
        return bytes(rows[0]["proof"]) if rows else None

    def list(self) -> list[KeptReceipt]:
        """Newest first."""
        rows = self._database.query("SELECT * FROM receipts ORDER BY made_at DESC, rowid DESC LIMIT ?", (LISTED_MAX,))
        return [kept_receipt(row, self._signing.verify_key) for row in rows]


def kept_receipt(row: Row, key: VerifyKey) -> KeptReceipt:
    """One row as it is listed; a flipped bit must not become something that was allowed or done."""
    proof = proof_in(row["proof"])
    return KeptReceipt(
        row["grant_hash"],
        row["made_at"],
        bool(row["rebuilt"]),
        row["sent"],
        verify(proof.receipt, Receipt, key).body,
        verify(proof.grant, Grant, key).body,
        tuple(verify(change, GrantChange, key).body for change in proof.changes),
        parse_payload(proof.request, SessionRequest).takes_over,  # what it proves is for `verify_proof`
    )


def proof_in(stored: bytes) -> ProofFile:
    """A kept proof file as it was made; what it proves is for `verify_proof`."""
    return strict_json.parse(stored, ProofFile, what="proof file", max_bytes=PROOF_MAX_BYTES)


def _receipt_in(stored: bytes) -> Receipt:
    return parse_payload(proof_in(stored).receipt, Receipt)
