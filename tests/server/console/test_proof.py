"""An inclusion proof as steps: they lead where the verifier says they lead, for every tree."""

import os

import pytest

from protocol.merkle import Tree, leaf_hash, verify_inclusion
from server.console.proof import steps_of

SIZES = range(1, 130 if os.environ.get("BELLPULL_SOAK") == "1" else 40)


@pytest.mark.parametrize("size", SIZES)
def test_the_last_step_is_the_root_for_every_entry_of_a_tree(size: int) -> None:
    hashes = [leaf_hash(bytes([at])) for at in range(size)]
    tree = Tree(hashes)
    for index, leaf in enumerate(hashes):
        path = tree.inclusion_proof(index, size)
        verify_inclusion(leaf, index, size, path, tree.root())
        steps = steps_of(leaf, index, size, path)
        assert [step.neighbour for step in steps] == path
        assert (steps[-1].result if steps else leaf) == tree.root()


def test_a_wrong_neighbour_leads_to_another_root() -> None:
    tree = Tree([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")])
    path = tree.inclusion_proof(1, 3)
    path[0] = leaf_hash(b"x")
    assert steps_of(leaf_hash(b"b"), 1, 3, path)[-1].result != tree.root()
