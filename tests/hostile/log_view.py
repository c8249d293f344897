"""One history of the server's log, as one party is shown it. An honest server has one; an evil one may keep several.

honest ──fork()──► two views with a common beginning, each signed with the same true key, each growing on its own
"""

from dataclasses import dataclass, field
from typing import Self

from protocol.audit import AuditEntry, AuditLeaf, InclusionProof
from protocol.checkpoints import Checkpoint, LogKey
from protocol.merkle import Tree, leaf_hash
from protocol.messages.documents import NewCheckpoint


@dataclass
class LogView:
    key: LogKey
    leaves: list[bytes] = field(default_factory=list)
    tree: Tree = field(default_factory=Tree)

    def __post_init__(self) -> None:
        for leaf in self.leaves:
            self.tree.append(leaf_hash(leaf))

    @classmethod
    def begun(cls, key: LogKey) -> Self:
        return cls(key, [b"the first entry of the log"])

    def fork(self) -> "LogView":
        return LogView(self.key, list(self.leaves))

    @property
    def size(self) -> int:
        return len(self.leaves)

    def add(self, leaf: bytes) -> int:
        self.leaves.append(leaf)
        return self.tree.append(leaf_hash(leaf))

    def note(self, size: int | None = None) -> str:
        count = self.size if size is None else size
        return self.key.sign(Checkpoint(self.key.verifier.name, count, self.tree.root(count)))

    def consistency(self, from_size: int) -> tuple[bytes, ...]:
        """As far as there is one: a size this view never had gets nothing."""
        return tuple(self.tree.consistency_proof(from_size)) if 1 <= from_size <= self.size else ()

    def checkpoint(self, from_size: int) -> NewCheckpoint:
        return NewCheckpoint(note=self.note(), from_size=from_size, consistency=self.consistency(from_size))

    def append(self, entry: AuditEntry, at: int) -> InclusionProof:
        leaf = AuditLeaf(received_at=at, entry=entry).to_bytes()
        index = self.add(leaf)
        return InclusionProof(
            leaf=leaf, index=index, path=tuple(self.tree.inclusion_proof(index)), checkpoint=self.note()
        )
