"""A stored entry is proven to be exactly the one that was sent, inside a signed tree."""

import pytest

from protocol.audit import (
    AuditEntry,
    AuditLeaf,
    AuditWord,
    CommittedValue,
    InclusionProof,
    check_inclusion,
    value_commitment,
)
from protocol.errors import RemoteProtocolError
from protocol.merkle import Tree, leaf_hash
from protocol.strict_json import parse
from tests.making import NOW
from tests.protocol.visits import DEVICE_ID

ENTRY = AuditEntry(word=AuditWord.SESSION_STARTED, author=DEVICE_ID, at=NOW, device=DEVICE_ID, session=bytes(32))


def stored(entry: AuditEntry = ENTRY, index: int = 2) -> tuple[InclusionProof, int, bytes]:
    leaves = [AuditLeaf(received_at=NOW, entry=ENTRY.model_copy(update={"sequence": n})).to_bytes() for n in range(5)]
    leaves[index] = AuditLeaf(received_at=NOW + 1, entry=entry).to_bytes()
    tree = Tree(leaf_hash(leaf) for leaf in leaves)
    proof = InclusionProof(leaf=leaves[index], index=index, path=tuple(tree.inclusion_proof(index)), checkpoint="")
    return proof, tree.size, tree.root()


def test_the_entry_sent_is_the_entry_stored() -> None:
    proof, size, root = stored()
    assert check_inclusion(proof, ENTRY, size, root).received_at == NOW + 1


def test_a_server_that_stores_something_else_is_caught() -> None:
    proof, size, root = stored(ENTRY.model_copy(update={"risk": 1}))
    with pytest.raises(RemoteProtocolError, match="another entry"):
        check_inclusion(proof, ENTRY, size, root)


def test_a_server_that_stores_nothing_is_caught() -> None:
    proof, size, _ = stored()
    with pytest.raises(RemoteProtocolError):
        check_inclusion(proof, ENTRY, size, bytes(32))
    with pytest.raises(RemoteProtocolError):
        check_inclusion(proof.model_copy(update={"index": 3}), ENTRY, size, stored()[2])


def test_an_author_is_a_device_or_one_of_two_words() -> None:
    for author in ("server", "organisation", DEVICE_ID):
        body = ENTRY.model_copy(update={"author": author})
        assert parse(body.model_dump_json().encode(), AuditEntry).author == author
    with pytest.raises(RemoteProtocolError, match="author"):
        parse(ENTRY.model_copy(update={"author": "anna"}).model_dump_json().encode(), AuditEntry)


def test_a_value_behind_the_log_fits_its_commitment_and_no_other_does() -> None:
    salt = bytes(32)
    kept = CommittedValue(commitment=value_commitment(salt, "Mira"), salt=salt, value="Mira")
    assert kept.fits
    assert not kept.model_copy(update={"value": "Olga"}).fits
    assert not kept.model_copy(update={"salt": bytes(31) + b"\1"}).fits
