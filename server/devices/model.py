"""Tables of devices, of what they trust, and of used enrolment tokens."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from server.storage.schema import METADATA

#: `asked_customer`: what the enrolment token (signed by the organisation) says; decides only who may see an
#: unapproved device. `customer`: from the certificate; the one that counts.
devices = Table(
    "devices",
    METADATA,
    Column("device", String(28), primary_key=True),
    Column("signing_key", LargeBinary(32), nullable=False),
    Column("witness_key", LargeBinary(32), nullable=False),
    Column("label", String(80), nullable=False),
    Column("request", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("asked_customer", String(120), nullable=False, index=True),
    Column("customer", String(120), index=True),
    Column("certificate", Text),
    Column("serial", String(32)),
    Column("last_seen", BigInteger),
    Column("queued", Integer, nullable=False, server_default="0"),
    Column("replaces", String(28), index=True),
)

#: What a device said it trusts when it last fetched documents. `versions`: JSON, floor name → version.
device_trust = Table(
    "device_trust",
    METADATA,
    Column("device", String(28), primary_key=True),
    Column("root", LargeBinary(32)),
    Column("versions", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

#: A token is good for one device; the same device may say it again.
used_tokens = Table(
    "used_tokens",
    METADATA,
    Column("token_id", String(32), primary_key=True),
    Column("device", String(28), ForeignKey("devices.device"), nullable=False),
    Column("used_at", BigInteger, nullable=False),
)
