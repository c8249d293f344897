"""Tables of notices, of who watches which ticket, and of mails that wait to be sent."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from server.storage.schema import METADATA

#: Accounts are named, not referenced: one that is removed leaves its notices to the sweep.
ticket_watchers = Table(
    "ticket_watchers",
    METADATA,
    Column("ticket", String(36), ForeignKey("tickets.ticket"), primary_key=True),
    Column("account", String(40), primary_key=True),
    Column("since", BigInteger, nullable=False),
)

#: One for each event and account. `kind`: rules.NoticeKind.
notices = Table(
    "notices",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("account", String(40), nullable=False),
    Column("ticket", String(36), ForeignKey("tickets.ticket"), nullable=False),
    Column("event", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),
    UniqueConstraint("event", "account"),
    Index("ix_notices_account_seen_at", "account", "seen_at"),
)

#: How far the history was read. `floor`: what was there before notices were.
notice_reading = Table(
    "notice_reading",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("floor", Integer, nullable=False),
    Column("read_to", Integer, nullable=False),
)

#: Where an account wants its mails; without a row it gets none.
mail_addresses = Table(
    "mail_addresses",
    METADATA,
    Column("account", String(40), primary_key=True),
    Column("address", String(254), nullable=False),
)

#: Mails that wait. A sent one leaves; one that was given up stays a while with the reason.
mails = Table(
    "mails",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("address", String(254), nullable=False),
    Column("ticket", String(36), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, index=True),
    Column("error", String(200)),
)
