"""The second look: whatever the first pass lets through, a name or a canary keeps the file on the machine."""

from __future__ import annotations

import base64
import random
from urllib.parse import quote

import pytest

from diagnostics.redaction import Engine, Identifier, Identifiers, Kind, Redactor, WithheldError, WithheldReason
from diagnostics.redaction.names import Names
from diagnostics.redaction.verify import StreamVerifier, Verifier
from tests.redaction.corpus import machine_identifiers

SECRET = b"a secret of this device, 32 bytes"
CANARY = "canary-7319-Vogel"


def redactor(**more: object) -> Redactor:
    return Redactor(machine_identifiers(), SECRET, canaries=(CANARY,), **more)  # type: ignore[arg-type]


def read(worker: Redactor, data: bytes, path: str = "logs/a.log") -> bytes:
    return b"".join(worker.stream([data], path=path))


def shifted(text: str, shift: int) -> str:
    return base64.b64encode(b"x" * shift + text.encode() + b"tail").decode()


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        CANARY.upper(),
        CANARY.encode().hex(),
        CANARY.encode().hex().upper(),
        quote(CANARY, safe=""),
        "".join(f"{c}\0" for c in CANARY),
    ],
)
def test_canary_in_any_form_withholds_the_file(form: str) -> None:
    worker = redactor()
    with pytest.raises(WithheldError) as withheld:
        read(worker, f"some text {form} more text, all of it plain and long enough to be text".encode())
    assert withheld.value.reason is WithheldReason.CANARY_LEFT
    assert CANARY not in str(withheld.value)
    assert worker.report.withheld["logs/a.log"].reason is WithheldReason.CANARY_LEFT
    assert worker.report.by_file == {}


@pytest.mark.parametrize("shift", range(6))
def test_canary_in_base64_of_any_alignment_is_seen(shift: int) -> None:
    verifier = Verifier(Identifiers(), [CANARY.encode()], engine=Engine.RE2)
    assert verifier.leak(shifted(CANARY, shift).encode()) is not None
    url_safe = shifted(CANARY, shift).replace("+", "-").replace("/", "_")
    assert verifier.leak(url_safe.encode()) is not None


def test_first_pass_that_fails_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the replacement of names off: every file that names the machine is withheld."""
    monkeypatch.setattr(Names, "apply", lambda self, data, counts: data)
    worker = redactor()
    for line in (
        "boot of annas-laptop",
        "cd /srv/bkr77",
        "id 3c5282aabbcc",
        "SSID Schmidt Wohnzimmer 5G",
        "n PF3XY9Z1QK",
    ):
        with pytest.raises(WithheldError) as withheld:
            read(worker, line.encode())
        assert withheld.value.reason is WithheldReason.NAME_LEFT
    assert worker.text("boot of annas-laptop") == "<withheld>"


def test_other_files_are_not_touched_by_one_that_is_withheld() -> None:
    worker = redactor()
    with pytest.raises(WithheldError):
        read(worker, CANARY.encode(), "logs/bad.log")
    assert read(worker, b"fine 10.1.2.3", "logs/good.log").startswith(b"fine <ip-private:")
    assert list(worker.report.by_file) == ["logs/good.log"]


@pytest.mark.parametrize("piece", [1, 2, 7, 100])
def test_name_that_lies_over_the_border_of_two_pieces_is_seen(piece: int) -> None:
    text = b"x" * 300 + b" annas-laptop " + b"y" * 300
    stream = StreamVerifier(Verifier(machine_identifiers(), (), engine=Engine.RE2), "logs/a.log")
    handed_out = bytearray()

    def feed_all() -> None:
        for at in range(0, len(text), piece):
            handed_out.extend(stream.feed(text[at : at + piece]))

    with pytest.raises(WithheldError):
        feed_all()
    assert b"annas-laptop" not in handed_out


def test_nothing_is_lost_or_added_on_the_way() -> None:
    rng = random.Random(2)
    stream = StreamVerifier(Verifier(machine_identifiers(), [b"canary"], engine=Engine.RE2), "logs/a.log")
    text = bytes(rng.randrange(32, 127) for _ in range(5000))
    out = b""
    at = 0
    while at < len(text):
        size = rng.randrange(1, 400)
        out += stream.feed(text[at : at + size])
        at += size
    assert out + stream.finish() == text


@pytest.mark.parametrize("text", [b"annasx-laptop", b"bkr777", b"plain", b"abkr77", b"bkr\xc3\xa477"])
def test_look_alike_of_a_name_is_no_leak(text: bytes) -> None:
    assert Verifier(machine_identifiers(), (), engine=Engine.RE2).leak(text) is None


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize(
    "text", [b"a\\nbkr77", b"%20bkr77", b"_bkr77_", b"\x1b[1mbkr77", b"(bkr77)", b"BKR77", b"bkr77"]
)
def test_name_beside_an_escape_is_a_leak(text: bytes, engine: Engine) -> None:
    assert Verifier(machine_identifiers(), (), engine=engine).leak(text) is not None


def test_canary_must_be_long_enough_to_mean_something() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        Redactor(Identifiers(), SECRET, canaries=("abc",))


def test_check_looks_without_rewriting() -> None:
    worker = redactor()
    worker.check(b'{"password": 3}', path="redaction.json")
    with pytest.raises(WithheldError):
        worker.check(b"on annas-laptop", path="redaction.json")


def test_single_letters_of_other_alphabets_stand_alone() -> None:
    name = Identifiers(everywhere=(Identifier(Kind.USER, "Олег"),))
    verifier = Verifier(name, (), engine=Engine.RE2)
    assert verifier.leak("входит Олег.".encode()) is not None
    assert verifier.leak("Олегович".encode()) is None
