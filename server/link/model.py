"""The table of items taken: each id once for each device, with the answer that was given."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from server.storage.schema import METADATA

#: `refused`: the reason; empty for a stored one.
items = Table(
    "items",
    METADATA,
    Column("device", String(28), ForeignKey("devices.device"), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("type", String(32), nullable=False),
    Column("refused", String(300), nullable=False, server_default=""),
    Column("received_at", BigInteger, nullable=False),
    Index("ix_items_received_at", "received_at"),
)
