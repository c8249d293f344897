"""Tables of tickets: what repeats them, what happened to them, messages, sealed evidence, past ETAs, service clocks."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    column,
)

from server.storage.schema import METADATA

_OPEN_FINDING = and_(column("finding").is_not(None), column("state").not_in(["solved", "closed"]))

#: `owner`: the account that has it, one at most. `level`: levels.Level. `outcome`: levels.Outcome, once it ended.
tickets = Table(
    "tickets",
    METADATA,
    Column("ticket", String(36), primary_key=True),
    Column("case_id", String(18), nullable=False, index=True),
    Column("device", String(28), ForeignKey("devices.device"), nullable=False, index=True),
    Column("origin", String(16), nullable=False),
    Column("finding", String(64)),
    Column("instance", String(16)),
    Column("severity", String(8)),
    Column("words", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False, index=True),
    Column("updated_at", BigInteger, nullable=False),
    Column("state", String(24), nullable=False, index=True),
    Column("outcome", String(24)),
    Column("level", Integer, nullable=False),
    Column("owner", String(40)),
    Column("cost", String(500), nullable=False),
    Column("doing", String(500), nullable=False),
    Column("next", String(500), nullable=False),
    Column("eta", BigInteger, nullable=False),
    Column("statement", Text, nullable=False),
    # The rule itself, kept by the database: two connections cannot both open one.
    Index(
        "uq_tickets_open_fingerprint",
        "device",
        "finding",
        "instance",
        unique=True,
        sqlite_where=_OPEN_FINDING,
        postgresql_where=_OPEN_FINDING,
    ),
)

#: Another ticket statement about a finding that already has an open ticket: it adds to that one.
ticket_repeats = Table(
    "ticket_repeats",
    METADATA,
    Column("ticket", String(36), primary_key=True),
    Column("of_ticket", String(36), ForeignKey("tickets.ticket"), nullable=False, index=True),
    Column("statement", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

#: What changed, when and by whom (history.py): enough to compute every figure of the reports, and to tell the story.
ticket_events = Table(
    "ticket_events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ticket", String(36), ForeignKey("tickets.ticket"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("kind", String(12), nullable=False),
    Column("before", String(40)),
    Column("after", String(40)),
    Column("by_kind", String(12), nullable=False),
    Column("by_name", String(40), nullable=False),
    Column("note", Text),
)

eta_history = Table(
    "eta_history",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ticket", String(36), ForeignKey("tickets.ticket"), nullable=False, index=True),
    Column("eta", BigInteger, nullable=False),
    Column("set_at", BigInteger, nullable=False),
)

#: `signed`: the SignedMessage as it travelled; absent for plain words.
messages = Table(
    "messages",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ticket", String(36), ForeignKey("tickets.ticket"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("source", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("signed", Text),
    Column("statement_hash", LargeBinary(32), unique=True),
)

#: Small sealed blobs: ciphertext only.
sealed = Table(
    "sealed",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("device", String(28), ForeignKey("devices.device"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("ticket", String(36), ForeignKey("tickets.ticket"), index=True),
    Column("session", LargeBinary(32)),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)

#: The customer's answer to "did it help?", each time they gave one. `mark`: 1–5.
ticket_verdicts = Table(
    "ticket_verdicts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ticket", String(36), ForeignKey("tickets.ticket"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("helped", Boolean, nullable=False),
    Column("mark", Integer),
)

#: When the desk works and what it promised: one row, the newest. `rules`: JSON of service_rules.ServiceRules.
service_rules = Table(
    "service_rules",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("rules", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", String(40), nullable=False),
)

#: Priority and clocks of a ticket (service_clock.py), computed anew at each change. `*_due`: none while none runs.
ticket_service = Table(
    "ticket_service",
    METADATA,
    Column("ticket", String(36), ForeignKey("tickets.ticket"), primary_key=True),
    Column("impact", Integer, nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("answer_due", BigInteger, index=True),
    Column("solve_due", BigInteger, index=True),
    Column("answer_broken_at", BigInteger),
    Column("solve_broken_at", BigInteger),
    Column("solve_left_s", BigInteger, nullable=False),
    Column("answer_told", Boolean, nullable=False),
    Column("solve_told", Boolean, nullable=False),
)

#: One address in an outside tracker for a ticket of the third line (tracker.py).
ticket_trackers = Table(
    "ticket_trackers",
    METADATA,
    Column("ticket", String(36), ForeignKey("tickets.ticket"), primary_key=True),
    Column("url", String(500), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by_name", String(40), nullable=False),
)

#: Words for what comes every day (replies.py).
canned_replies = Table(
    "canned_replies",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(60), nullable=False),
    Column("text", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", String(40), nullable=False),
)
