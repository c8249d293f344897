"""The Merkle tree: the public vectors, a tree by the book beside ours, and proofs that must not pass."""

import base64
import hashlib
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.merkle import (
    EMPTY_ROOT,
    Tree,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


# --- The definition of RFC 6962, section 2.1, written down as it stands there


def book_root(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = largest_power_of_two_below(len(hashes))
    return hashlib.sha256(b"\x01" + book_root(hashes[:k]) + book_root(hashes[k:])).digest()


def book_path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    k = largest_power_of_two_below(len(hashes))
    if m < k:
        return [*book_path(m, hashes[:k]), book_root(hashes[k:])]
    return [*book_path(m - k, hashes[k:]), book_root(hashes[:k])]


def book_proof(m: int, hashes: Sequence[bytes], whole: bool = True) -> list[bytes]:
    if m == len(hashes):
        return [] if whole else [book_root(hashes)]
    k = largest_power_of_two_below(len(hashes))
    if m <= k:
        return [*book_proof(m, hashes[:k], whole), book_root(hashes[k:])]
    return [*book_proof(m - k, hashes[k:], False), book_root(hashes[:k])]


def largest_power_of_two_below(count: int) -> int:
    k = 1
    while 2 * k < count:
        k *= 2
    return k


# --- The public vectors


def _raw(value: str | None) -> bytes:
    return base64.b64decode(value or "")


def test_all_public_inclusion_vectors(vectors: Callable[[str], Any]) -> None:
    cases = vectors("merkle")["inclusion"]
    assert len(cases) == 98
    for case in cases:
        arguments = (
            _raw(case["leafHash"]),
            case["leafIdx"],
            case["treeSize"],
            [_raw(step) for step in case["proof"] or []],
            _raw(case["root"]),
        )
        if case["wantErr"]:
            with pytest.raises(RemoteProtocolError):
                verify_inclusion(*arguments)
        else:
            verify_inclusion(*arguments)


def test_all_public_consistency_vectors(vectors: Callable[[str], Any]) -> None:
    cases = vectors("merkle")["consistency"]
    assert len(cases) == 60
    for case in cases:
        arguments = (
            case["size1"],
            _raw(case["root1"]),
            case["size2"],
            _raw(case["root2"]),
            [_raw(step) for step in case["proof"] or []],
        )
        if case["wantErr"]:
            with pytest.raises(RemoteProtocolError):
                verify_consistency(*arguments)
        else:
            verify_consistency(*arguments)


# --- Our tree against the book


def test_roots_and_proofs_at_every_size_are_those_of_the_definition() -> None:
    hashes = leaves(34)
    tree = Tree(hashes)
    for size in range(len(hashes) + 1):
        assert tree.root(size) == root_of(hashes[:size]) == book_root(hashes[:size])
        for index in range(size):
            assert tree.inclusion_proof(index, size) == book_path(index, hashes[:size])
        for earlier in range(1, size + 1):
            assert tree.consistency_proof(earlier, size) == book_proof(earlier, hashes[:size])


def test_every_proof_of_the_tree_verifies() -> None:
    hashes = leaves(34)
    tree = Tree(hashes)
    for size in range(1, len(hashes) + 1):
        for index in range(size):
            verify_inclusion(hashes[index], index, size, tree.inclusion_proof(index, size), tree.root(size))
        for earlier in range(1, size + 1):
            verify_consistency(
                earlier, tree.root(earlier), size, tree.root(size), tree.consistency_proof(earlier, size)
            )


def test_empty_tree_has_the_hash_of_nothing() -> None:
    assert Tree().root() == root_of([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()
    assert Tree().size == 0


def test_hashes_of_leaves_and_nodes_cannot_be_taken_for_one_another() -> None:
    left, right = leaves(2)
    assert leaf_hash(left + right) != node_hash(left, right)
    assert leaf_hash(b"") == hashlib.sha256(b"\0").digest()


def test_appending_answers_the_index_and_the_leaf_is_found_there() -> None:
    tree = Tree()
    hashes = leaves(9)
    assert [tree.append(leaf) for leaf in hashes] == list(range(9))
    assert [tree.leaf(index) for index in range(9)] == hashes
    assert Tree(hashes).root() == tree.root()


def test_proofs_are_as_short_as_the_tree_is_high() -> None:
    tree = Tree(leaves(1000))
    assert max(len(tree.inclusion_proof(index)) for index in range(1000)) == 10
    assert max(len(tree.consistency_proof(size)) for size in range(1, 1001)) <= 11


# --- Our own mistakes


def test_leaf_that_is_no_hash_is_our_mistake() -> None:
    tree = Tree()
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(LocalProtocolError):
            tree.append(wrong)
    assert tree.size == 0


def test_sizes_and_indexes_the_tree_does_not_have_are_our_mistake() -> None:
    tree = Tree(leaves(5))
    for act in (
        lambda: tree.root(6),
        lambda: tree.root(-1),
        lambda: tree.leaf(5),
        lambda: tree.leaf(-1),
        lambda: tree.inclusion_proof(5),
        lambda: tree.inclusion_proof(-1),
        lambda: tree.inclusion_proof(3, 3),
        lambda: tree.consistency_proof(0),
        lambda: tree.consistency_proof(4, 3),
        lambda: tree.consistency_proof(1, 6),
    ):
        with pytest.raises(LocalProtocolError):
            act()


# --- Proofs that must not pass


def test_log_that_shrank_is_refused() -> None:
    tree = Tree(leaves(5))
    with pytest.raises(RemoteProtocolError, match="shrunk"):
        verify_consistency(5, tree.root(), 4, tree.root(4), [])
    with pytest.raises(RemoteProtocolError):
        verify_consistency(-1, EMPTY_ROOT, 4, tree.root(4), [])


def test_everything_begins_with_the_empty_tree_and_nothing_with_a_false_one() -> None:
    tree = Tree(leaves(5))
    verify_consistency(0, EMPTY_ROOT, 5, tree.root(), [])
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    with pytest.raises(RemoteProtocolError, match="agree"):
        verify_consistency(0, tree.root(), 5, tree.root(), [])
    with pytest.raises(RemoteProtocolError, match="agree"):
        verify_consistency(0, EMPTY_ROOT, 5, tree.root(), [tree.root(4)])


def test_two_roots_at_one_size_are_a_fork() -> None:
    honest, forged = Tree(leaves(5)), Tree([*leaves(4), leaf_hash(b"another")])
    with pytest.raises(RemoteProtocolError, match="agree"):
        verify_consistency(5, honest.root(), 5, forged.root(), [])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, -1)])
def test_leaf_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(RemoteProtocolError, match="outside"):
        verify_inclusion(bytes(32), index, size, [], bytes(32))


def test_hash_of_a_wrong_length_is_refused_wherever_it_stands() -> None:
    tree = Tree(leaves(2))
    for leaf, proof, root in (
        (b"", [tree.leaf(1)], tree.root()),
        (tree.leaf(0), [b"short"], tree.root()),
        (tree.leaf(0), [tree.leaf(1)], b""),
    ):
        with pytest.raises(RemoteProtocolError, match="length"):
            verify_inclusion(leaf, 0, 2, proof, root)
    with pytest.raises(RemoteProtocolError, match="length"):
        verify_consistency(1, b"", 2, tree.root(), [tree.leaf(1)])


def test_rewritten_log_is_always_caught(soak: bool) -> None:
    """A server that changes, removes, repeats or moves an entry cannot prove that its tree continues the old one."""
    rng = random.Random(9)
    for _ in range(5_000 if soak else 300):
        hashes = leaves(rng.randrange(2, 60))
        seen = rng.randrange(1, len(hashes) + 1)
        before = Tree(hashes[:seen])
        rewritten = list(hashes)
        victim = rng.randrange(seen)
        match rng.randrange(4):
            case 0:
                rewritten[victim] = leaf_hash(rng.randbytes(8))
            case 1:
                del rewritten[victim]
            case 2:
                rewritten.insert(victim, rewritten[victim])
            case _:
                other = (victim + 1) % seen
                rewritten[victim], rewritten[other] = rewritten[other], rewritten[victim]
        if rewritten[:seen] == hashes[:seen]:
            continue
        after = Tree(rewritten)
        proof = after.consistency_proof(min(seen, after.size))
        with pytest.raises(RemoteProtocolError):
            verify_consistency(seen, before.root(), after.size, after.root(), proof)


@given(st.integers(1, 40), st.data())
@settings(deadline=None, derandomize=True, max_examples=300)
def test_changed_inclusion_proof_never_passes(size: int, data: st.DataObject) -> None:
    tree = Tree(leaves(size))
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(index)
    mutated = data.draw(mutations(proof))
    other_index = data.draw(st.integers(0, size - 1))
    if mutated != proof:
        with pytest.raises(RemoteProtocolError):
            verify_inclusion(tree.leaf(index), index, size, mutated, tree.root())
    if other_index != index:
        with pytest.raises(RemoteProtocolError):
            verify_inclusion(tree.leaf(index), other_index, size, proof, tree.root())


@given(st.integers(1, 40), st.data())
@settings(deadline=None, derandomize=True, max_examples=300)
def test_changed_consistency_proof_never_passes(size: int, data: st.DataObject) -> None:
    tree = Tree(leaves(size))
    earlier = data.draw(st.integers(1, size))
    proof = tree.consistency_proof(earlier)
    mutated = data.draw(mutations(proof))
    if mutated != proof:
        with pytest.raises(RemoteProtocolError):
            verify_consistency(earlier, tree.root(earlier), size, tree.root(), mutated)


@st.composite
def mutations(draw: st.DrawFn, proof: list[bytes]) -> list[bytes]:
    """The proof with one hash changed, removed, added or moved."""
    place = draw(st.integers(0, len(proof)))
    extra = draw(
        st.one_of(st.just(bytes(32)), st.binary(min_size=32, max_size=32), st.sampled_from(proof or [b"x" * 32]))
    )
    changed = list(proof)
    match draw(st.integers(0, 3)):
        case 0:
            changed[place : place + 1] = [extra]
        case 1:
            del changed[place : place + 1]
        case 2:
            changed.insert(place, extra)
        case _:
            changed.reverse()
    return changed


class GrowingLog(RuleBasedStateMachine):
    """A log grows; every checkpoint ever given out stays a beginning of it, and every entry stays in it."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = Tree()
        self.entries: list[bytes] = []
        self.seen: list[tuple[int, bytes]] = [(0, EMPTY_ROOT)]

    @rule(count=st.integers(1, 9))
    def append(self, count: int) -> None:
        for _ in range(count):
            entry = len(self.entries).to_bytes(4, "big")
            assert self.tree.append(leaf_hash(entry)) == len(self.entries)
            self.entries.append(entry)

    @rule()
    def give_out_a_checkpoint(self) -> None:
        self.seen.append((self.tree.size, self.tree.root()))

    @rule(pick=st.integers(0, 1000))
    def prove_an_entry(self, pick: int) -> None:
        if self.entries:
            index = pick % len(self.entries)
            verify_inclusion(
                leaf_hash(self.entries[index]),
                index,
                self.tree.size,
                self.tree.inclusion_proof(index),
                self.tree.root(),
            )

    @rule()
    def restart_from_storage(self) -> None:
        self.tree = Tree(leaf_hash(entry) for entry in self.entries)

    @invariant()
    def what_was_seen_is_a_beginning_of_what_is(self) -> None:
        for size, root in self.seen[-3:]:
            proof = self.tree.consistency_proof(size) if size else []
            verify_consistency(size, root, self.tree.size, self.tree.root(), proof)


GrowingLog.TestCase.settings = settings(deadline=None, derandomize=True, max_examples=40)
TestGrowingLog = GrowingLog.TestCase
