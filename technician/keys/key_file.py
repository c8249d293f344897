"""One private key in one file: JSON with the public part readable and the secret sealed by a passphrase.

    {"format":"bellpull key 1","name":"certifying","public":"<base64>",
     "argon2id":{"memory_kib":65536,"iterations":3,"lanes":4,"salt":"<16>"},
     "nonce":"<12>","secret":"<AES-256-GCM ciphertext>"}

The passphrase goes through Argon2id into the AES key; everything else in the file is authenticated with it, so a key
cannot be renamed or given weaker settings. Without a passphrase (`argon2id` and `nonce` null) the secret lies plain,
protected by the file's mode alone: only when the owner says so.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from pydantic import Field

from protocol import strict_json
from protocol.fields import Base64
from protocol.strict_json import WireModel
from technician.problems import Problem

_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
KEY_FILE_MAX_BYTES: Final = 16_384


class Argon2Settings(WireModel):
    """RFC 9106, second recommended option. Bounded, so that a file cannot ask for all memory."""

    memory_kib: Annotated[int, Field(ge=8 * 1024, le=1024 * 1024)] = 65_536
    iterations: Annotated[int, Field(ge=1, le=64)] = 3
    lanes: Annotated[int, Field(ge=1, le=16)] = 4
    salt: Base64


class KeyFile(WireModel):
    format: Literal["bellpull key 1"] = "bellpull key 1"
    name: Annotated[str, Field(pattern=r"^[a-z-]{1,40}$")]
    public: Base64
    argon2id: Argon2Settings | None
    nonce: Base64 | None
    secret: Annotated[Base64, Field(max_length=8192)]

    def associated_data(self) -> bytes:
        """What is authenticated beside the secret: the file without it."""
        return strict_json.dump(self.model_copy(update={"secret": b""}))


@dataclass(frozen=True)
class OpenedKey:
    name: str
    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"OpenedKey({self.name})"


def seal_key(
    name: str,
    public: bytes,
    secret: bytes,
    passphrase: str | None,
    *,
    random: bytes,
    settings: Argon2Settings | None = None,
) -> bytes:
    """The bytes of a key file. `random`: 28 fresh random bytes (salt and nonce)."""
    if passphrase is None:
        return strict_json.dump(KeyFile(name=name, public=public, argon2id=None, nonce=None, secret=secret))
    salt, nonce = random[:_SALT_BYTES], random[_SALT_BYTES : _SALT_BYTES + _NONCE_BYTES]
    settings = settings or Argon2Settings(salt=salt)
    header = KeyFile(name=name, public=public, argon2id=settings, nonce=nonce, secret=b"")
    sealed = AESGCM(_derive(settings, passphrase)).encrypt(nonce, secret, header.associated_data())
    return strict_json.dump(header.model_copy(update={"secret": sealed}))


def read_key_file(data: bytes) -> KeyFile:
    return strict_json.parse(data, KeyFile, what="key file", max_bytes=KEY_FILE_MAX_BYTES)


def is_sealed(data: bytes) -> bool:
    return read_key_file(data).argon2id is not None


def open_key(data: bytes, passphrase: str | None, *, where: str) -> OpenedKey:
    """The key in a file's bytes. `where` names the file in the error."""
    file = read_key_file(data)
    if file.argon2id is None:
        return OpenedKey(file.name, file.public, file.secret)
    if passphrase is None:
        raise Problem(f"{where} is protected by a passphrase", expected="the passphrase", got="none")
    if file.nonce is None or len(file.nonce) != _NONCE_BYTES or len(file.argon2id.salt) != _SALT_BYTES:
        raise Problem(f"{where} is damaged", expected="a nonce of 12 bytes and a salt of 16", got="others")
    try:
        secret = AESGCM(_derive(file.argon2id, passphrase)).decrypt(file.nonce, file.secret, file.associated_data())
    except InvalidTag:
        raise Problem(
            f"{where} does not open",
            expected="its passphrase",
            got="another one, or a changed file",
            hint="Try again. A forgotten passphrase cannot be recovered: make new keys.",
        ) from None
    return OpenedKey(file.name, file.public, secret)


def _derive(settings: Argon2Settings, passphrase: str) -> bytes:
    return Argon2id(
        salt=settings.salt,
        length=32,
        iterations=settings.iterations,
        lanes=settings.lanes,
        memory_cost=settings.memory_kib,
    ).derive(passphrase.encode())
