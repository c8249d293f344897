"""The Noise handshake: all public vectors, and every way to break one."""

import hashlib
import random
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.cipher_state import NONCE_LIMIT
from protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocol.limits import NOISE_MESSAGE_MAX_BYTES
from protocol.noise import SESSION_PROTOCOL, CipherState, HandshakeState, session_prologue
from protocol.noise_patterns import PATTERNS

# Points whose product with any X25519 key is zero (RFC 7748, section 6.1), and other spellings of them.
LOW_ORDER_POINTS = [
    bytes(32),
    bytes([1]) + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ec" + "ff" * 30 + "7f"),
    bytes.fromhex("ed" + "ff" * 30 + "7f"),
    bytes.fromhex("ee" + "ff" * 30 + "7f"),
    bytes(31) + bytes([0x80]),
]


def key(seed: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())


def public(private: X25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


TECHNICIAN, DEVICE, STRANGER = key("technician"), key("device"), key("stranger")
PROLOGUE = session_prologue(bytes(range(32)), "device-1", "ticket-1", "room-1")


def session_pair(
    *,
    initiator_prologue: bytes = PROLOGUE,
    responder_prologue: bytes = PROLOGUE,
    device_public: bytes | None = None,
    technician: X25519PrivateKey = TECHNICIAN,
) -> tuple[HandshakeState, HandshakeState]:
    initiator = HandshakeState(
        SESSION_PROTOCOL,
        initiator=True,
        prologue=initiator_prologue,
        s=technician,
        rs=device_public or public(DEVICE),
        ephemeral=lambda: key("initiator ephemeral"),
    )
    responder = HandshakeState(
        SESSION_PROTOCOL,
        initiator=False,
        prologue=responder_prologue,
        s=DEVICE,
        ephemeral=lambda: key("responder ephemeral"),
    )
    return initiator, responder


def run_to_end(initiator: HandshakeState, responder: HandshakeState) -> tuple[HandshakeState, HandshakeState]:
    responder.read_message(initiator.write_message(b"one"))
    initiator.read_message(responder.write_message(b"two"))
    responder.read_message(initiator.write_message(b"three"))
    return initiator, responder


# --- The public vectors


def _vector_side(vector: dict[str, Any], side: str) -> HandshakeState:
    def raw(name: str) -> bytes | None:
        value = vector.get(f"{side}_{name}")
        return None if value is None else bytes.fromhex(value)

    static, ephemeral = raw("static"), raw("ephemeral")
    assert ephemeral is not None
    return HandshakeState(
        vector["protocol_name"],
        initiator=side == "init",
        prologue=raw("prologue") or b"",
        s=None if static is None else X25519PrivateKey.from_private_bytes(static),
        rs=raw("remote_static"),
        psks=[bytes.fromhex(psk) for psk in vector.get(f"{side}_psks", [])],
        ephemeral=lambda: X25519PrivateKey.from_private_bytes(ephemeral),
    )


def test_every_public_vector_passes_with_its_handshake_hash(vectors: Callable[[str], Any]) -> None:
    passed = []
    for vector in vectors("noise")["vectors"]:
        initiator, responder = _vector_side(vector, "init"), _vector_side(vector, "resp")
        messages = [(bytes.fromhex(m["payload"]), bytes.fromhex(m["ciphertext"])) for m in vector["messages"]]
        turn = 0
        while not initiator.finished:
            payload, expected = messages[turn]
            writer, reader = (initiator, responder) if turn % 2 == 0 else (responder, initiator)
            assert writer.write_message(payload) == expected, (vector["protocol_name"], turn)
            assert reader.read_message(expected) == payload
            turn += 1
        assert responder.finished
        assert initiator.handshake_hash == responder.handshake_hash
        assert initiator.handshake_hash.hex() == vector["handshake_hash"]
        (initiator_send, initiator_receive), (responder_send, responder_receive) = (
            initiator.split(),
            responder.split(),
        )
        for turn_after in range(turn, len(messages)):
            payload, expected = messages[turn_after]
            send, receive = (
                (initiator_send, responder_receive) if turn_after % 2 == 0 else (responder_send, initiator_receive)
            )
            assert send.encrypt(payload) == expected
            assert receive.decrypt(expected) == payload
        passed.append(vector["protocol_name"])
    assert len(passed) == len(set(passed)) == 32


# --- The session handshake


def test_session_handshake_carries_payloads_and_proves_both_static_keys() -> None:
    initiator, responder = session_pair()
    assert responder.read_message(initiator.write_message(b"one")) == b"one"
    assert initiator.read_message(responder.write_message(b"two")) == b"two"
    assert not initiator.finished
    assert not responder.finished
    assert responder.read_message(initiator.write_message(b"three")) == b"three"

    assert initiator.finished
    assert responder.finished
    assert initiator.handshake_hash == responder.handshake_hash
    assert responder.remote_static == public(TECHNICIAN)
    assert initiator.remote_static == public(DEVICE)
    assert responder.remote_ephemeral == initiator.local_ephemeral_public == public(key("initiator ephemeral"))
    assert initiator.remote_ephemeral == responder.local_ephemeral_public == public(key("responder ephemeral"))


def test_keys_of_both_directions_differ_and_meet() -> None:
    initiator, responder = run_to_end(*session_pair())
    (i_send, i_receive), (r_send, r_receive) = initiator.split(), responder.split()
    there, back = i_send.encrypt(b"same"), r_send.encrypt(b"same")
    assert there != back
    assert r_receive.decrypt(there) == b"same"
    assert i_receive.decrypt(back) == b"same"
    assert i_send.nonce == r_receive.nonce == 1


def test_before_message_one_no_ephemeral_is_known() -> None:
    initiator, responder = session_pair()
    assert initiator.local_ephemeral_public is None
    assert responder.remote_ephemeral is None
    assert responder.remote_static is None


@pytest.mark.parametrize(
    "other",
    [
        session_prologue(bytes(32), "device-1", "ticket-1", "room-1"),
        session_prologue(bytes(range(32)), "device-2", "ticket-1", "room-1"),
        session_prologue(bytes(range(32)), "device-1", "", "room-1"),
        session_prologue(bytes(range(32)), "device-1", "ticket-1", "room-2"),
        session_prologue(bytes(range(32)), "device-1ticket-1", "", "room-1"),
        b"",
    ],
)
def test_two_ends_with_different_prologues_never_meet(other: bytes) -> None:
    initiator, responder = session_pair(responder_prologue=other)
    with pytest.raises(RemoteProtocolError):
        responder.read_message(initiator.write_message())


def test_message_for_another_device_does_not_open() -> None:
    initiator, responder = session_pair(device_public=public(STRANGER))
    with pytest.raises(RemoteProtocolError):
        responder.read_message(initiator.write_message())


def test_message_one_replayed_to_the_same_device_ends_with_another_hash() -> None:
    """A replay of message 1 opens (XK has no freshness there); without the ephemeral it goes no further."""
    initiator, responder = session_pair()
    first = initiator.write_message()
    responder.read_message(first)
    replayed_to = HandshakeState(
        SESSION_PROTOCOL, initiator=False, prologue=PROLOGUE, s=DEVICE, ephemeral=lambda: key("another")
    )
    replayed_to.read_message(first)
    replayed_to.write_message()
    initiator.read_message(responder.write_message())
    third = initiator.write_message()
    with pytest.raises(RemoteProtocolError):
        replayed_to.read_message(third)
    assert responder.read_message(third) == b""


# --- The prologue


def test_prologue_is_the_label_and_length_prefixed_parts() -> None:
    root = bytes(range(32))
    assert session_prologue(root, "d1", "", "r") == (
        b"bellpull session v1" + b"\x00\x20" + root + b"\x00\x02d1" + b"\x00\x00" + b"\x00\x01r"
    )


@pytest.mark.parametrize(
    ("root", "device", "ticket", "room"),
    [
        (bytes(31), "d", "t", "r"),
        (bytes(33), "d", "t", "r"),
        (bytes(32), "d\u00e9", "t", "r"),
        (bytes(32), "d", "\u202e", "r"),
        (bytes(32), "d", "t", "r" * 65_536),
    ],
)
def test_prologue_refuses_what_it_cannot_hold(root: bytes, device: str, ticket: str, room: str) -> None:
    with pytest.raises(LocalProtocolError):
        session_prologue(root, device, ticket, room)


def test_prologue_holds_ids_up_to_what_their_length_can_say() -> None:
    assert session_prologue(bytes(32), "", "", "r" * 65_535).endswith(b"\xff\xff" + b"r" * 65_535)


@given(st.lists(st.text(st.characters(codec="ascii"), max_size=40), min_size=6, max_size=6))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_two_different_prologues_are_never_the_same_bytes(texts: list[str]) -> None:
    one, other = tuple(texts[:3]), tuple(texts[3:])
    same = session_prologue(bytes(32), *one) == session_prologue(bytes(32), *other)
    assert same == (one == other)


# --- Keys that do not fit


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Noise_XK_25519_AESGCM_SHA512",
        "Noise_XK_448_AESGCM_SHA256",
        "Noise_XX_25519_AESGCM_SHA256\n",
        "Noise_NNpsk3_25519_AESGCM_SHA256",
        "Noise_XXpsk4_25519_AESGCM_SHA256",
        "Noise_XKpsk0+psk0_25519_AESGCM_SHA256",
        "Noise_N_25519_AESGCM_SHA256",
    ],
)
def test_unknown_protocol_name_is_refused(name: str) -> None:
    with pytest.raises(LocalProtocolError):
        HandshakeState(name, initiator=True, prologue=b"", ephemeral=lambda: key("e"))


@pytest.mark.parametrize(
    ("name", "initiator", "s", "rs", "psks"),
    [
        ("Noise_XK_25519_AESGCM_SHA256", True, None, public(DEVICE), ()),  # no static key of our own
        ("Noise_XK_25519_AESGCM_SHA256", True, TECHNICIAN, None, ()),  # not knowing the device
        ("Noise_XK_25519_AESGCM_SHA256", False, DEVICE, public(TECHNICIAN), ()),  # knowing too much
        ("Noise_XK_25519_AESGCM_SHA256", True, TECHNICIAN, bytes(31), ()),
        ("Noise_NN_25519_AESGCM_SHA256", True, TECHNICIAN, None, ()),
        ("Noise_NK_25519_AESGCM_SHA256", True, TECHNICIAN, public(DEVICE), ()),
        ("Noise_NNpsk0_25519_AESGCM_SHA256", True, None, None, ()),
        ("Noise_NNpsk0_25519_AESGCM_SHA256", True, None, None, (bytes(31),)),
        ("Noise_NNpsk0_25519_AESGCM_SHA256", True, None, None, (bytes(32), bytes(32))),
        ("Noise_NN_25519_AESGCM_SHA256", True, None, None, (bytes(32),)),
    ],
)
def test_keys_that_the_pattern_does_not_call_for_are_refused(
    name: str, initiator: bool, s: X25519PrivateKey | None, rs: bytes | None, psks: tuple[bytes, ...]
) -> None:
    with pytest.raises(LocalProtocolError):
        HandshakeState(name, initiator=initiator, prologue=b"", s=s, rs=rs, psks=psks, ephemeral=lambda: key("e"))


def test_two_psk_modifiers_in_one_name_work_together() -> None:
    psks = (bytes(32), bytes([1]) * 32)
    name = "Noise_NNpsk0+psk2_25519_ChaChaPoly_SHA256"
    assert len(name) > 32  # the hashed kind of name
    initiator, responder = (
        HandshakeState(name, initiator=side, prologue=b"", psks=psks, ephemeral=lambda: key("e"))
        for side in (True, False)
    )
    responder.read_message(initiator.write_message())
    initiator.read_message(responder.write_message())
    assert initiator.handshake_hash == responder.handshake_hash


def test_wrong_psk_never_meets() -> None:
    name = "Noise_NNpsk0_25519_AESGCM_SHA256"
    initiator = HandshakeState(name, initiator=True, prologue=b"", psks=(bytes(32),), ephemeral=lambda: key("e"))
    responder = HandshakeState(name, initiator=False, prologue=b"", psks=(bytes([1]) * 32,), ephemeral=lambda: key("f"))
    with pytest.raises(RemoteProtocolError):
        responder.read_message(initiator.write_message())


@pytest.mark.parametrize("point", LOW_ORDER_POINTS, ids=lambda point: point.hex()[:8])
def test_low_order_ephemeral_is_refused_in_every_message(point: bytes) -> None:
    _, responder = session_pair()
    with pytest.raises(RemoteProtocolError, match="low order"):
        responder.read_message(point + bytes(16))

    initiator, responder = session_pair()
    responder.read_message(initiator.write_message())
    with pytest.raises(RemoteProtocolError, match="low order"):
        initiator.read_message(point + bytes(16))


@pytest.mark.parametrize("point", LOW_ORDER_POINTS, ids=lambda point: point.hex()[:8])
def test_low_order_static_key_of_a_device_is_refused(point: bytes) -> None:
    initiator, _ = session_pair(device_public=point)
    with pytest.raises(RemoteProtocolError, match="low order"):
        initiator.write_message()


# --- Order, sizes, and failing closed


def test_writing_or_reading_out_of_turn_closes_the_handshake() -> None:
    initiator, responder = session_pair()
    with pytest.raises(LocalProtocolError):
        responder.write_message()
    with pytest.raises(LocalProtocolError):
        responder.read_message(initiator.write_message())

    initiator, _ = session_pair()
    with pytest.raises(LocalProtocolError):
        initiator.read_message(bytes(48))
    with pytest.raises(LocalProtocolError):
        initiator.write_message()


def test_nothing_is_split_or_hashed_before_the_end() -> None:
    initiator, responder = session_pair()
    responder.read_message(initiator.write_message())
    for side in (initiator, responder):
        with pytest.raises(LocalProtocolError):
            _ = side.handshake_hash
        with pytest.raises(LocalProtocolError):
            side.split()


def test_split_works_once_and_no_message_follows_it() -> None:
    initiator, responder = run_to_end(*session_pair())
    initiator.split()
    with pytest.raises(LocalProtocolError):
        initiator.split()
    with pytest.raises(LocalProtocolError):
        initiator.read_message(b"")
    with pytest.raises(LocalProtocolError):
        responder.write_message()
    assert not responder.finished
    with pytest.raises(LocalProtocolError):
        responder.split()


def test_no_secret_is_kept_after_the_split() -> None:
    for side in run_to_end(*session_pair()):
        side.split()
        kept = [value for held in vars(side).values() for value in (held if isinstance(held, list | dict) else [held])]
        kept += [value for held in vars(side).values() if isinstance(held, dict) for value in held.values()]
        assert not [value for value in kept if isinstance(value, X25519PrivateKey)]
        assert vars(side)["_symmetric"] is None
        assert len(side.handshake_hash) == 32

    psk = bytes([7]) * 32
    initiator, responder = (
        HandshakeState(
            "Noise_NNpsk0_25519_AESGCM_SHA256", initiator=side, prologue=b"", psks=(psk,), ephemeral=lambda: key("e")
        )
        for side in (True, False)
    )
    responder.read_message(initiator.write_message())
    assert psk not in vars(responder)["_psks"]


def test_failed_handshake_answers_nothing_even_to_the_right_message() -> None:
    initiator, responder = session_pair()
    good = initiator.write_message()
    with pytest.raises(RemoteProtocolError):
        responder.read_message(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(LocalProtocolError):
        responder.read_message(good)
    assert not responder.finished


def test_failing_source_of_randomness_leaves_nothing_usable() -> None:
    def broken() -> X25519PrivateKey:
        raise OSError("no randomness")

    initiator = HandshakeState(
        SESSION_PROTOCOL,
        initiator=True,
        prologue=b"",
        s=TECHNICIAN,
        rs=public(DEVICE),
        ephemeral=broken,
    )
    with pytest.raises(OSError, match="no randomness"):
        initiator.write_message()
    with pytest.raises(LocalProtocolError):
        initiator.write_message()


def test_message_without_payload_is_as_short_as_the_pattern_allows() -> None:
    initiator, responder = (
        HandshakeState(
            "Noise_XX_25519_AESGCM_SHA256", initiator=side, prologue=b"", s=static, ephemeral=lambda: key("e")
        )
        for side, static in ((True, TECHNICIAN), (False, DEVICE))
    )
    first = initiator.write_message()
    assert len(first) == 32
    assert responder.read_message(first) == b""


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 47])
def test_short_first_message_is_refused(length: int) -> None:
    initiator, responder = session_pair()
    with pytest.raises(RemoteProtocolError, match="short"):
        responder.read_message(initiator.write_message()[:length])


@pytest.mark.parametrize("length", [0, 47, 48, 63])
def test_short_third_message_is_refused(length: int) -> None:
    initiator, responder = session_pair()
    responder.read_message(initiator.write_message())
    initiator.read_message(responder.write_message())
    with pytest.raises(RemoteProtocolError):
        responder.read_message(initiator.write_message()[:length])


def test_longest_message_passes_and_one_byte_more_is_refused_at_both_ends() -> None:
    initiator, responder = session_pair()
    most = NOISE_MESSAGE_MAX_BYTES - 32 - 16
    longest = initiator.write_message(bytes(most))
    assert len(longest) == NOISE_MESSAGE_MAX_BYTES
    assert responder.read_message(longest) == bytes(most)

    initiator, responder = session_pair()
    with pytest.raises(LocalProtocolError, match="too long"):
        initiator.write_message(bytes(most + 1))
    with pytest.raises(RemoteProtocolError, match="too long"):
        responder.read_message(bytes(NOISE_MESSAGE_MAX_BYTES + 1))


# --- Mutations: a seeded sample, a long run with BELLPULL_SOAK=1


def test_no_mutated_handshake_is_ever_finished(soak: bool) -> None:
    """Flipped, truncated, extended, swapped or replayed: at no place do both ends come out with one hash.

    A change of message 1 or 2 shows at once; every side that read a changed message has failed closed.
    """
    rng = random.Random(20)
    for _ in range(20_000 if soak else 400):
        initiator, responder = session_pair()
        seen: list[bytes] = []
        victim = rng.randrange(3)
        failed = False
        for turn in range(3):
            writer, reader = (initiator, responder) if turn != 1 else (responder, initiator)
            message = writer.write_message(rng.randbytes(rng.randrange(50)))
            if turn == victim:
                message = _mutate(message, seen, rng)
            seen.append(message)
            try:
                reader.read_message(message)
            except ProtocolError:
                failed = True
                assert not reader.finished
                with pytest.raises(LocalProtocolError):
                    reader.split()
                break
        assert failed


def _mutate(message: bytes, seen: list[bytes], rng: random.Random) -> bytes:
    place = rng.randrange(len(message))
    choices = [
        message[:place] + bytes([message[place] ^ (1 << rng.randrange(8))]) + message[place + 1 :],
        message[:place],
        message + rng.randbytes(1 + rng.randrange(40)),
        rng.randbytes(len(message)),
        rng.choice(LOW_ORDER_POINTS) + message[32:],
        *seen,
    ]
    # X25519 ignores the highest bit of a public key, but the transcript does not: a flip there fails as well.
    return rng.choice(choices)


@given(st.binary(max_size=200), st.sampled_from(sorted(PATTERNS)), st.booleans())
@settings(deadline=None, derandomize=True, max_examples=300)
def test_arbitrary_bytes_raise_only_typed_errors(data: bytes, pattern: str, psk: bool) -> None:
    table = PATTERNS[pattern]
    responder = HandshakeState(
        f"Noise_{pattern}{'psk0' if psk else ''}_25519_AESGCM_SHA256",
        initiator=False,
        prologue=b"",
        s=DEVICE if table.needs_static(initiator=False) else None,
        rs=public(TECHNICIAN) if table.initiator_known else None,
        psks=(bytes(32),) if psk else (),
        ephemeral=lambda: key("e"),
    )
    try:
        responder.read_message(data)
    except RemoteProtocolError:
        with pytest.raises(LocalProtocolError):
            responder.write_message()
    else:
        # Only a first message that nothing seals can be made by a stranger without any key.
        assert pattern in {"NN", "XX"}
        assert not psk


# --- Cipher states


def test_rekey_is_the_one_of_the_specification_and_keeps_the_counter() -> None:
    sender, receiver = CipherState("AESGCM", bytes(32)), CipherState("AESGCM", bytes(32))
    receiver.decrypt(sender.encrypt(b"before"))
    sender.rekey()
    receiver.rekey()
    sealed = sender.encrypt(b"after")
    assert sender.nonce == 2
    new_key = AESGCM(bytes(32)).encrypt(bytes(4) + b"\xff" * 8, bytes(32), b"")[:32]
    assert AESGCM(new_key).decrypt(bytes(4) + (1).to_bytes(8, "big"), sealed, b"") == b"after"
    assert receiver.decrypt(sealed) == b"after"


def test_rekey_on_one_side_only_is_noticed() -> None:
    sender, receiver = CipherState("ChaChaPoly", bytes(32)), CipherState("ChaChaPoly", bytes(32))
    sender.rekey()
    with pytest.raises(RemoteProtocolError):
        receiver.decrypt(sender.encrypt(b"x"))


def test_cipher_state_that_failed_once_opens_nothing_more() -> None:
    sender, receiver = CipherState("AESGCM", bytes(32)), CipherState("AESGCM", bytes(32))
    sealed = sender.encrypt(b"x")
    with pytest.raises(RemoteProtocolError):
        receiver.decrypt(sealed[:-1])
    for act in (lambda: receiver.decrypt(sealed), lambda: receiver.encrypt(b""), receiver.rekey):
        with pytest.raises(LocalProtocolError, match="closed"):
            act()


def test_last_nonce_is_never_used() -> None:
    sender = CipherState("AESGCM", bytes(32), nonce=NONCE_LIMIT - 1)
    receiver = CipherState("AESGCM", bytes(32), nonce=NONCE_LIMIT - 1)
    assert receiver.decrypt(sender.encrypt(b"the last one")) == b"the last one"
    with pytest.raises(LocalProtocolError, match="used up"):
        sender.encrypt(b"")
    with pytest.raises(LocalProtocolError, match="used up"):
        receiver.decrypt(bytes(16))
    with pytest.raises(LocalProtocolError):
        sender.rekey()
