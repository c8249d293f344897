"""The server's log as a Merkle tree (RFC 6962, section 2): roots, inclusion proofs, consistency proofs.

Decides: whether a leaf is in a tree, and whether one tree is the beginning of another.
Leaves to others: what a leaf says (`audit`), who signed a root (`checkpoints`), where leaves are stored.

    leaf hash   SHA-256(00 ‖ entry bytes)
    node hash   SHA-256(01 ‖ left ‖ right)          a tree of n splits at the largest power of two below n
    empty tree  SHA-256("")

Proofs are lists of 32-byte hashes from the leaf upwards. Verification needs no tree: sizes, hashes and the proof.
"""

import hashlib
from collections.abc import Iterable, Sequence
from hmac import compare_digest
from typing import Final

from protocol.errors import LocalProtocolError, RemoteProtocolError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """An append-only tree over leaf hashes. Appending is O(log n), proofs at any past size too.

    Every complete subtree is kept: level k holds the roots of leaves [i·2^k, (i+1)·2^k), one after another.
    64 bytes of memory for each leaf.
    """

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        for leaf in leaf_hashes:
            self.append(leaf)

    @property
    def size(self) -> int:
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> int:
        """Add a leaf hash; returns its index."""
        if len(leaf) != HASH_BYTES:
            raise LocalProtocolError("a leaf hash has a wrong length", expected="32 bytes", got=str(len(leaf)))
        index = self.size
        place, level, carried = index, 0, leaf
        while True:
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += carried
            if place % 2 == 0:
                return index
            carried = node_hash(self._node(level, place - 1), carried)
            place //= 2
            level += 1

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`."""
        if not 0 <= index < self.size:
            raise LocalProtocolError("no such leaf", expected=f"below {self.size}", got=str(index))
        return self._node(0, index)

    def root(self, size: int | None = None) -> bytes:
        """The root now, or as it was at `size` leaves."""
        size = self._checked(size)
        return self._range_root(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """RFC 6962, 2.1.1: that leaf `index` is in the tree of `size` leaves."""
        size = self._checked(size)
        if not 0 <= index < size:
            raise LocalProtocolError("no such leaf in this tree", expected=f"below {size}", got=str(index))
        proof: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._range_root(middle, end))
                end = middle
            else:
                proof.append(self._range_root(start, middle))
                start = middle
        proof.reverse()
        return proof

    def consistency_proof(self, size1: int, size2: int | None = None) -> list[bytes]:
        """RFC 6962, 2.1.2: that the tree of `size1` leaves is the beginning of the tree of `size2`.

        Empty when the sizes are equal; there is none from the empty tree.
        """
        size2 = self._checked(size2)
        if not 1 <= size1 <= size2:
            raise LocalProtocolError(
                "there is no such consistency proof", expected=f"sizes 1 … {size2}", got=str(size1)
            )
        proof: list[bytes] = []
        start, end = 0, size2
        whole = True  # the smaller tree is still a subtree of its own: its root is known to the verifier
        while size1 != end:
            middle = start + _split(end - start)
            if size1 <= middle:
                proof.append(self._range_root(middle, end))
                end = middle
            else:
                proof.append(self._range_root(start, middle))
                start = middle
                whole = False
        if not whole:
            proof.append(self._range_root(start, end))
        proof.reverse()
        return proof

    def _node(self, level: int, place: int) -> bytes:
        return bytes(self._levels[level][place * HASH_BYTES : (place + 1) * HASH_BYTES])

    def _range_root(self, start: int, end: int) -> bytes:
        """The root over leaves [start, end): complete subtrees from left to right, folded from the right."""
        parts: list[bytes] = []
        while start < end:
            level = (end - start).bit_length() - 1
            parts.append(self._node(level, start >> level))
            start += 1 << level
        root = parts.pop()
        while parts:
            root = node_hash(parts.pop(), root)
        return root

    def _checked(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise LocalProtocolError("the tree has no such size", expected=f"0 … {self.size}", got=str(size))
        return size


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, in memory for the logarithm of their number."""
    stack: list[tuple[int, bytes]] = []  # (level, root of a complete subtree)
    for leaf in leaf_hashes:
        level, root = 0, leaf
        while stack and stack[-1][0] == level:
            root = node_hash(stack.pop()[1], root)
            level += 1
        stack.append((level, root))
    if not stack:
        return EMPTY_ROOT
    root = stack.pop()[1]
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """That the leaf hash `leaf` stands at `index` in the tree (size, root). `RemoteProtocolError` when not.

    RFC 9162, 2.1.3.2, for the trees of RFC 6962.
    """
    if not 0 <= index < size:
        raise _refused("the index lies outside the tree", f"below {size}", str(index))
    _check_hashes(leaf, root, *proof)
    position, last = index, size - 1
    computed = leaf
    for step in proof:
        if last == 0:
            raise _refused("the inclusion proof is too long", f"fewer than {len(proof)} hashes", str(len(proof)))
        if position & 1 or position == last:
            computed = node_hash(step, computed)
            while position and not position & 1:  # the right edge: levels where this node has no sibling
                position >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, step)
        position >>= 1
        last >>= 1
    if last != 0:
        raise _refused("the inclusion proof is too short", "more hashes", str(len(proof)))
    if not compare_digest(computed, root):
        raise _refused("the entry is not in this tree", f"root {root.hex()}", computed.hex())


def verify_consistency(size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> None:
    """That the tree (size1, root1) is the beginning of (size2, root2). `RemoteProtocolError` when not.

    RFC 9162, 2.1.4.2, for the trees of RFC 6962. Everything begins with the empty tree, but only with its true root
    and without a proof.
    """
    if not 0 <= size1 <= size2:
        raise _refused("the log has shrunk", f"{size1} entries or more", str(size2))
    _check_hashes(root1, root2, *proof)
    if size1 in (0, size2):
        expected = EMPTY_ROOT if size1 == 0 else root2
        if proof or not compare_digest(root1, expected):
            raise _refused("two trees that must agree do not", expected.hex(), root1.hex())
        return
    # A complete first tree is itself a node of the second: its root is the starting point and not repeated.
    path = list(proof) if size1 & (size1 - 1) else [root1, *proof]
    if not path:
        raise _refused("the consistency proof is empty", "one hash or more", "none")
    position, last = size1 - 1, size2 - 1
    while position & 1:
        position >>= 1
        last >>= 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            raise _refused("the consistency proof is too long", "fewer hashes", str(len(proof)))
        if position & 1 or position == last:
            first = node_hash(step, first)
            second = node_hash(step, second)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            second = node_hash(second, step)
        position >>= 1
        last >>= 1
    if last != 0:
        raise _refused("the consistency proof is too short", "more hashes", str(len(proof)))
    if not compare_digest(first, root1):
        raise _refused("the proof does not lead from the tree seen before", root1.hex(), first.hex())
    if not compare_digest(second, root2):
        raise _refused("the proof does not lead to the new tree", root2.hex(), second.hex())


def _split(size: int) -> int:
    """The largest power of two below `size`, which is 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)


def _check_hashes(*hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise _refused("a hash has a wrong length", f"{HASH_BYTES} bytes", str(len(value)))


def _refused(what: str, expected: str, got: str) -> RemoteProtocolError:
    return RemoteProtocolError(what, expected=expected, got=got, hint="the log may have been rewritten: keep this")
