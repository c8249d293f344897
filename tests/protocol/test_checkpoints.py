"""Checkpoints and their signatures: notes of the wider world open, ours verify, and nothing else does."""

import base64
import hashlib
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import limits
from protocol.checkpoints import (
    LOG_KEY_TYPE,
    SIZE_MAX,
    TIME_MAX_S,
    WITNESS_KEY_TYPE,
    Checkpoint,
    LogKey,
    LogVerifier,
    WitnessKey,
    WitnessVerifier,
    add_signature,
    cosigned_at,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    verify_cosignature,
)
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.merkle import EMPTY_ROOT
from protocol.signed_note import key_id

LOG = LogKey.from_raw("bellpull.example/log", hashlib.sha256(b"log").digest())
WITNESS = WitnessKey.from_raw("d-witness", hashlib.sha256(b"witness").digest())
OTHER_WITNESS = WitnessKey.from_raw("d-other", hashlib.sha256(b"other").digest())
ROOT = bytes(range(32))
CHECKPOINT = Checkpoint("bellpull.example/log", 42, ROOT)
NOTE = LOG.sign(CHECKPOINT)
TEXT = "bellpull.example/log\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
SIGNATURE_LINE = NOTE.split("\n")[4]


# --- The wider world

# A checkpoint of a public certificate log of 2026, signed by the log and cosigned by four witnesses.
PUBLIC_NOTE = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

\u2014 arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
\u2014 arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
\u2014 transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
\u2014 witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
\u2014 remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
\u2014 witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""  # noqa: E501


def public_key(vkey: str) -> tuple[str, bytes, bytes]:
    """`name+id+base64(type ‖ key)`, as those logs and witnesses publish their keys → name, id, key."""
    name, identifier, encoded = vkey.split("+", 2)
    raw = base64.b64decode(encoded)
    return name, bytes.fromhex(identifier), raw[1:]


PUBLIC_LOG = public_key("arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f")
PUBLIC_WITNESS = public_key("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")


def test_checkpoint_of_a_public_log_opens_and_its_witness_is_believed() -> None:
    log = LogVerifier(PUBLIC_LOG[0], PUBLIC_LOG[2])
    witness = WitnessVerifier(PUBLIC_WITNESS[0], PUBLIC_WITNESS[2])
    assert log.key_id == PUBLIC_LOG[1]
    assert witness.key_id == PUBLIC_WITNESS[1]
    checkpoint = open_checkpoint(PUBLIC_NOTE, log)
    assert (checkpoint.origin, checkpoint.size) == ("arche2025h1.staging.ct.transparency.dev", 1_432_088_532)
    assert cosigned_at(PUBLIC_NOTE, log, [witness]) == {"remora.n621.de": 0x6A122120}


def test_key_ids_are_those_other_implementations_publish() -> None:
    for vkey in (
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ):
        name, identifier, key = public_key(vkey)
        assert LogVerifier(name, key).key_id == key_id(name, LOG_KEY_TYPE, key) == identifier


# --- Signing and opening


def test_note_is_three_lines_an_empty_one_and_a_signature() -> None:
    assert f"{TEXT}\n{SIGNATURE_LINE}\n" == NOTE
    raw = base64.b64decode(SIGNATURE_LINE.split(" ")[2])
    assert raw[:4] == LOG.verifier.key_id
    signed_by_hand = Ed25519PrivateKey.from_private_bytes(LOG.to_raw()).sign(TEXT.encode())
    assert raw[4:] == signed_by_hand
    assert open_checkpoint(NOTE, LOG.verifier) == CHECKPOINT


def test_cosignature_covers_the_time_and_the_text() -> None:
    line = WITNESS.cosign(NOTE, LOG.verifier, 1_679_315_147)
    raw = base64.b64decode(line.split(" ")[2])
    assert raw[:4] == WITNESS.verifier.key_id
    assert raw[4:12] == (1_679_315_147).to_bytes(8, "big")
    message = f"cosignature/v1\ntime 1679315147\n{TEXT}".encode()
    assert raw[12:] == Ed25519PrivateKey.from_private_bytes(WITNESS.to_raw()).sign(message)
    assert verify_cosignature(CHECKPOINT, line, WITNESS.verifier) == 1_679_315_147


def test_keys_come_back_from_their_raw_bytes() -> None:
    assert LogKey.from_raw("bellpull.example/log", LOG.to_raw()).verifier == LOG.verifier
    assert WitnessKey.from_raw("d-witness", WITNESS.to_raw()).verifier == WITNESS.verifier
    assert len(LOG.to_raw()) == len(WITNESS.to_raw()) == 32


def test_keys_sign_checkpoints_and_nothing_else() -> None:
    """No method takes bytes to sign; the one of the witness takes only a note that the log has signed."""
    for kind in (LogKey, WitnessKey):
        public = {name for name in dir(kind) if not name.startswith("_")}
        assert public == {"from_raw", "to_raw", "verifier", "sign" if kind is LogKey else "cosign"}
    with pytest.raises(RemoteProtocolError):
        WITNESS.cosign(TEXT, LOG.verifier, 1)


def test_empty_log_has_a_checkpoint_too() -> None:
    empty = Checkpoint("bellpull.example/log", 0, EMPTY_ROOT)
    assert open_checkpoint(LOG.sign(empty), LOG.verifier) == empty


def test_sizes_and_times_fit_into_what_other_implementations_hold() -> None:
    assert SIZE_MAX == TIME_MAX_S == 9_223_372_036_854_775_807


@pytest.mark.parametrize("size", [1, 20_852_163, SIZE_MAX])
def test_sizes_up_to_the_largest_survive(size: int) -> None:
    checkpoint = Checkpoint("bellpull.example/log", size, ROOT)
    assert open_checkpoint(LOG.sign(checkpoint), LOG.verifier) == checkpoint


# --- Cosignatures in a note


def test_added_cosignatures_are_found_and_unknown_ones_ignored() -> None:
    note = add_signature(NOTE, WITNESS.cosign(NOTE, LOG.verifier, 100))
    note = add_signature(note, OTHER_WITNESS.cosign(note, LOG.verifier, 200))
    assert open_checkpoint(note, LOG.verifier) == CHECKPOINT
    assert cosigned_at(note, LOG.verifier, [WITNESS.verifier]) == {"d-witness": 100}
    assert cosigned_at(note, LOG.verifier, [WITNESS.verifier, OTHER_WITNESS.verifier]) == {
        "d-witness": 100,
        "d-other": 200,
    }
    assert cosigned_at(note, LOG.verifier, []) == {}


def test_later_cosignature_of_one_witness_takes_the_place_of_the_earlier() -> None:
    note = add_signature(NOTE, WITNESS.cosign(NOTE, LOG.verifier, 100))
    note = add_signature(note, WITNESS.cosign(note, LOG.verifier, 300))
    assert cosigned_at(note, LOG.verifier, [WITNESS.verifier]) == {"d-witness": 300}
    assert len(parse_note(note).signatures) == 2


def test_known_witness_with_a_wrong_signature_refuses_the_note() -> None:
    line = WITNESS.cosign(LOG.sign(Checkpoint("bellpull.example/log", 43, ROOT)), LOG.verifier, 100)
    note = add_signature(NOTE, line)
    assert open_checkpoint(note, LOG.verifier) == CHECKPOINT  # of no concern to who does not know the witness
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        cosigned_at(note, LOG.verifier, [WITNESS.verifier])


def test_note_takes_signatures_only_up_to_its_limit() -> None:
    line = WITNESS.cosign(NOTE, LOG.verifier, 1)
    room = (limits.NOTE_MAX_BYTES - len(NOTE.encode())) // (len(line.encode()) + len("-000\n"))
    assert room > 16  # what the specification asks for at least
    full = NOTE + "".join(line.replace("d-witness", f"d-witness-{number:03}") + "\n" for number in range(room))
    assert len(parse_note(full).signatures) == room + 1
    with pytest.raises(LocalProtocolError, match="too many"):
        add_signature(full, line)


def test_note_of_exactly_the_longest_length_opens() -> None:
    line = f"\u2014 {'x' * 100} AAAAAAA="
    padding = limits.NOTE_MAX_BYTES - len(f"{NOTE}{line}\n".encode())
    line = line.replace("x" * 100, "x" * (100 + padding))
    longest = add_signature(NOTE, line)
    assert len(longest.encode()) == limits.NOTE_MAX_BYTES
    assert open_checkpoint(longest, LOG.verifier) == CHECKPOINT


def test_cosignature_of_another_witness_name_key_or_kind_is_refused() -> None:
    line = WITNESS.cosign(NOTE, LOG.verifier, 100)
    renamed = WitnessVerifier("d-renamed", WITNESS.verifier.public_key)
    for verifier in (OTHER_WITNESS.verifier, renamed):
        with pytest.raises(RemoteProtocolError, match="another witness"):
            verify_cosignature(CHECKPOINT, line, verifier)
    # The log's own signature is not a cosignature, even under the same key and name.
    same_key = WitnessVerifier("bellpull.example/log", LOG.verifier.public_key)
    with pytest.raises(RemoteProtocolError, match="another witness"):
        verify_cosignature(CHECKPOINT, SIGNATURE_LINE, same_key)


def test_cosignature_with_another_time_or_checkpoint_is_refused() -> None:
    line = WITNESS.cosign(NOTE, LOG.verifier, 100)
    raw = bytearray(base64.b64decode(line.split(" ")[2]))
    raw[11] ^= 1
    later = f"\u2014 d-witness {base64.b64encode(raw).decode()}"
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify_cosignature(CHECKPOINT, later, WITNESS.verifier)
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify_cosignature(Checkpoint("bellpull.example/log", 43, ROOT), line, WITNESS.verifier)


@pytest.mark.parametrize("at_s", [-1, TIME_MAX_S + 1])
def test_time_out_of_range_is_neither_cosigned_nor_believed(at_s: int) -> None:
    with pytest.raises(LocalProtocolError):
        WITNESS.cosign(NOTE, LOG.verifier, at_s)
    if at_s > 0:
        raw = WITNESS.verifier.key_id + at_s.to_bytes(8, "big") + bytes(64)
        with pytest.raises(RemoteProtocolError, match="out of range"):
            verify_cosignature(CHECKPOINT, f"\u2014 d-witness {base64.b64encode(raw).decode()}", WITNESS.verifier)


def test_cosignature_cut_short_is_refused() -> None:
    for length in (1, 8, 71):
        raw = WITNESS.verifier.key_id + bytes(length)
        with pytest.raises(RemoteProtocolError):
            verify_cosignature(CHECKPOINT, f"\u2014 d-witness {base64.b64encode(raw).decode()}", WITNESS.verifier)


# --- Our own mistakes


def test_log_key_signs_only_for_its_own_log() -> None:
    with pytest.raises(LocalProtocolError, match="that log"):
        LOG.sign(Checkpoint("another.example/log", 1, ROOT))


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("bellpull.example/log", -1, ROOT),
        Checkpoint("bellpull.example/log", SIZE_MAX + 1, ROOT),
        Checkpoint("bellpull.example/log", 1, ROOT[:31]),
        Checkpoint("bellpull.example/log", 0, ROOT),
    ],
)
def test_impossible_checkpoint_is_not_signed(checkpoint: Checkpoint) -> None:
    with pytest.raises(LocalProtocolError):
        LOG.sign(checkpoint)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2028b", "a\u202eb", "\ud800"])
def test_name_that_cannot_stand_in_a_note_makes_no_key(name: str) -> None:
    with pytest.raises(LocalProtocolError):
        LogKey.from_raw(name, bytes(32))
    with pytest.raises(LocalProtocolError):
        WitnessKey.from_raw(name, bytes(32))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_key_of_a_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(LocalProtocolError):
        LogKey.from_raw("log", bytes(length))
    with pytest.raises(LocalProtocolError):
        WitnessVerifier("d-witness", bytes(length))


# --- Notes that are not


def signed_text(text: str) -> str:
    """Any text with a true signature of the log's key: what a log that breaks the rules could make."""
    signature = Ed25519PrivateKey.from_private_bytes(LOG.to_raw()).sign(text.encode())
    raw = base64.b64encode(LOG.verifier.key_id + signature).decode()
    return f"{text}\n\u2014 bellpull.example/log {raw}\n"


ROOT_LINE = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bellpull.example/log\n42\n", "wrong lines"),
        ("bellpull.example/log\n", "wrong lines"),
        (f"bellpull.example/log\n42\n{ROOT_LINE}\nan extension\n", "wrong lines"),
        (f"bellpull.example/log\n42\n\n{ROOT_LINE}\n", "wrong lines"),
        (f"bellpull.example/log\n042\n{ROOT_LINE}\n", "size"),
        (f"bellpull.example/log\n00\n{ROOT_LINE}\n", "size"),
        (f"bellpull.example/log\n+42\n{ROOT_LINE}\n", "size"),
        (f"bellpull.example/log\n-1\n{ROOT_LINE}\n", "size"),
        (f"bellpull.example/log\n4_2\n{ROOT_LINE}\n", "size"),
        (f"bellpull.example/log\n 42\n{ROOT_LINE}\n", "size"),
        (f"bellpull.example/log\n0x2a\n{ROOT_LINE}\n", "size"),
        (f"bellpull.example/log\n\u0664\u0662\n{ROOT_LINE}\n", "size"),
        (f"bellpull.example/log\n9223372036854775808\n{ROOT_LINE}\n", "out of range"),
        (f"bellpull.example/log\n99999999999999999999999\n{ROOT_LINE}\n", "size"),
        (f"bellpull.example/log\n42\n{ROOT_LINE[:-1]}\n", "root"),
        (f"bellpull.example/log\n42\n{ROOT_LINE[:-2]}9=\n", "root"),
        (f"bellpull.example/log\n42\n {ROOT_LINE}\n", "root"),
        ("bellpull.example/log\n42\nAAAA\n", "not 32 bytes"),
        (f"bellpull.example/log\n0\n{ROOT_LINE}\n", "empty tree"),
        (f"another.example/log\n42\n{ROOT_LINE}\n", "another log"),
        (f"bellpull.example/ log\n42\n{ROOT_LINE}\n", "origin"),
        (f"\n42\n{ROOT_LINE}\n", "origin"),
    ],
)
def test_text_that_is_no_checkpoint_is_refused_although_signed(text: str, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        open_checkpoint(signed_text(text), LOG.verifier)


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ("", "no signatures"),
        ("\n", "no signatures"),
        ("\n\n", "no signatures"),
        (TEXT, "no signatures"),
        (TEXT + "\n", "no signatures"),
        (NOTE[:-1], "no signatures"),
        (NOTE.replace("\n", "\r\n"), "control characters"),
        (NOTE.replace("42", "42\t"), "control characters"),
        (NOTE.replace("42", "42\0"), "control characters"),
        (NOTE.replace("bell", "bell\ud800"), "UTF-8"),
        (NOTE + "\n", "no signatures"),
        (NOTE + SIGNATURE_LINE + "\n", "twice"),
        (NOTE + "not a signature\n", "em dash"),
        (NOTE.replace("\u2014", "--"), "em dash"),
        (NOTE.replace("\u2014 ", "\u2014"), "em dash"),
        (NOTE.replace("\u2014 bellpull.example/log ", "\u2014 "), "key name"),
        (NOTE.replace("\u2014 bellpull.example/log ", "\u2014  "), "key name"),
        (NOTE.replace("\u2014 bellpull", "\u2014 bell+pull"), "key name"),
        (NOTE.replace("\u2014 bellpull", "\u2014 bell\u00a0pull"), "key name"),
        (f"{TEXT}\n\u2014 x\n", "key name"),
        (f"{TEXT}\n\u2014 x AAAAAA=\n", "base64"),
        (f"{TEXT}\n\u2014 x AAAAAAB=\n", "base64"),
        (f"{TEXT}\n\u2014 x AAAAA A==\n", "base64"),
        (f"{TEXT}\n\u2014 x AAAA-A==\n", "base64"),
        (f"{TEXT}\n\u2014 x AAAAAA==\n", "too short"),
        (f"{TEXT}\n\u2014 x \n", "too short"),
        (f"{TEXT}\n\u2014 x AAAAAAA=\n", "own key did not sign"),
        (NOTE + "\u2014 x " + "A" * limits.NOTE_MAX_BYTES + "\n", "too long"),
        ("x" * (1 << 20), "too long"),
    ],
)
def test_bytes_that_are_no_note_are_refused(note: str, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        open_checkpoint(note, LOG.verifier)


def test_last_empty_line_divides_text_and_signatures() -> None:
    parsed = parse_note(f"one\n\ntwo\n\n{SIGNATURE_LINE}\n")
    assert parsed.text == "one\n\ntwo\n"
    with pytest.raises(RemoteProtocolError):
        parse_checkpoint(parsed.text)


def test_signature_of_another_key_under_the_logs_name_is_ignored() -> None:
    impostor = LogKey.from_raw("bellpull.example/log", hashlib.sha256(b"impostor").digest())
    forged = impostor.sign(CHECKPOINT)
    with pytest.raises(RemoteProtocolError, match="own key did not sign"):
        open_checkpoint(forged, LOG.verifier)
    assert open_checkpoint(add_signature(forged, SIGNATURE_LINE), LOG.verifier) == CHECKPOINT


def test_same_key_under_another_name_or_type_is_another_key() -> None:
    other_name = SIGNATURE_LINE.replace("bellpull.example/log", "bellpull.example/logs")
    with pytest.raises(RemoteProtocolError, match="own key did not sign"):
        open_checkpoint(f"{TEXT}\n{other_name}\n", LOG.verifier)
    raw = base64.b64decode(SIGNATURE_LINE.split(" ")[2])
    as_witness = key_id("bellpull.example/log", WITNESS_KEY_TYPE, LOG.verifier.public_key) + raw[4:]
    with pytest.raises(RemoteProtocolError, match="own key did not sign"):
        open_checkpoint(f"{TEXT}\n\u2014 bellpull.example/log {base64.b64encode(as_witness).decode()}\n", LOG.verifier)


def test_public_key_that_is_no_point_verifies_nothing() -> None:
    for key in (bytes(32), b"\xff" * 32, bytes([1]) + bytes(31)):
        verifier = LogVerifier("bellpull.example/log", key)
        raw = base64.b64encode(verifier.key_id + b"\x07" * 64).decode()
        with pytest.raises(RemoteProtocolError, match="does not verify"):
            open_checkpoint(f"{TEXT}\n\u2014 bellpull.example/log {raw}\n", verifier)


def test_no_mutated_note_opens_as_anything_else(soak: bool) -> None:
    rng = random.Random(6)
    note = add_signature(NOTE, WITNESS.cosign(NOTE, LOG.verifier, 100))
    opened = 0
    for _ in range(20_000 if soak else 1_000):
        raw = bytearray(note.encode())
        place = rng.randrange(len(raw))
        match rng.randrange(5):
            case 0:
                raw[place] ^= 1 << rng.randrange(8)
            case 1:
                del raw[place : place + rng.randrange(1, 9)]
            case 2:
                raw[place:place] = rng.choice([b"\n", b"\r", b" ", b"0", b"\n\n", "\u2014 ".encode(), rng.randbytes(3)])
            case 3:
                end = place + rng.randrange(1, 30)
                raw[place:place] = raw[place:end]
            case _:
                raw[place:] = b""
        mutated = raw.decode("utf-8", "surrogateescape")
        try:
            checkpoint = open_checkpoint(mutated, LOG.verifier)
        except RemoteProtocolError:
            continue
        # Only lines of keys that this verifier does not know may have changed.
        opened += 1
        assert checkpoint == CHECKPOINT
        assert mutated.startswith(TEXT + "\n")
        assert SIGNATURE_LINE in mutated.split("\n")
    assert opened > 0  # the mutations are not so wild that nothing was tried


@given(st.text(max_size=300))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_any_text_is_refused_by_type(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        open_checkpoint(text, LOG.verifier)


name_s = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters="+"), min_size=1, max_size=40
)


@given(name_s, st.integers(1, SIZE_MAX), st.binary(min_size=32, max_size=32), st.integers(0, TIME_MAX_S))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_any_checkpoint_survives_signing_cosigning_and_opening(name: str, size: int, root: bytes, at_s: int) -> None:
    if not name.isprintable():
        return
    log = LogKey.from_raw(name, bytes(32))
    checkpoint = Checkpoint(name, size, root)
    note = log.sign(checkpoint)
    note = add_signature(note, WITNESS.cosign(note, log.verifier, at_s))
    assert open_checkpoint(note, log.verifier) == checkpoint
    assert cosigned_at(note, log.verifier, [WITNESS.verifier]) == {"d-witness": at_s}
    assert parse_note(note).to_note() == note
