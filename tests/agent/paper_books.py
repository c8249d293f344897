"""The books of a visit in memory: what effects book, and the proof file that follows from it, made by the real code."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agent.proofs.receipts import build_receipt
from agent.session.effects import BookAction, BookActionEnd, BookChange, Effect, OpenBooks, Succeed
from agent.session.grants_store import BookedAction, StoredGrant
from protocol import strict_json
from protocol.grants import EndedBy
from protocol.journal import GENESIS, JournalEntry, JournalWord, Outcome, commitment
from protocol.proofs import ProofFile
from protocol.statements import Envelope, SigningKey

_TOLD = commitment(bytes(16), b"{}")


@dataclass
class _Book:
    opened: OpenBooks
    actions: list[BookedAction] = field(default_factory=list)
    changes: list[Envelope] = field(default_factory=list)
    root: bytes = b""


class PaperBooks:
    """Take every effect, in order. `now`: the time of the entries."""

    def __init__(self, signing: SigningKey, now: Callable[[], int]) -> None:
        self._signing = signing
        self._now = now
        self._booked: dict[int, BookAction] = {}
        self.journal: list[JournalEntry] = []
        self.books: dict[bytes, _Book] = {}
        self.newest = b""

    def copy(self) -> "PaperBooks":
        """Books that go their own way from here."""
        found = PaperBooks(self._signing, self._now)
        found._booked, found.journal, found.newest = dict(self._booked), list(self.journal), self.newest
        found.books = {
            grant: replace(book, actions=list(book.actions), changes=list(book.changes))
            for grant, book in self.books.items()
        }
        return found

    def take(self, effect: Effect) -> None:
        match effect:
            case OpenBooks():
                self.newest = effect.grant.hash
                assert self.newest not in self.books
                self.books[self.newest] = _Book(effect)
                self._write(JournalWord.SESSION_STARTED)
            case BookAction():
                self._action(effect)
            case BookActionEnd() if effect.sequence in self._booked:  # else its beginning was never written
                begun = self._booked[effect.sequence].action.body
                self._write(
                    JournalWord.ACTION_ENDED,
                    grant=begun.grant,
                    action_sequence=begun.sequence,
                    action=begun.action,
                    outcome=effect.outcome,
                    detail=effect.detail,
                )
            case BookChange():
                self.books[self.newest].changes.append(effect.change.envelope)
            case _:
                pass

    def succeed(self, effect: Succeed) -> bytes:
        """The receipt of the grant before; the successor's books are open."""
        proof = self.proof(self.close(), EndedBy.CONNECTION_LOST)
        self.take(effect.books)
        return proof

    def close(self) -> bytes:
        """The grant whose books are closed now."""
        self.books[self.newest].root = self._write(JournalWord.SESSION_ENDED).hash
        return self.newest

    def _action(self, effect: BookAction) -> None:
        body = effect.action.body
        assert effect.number not in self._booked, "one number, booked twice"
        self._booked[effect.number] = effect
        refused = effect.refused is not None
        self._write(
            JournalWord.ACTION_REFUSED if refused else JournalWord.ACTION_STARTED,
            grant=body.grant,
            action_sequence=body.sequence,
            action=body.action,
            arguments=_TOLD,
            outcome=Outcome.REFUSED if refused else None,
        )
        booked = BookedAction(
            body.sequence, effect.action.envelope, body.action, effect.scope, effect.risk, _TOLD, self._now()
        )
        actions = self.books[body.grant].actions
        assert [each.sequence for each in actions] == list(range(1, body.sequence)), "a sequence used twice"
        actions.append(booked)

    def _write(self, word: JournalWord, **said: object) -> JournalEntry:
        previous = self.journal[-1].hash if self.journal else GENESIS
        facts = {"grant": self.newest, **said}
        blank = JournalEntry(
            sequence=len(self.journal) + 1, previous=previous, at=self._now(), word=word, grant=b"\0" * 32
        )
        entry = blank.model_copy(update=facts)
        self.journal.append(entry)
        return entry

    def proof(self, grant: bytes, ended_by: EndedBy, close: Envelope | None = None) -> bytes:
        book = self.books[grant]
        opened = book.opened
        stored = StoredGrant(
            number=opened.grant.body.number,
            hash=grant,
            grant=opened.grant.envelope,
            request=opened.request.envelope,
            technician=opened.technician_chain,
            device=opened.device_chain,
            granted_at=opened.grant.body.granted_at,
            opened=True,
            ended_by=ended_by,
            ended_at=self._now(),
        )
        own = [entry for entry in self.journal if entry.grant == grant]
        receipt = build_receipt(stored, book.actions, own, ended_by=ended_by, rebuilt=False, close=close)
        first, last = own[0].sequence, own[-1].sequence
        return strict_json.dump(
            ProofFile(
                technician=opened.technician_chain,
                device=opened.device_chain,
                device_key=self._signing.public,
                request=opened.request.envelope,
                grant=opened.grant.envelope,
                changes=tuple(book.changes),
                actions=tuple(action.envelope for action in book.actions),
                journal=tuple(self.journal[first - 1 : last]),
                receipt=self._signing.sign(receipt),
            )
        )
