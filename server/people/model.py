"""Tables of accounts, their sessions in browsers, one-use links, and failed sign-ins.

Tokens are kept as hashes: whoever reads the database can use none of them. Passwords are Argon2id PHC strings.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table

from server.storage.schema import METADATA

#: `password`: none until its owner set one by a one-use link. `technician_key`: the signing key of the technician
#: this account is; their newest certificate says which customers they may see here.
accounts = Table(
    "accounts",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password", String(200)),
    Column("technician_key", LargeBinary(32)),
    Column("made_at", BigInteger, nullable=False),
    Column("last_sign_in", BigInteger),
)

console_sessions = Table(
    "console_sessions",
    METADATA,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("account", String(40), ForeignKey("accounts.name"), nullable=False, index=True),
    Column("made_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

#: A used link is a deleted row.
one_use_links = Table(
    "one_use_links",
    METADATA,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("account", String(40), ForeignKey("accounts.name"), nullable=False, index=True),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

#: `key`: hash of an account name or of an address. Names nobody has are counted too, so that guessing tells nothing.
sign_in_attempts = Table(
    "sign_in_attempts",
    METADATA,
    Column("key", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False, index=True),
)
