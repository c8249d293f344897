"""The README's byte tables are what the code does."""

import io
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.errors import LocalProtocolError
from protocol.noise import SESSION_PROTOCOL, HandshakeState, session_prologue
from protocol.tables import TABLES, fill

ROOM = Path(__file__).resolve().parents[2] / "protocol"
README = (ROOM / "README.md").read_text("utf-8")


def test_readme_holds_exactly_what_the_code_draws() -> None:
    assert fill(README) == README, "run: python -m protocol.tables < protocol/README.md"


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_stands_in_the_readme_once(name: str) -> None:
    assert README.count(f"<!-- table: {name} -->\n{TABLES[name]()}<!-- end -->") == 1


def test_readme_names_every_file_of_the_room() -> None:
    names = {path.name for path in ROOM.glob("*.py")} - {"__init__.py"}
    assert len(names) > 20
    assert {name for name in names if f"`{name}`" not in README} == set()


def test_block_without_a_table_is_our_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="no such table"):
        fill("<!-- table: nothing -->\n<!-- end -->")


def test_stale_table_is_drawn_anew_and_the_rest_left_alone() -> None:
    stale = "before\n<!-- table: frame -->\nwrong\n<!-- end -->\nafter\n"
    assert fill(stale) == f"before\n<!-- table: frame -->\n{TABLES['frame']()}<!-- end -->\nafter\n"


def test_command_fills_what_it_reads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(README))
    runpy.run_path(str(ROOM / "tables.py"), run_name="__main__")
    assert capsys.readouterr().out == README


def test_drawn_lengths_of_the_handshake_are_those_on_the_wire() -> None:
    technician, device = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    ephemeral: Callable[[], X25519PrivateKey] = X25519PrivateKey.generate
    initiator = HandshakeState(
        SESSION_PROTOCOL,
        initiator=True,
        prologue=b"",
        s=technician,
        rs=device.public_key().public_bytes_raw(),
        ephemeral=ephemeral,
    )
    responder = HandshakeState(SESSION_PROTOCOL, initiator=False, prologue=b"", s=device, ephemeral=ephemeral)
    lengths = []
    for writer, reader in ((initiator, responder), (responder, initiator), (initiator, responder)):
        message = writer.write_message()
        reader.read_message(message)
        lengths.append(len(message))
    drawn = [int(line.split("|")[4]) for line in TABLES["handshake"]().split("\n")[4:7]]
    assert drawn == lengths


def test_drawn_offsets_of_the_prologue_are_those_of_its_bytes() -> None:
    prologue = session_prologue(b"R" * 32, "DEVICE", "", "ROOM")
    rows = [line.split("|")[1:3] for line in TABLES["prologue"]().split("\n")[2:7]]
    offsets = [int(offset) for offset, _ in rows]
    assert prologue[: offsets[1]] == b"bellpull session v1"
    assert prologue[offsets[1] : offsets[2]] == (32).to_bytes(2, "big")
    assert prologue[offsets[2] : offsets[3]] == b"R" * 32
    assert prologue[offsets[3] : offsets[4]] == len("DEVICE").to_bytes(2, "big")
    assert prologue[offsets[4] :] == b"DEVICE" + b"\0\0" + b"\0\4ROOM"
