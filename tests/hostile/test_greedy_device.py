"""A device that gives without end: rows, pieces, files. A technician's memory and disk are not its to fill."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from protocol import strict_json
from protocol.actions.catalogue import ACTIONS
from protocol.actions.files import FileHead
from protocol.actions.spec import Output
from protocol.errors import RemoteProtocolError
from protocol.limits import MIB
from protocol.pieces import pack_bytes
from protocol.statements import StatementName
from protocol.visit import Item
from technician.session.actions import LINE_MAX_BYTES, SentAction, take_data
from technician.session.files import _Waiting
from tests.hostile.genuine import as_signed
from tests.making import NOW, seed

ROW = strict_json.dump(Item(id=1, kind="process", body="x" * 50_000)) + b"\n"
#: What is tried; an action's own budget is larger, and is held by the same line.
BUDGET_BYTES = 200_000


def an_action(name: str) -> SentAction:
    return SentAction(1, name, as_signed(StatementName.ACTION), b"{}", seed("grant"))


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_no_action_takes_more_than_it_may_give(name: str) -> None:
    action = an_action(name)
    assert action.spec.output_bytes <= 64 * MIB or action.spec.streams
    action.spec = replace(action.spec, output_bytes=BUDGET_BYTES)
    data = pack_bytes(bytes(50_000)) if action.spec.output is Output.BYTES else ROW
    given = 0

    def give() -> None:
        nonlocal given
        while given < 100 * BUDGET_BYTES:
            take_data(action, data)
            given += len(data)

    with pytest.raises(RemoteProtocolError, match="more than"):
        give()
    assert 2 * BUDGET_BYTES - len(data) < given <= 2 * BUDGET_BYTES + LINE_MAX_BYTES


def test_a_file_is_never_longer_than_it_said(tmp_path: Path) -> None:
    waiting = _Waiting(tmp_path / "report.pdf")
    with waiting.file:
        waiting.begin(FileHead(size_bytes=10, modified_at=NOW, offset=0))
        waiting.add(b"0123456789")
        with pytest.raises(RemoteProtocolError, match="more came than the file has"):
            waiting.add(b"x")
        assert waiting.digest.digest() == hashlib.sha256(b"0123456789").digest()
    assert waiting.path.read_bytes() == b"0123456789"


def test_bytes_before_a_head_are_of_no_file(tmp_path: Path) -> None:
    waiting = _Waiting(tmp_path / "report.pdf")
    with waiting.file, pytest.raises(RemoteProtocolError):
        waiting.add(b"x")
