"""Tables of the pinned root, setup codes and published documents."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from server.storage.schema import METADATA

#: One row for ever: `id` is 1. `trusted_root`: changes only by a rotation that both roots signed.
organisation = Table(
    "organisation",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(120), nullable=False),
    Column("trusted_root", LargeBinary(32), nullable=False),
    Column("rotation_sequence", BigInteger, nullable=False),
    Column("pinned_at", BigInteger, nullable=False),
)

setup_codes = Table(
    "setup_codes",
    METADATA,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("made_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

#: The newest of each floor name, as it travelled. A row stays when the document expires: the floor stands.
documents = Table(
    "documents",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("statement_hash", LargeBinary(32), nullable=False),
    Column("document", Text),
    Column("stored_at", BigInteger, nullable=False),
)

rotations = Table(
    "rotations",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("envelope", Text, nullable=False),
)
