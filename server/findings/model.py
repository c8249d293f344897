"""Tables of reported findings, checks and metrics."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, String, Table

from server.storage.schema import METADATA


def _device() -> Column[str]:
    return Column("device", String(28), ForeignKey("devices.device"), primary_key=True)


#: `instance`: 16 hex digits, a pseudonym that only the device can read.
findings = Table(
    "findings",
    METADATA,
    _device(),
    Column("code", String(64), primary_key=True),
    Column("instance", String(16), primary_key=True),
    Column("severity", String(8), nullable=False),
    Column("state", String(8), nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("known_issue", String(64)),
    Column("reported_at", BigInteger, nullable=False),
)

checks = Table(
    "checks",
    METADATA,
    _device(),
    Column("id", String(64), primary_key=True),
    Column("status", String(8), nullable=False),
    Column("reported_at", BigInteger, nullable=False),
)

#: `instance` is empty for a metric of the whole machine (NULL would not be equal to itself in a key).
metrics = Table(
    "metrics",
    METADATA,
    _device(),
    Column("name", String(96), primary_key=True),
    Column("instance", String(16), primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("value", Float(53), nullable=False),
    Index("ix_metrics_at", "at"),
)

report_gaps = Table(
    "report_gaps",
    METADATA,
    _device(),
    Column("at", BigInteger, primary_key=True),
    Column("cycles", Integer, nullable=False),
)
