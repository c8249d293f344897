"""Tables of the log, and beside it. Nothing here is ever updated but the head and each witness's newest line."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from server.storage.schema import METADATA

#: `item`: the device's own id for its entry, so that a repeated delivery finds the leaf it made the first time.
leaves = Table(
    "audit_leaves",
    METADATA,
    Column("index", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("device", String(28), index=True),
    Column("item", String(36)),
    UniqueConstraint("device", "item"),
)

#: One row: the newest signed checkpoint, written in the transaction of its last entry.
head = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)

cosignatures = Table(
    "audit_cosignatures",
    METADATA,
    Column("device", String(28), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("line", String(400), nullable=False),
    Column("received_at", BigInteger, nullable=False),
)

#: Salts of the commitments to persons. Erasing a row makes its commitment unreadable; the log stays whole.
salts = Table(
    "audit_salts",
    METADATA,
    Column("commitment", LargeBinary(32), primary_key=True),
    Column("salt", LargeBinary(32), nullable=False),
    Column("value", Text, nullable=False),
)

#: Entries that other processes (the command line) ask for; the server writes them into the log and removes them here.
waiting = Table(
    "audit_waiting",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("asked_at", BigInteger, nullable=False),
    Column("entry", LargeBinary, nullable=False),
)
