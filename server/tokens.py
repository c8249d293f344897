"""Tokens: random, shown once, kept only as their hash. Whoever reads the database can use none of them."""

import base64
import hashlib
import os


def new_token() -> str:
    """32 random bytes in base64url: 43 characters."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode("ascii").rstrip("=")


def new_setup_code() -> str:
    """80 random bits for a person to copy: `k3xd-…`, four groups of four."""
    text = base64.b32encode(os.urandom(10)).decode("ascii").lower()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def new_room() -> str:
    """130 random bits, 26 characters of lower-case base32."""
    return base64.b32encode(os.urandom(17)).decode("ascii").lower()[:26]


def token_hash(token: str) -> bytes:
    """What is stored. The token itself has 256 random bits, so that no salt or slow hash is needed."""
    return hashlib.sha256(b"bellpull token v1\0" + token.encode("utf-8", "surrogatepass")).digest()
