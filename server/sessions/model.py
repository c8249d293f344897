"""The table of sessions. `grant_hash` and `scopes` come from the device's audit entry."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, String, Table, Text

from server.storage.schema import METADATA

sessions = Table(
    "sessions",
    METADATA,
    Column("room", String(26), primary_key=True),
    Column("device", String(28), ForeignKey("devices.device"), nullable=False, index=True),
    Column("ticket", String(36), ForeignKey("tickets.ticket"), index=True),
    Column("serial", String(32), nullable=False, index=True),
    Column("asked_at", BigInteger, nullable=False, index=True),
    Column("paired_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("end_reason", String(120)),
    Column("bytes_to_device", BigInteger, nullable=False, server_default="0"),
    Column("bytes_to_technician", BigInteger, nullable=False, server_default="0"),
    Column("grant_hash", LargeBinary(32)),
    Column("scopes", Text, nullable=False, server_default=""),
)
