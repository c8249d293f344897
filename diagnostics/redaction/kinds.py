"""What may be taken out of a text, and how the hole it leaves is written.

Two families, because they have different readers in mind:

* an **identifier** (address, host, user …) leaves a pseudonym, ``<ip:7f3a91c0>``: the same thing has the same
  pseudonym in every line and every bundle of one device, so "the same client came back" stays visible;
* a **credential** (password, key, card …) leaves a plain hole, ``<redacted:password>``: nothing of it is worth
  comparing, and a stable mark would tell who reuses a password.

Both forms are stable under a second pass: redacting redacted text changes nothing.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Kind(StrEnum):
    """Closed set; the words appear in reports and manifests, so renaming one is a schema change."""

    # Credentials: a hole.
    PASSWORD = "password"  # noqa: S105 — a kind, not a value
    TOKEN = "token"  # noqa: S105
    COOKIE = "cookie"
    PRIVATE_KEY = "private-key"
    PASSWORD_HASH = "password-hash"  # noqa: S105
    PRODUCT_KEY = "product-key"
    RECOVERY_KEY = "recovery-key"
    CARD = "card"
    BANK_ACCOUNT = "bank-account"
    NATIONAL_ID = "national-id"
    LOCATION = "location"
    BIRTH_DATE = "birth-date"
    POSTAL_ADDRESS = "postal-address"
    KEY_MATERIAL = "key-material"
    HIGH_ENTROPY = "high-entropy"
    LONG_RUN = "long-run"
    # Identifiers: a pseudonym.
    IP = "ip"
    IP_PRIVATE = "ip-private"
    MAC = "mac"
    HOST = "host"
    DOMAIN = "domain"
    USER = "user"
    PERSON = "person"
    EMAIL = "email"
    PHONE = "phone"
    SSID = "ssid"
    SERIAL = "serial"
    SID = "sid"
    FINGERPRINT = "fingerprint"


IDENTIFIERS = frozenset(
    {
        Kind.IP,
        Kind.IP_PRIVATE,
        Kind.MAC,
        Kind.HOST,
        Kind.DOMAIN,
        Kind.USER,
        Kind.PERSON,
        Kind.EMAIL,
        Kind.PHONE,
        Kind.SSID,
        Kind.SERIAL,
        Kind.SID,
        Kind.FINGERPRINT,
    }
)

HOLES: dict[Kind, bytes] = {kind: b"<redacted:%s>" % kind.value.encode() for kind in Kind}

# Anything this package itself writes. Used to leave it alone on a second pass.
MARK = re.compile(
    rb"<(?:redacted:[a-z-]{3,16}|(?:%s):[0-9a-f-]{8,48})>"
    % b"|".join(sorted((kind.value.encode() for kind in IDENTIFIERS), reverse=True))
)
# <ip-private: + 16 hex + - + 8 hex + >
MARK_MAX_BYTES = 64
