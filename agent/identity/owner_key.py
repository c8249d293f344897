"""The owner's key: what an administrator of this machine signs with, and nobody else. Made when it is first needed.

identity/owner.key   Ed25519: unattended policies, vendor watch files, enabling the terminal

It lies beside the device's keys, private to the service's own user, and is read only for one signature or one check:
the running service does not hold it. Who may ask for a signature is decided at the local socket (an administrator,
never a process of a session).
"""

from pathlib import Path
from typing import Final

from agent.identity.key_files import read_key, read_or_make_key
from protocol.statements import Envelope, SigningKey, Statement, VerifyKey

OWNER_KEY_FILE: Final = "owner.key"


class OwnerKey:
    """`folder`: where the device's keys lie."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / OWNER_KEY_FILE

    def sign(self, body: Statement) -> Envelope:
        """Signed by the owner; the key is made now when there is none."""
        return SigningKey(read_or_make_key(self._path)).sign(body)

    def verify_key(self) -> VerifyKey | None:
        """The public half; None while nothing was ever signed. Refusal for a damaged file."""
        seed = read_key(self._path)
        return None if seed is None else SigningKey(seed).verify_key
