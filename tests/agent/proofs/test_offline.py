"""The customer's receipts without any service, and what a proof file that was touched looks like."""

import json
from pathlib import Path

import pytest

from agent.proofs.offline import kept_receipts
from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.proofs import ProofFile, verify_proof
from protocol.statements import VerifyKey
from tests.agent.visit_rig import Rig
from tests.making import Organisation


async def visited(folder: Path) -> Rig:
    rig = Rig(folder)
    technician = await rig.let_in()
    await technician.act()
    await technician.end()
    await rig.over()
    return rig


async def test_kept_receipts_are_read_from_the_file_alone(tmp_path: Path) -> None:
    rig = await visited(tmp_path / "s")
    online = rig.receipts.list()
    rig.close()
    (kept,) = kept_receipts(tmp_path / "s" / "agent.db")
    assert kept["grant"] == online[0].grant.hex()
    assert kept["technician"] == "Ada Tech"
    proof = strict_json.parse(kept["proof"].encode(), ProofFile, max_bytes=1 << 26)
    assert verify_proof(proof, rig.organisation.root.verify_key).countersigned


def test_where_there_is_no_file_there_is_no_receipt(tmp_path: Path) -> None:
    assert kept_receipts(tmp_path / "agent.db") == []


async def test_every_touched_field_of_a_proof_is_noticed(tmp_path: Path) -> None:
    """Each text and number of the whole file, changed one at a time."""
    rig = await visited(tmp_path / "s")
    stored = rig.receipts.proof(rig.receipts.list()[0].grant)
    rig.close()
    assert stored is not None
    value = json.loads(stored)
    root = rig.organisation.root.verify_key
    touched = 0
    for path in leaves(value):
        changed = json.loads(stored)
        place = changed
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = other(place[path[-1]])
        if path[-1] == "keyid":
            continue  # a hint for people; never trusted, so changing it changes nothing
        with pytest.raises(RemoteProtocolError):
            _prove(json.dumps(changed).encode(), root)
        touched += 1
    assert touched > 60


async def test_another_organisations_root_proves_nothing(tmp_path: Path) -> None:
    rig = await visited(tmp_path / "s")
    stored = rig.receipts.proof(rig.receipts.list()[0].grant)
    rig.close()
    assert stored is not None
    proof = strict_json.parse(stored, ProofFile, max_bytes=1 << 26)
    with pytest.raises(RemoteProtocolError):
        verify_proof(proof, VerifyKey(Organisation("Other Ltd").root.public))


def _prove(data: bytes, root: VerifyKey) -> None:
    verify_proof(strict_json.parse(data, ProofFile, max_bytes=1 << 26), root)


def leaves(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [leaf for name, item in value.items() for leaf in leaves(item, (*path, name))]
    if isinstance(value, list):
        return [leaf for number, item in enumerate(value) for leaf in leaves(item, (*path, number))]
    return [] if value is None else [path]


def other(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, str)
    if not value:
        return "x"
    return value[:-6] + ("A" if value[-6] != "A" else "B") + value[-5:] if len(value) > 8 else value + "x"
