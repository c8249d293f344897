"""The bookkeeping of a visit: journal entry, audit entry and the grant's own rows, in one transaction each.

Either all of it is on the disk or none; nothing is done before its entry is. Audit entries go into the outbox in the
same transaction, so that a crash loses none. The two that a visit waits for (its start, and actions of risk 2 and
more) wait in a table of ours until the link has them: `waiting()` hands over again after a crash what it had not.
"""

from collections.abc import Callable
from typing import Final, Protocol

from agent.clocks import Clocks
from agent.proofs.journal_store import JournalStore
from agent.session.effects import BookAction, BookActionEnd, BookChange, OpenBooks
from agent.session.grants_store import GrantsStore
from agent.store.database import Database
from agent.uuid7 import uuid7
from protocol import strict_json
from protocol.audit import AuditEntry, AuditWord
from protocol.grants import ChangeKind, EndedBy
from protocol.journal import JournalEntry, JournalWord, Outcome
from protocol.messages.items import AuditItem

_ENTRY_MAX_BYTES: Final = 16 * 1024
#: A remedy that the customer runs at their own machine belongs to no grant.
NO_GRANT: Final = bytes(32)

_AUDIT_WORD: Final[dict[JournalWord, AuditWord]] = {word: AuditWord(word.value) for word in JournalWord}


class TakesItems(Protocol):
    """The link's outbox, as far as the books need it."""

    def enqueue(self, item: AuditItem) -> None: ...


class Books:
    """The device's books. One writer: the service."""

    def __init__(
        self,
        database: Database,
        journal: JournalStore,
        grants: GrantsStore,
        link: TakesItems,
        clocks: Clocks,
        device: str,
        *,
        new_id: Callable[[], str] = uuid7,
    ) -> None:
        self._database = database
        self.journal = journal
        self.grants = grants
        self._link = link
        self._clocks = clocks
        self._device = device
        self._new_id = new_id

    # --- a visit -------------------------------------------------------------------------------------------------

    def open(self, books: OpenBooks) -> AuditItem:
        """The grant and its first entry. The item is to be handed to the link and awaited by the caller."""
        at = self._clocks.wall()
        scopes = books.grant.body.scopes
        with self._database.transaction() as connection:
            self.grants.add(connection, books)
            entry = self.journal.append(
                connection,
                JournalWord.SESSION_STARTED,
                at=at,
                grant=books.grant.hash,
                value=books.technician_name.encode(),
            )
            return self._wait_for_log(self._audit(entry).model_copy(update={"scopes": scopes}))

    def book_action(self, booked: BookAction) -> AuditItem | None:
        """The use of a number, before the act (or the refusal). The item, when the act waits for the log."""
        at = self._clocks.wall()
        body = booked.action.body
        word = JournalWord.ACTION_STARTED if booked.refused is None else JournalWord.ACTION_REFUSED
        with self._database.transaction() as connection:
            entry = self.journal.append(
                connection,
                word,
                at=at,
                grant=body.grant,
                value=booked.arguments,
                action_sequence=body.sequence,
                action=body.action,
                scope=booked.scope,
                risk=booked.risk,
                outcome=None if booked.refused is None else Outcome.REFUSED,
                detail=booked.refused or "",
            )
            assert entry.arguments is not None  # noqa: S101 - a value was given
            self.grants.add_action(connection, booked, entry.arguments, at)
            if booked.wait_for_log:
                return self._wait_for_log(self._audit(entry))
            self._queue(self._audit(entry))
        return None

    def end_action(self, started: BookAction, end: BookActionEnd) -> None:
        with self._database.transaction() as connection:
            entry = self.journal.append(
                connection,
                JournalWord.ACTION_ENDED,
                at=self._clocks.wall(),
                grant=started.action.body.grant,
                value=end.kept,
                action_sequence=started.action.body.sequence,
                action=started.action.body.action,
                scope=started.scope,
                risk=started.risk,
                outcome=end.outcome,
                detail=end.detail,
            )
            self._queue(self._audit(entry))

    def change(self, change: BookChange) -> None:
        """What the customer changed, signed; Stop ends the grant in the same transaction."""
        body = change.change.body
        at = self._clocks.wall()
        with self._database.transaction() as connection:
            self.grants.add_change(connection, change.change)
            if body.kind is ChangeKind.STOPPED:
                self.grants.ended(connection, body.grant, EndedBy.CUSTOMER, at)
            entry = self.journal.append(
                connection, JournalWord.GRANT_CHANGED, at=at, grant=body.grant, detail=body.kind.value
            )
            self._queue(self._audit(entry).model_copy(update={"scopes": body.scopes}))

    def handed_over(self, grant: bytes) -> None:
        with self._database.transaction() as connection:
            self.grants.opened(connection, grant)

    def close(self, grant: bytes, by: EndedBy, detail: str = "") -> JournalEntry:
        """The last entry of a grant, once: a second call gives the entry that is there."""
        entries = self.journal.of_grant(grant)
        if entries and entries[-1].word is JournalWord.SESSION_ENDED:
            return entries[-1]
        at = self._clocks.wall()
        with self._database.transaction() as connection:
            self.grants.ended(connection, grant, by, at)
            entry = self.journal.append(
                connection, JournalWord.SESSION_ENDED, at=at, grant=grant, detail=detail or by.value
            )
            self._queue(self._audit(entry))
        return entry

    def receipt_made(self, grant: bytes, receipt: bytes) -> None:
        """Inside the receipt's own transaction: the log learns that there is one, by its hash."""
        self._queue(
            AuditEntry(
                word=AuditWord.RECEIPT_MADE,
                author=self._device,
                at=self._clocks.wall(),
                device=self._device,
                session=grant,
                subject=receipt,
            )
        )

    # --- remedies ------------------------------------------------------------------------------------------------

    def remedy(self, word: JournalWord, remedy: str, risk: int, outcome: Outcome | None, detail: str = "") -> None:
        """A remedy that the customer runs at this machine: begun, or ended."""
        with self._database.transaction() as connection:
            entry = self.journal.append(
                connection,
                word,
                at=self._clocks.wall(),
                grant=NO_GRANT,
                action=remedy,
                risk=risk,
                outcome=outcome,
                detail=detail[:200],
            )
            self._queue(self._audit(entry))

    # --- the server's log ----------------------------------------------------------------------------------------

    def waiting(self) -> list[AuditItem]:
        """Awaited entries that the link has not taken yet: to be handed over, then `taken`."""
        rows = self._database.query("SELECT id, entry FROM audit_waiting ORDER BY id")
        return [
            AuditItem(
                id=row["id"],
                entry=strict_json.parse(row["entry"], AuditEntry, what="audit entry", max_bytes=_ENTRY_MAX_BYTES),
            )
            for row in rows
        ]

    def taken(self, item_id: str) -> None:
        """The link's outbox holds it now (or the server has it)."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM audit_waiting WHERE id = ?", (item_id,))

    def _wait_for_log(self, entry: AuditEntry) -> AuditItem:
        item = AuditItem(id=self._new_id(), entry=entry)
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO audit_waiting VALUES (?, ?)", (item.id, strict_json.dump(entry)))
        return item

    def _queue(self, entry: AuditEntry) -> None:
        """Called inside a transaction: the outbox takes it there and then."""
        self._link.enqueue(AuditItem(id=self._new_id(), entry=entry))

    def _audit(self, entry: JournalEntry) -> AuditEntry:
        """What the server's log may know of a journal entry: no detail, no names; commitments instead."""
        return AuditEntry(
            word=_AUDIT_WORD[entry.word],
            author=self._device,
            at=entry.at,
            device=self._device,
            session=None if entry.grant == NO_GRANT else entry.grant,
            sequence=entry.action_sequence,
            action=entry.action,
            scopes=() if entry.scope is None else (entry.scope,),
            risk=entry.risk,
            outcome=entry.outcome,
            commitment=entry.arguments,
        )
