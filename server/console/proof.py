"""Pure: an inclusion proof as steps that a person can follow and compute again (RFC 9162, section 2.1.3.2).

leaf hash = SHA-256(00 ‖ exact bytes of the entry)
each step = SHA-256(01 ‖ left ‖ right), the neighbour being left or right as the entry's place says
the last one is the root hash in the checkpoint
"""

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.merkle import node_hash


@dataclass(frozen=True)
class ProofStep:
    """`side`: where the neighbour stands. `result`: what the two give together."""

    side: str
    neighbour: bytes
    result: bytes


def steps_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> list[ProofStep]:
    """From the leaf's hash to the root. That it ends in the checkpoint's root is verified by `verify_inclusion`."""
    steps: list[ProofStep] = []
    place, last, current = index, size - 1, leaf
    for neighbour in path:
        if place & 1 or place == last:
            current = node_hash(neighbour, current)
            steps.append(ProofStep("left", neighbour, current))
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            current = node_hash(current, neighbour)
            steps.append(ProofStep("right", neighbour, current))
        place, last = place >> 1, last >> 1
    return steps
