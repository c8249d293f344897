"""Passwords: Argon2id in PHC form, made and checked off the event loop, two at a time.

    $argon2id$v=19$m=65536,t=3,p=4$<salt>$<hash>        RFC 9106's second recommended set: 64 MiB, 3 passes

Two at a time bounds what strangers at the sign-in page can make this machine spend: 128 MiB and two cores.
"""

import asyncio
import os
import unicodedata
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MEMORY_KIB: Final = 64 * 1024
PASSES: Final = 3
LANES: Final = 4
AT_ONCE: Final = 2
PASSWORD_MIN_CHARS: Final = 12
#: A longer one is cut by nobody: it is refused, before any work.
PASSWORD_MAX_CHARS: Final = 256
#: Fewer different characters than this is a pattern, not a password.
DIFFERENT_MIN: Final = 6
_PREFIX: Final = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$"


def fault_of(password: str, name: str) -> str:
    """Why this password will not do, or nothing. Length is what counts: no rule asks for odd characters."""
    if len(password) < PASSWORD_MIN_CHARS:
        return f"It needs at least {PASSWORD_MIN_CHARS} characters. Four random words are easy to keep in mind."
    if len(password) > PASSWORD_MAX_CHARS:
        return f"It may have at most {PASSWORD_MAX_CHARS} characters."
    if len(set(password)) < DIFFERENT_MIN:
        return f"It needs at least {DIFFERENT_MIN} different characters."
    if name in password.lower() and len(name) >= 4:
        return "It must not hold your sign-in name."
    return ""


def unlike(password: str, again: str) -> str:
    """Why the second typing will not do, or nothing."""
    return "" if password == again else "The two passwords are not the same."


class Passwords:
    """`passes` and `memory_kib` are smaller only in tests."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._memory_kib = memory_kib
        self._passes = passes
        self._turn = asyncio.Semaphore(AT_ONCE)
        # Checked when there is no account or no password, so that both take the same time.
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hash, password)

    async def verify(self, password: str, phc: str | None) -> bool:
        """Whether `password` is the one behind `phc`. Without one it is not, and it takes as long to say so."""
        if len(password) > PASSWORD_MAX_CHARS:
            return False
        async with self._turn:
            if self._nobody is None:
                self._nobody = await asyncio.to_thread(self._hash, os.urandom(16).hex())
            right = await asyncio.to_thread(_matches, password, phc or self._nobody)
        return right and phc is not None

    def _hash(self, password: str) -> str:
        made = Argon2id(
            salt=os.urandom(16), length=32, iterations=self._passes, lanes=LANES, memory_cost=self._memory_kib
        )
        return made.derive_phc_encoded(_bytes(password))


def is_outdated(phc: str) -> bool:
    """Made with other parameters than today's: to be made anew at the next sign-in."""
    return not phc.startswith(_PREFIX)


def _matches(password: str, phc: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(_bytes(password), phc)
    except (InvalidKey, ValueError):  # ValueError: not a PHC string; nothing matches it
        return False
    return True


def _bytes(password: str) -> bytes:
    # NFKC: the same keys pressed on another system's keyboard are the same password.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
