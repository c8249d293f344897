"""Tickets of this device, kept on this device: opened here, signed here, shown here.

Opening writes the ticket, its sealed evidence and their outbox items in one transaction: either all of it will reach
the desk, or nothing was promised. What the desk says later (state, facts, words) is kept as the server's word and
changes nothing but what the customer reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from sqlite3 import Row
from typing import Final

from agent.clocks import Clocks
from agent.identity.identity import Identity
from agent.link.outbox import Outbox
from agent.refusal import Refusal
from agent.store.database import Database
from agent.store.kept_values import KeptValues
from agent.uuid7 import uuid7
from protocol import strict_json
from protocol.fields import base32_id, sha256
from protocol.limits import WORDS_MAX_CHARS
from protocol.messages.desk import CustomerText, FourFacts, TicketState, TicketUpdate, TicketVerdict
from protocol.messages.items import SealedItem, SealedKind, TicketItem, TicketOutcomeItem
from protocol.statements import Envelope, verify
from protocol.tickets import EvidenceRef, TicketOrigin, TicketStatement

#: A ticket in one of these states takes no part in sessions, and a new finding opens a new one.
ENDED: Final = frozenset({TicketState.SOLVED, TicketState.CLOSED})
# Open tickets of one device at one time: more is a defect or an abuse, and the desk would drown.
OPEN_MAX: Final = 50
# Messages kept for one ticket; a server that floods does not fill the disk.
MESSAGES_MAX: Final = 500
# A server that moves its promise for ever does not fill the disk; nobody reads more than a few.
ETAS_KEPT: Final = 50
ETAS_SHOWN: Final = 5
_LOCAL_ACT: Final = "last-local-act-boot-s"


class MessageKind(StrEnum):
    OWN = "own"  # the customer's words
    VERIFIED = "verified"  # signed by a technician whose certificate was checked
    UNVERIFIED = "unverified"  # typed at the desk, carried by the server


@dataclass(frozen=True)
class TicketMessage:
    """`author` is set only for VERIFIED. Text is shown escaped, without links."""

    kind: MessageKind
    author: str | None
    text: str
    at: int


@dataclass(frozen=True)
class FindingReason:
    """Why a ticket opens by itself. `fingerprint` stays here; code, severity and the pseudonym are published."""

    fingerprint: str
    code: str
    instance: str
    severity: str


@dataclass(frozen=True)
class Verdict:
    """Whether it helped, in the customer's word. `mark`: 1–5, 5 is best."""

    helped: bool
    mark: int | None


@dataclass(frozen=True)
class OwnTicket:
    """`facts`: the four facts as the desk last told them; None before its first word. `evidence_asked_by`: the verified
    technician who asks for a bundle. `earlier_etas`: what was expected before, oldest first."""

    ticket: str
    case: str
    origin: TicketOrigin
    words: str
    opened_at: int
    state: TicketState
    facts: FourFacts | None
    finding: FindingReason | None
    updated_at: int
    outcome: str | None
    signed: Envelope
    evidence_asked_by: str | None = None
    verdict: "Verdict | None" = None
    earlier_etas: tuple[int, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state not in ENDED


class TicketStore:
    """`boot` of `clocks` decides how fresh a local act is; it is forgotten at a restart, which is the safe side."""

    def __init__(self, database: Database, identity: Identity, outbox: Outbox, clocks: Clocks) -> None:
        self._database = database
        self._identity = identity
        self._outbox = outbox
        self._clocks = clocks
        self._kept = KeptValues(database)
        self._local_act_at: float | None = None
        self._wake: Callable[[], None] = lambda: None

    def on_queued(self, wake: Callable[[], None]) -> None:
        """Whom to tell that something waits in the outbox (the link's pump)."""
        self._wake = wake

    # --- reading --------------------------------------------------------------------------------------------

    def get(self, ticket: str) -> OwnTicket | None:
        rows = self._database.query("SELECT * FROM tickets WHERE ticket = ?", (ticket,))
        return self._read(rows[0]) if rows else None

    def list(self) -> list[OwnTicket]:
        """Newest first."""
        rows = self._database.query("SELECT * FROM tickets ORDER BY opened_at DESC, ticket DESC LIMIT 500")
        return [self._read(row) for row in rows]

    def open_for(self, fingerprint: str) -> OwnTicket | None:
        """The open ticket of this finding, if there is one: repeats add to it."""
        return next((ticket for ticket in self._open_with(fingerprint) if ticket.is_open), None)

    def _open_with(self, fingerprint: str) -> Sequence[OwnTicket]:
        rows = self._database.query(
            "SELECT * FROM tickets WHERE fingerprint = ? ORDER BY opened_at DESC", (fingerprint,)
        )
        return [self._read(row) for row in rows]

    def _read(self, row: Row) -> OwnTicket:
        asked = self._database.query("SELECT author FROM evidence_asked WHERE ticket = ?", (row["ticket"],))
        said = self._database.query("SELECT helped, mark FROM ticket_verdicts WHERE ticket = ?", (row["ticket"],))
        etas = self._database.query(
            "SELECT eta FROM (SELECT id, eta FROM ticket_etas WHERE ticket = ? ORDER BY id DESC LIMIT ?) ORDER BY id",
            (row["ticket"], ETAS_SHOWN),
        )
        return replace(
            _read(row, self._identity),
            evidence_asked_by=asked[0]["author"] if asked else None,
            verdict=Verdict(bool(said[0]["helped"]), said[0]["mark"]) if said else None,
            earlier_etas=tuple(each["eta"] for each in etas),
        )

    def messages(self, ticket: str) -> Sequence[TicketMessage]:
        rows = self._database.query(
            "SELECT kind, author, text, at FROM ticket_messages WHERE ticket = ? ORDER BY id", (ticket,)
        )
        return [TicketMessage(MessageKind(row["kind"]), row["author"], row["text"], row["at"]) for row in rows]

    def last_local_act_at(self) -> float | None:
        """When, by the boot clock, the customer last asked for help here; None when not since the service began."""
        return self._local_act_at

    def local_act(self) -> None:
        """The customer did something at the machine that invites a technician."""
        self._local_act_at = self._clocks.boot()

    # --- writing --------------------------------------------------------------------------------------------

    def open(
        self,
        *,
        origin: TicketOrigin,
        words: str = "",
        finding: FindingReason | None = None,
        sealed: Sequence[bytes] = (),
    ) -> OwnTicket:
        """Open, sign, and queue: the ticket first, then its sealed evidence. NotWritten when the disk refused.

        With a finding that has an open ticket, that one is returned: one open ticket for each fingerprint.
        """
        if finding is not None and (existing := self.open_for(finding.fingerprint)) is not None:
            return existing
        if len(words) > WORDS_MAX_CHARS:
            raise Refusal(
                "the words are too long", expected=f"at most {WORDS_MAX_CHARS} characters", got=str(len(words))
            )
        if sum(ticket.is_open for ticket in self.list()) >= OPEN_MAX:
            raise Refusal(
                "there are too many open tickets",
                expected=f"at most {OPEN_MAX}",
                got=str(OPEN_MAX),
                hint="Wait until the desk has closed some, or add your words to one: bellpull-agent tickets",
            )
        now = self._clocks.wall()
        ticket = uuid7()
        case = "c-" + base32_id(sha256(b"bellpull case v1\0", ticket.encode()), 16)
        items = [
            SealedItem(id=uuid7(), kind=SealedKind.EVIDENCE, ticket=ticket, case=case, sha256=sha256(blob), data=blob)
            for blob in sealed
        ]
        body = TicketStatement(
            ticket=ticket,
            case=case,
            device=self._identity.device,
            root=self._identity.token.root,
            origin=origin,
            opened_at=now,
            finding=finding.code if finding else None,
            instance=self._identity.pseudonym(finding.instance) if finding else None,
            severity=finding.severity if finding else None,
            words=words,
            evidence=tuple(EvidenceRef(id=item.id, sha256=item.sha256, size_bytes=len(item.data)) for item in items),
        )
        signed = self._identity.signing.sign(body)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, NULL)",
                (
                    ticket,
                    case,
                    origin.value,
                    words,
                    finding.fingerprint if finding else None,
                    finding.code if finding else None,
                    finding.severity if finding else None,
                    now,
                    signed.to_bytes(),
                    TicketState.NEW.value,
                    now,
                ),
            )
            self._outbox.put(TicketItem(id=uuid7(), ticket=signed), now)
            for item in items:
                self._outbox.put(item, now)
        if origin is TicketOrigin.CUSTOMER:
            self.local_act()
        self._wake()
        opened = self.get(ticket)
        assert opened is not None  # noqa: S101 - written above
        return opened

    def say(self, ticket: str, text: str) -> None:
        """The customer's further words on a ticket; queued for the desk."""
        self.known(ticket)
        now = self._clocks.wall()
        item = CustomerText(id=uuid7(), ticket=ticket, text=text, at=now)
        with self._database.transaction() as connection:
            _add_message(connection.execute, ticket, MessageKind.OWN, None, None, text, now, item.id.encode())
            self._outbox.put(item, now)
        self.local_act()
        self._wake()

    def judge(self, ticket: str, helped: bool, mark: int | None) -> None:
        """The customer's answer to "did it help?", once for each time the desk says that it is solved."""
        known = self.known(ticket)
        if known.state is not TicketState.SOLVED or known.verdict is not None:
            raise Refusal(
                "there is nothing to answer on this ticket",
                expected="a solved ticket, not answered yet",
                got=known.state.value if known.verdict is None else "your answer is here already",
                hint="To add words: bellpull-agent tickets TICKET --say WORDS",
            )
        now = self._clocks.wall()
        item = TicketVerdict(id=uuid7(), ticket=ticket, helped=helped, mark=mark, at=now)
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO ticket_verdicts VALUES (?, ?, ?, ?)", (ticket, int(helped), mark, now))
            self._outbox.put(item, now)
        if not helped:
            self.local_act()
        self._wake()

    def ended_here(self, ticket: str, outcome: str) -> None:
        """The finding behind the ticket is gone: tell the desk how. Told once."""
        known = self.known(ticket)
        if known.outcome is not None or not known.is_open:
            return
        now = self._clocks.wall()
        item = TicketOutcomeItem.model_validate({"id": uuid7(), "ticket": ticket, "outcome": outcome, "at": now})
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE tickets SET outcome = ?, updated_at = ? WHERE ticket = ?", (outcome, now, ticket)
            )
            self._outbox.put(item, now)
        self._wake()

    def updated(self, update: TicketUpdate) -> bool:
        """The desk's word on one of our tickets: kept to be shown. False when it is not ours or nothing new."""
        known = self.get(update.ticket)
        if known is None or (known.state is update.state and known.facts == update.facts):
            return False
        now = self._clocks.wall()
        with self._database.transaction() as connection:
            if known.facts is not None and known.facts.eta != update.facts.eta:
                connection.execute(
                    "INSERT INTO ticket_etas (ticket, eta, at) VALUES (?, ?, ?)", (update.ticket, known.facts.eta, now)
                )
                connection.execute(
                    "DELETE FROM ticket_etas WHERE ticket = ? AND id NOT IN "
                    "(SELECT id FROM ticket_etas WHERE ticket = ? ORDER BY id DESC LIMIT ?)",
                    (update.ticket, update.ticket, ETAS_KEPT),
                )
            if update.state is TicketState.REOPENED and known.state is not update.state:
                # It ended before, and did not: how it ends this time is told and asked anew.
                connection.execute("UPDATE tickets SET outcome = NULL WHERE ticket = ?", (update.ticket,))
                connection.execute("DELETE FROM ticket_verdicts WHERE ticket = ?", (update.ticket,))
            connection.execute(
                "UPDATE tickets SET state = ?, facts = ?, updated_at = ? WHERE ticket = ?",
                (update.state.value, update.facts.model_dump_json(), now, update.ticket),
            )
        return True

    def heard(
        self, ticket: str, kind: MessageKind, author: str | None, sequence: int | None, text: str, at: int, key: bytes
    ) -> bool:
        """Keep a message once (`key` names it). False when known already, not ours, or over MESSAGES_MAX."""
        if self.get(ticket) is None:
            return False
        with self._database.transaction() as connection:
            count = connection.execute("SELECT count(*) FROM ticket_messages WHERE ticket = ?", (ticket,)).fetchone()[0]
            if count >= MESSAGES_MAX:
                return False
            return _add_message(connection.execute, ticket, kind, author, sequence, text, at, key)

    def evidence_asked(self, ticket: str, author: str, at: int) -> None:
        """A technician whose signature was checked asks for a bundle. The customer is told; nothing else happens."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO evidence_asked VALUES (?, ?, ?)", (ticket, author, at))

    def evidence_sent(self, ticket: str) -> None:
        """Inside the transaction that queues the bundle."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM evidence_asked WHERE ticket = ?", (ticket,))

    def known(self, ticket: str) -> OwnTicket:
        known = self.get(ticket)
        if known is None:
            raise Refusal(
                "there is no such ticket on this device",
                expected="the id of one of this device's own tickets",
                got=ticket[:64],
                hint="bellpull-agent tickets lists them.",
            )
        return known


def _add_message(
    execute: Callable[..., object],
    ticket: str,
    kind: MessageKind,
    author: str | None,
    sequence: int | None,
    text: str,
    at: int,
    key: bytes,
) -> bool:
    digest = sha256(b"bellpull ticket message v1\0", ticket.encode(), key)
    done = execute(
        "INSERT OR IGNORE INTO ticket_messages (ticket, kind, author, sequence, text, at, digest) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (ticket, kind.value, author, sequence, text, at, digest),
    )
    return getattr(done, "rowcount", 0) == 1


def _read(row: Row, identity: Identity) -> OwnTicket:

    signed = Envelope.parse(row["signed"])
    # A flipped bit on the disk must not become a ticket that lets somebody ask for a session.
    body = verify(signed, TicketStatement, identity.signing.verify_key).body
    if row["fingerprint"] is None or body.finding is None or body.severity is None:
        finding = None
    else:
        fingerprint = row["fingerprint"]
        finding = FindingReason(fingerprint, body.finding, fingerprint.partition("|")[2], body.severity)
    return OwnTicket(
        ticket=body.ticket,
        case=body.case,
        origin=body.origin,
        words=body.words,
        opened_at=body.opened_at,
        # Damaged on the disk: nobody may ask for a session about it until the server has told how it stands.
        state=TicketState(row["state"]) if row["state"] in list(TicketState) else TicketState.CLOSED,
        facts=None if row["facts"] is None else strict_json.parse(row["facts"].encode(), FourFacts),
        finding=finding,
        updated_at=row["updated_at"],
        outcome=row["outcome"],
        signed=signed,
    )
