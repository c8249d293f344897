"""The table of uploads. The bytes lie in files; `offset_bytes` counts only what was flushed to disk."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, LargeBinary, String, Table

from server.storage.schema import METADATA

bundles = Table(
    "bundles",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("device", String(28), ForeignKey("devices.device"), nullable=False, index=True),
    Column("ticket", String(36), ForeignKey("tickets.ticket"), nullable=False, index=True),
    Column("case_id", String(18), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("offset_bytes", BigInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False),
    Column("token_expires_at", BigInteger, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger),
)
