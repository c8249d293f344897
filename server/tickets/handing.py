"""Who has a ticket, and on which level it stands: taking it, handing it on with a note, giving it up with a reason.

    nobody ─take─► Ada (first line) ─hand on, "driver crashes, see evidence"─► Bo (second line) ─solve─► by a person

A ticket has one owner or none, and after the first handing on never none: who hands it on keeps it until somebody
else takes it. Nothing is copied: messages, evidence, visits and past ETAs belong to the ticket, and go where it goes.
"""

from collections.abc import Collection
from typing import Final

from protocol.messages.desk import TicketState
from server.refusal import Refusal
from server.storage.engine import Database
from server.tickets.history import Author
from server.tickets.levels import LEVEL_WORDS, Level, Outcome, handing_targets
from server.tickets.rules import GIVEN_UP_FROM, GIVEN_UP_NEXT, OPEN_STATES
from server.tickets.store import TicketStore

NOTE_MAX_CHARS: Final = 2000
REASON_MAX_CHARS: Final = 500  # it becomes a fact that the customer reads


class Handing:
    """`owners` everywhere: the accounts that may have this ticket, as its caller decided who sees it."""

    def __init__(self, database: Database, tickets: TicketStore) -> None:
        self._database = database
        self._tickets = tickets

    async def give(self, ticket: str, owner: str | None, *, owners: Collection[str], by: Author) -> None:
        """One owner, or none while it is on its first level and nobody has begun."""
        async with self._database.write() as connection:
            row = await self._tickets.for_change(connection, ticket)
            _check_open(row.state)
            if owner is None and row.owner is not None:
                raise Refusal(422, "somebody must have this ticket", expected="another account that takes it")
            _check_owner(owner, owners)
            await self._tickets.change(connection, row, by, {"owner": owner})

    async def hand_on(
        self, ticket: str, to: Level, note: str, *, owner: str | None, owners: Collection[str], by: Author
    ) -> None:
        """To another line, with a note for whoever has it next. `owner`: none means who has it now, else `by`."""
        text = note.strip()
        if not text:
            raise Refusal(422, "a ticket is handed on with a note", expected="what was tried, and what is asked for")
        if len(text) > NOTE_MAX_CHARS:
            raise Refusal(422, "the note is too long", expected=f"at most {NOTE_MAX_CHARS} characters")
        async with self._database.write() as connection:
            row = await self._tickets.for_change(connection, ticket)
            _check_open(row.state)
            targets = handing_targets(Level(row.level))
            if to not in targets:
                expected = ", ".join(LEVEL_WORDS[level].lower() for level in targets)
                raise Refusal(409, "the ticket cannot go there", expected=expected, got=LEVEL_WORDS[to].lower())
            next_owner = owner or row.owner or by.name
            if next_owner != row.owner:
                _check_owner(next_owner, owners)
            changes = {"level": to, "owner": next_owner}
            await self._tickets.change(connection, row, by, changes, note=text)

    async def give_up(self, ticket: str, reason: str, *, by: Author) -> None:
        """Close without a solution. The reason is what the customer reads."""
        text = reason.strip()
        if not text:
            raise Refusal(422, "the customer is told why", expected="a reason")
        if len(text) > REASON_MAX_CHARS:
            raise Refusal(422, "the reason is too long", expected=f"at most {REASON_MAX_CHARS} characters")
        async with self._database.write() as connection:
            row = await self._tickets.for_change(connection, ticket)
            if TicketState(row.state) not in GIVEN_UP_FROM:
                raise Refusal(409, "the ticket has ended already", expected="an open ticket", got=row.state)
            changes = {
                "state": TicketState.CLOSED,
                "outcome": Outcome.NOT_SOLVED,
                "doing": text,
                "next": GIVEN_UP_NEXT,
            }
            await self._tickets.change(connection, row, by, changes, note=text)


def _check_open(state: str) -> None:
    if TicketState(state) not in OPEN_STATES:
        raise Refusal(409, "the ticket has ended already", expected="an open ticket", got=state)


def _check_owner(owner: str | None, owners: Collection[str]) -> None:
    if owner is not None and owner not in owners:
        raise Refusal(422, "this account cannot have this ticket", expected="somebody who works on it", got=owner[:40])
