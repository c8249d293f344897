"""Tables of certificates seen and of sign-ins in force."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from server.storage.schema import METADATA

technicians = Table(
    "technicians",
    METADATA,
    Column("serial", String(32), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
)

#: `serial`: the technician's, or the certifying issuer's for `kind` organisation. The token itself is not kept.
sign_ins = Table(
    "sign_ins",
    METADATA,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("serial", String(32), nullable=False, index=True),
    Column("certificate", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
