"""The Noise handshake (revision 34): two strangers' bytes become one shared key and one shared hash.

What a session runs, technician (initiator) on the left, device (responder) on the right:

    Noise_XK_25519_AESGCM_SHA256
      ← s                 the device's static key, known before
      → e, es             message 1
      ← e, ee             message 2   the device has proven its key
      → s, se             message 3   the technician has proven theirs; certificates travel as the payload

Decides: whether each message follows the pattern, authenticates, and was made with a real key.
Leaves to others: who the keys belong to (`certificates`), what the payloads mean, and how bytes travel.

One mistake, ours or theirs, and a `HandshakeState` or `CipherState` answers nothing any more. Other
patterns (NN, NK, KK, IK, XX, with psk modifiers) stand in `noise_patterns` because public vectors of all of
them prove the machinery; Bellpull itself opens sessions with `SESSION_PROTOCOL` alone.
Secret keys are dropped after `split`, but Python cannot promise to wipe memory: forward secrecy rests on the
ephemeral keys and on the process that held them going away.
"""

from collections.abc import Callable, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from protocol.cipher_state import HASH_BYTES, KEY_BYTES, CipherState, SymmetricState
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import NOISE_MESSAGE_MAX_BYTES
from protocol.noise_patterns import Pattern, Token, parse_name

__all__ = ["SESSION_PROTOCOL", "CipherState", "HandshakeState", "session_prologue"]

SESSION_PROTOCOL: Final = "Noise_XK_25519_AESGCM_SHA256"
SESSION_PROLOGUE_LABEL: Final = b"bellpull session v1"


def session_prologue(root_hash: bytes, device: str, ticket: str, room: str) -> bytes:
    """What both ends must already agree on before a session's handshake can succeed.

    Sample for a root hash of 32 bytes, device `d1`, no ticket, room `r`:
        b"bellpull session v1" 00 20 <32 bytes> 00 02 "d1" 00 00 00 01 "r"
    """
    if len(root_hash) != HASH_BYTES:
        raise LocalProtocolError(
            "the root hash has a wrong length", expected=f"{HASH_BYTES} bytes", got=f"{len(root_hash)} bytes"
        )
    parts = [root_hash]
    for name, text in (("device", device), ("ticket", ticket), ("room", room)):
        if not text.isascii() or len(text) > 0xFFFF:
            raise LocalProtocolError(f"the {name} id cannot stand in a prologue", expected="short ASCII")
        parts.append(text.encode("ascii"))
    return SESSION_PROLOGUE_LABEL + b"".join(len(part).to_bytes(2, "big") + part for part in parts)


class HandshakeState:
    """One handshake of one side, from the first message to `split`.

    `s` is this side's static key, `rs` the other side's when the pattern knows it beforehand (32 raw bytes),
    `psks` in the order of their modifiers. `ephemeral` makes the ephemeral key: `X25519PrivateKey.generate`,
    or a fixed one in tests. A wrong combination is a `LocalProtocolError` at once.
    """

    def __init__(
        self,
        protocol_name: str,
        *,
        initiator: bool,
        prologue: bytes,
        s: X25519PrivateKey | None = None,
        rs: bytes | None = None,
        psks: Sequence[bytes] = (),
        ephemeral: Callable[[], X25519PrivateKey],
    ) -> None:
        pattern, cipher_name = parse_name(protocol_name)
        _check_keys(pattern, initiator=initiator, s=s, rs=rs, psks=psks)
        self._initiator = initiator
        self._messages = list(pattern.messages)
        self._writing = initiator  # whose turn it is
        self._has_psk = pattern.psk_count > 0
        self._psks = list(psks)
        # "e" and "s" of each side; a key is there from the moment the pattern brings it.
        self._local: dict[str, X25519PrivateKey] = {} if s is None else {"s": s}
        self._remote: dict[str, bytes] = {} if rs is None else {"s": rs}
        self._make_ephemeral = ephemeral
        self._failed = False
        self._symmetric: SymmetricState | None = SymmetricState(protocol_name, cipher_name)
        self._final_hash: bytes | None = None
        self._local_ephemeral_public: bytes | None = None

        self._symmetric.mix_hash(prologue)
        own = s.public_key().public_bytes_raw() if s else b""
        initiator_static, responder_static = (own, rs or b"") if initiator else (rs or b"", own)
        if pattern.initiator_known:
            self._symmetric.mix_hash(initiator_static)
        if pattern.responder_known:
            self._symmetric.mix_hash(responder_static)

    @property
    def initiator(self) -> bool:
        """Whether this side began."""
        return self._initiator

    @property
    def finished(self) -> bool:
        """All messages have passed, none failed: the other side has proven what the pattern asks of it."""
        return not self._messages and not self._failed

    @property
    def handshake_hash(self) -> bytes:
        """32 bytes, equal at both ends and at nobody else's; only when finished."""
        if self._final_hash is None:
            raise LocalProtocolError("there is no handshake hash before the handshake is finished")
        return self._final_hash

    @property
    def remote_static(self) -> bytes | None:
        """The other side's static key; proven only once the handshake is finished."""
        return self._remote.get("s")

    @property
    def remote_ephemeral(self) -> bytes | None:
        return self._remote.get("e")

    @property
    def local_ephemeral_public(self) -> bytes | None:
        """Known after the first message this side has written."""
        return self._local_ephemeral_public

    def write_message(self, payload: bytes = b"") -> bytes:
        """The next message, at most 65 535 bytes, carrying `payload`."""
        symmetric, tokens = self._begin(writing=True)
        parts: list[bytes] = []
        for token in tokens:
            match token:
                case Token.E:
                    self._local["e"] = self._make_ephemeral()
                    self._local_ephemeral_public = self._local["e"].public_key().public_bytes_raw()
                    parts.append(self._local_ephemeral_public)
                    self._mix_ephemeral(symmetric, self._local_ephemeral_public)
                case Token.S:
                    static = self._local["s"].public_key().public_bytes_raw()
                    parts.append(symmetric.encrypt_and_hash(static))
                case _:
                    self._mix(symmetric, token)
        if sum(map(len, parts)) + len(payload) + symmetric.tag_bytes > NOISE_MESSAGE_MAX_BYTES:
            raise LocalProtocolError(
                "the handshake payload is too long",
                expected=f"a message of at most {NOISE_MESSAGE_MAX_BYTES} bytes",
                got=f"a payload of {len(payload)} bytes",
            )
        parts.append(symmetric.encrypt_and_hash(payload))
        self._end(symmetric)
        return b"".join(parts)

    def read_message(self, message: bytes) -> bytes:
        """The payload of the other side's next message; anything wrong with it is a `RemoteProtocolError`."""
        symmetric, tokens = self._begin(writing=False)
        if len(message) > NOISE_MESSAGE_MAX_BYTES:
            raise RemoteProtocolError(
                "the handshake message is too long",
                expected=f"at most {NOISE_MESSAGE_MAX_BYTES} bytes",
                got=f"{len(message)} bytes",
            )
        rest = memoryview(message)
        for token in tokens:
            match token:
                case Token.E:
                    self._remote["e"], rest = _take(rest, KEY_BYTES)
                    self._mix_ephemeral(symmetric, self._remote["e"])
                case Token.S:
                    sealed, rest = _take(rest, KEY_BYTES + symmetric.tag_bytes)
                    self._remote["s"] = symmetric.decrypt_and_hash(sealed)
                case _:
                    self._mix(symmetric, token)
        if len(rest) < symmetric.tag_bytes:
            raise _too_short(symmetric.tag_bytes, len(rest))
        payload = symmetric.decrypt_and_hash(bytes(rest))
        self._end(symmetric)
        return payload

    def split(self) -> tuple[CipherState, CipherState]:
        """(send, receive) for the transport; once, after the handshake is finished."""
        if not self.finished or self._symmetric is None:
            raise LocalProtocolError("the handshake cannot be split now", expected="a finished handshake, split once")
        first, second = self._symmetric.split()
        self._symmetric = None
        self._local.clear()
        self._psks.clear()
        return (first, second) if self._initiator else (second, first)

    def _begin(self, *, writing: bool) -> tuple[SymmetricState, tuple[Token, ...]]:
        """Take the next message's tokens. The state counts as failed until `_end` says otherwise."""
        symmetric = self._symmetric
        if self._failed or symmetric is None or not self._messages or self._writing != writing:
            self._failed = True
            raise LocalProtocolError(
                "this handshake cannot go on",
                expected="messages in turn, none after the last or after a failure",
                hint="begin a new handshake",
            )
        self._failed = True
        return symmetric, self._messages.pop(0)

    def _end(self, symmetric: SymmetricState) -> None:
        self._failed = False
        self._writing = not self._writing
        if not self._messages:
            self._final_hash = symmetric.hash

    def _mix_ephemeral(self, symmetric: SymmetricState, public: bytes) -> None:
        symmetric.mix_hash(public)
        if self._has_psk:  # section 9.2: with a psk the ephemeral goes into the key as well
            symmetric.mix_key(public)

    def _mix(self, symmetric: SymmetricState, token: Token) -> None:
        if token is Token.PSK:
            symmetric.mix_key_and_hash(self._psks.pop(0))
            return
        # "es": the initiator's e with the responder's s
        local, remote = (token[0], token[1]) if self._initiator else (token[1], token[0])
        public = self._remote[remote]
        try:
            shared = self._local[local].exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:  # `cryptography` refuses a shared secret of zeros
            raise RemoteProtocolError(
                "the other side sent a key of low order", expected="an X25519 public key", got=public.hex()
            ) from None
        symmetric.mix_key(shared)


def _check_keys(
    pattern: Pattern,
    *,
    initiator: bool,
    s: X25519PrivateKey | None,
    rs: bytes | None,
    psks: Sequence[bytes],
) -> None:
    """Exactly the keys that the pattern calls for, no fewer and no more."""
    remote_known = pattern.responder_known if initiator else pattern.initiator_known
    if (s is not None) != pattern.needs_static(initiator=initiator):
        raise LocalProtocolError("this side's static key is missing, or not called for")
    if (rs is not None) != remote_known:
        raise LocalProtocolError("the other side's static key is missing, or not called for")
    if rs is not None and len(rs) != KEY_BYTES:
        raise LocalProtocolError("the other side's static key has a wrong length", got=f"{len(rs)} bytes")
    if len(psks) != pattern.psk_count or any(len(psk) != KEY_BYTES for psk in psks):
        raise LocalProtocolError(
            "the pre-shared keys do not fit the pattern", expected=f"{pattern.psk_count} of {KEY_BYTES} bytes"
        )


def _take(rest: memoryview, count: int) -> tuple[bytes, memoryview]:
    if len(rest) < count:
        raise _too_short(count, len(rest))
    return bytes(rest[:count]), rest[count:]


def _too_short(expected: int, got: int) -> RemoteProtocolError:
    return RemoteProtocolError("the handshake message is too short", expected=f"{expected} more bytes", got=str(got))
