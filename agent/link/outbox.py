"""What must not be lost: each item is on the disk before it is promised, and leaves it when the server has it.

    put ──► waiting ──sent──► (still waiting) ──stored──► gone
                                             └─refused──► dead letter, shown by `status`

At least once: the server inserts an id once, so sending again is harmless. Bounded in items and bytes: when it is
full, the oldest reports go, and the next report says how many (`gap_count`); tickets, audit entries, receipts and
customers' words never go. Order of sending: audit entries (a session waits for them), then tickets and words, then
sealed evidence, then reports; within one kind the oldest first. While `sealed_waits` says so, what is sealed stays
here: the organisation's recipients have expired, and whoever they name may not be one of its people any more.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from agent.store.kept_values import KeptValues
from protocol import strict_json
from protocol.errors import ProtocolError
from protocol.fields import sha256
from protocol.limits import CONTROL_MESSAGE_MAX_BYTES, OUTBOX_MAX_BYTES
from protocol.messages.desk import CustomerText, TicketVerdict
from protocol.messages.items import (
    AuditItem,
    ReportItem,
    SealedItem,
    TicketItem,
    TicketOutcomeItem,
)
from protocol.messages.link import Item, parse_item

#: Two weeks of a report every five minutes are 4 032 items; this leaves room for everything else.
OUTBOX_MAX_ITEMS: Final = 10_000
#: Shown by `status`; the oldest go when there are more.
DEAD_LETTERS_MAX: Final = 500
_GAP: Final = "outbox-gap-count"

_RANK: Final[dict[type[Item], int]] = {
    AuditItem: 0,
    TicketItem: 1,
    CustomerText: 1,
    TicketOutcomeItem: 1,
    TicketVerdict: 1,
    SealedItem: 2,
    ReportItem: 3,
}


class OutboxFull(NotWritten):
    """Nothing can be dropped to make room: the item was not taken."""


@dataclass(frozen=True)
class Waiting:
    """An item as it goes onto the wire."""

    id: str
    kind: str
    body: bytes


@dataclass(frozen=True)
class OutboxNumbers:
    items: int
    bytes: int
    oldest_queued_at: int | None
    dead_letters: int


@dataclass(frozen=True)
class DeadLetter:
    """`reason` is the server's word (or ours, for an item damaged on the disk): shown as text, never acted upon."""

    id: str
    kind: str
    reason: str
    refused_at: int


class Outbox:
    def __init__(
        self, database: Database, *, max_items: int = OUTBOX_MAX_ITEMS, max_bytes: int = OUTBOX_MAX_BYTES
    ) -> None:
        self._database = database
        self._kept = KeptValues(database)
        self._max_items = max_items
        self._max_bytes = max_bytes
        self.sealed_waits: Callable[[], bool] = lambda: False

    # --- taking ---------------------------------------------------------------------------------------------

    def put(self, item: Item, now: int) -> None:
        """On the disk when this returns. NotWritten (disk) or OutboxFull otherwise: then it was not taken."""
        body = strict_json.dump(item)
        if len(body) > CONTROL_MESSAGE_MAX_BYTES:
            raise Refusal(
                "this is too large to send as one message",
                expected=f"at most {CONTROL_MESSAGE_MAX_BYTES} bytes",
                got=f"{len(body)} bytes",
                hint="Send it with a bundle instead.",
            )
        gap = item.report.gap_count if isinstance(item, ReportItem) else 0
        with self._database.transaction() as connection:
            self._make_room(len(body))
            connection.execute(
                "INSERT INTO outbox (id, kind, rank, body, sha256, gap, queued_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (item.id, item.type, _RANK[type(item)], body, sha256(body), gap, now),
            )
            if gap:
                self._kept.put(_GAP, max(0, self.gap() - gap))

    def gap(self) -> int:
        """How many report cycles were dropped and not yet told: the next report's `gap_count`."""
        return self._kept.get_int(_GAP)

    def _make_room(self, wanted_bytes: int) -> None:
        numbers = self.numbers()
        items, used = numbers.items + 1, numbers.bytes + wanted_bytes
        if items <= self._max_items and used <= self._max_bytes:
            return
        dropped = 0
        with self._database.transaction() as connection:
            for row in connection.execute(
                "SELECT seq, length(body) AS size, gap FROM outbox WHERE kind = 'report' ORDER BY seq"
            ).fetchall():
                if items <= self._max_items and used <= self._max_bytes:
                    break
                connection.execute("DELETE FROM outbox WHERE seq = ?", (row["seq"],))
                items, used, dropped = items - 1, used - row["size"], dropped + 1 + row["gap"]
            self._kept.put(_GAP, self.gap() + dropped)
        if items > self._max_items or used > self._max_bytes:
            raise OutboxFull(
                "the outbox is full",
                expected=f"at most {self._max_items} items and {self._max_bytes} bytes waiting for the server",
                got=f"{numbers.items} items and {numbers.bytes} bytes",
                hint="The server has not been reached for long. Check the connection: bellpull-agent status",
            )

    # --- sending --------------------------------------------------------------------------------------------

    def due(self, sent: Collection[str], limit: int) -> list[Waiting]:
        """The next items to send that are not in `sent`; at most `limit`. Damaged ones become dead letters."""
        found: list[Waiting] = []
        rows = self._database.query(
            "SELECT id, kind, body, sha256 FROM outbox WHERE kind <> 'sealed' OR NOT ? ORDER BY rank, seq LIMIT ?",
            (self.sealed_waits(), len(sent) + limit),
        )
        for row in rows:
            if row["id"] in sent or len(found) == limit:
                continue
            if not _is_sound(row["body"], row["sha256"], row["id"]):
                self._bury(row["id"], "damaged on this disk before it could be sent", 0)
                continue
            found.append(Waiting(row["id"], row["kind"], row["body"]))
        return found

    def holds(self, item_id: str) -> bool:
        return bool(self._database.query("SELECT 1 FROM outbox WHERE id = ?", (item_id,)))

    def settle(self, item_id: str) -> bool:
        """The server has stored it. False when it was not waiting (answered twice)."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM outbox WHERE id = ?", (item_id,)).rowcount == 1

    def refuse(self, item_id: str, reason: str, now: int) -> bool:
        """The server will never store it: kept as a dead letter with its reason."""
        return self._bury(item_id, reason, now)

    def _bury(self, item_id: str, reason: str, now: int) -> bool:
        with self._database.transaction() as connection:
            moved = connection.execute(
                "INSERT OR IGNORE INTO dead_letters (id, kind, body, reason, refused_at) "
                "SELECT id, kind, body, ?, ? FROM outbox WHERE id = ?",
                (reason, now, item_id),
            ).rowcount
            connection.execute("DELETE FROM outbox WHERE id = ?", (item_id,))
            connection.execute(
                "DELETE FROM dead_letters WHERE seq <= (SELECT max(seq) FROM dead_letters) - ?", (DEAD_LETTERS_MAX,)
            )
        return moved == 1

    # --- showing --------------------------------------------------------------------------------------------

    def numbers(self) -> OutboxNumbers:
        row = self._database.query(
            "SELECT count(*) AS items, coalesce(sum(length(body)), 0) AS bytes, min(queued_at) AS oldest FROM outbox"
        )[0]
        dead = self._database.query("SELECT count(*) AS dead FROM dead_letters")[0]["dead"]
        return OutboxNumbers(row["items"], row["bytes"], row["oldest"], dead)

    def dead_letters(self) -> list[DeadLetter]:
        rows = self._database.query("SELECT id, kind, reason, refused_at FROM dead_letters ORDER BY seq DESC")
        return [DeadLetter(row["id"], row["kind"], row["reason"], row["refused_at"]) for row in rows]


def _is_sound(body: bytes, hashed: bytes, item_id: str) -> bool:
    if sha256(body) != hashed:
        return False
    try:
        item = parse_item(body)
    except ProtocolError:
        return False
    return getattr(item, "id", None) == item_id
