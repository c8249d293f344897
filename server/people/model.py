"""Tables of accounts, their sessions in browsers, second factors, one-use links, and failed sign-ins.

Tokens are kept as hashes: whoever reads the database can use none of them. Passwords are Argon2id PHC strings.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

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
    Column("how", String(20)),
    Column("browser", String(60)),
)

#: The first half is proven (a password, a one-use link), the second not yet: opens only the page that asks for it.
half_sign_ins = Table(
    "half_sign_ins",
    METADATA,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("account", String(40), ForeignKey("accounts.name"), nullable=False, index=True),
    Column("how", String(20), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

#: Codes of an app. `secret`: sealed (sealing.py). `confirmed_at`: none until a first code was right: not in force.
#: `last_step`: the newest step whose code was used; older ones are taken no more.
app_codes = Table(
    "app_codes",
    METADATA,
    Column("account", String(40), ForeignKey("accounts.name"), primary_key=True),
    Column("secret", LargeBinary(64), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("confirmed_at", BigInteger),
    Column("last_step", BigInteger, nullable=False),
)

#: A used code is a deleted row.
recovery_codes = Table(
    "recovery_codes",
    METADATA,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("account", String(40), ForeignKey("accounts.name"), nullable=False, index=True),
)

#: `id`: a short name of ours for addresses. `credential`: the authenticator's. `public_key`: in COSE, as it came.
passkeys = Table(
    "passkeys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("credential", LargeBinary(1023), nullable=False, unique=True),
    Column("account", String(40), ForeignKey("accounts.name"), nullable=False, index=True),
    Column("name", String(60), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
)

#: `id`: for addresses and people; opens nothing. `scopes`: with blanks between. `customers`: a JSON list.
api_tokens = Table(
    "api_tokens",
    METADATA,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("id", String(16), nullable=False),
    Column("account", String(40), ForeignKey("accounts.name"), nullable=False, index=True),
    Column("name", String(60), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("customers", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("last_used_at", BigInteger),
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
