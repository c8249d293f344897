"""A technician's three private keys and the only things they do: sign five kinds of statement, begin a handshake,
open what was sealed to them.

Everything that needs a private key of a technician goes through `TechnicianKeys`; nothing else of this program holds
one. The surface is this small so that it can move into a process or device of its own.
"""

from collections.abc import Callable
from typing import BinaryIO, Final, Literal

import pyrage
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from diagnostics.bundle.read import OpenedBundle, read_bundle
from protocol import strict_json
from protocol.enrolment import TechnicianLogin
from protocol.errors import LocalProtocolError
from protocol.fields import AgeRecipient, PersonName, PublicKey, UnixSeconds
from protocol.grants import ActionStatement, SessionClose, SessionRequest
from protocol.noise import SESSION_PROTOCOL, HandshakeState
from protocol.statements import Envelope, SigningKey, VerifyKey
from protocol.strict_json import WireModel
from protocol.tickets import MessageStatement, NoteStatement
from technician.home import Home
from technician.keys.key_file import OpenedKey, is_sealed, open_key, seal_key
from technician.keys.passphrase import Passphrases
from technician.private_files import read_private, write_private
from technician.problems import Problem

#: What a technician's key signs. Certificates, grants and receipts are never among it.
TECHNICIAN_SIGNS: Final = (
    TechnicianLogin,
    SessionRequest,
    ActionStatement,
    SessionClose,
    MessageStatement,
    NoteStatement,
)
TechnicianStatement = (
    TechnicianLogin | SessionRequest | ActionStatement | SessionClose | MessageStatement | NoteStatement
)

_KEY_NAME: Final = "technician"
#: Bytes of randomness `TechnicianKeys.make` takes: signing seed, Noise key.
KEY_MATERIAL_BYTES: Final = 64


class TechnicianRequest(WireModel):
    """The request file: public keys and the name the technician wants to be known by. Holds nothing secret."""

    format: Literal["bellpull technician request 1"] = "bellpull technician request 1"
    name: PersonName
    signing_key: PublicKey
    noise_key: PublicKey
    age_recipient: AgeRecipient
    requested_at: UnixSeconds


class SealedBlobError(Problem):
    """A blob that this technician's age key does not open."""


class TechnicianKeys:
    """The opened keys. Made by `make` or `from_secret`; never copied, printed or sent."""

    def __init__(self, signing: SigningKey, noise: X25519PrivateKey, age: pyrage.x25519.Identity) -> None:
        self.__signing = signing
        self.__noise = noise
        self.__age = age
        self.verify_key: VerifyKey = signing.verify_key
        self.noise_public: bytes = noise.public_key().public_bytes_raw()
        self.age_recipient: str = str(age.to_public())

    @classmethod
    def make(cls, random: bytes) -> "TechnicianKeys":
        """Fresh keys from 64 random bytes; the age key is made by age's own library."""
        if len(random) != KEY_MATERIAL_BYTES:
            raise LocalProtocolError("wrong key material", expected="64 bytes", got=str(len(random)))
        return cls(
            SigningKey(random[:32]),
            X25519PrivateKey.from_private_bytes(random[32:]),
            pyrage.x25519.Identity.generate(),
        )

    @classmethod
    def from_secret(cls, secret: bytes) -> "TechnicianKeys":
        """What `secret` wrote: signing seed ‖ Noise key ‖ age identity as text."""
        try:
            identity = pyrage.x25519.Identity.from_str(secret[64:].decode("ascii"))
        except (UnicodeDecodeError, pyrage.IdentityError):
            raise Problem(
                "the technician's key file is damaged", expected="an age identity", got="other text"
            ) from None
        return cls(SigningKey(secret[:32]), X25519PrivateKey.from_private_bytes(secret[32:64]), identity)

    def secret(self) -> bytes:
        """For the key file alone."""
        return self.__signing.seed() + self.__noise.private_bytes_raw() + str(self.__age).encode("ascii")

    def request(self, name: str, now: int) -> TechnicianRequest:
        return TechnicianRequest(
            name=name,
            signing_key=self.verify_key.public,
            noise_key=self.noise_public,
            age_recipient=self.age_recipient,
            requested_at=now,
        )

    # --- the uses ----------------------------------------------------------------------------------

    def sign(self, body: TechnicianStatement) -> Envelope:
        if not isinstance(body, TECHNICIAN_SIGNS):
            raise LocalProtocolError("a technician's key never signs this", got=type(body).__name__)
        return self.__signing.sign(body)

    def begin_handshake(
        self, *, device_noise_key: bytes, prologue: bytes, ephemeral: Callable[[], X25519PrivateKey]
    ) -> HandshakeState:
        """The initiator's side of a session's handshake with exactly this device key."""
        return HandshakeState(
            SESSION_PROTOCOL,
            initiator=True,
            prologue=prologue,
            s=self.__noise,
            rs=device_noise_key,
            ephemeral=ephemeral,
        )

    def open_sealed(self, data: bytes) -> bytes:
        """The plaintext of an age file sealed to this technician. Its content is hostile until parsed."""
        try:
            return bytes(pyrage.decrypt(data, [self.__age]))
        except pyrage.DecryptError as error:
            raise SealedBlobError(
                "this does not open with your key",
                expected="something sealed to you",
                got=str(error),
                hint="It was sealed before you became a recipient, or to another organisation's technicians.",
            ) from None

    def open_bundle(self, stream: BinaryIO) -> OpenedBundle:
        """A bundle sealed to this technician, read as hostile. Raises BundleRefusedError."""
        return read_bundle(stream, str(self.__age))

    def __repr__(self) -> str:
        return f"TechnicianKeys(public {self.verify_key.key_id})"


def write_keys(home: Home, keys: TechnicianKeys, passphrase: str | None, *, random: bytes) -> None:
    write_private(home.key, seal_key(_KEY_NAME, keys.verify_key.public, keys.secret(), passphrase, random=random))


def open_keys(home: Home, passphrases: Passphrases) -> TechnicianKeys:
    """Ask for the passphrase if there is one, and open the keys."""
    data = read_private(home.key, what="technician's key", hint="Make one first: bellpull keys init --name NAME")
    passphrase = passphrases.existing("your technician keys") if is_sealed(data) else None
    opened: OpenedKey = open_key(data, passphrase, where=home.key.name)
    keys = TechnicianKeys.from_secret(opened.secret)
    if opened.name != _KEY_NAME or opened.public != keys.verify_key.public:
        raise Problem("the technician's key file is damaged", expected="the key it names", got="another")
    return keys


def read_request(data: bytes) -> TechnicianRequest:
    return strict_json.parse(data, TechnicianRequest, what="technician's request")
