"""The desk's audit log in memory, honest unless a test bends it, with its real tree, key and proofs."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from agent.refusal import Refusal
from protocol.audit import AuditEntry, AuditLeaf, InclusionProof
from protocol.checkpoints import Checkpoint, LogKey
from protocol.merkle import Tree, leaf_hash
from protocol.messages.documents import FetchCheckpoint, NewCheckpoint
from protocol.messages.items import AuditItem, Refused, Stored
from protocol.strict_json import WireModel
from tests.agent.doubles import LOG_NAME
from tests.making import NOW, seed

R = TypeVar("R", bound=WireModel)


@dataclass
class MemoryLogServer:
    """The desk's audit log, honest unless a test bends it. Implements what books, witness and visits need of a link."""

    connected: bool = True
    stores: bool = True
    key: LogKey = field(default_factory=lambda: LogKey.from_raw(LOG_NAME, seed("log key")))
    leaves: list[bytes] = field(default_factory=list)
    queued: list[WireModel] = field(default_factory=list)
    sent: list[WireModel] = field(default_factory=list)
    bend: Callable[[WireModel], WireModel] = lambda message: message

    def __post_init__(self) -> None:
        self.tree = Tree()
        self.add(b"the first entry of the log")

    def add(self, leaf: bytes) -> int:
        self.leaves.append(leaf)
        return self.tree.append(leaf_hash(leaf))

    def note(self, size: int | None = None) -> str:
        count = self.tree.size if size is None else size
        return self.key.sign(Checkpoint(LOG_NAME, count, self.tree.root(count)))

    def checkpoint(self, from_size: int) -> NewCheckpoint:
        proof = tuple(self.tree.consistency_proof(from_size)) if 1 <= from_size <= self.tree.size else ()
        return NewCheckpoint(note=self.note(), from_size=from_size, consistency=proof)

    async def ask(self, message: WireModel, reply: type[R], match: Callable[[R], bool], timeout_s: float) -> R:
        assert isinstance(message, FetchCheckpoint)
        if not self.connected:
            raise Refusal("the server cannot be reached now")
        answer = self.bend(self.checkpoint(message.size))
        assert isinstance(answer, reply)
        assert match(answer)
        return answer

    def send(self, message: WireModel) -> None:
        self.sent.append(message)

    def enqueue(self, item: WireModel) -> None:
        self.queued.append(item)
        if isinstance(item, AuditItem):
            self._append(item.entry)

    async def store(self, item: AuditItem) -> Stored | Refused:
        self.queued.append(item)
        if not self.stores:
            await asyncio.Event().wait()
        leaf, index = self._append(item.entry)
        proof = InclusionProof(
            leaf=leaf, index=index, path=tuple(self.tree.inclusion_proof(index)), checkpoint=self.note()
        )
        answer = self.bend(Stored(id=item.id, proof=proof))
        assert isinstance(answer, (Stored, Refused))
        return answer

    def _append(self, entry: AuditEntry) -> tuple[bytes, int]:
        leaf = AuditLeaf(received_at=NOW, entry=entry).to_bytes()
        return leaf, self.add(leaf)

    @property
    def words(self) -> list[str]:
        """What the agent has told the log, in order."""
        return [item.entry.word.value for item in self.queued if isinstance(item, AuditItem)]
