"""The log: one task appends, in order; an entry is on disk with its signed checkpoint before anybody is answered.

    append(entry) ─► queue ─► [leaves + head in one transaction] ─► tree in memory ─► Appended

At start the tree is built anew from the stored bytes and held against the signed head: a row that was changed, removed
or added by anything but this code stops the server (`BrokenLog`). More than that only witnesses can prove.
"""

import asyncio
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.audit import AuditEntry, AuditLeaf, InclusionProof
from protocol.checkpoints import Checkpoint, LogKey, open_checkpoint
from protocol.errors import ProtocolError
from protocol.merkle import Tree, leaf_hash
from server.audit.model import head, leaves
from server.audit.values import commit_to
from server.clock import Clock
from server.logs import log
from server.storage.engine import Database

BATCH_ENTRIES_MAX = 200
QUEUE_ENTRIES_MAX = 2000
_READ_ROWS = 5000
_RETRY_S = 1.0


class BrokenLog(Exception):
    """The stored log is not the one that was signed. Nothing may be appended to it."""


@dataclass(frozen=True)
class Appended:
    """An entry in the log: its index and exact bytes."""

    index: int
    leaf: bytes


@dataclass(frozen=True)
class _Asked:
    entry: AuditEntry
    device: str | None
    item: str | None
    done: asyncio.Future[Appended]


class AuditLog:
    """`changed` is set after every append; whoever announces checkpoints clears it."""

    def __init__(self, database: Database, key: LogKey, now: Clock) -> None:
        self._database = database
        self._key = key
        self._now = now
        self._tree = Tree()
        self._size = 0  # committed: the tree may be ahead while a transaction is open
        self._note = ""
        self._queue: asyncio.Queue[_Asked] = asyncio.Queue(QUEUE_ENTRIES_MAX)
        self.changed = asyncio.Event()

    @property
    def key(self) -> LogKey:
        return self._key

    @property
    def size(self) -> int:
        return self._size

    @property
    def note(self) -> str:
        """The newest checkpoint, signed by the log's key."""
        return self._note

    async def load(self) -> None:
        """Build the tree from the stored leaves and hold it against the signed head. Raises BrokenLog."""
        tree = Tree()
        async with self._database.read() as connection:
            signed = await connection.scalar(select(head.c.note))
            while True:
                rows = (
                    await connection.execute(
                        select(leaves.c.index, leaves.c.leaf)
                        .where(leaves.c.index >= tree.size)
                        .order_by(leaves.c.index)
                        .limit(_READ_ROWS)
                    )
                ).all()
                for index, leaf in rows:
                    if index != tree.size:
                        raise BrokenLog(f"entry {tree.size} of the audit log is missing")
                    tree.append(leaf_hash(leaf))
                if len(rows) < _READ_ROWS:
                    break
        if signed is None and tree.size:
            raise BrokenLog(f"the audit log has {tree.size} entries and no signed checkpoint")
        if signed is not None:
            self._check_head(signed, tree)
        self._tree, self._size = tree, tree.size
        self._note = signed or self._sign()

    def _check_head(self, note: str, tree: Tree) -> None:
        try:
            checkpoint = open_checkpoint(note, self._key.verifier)
        except ProtocolError as error:
            raise BrokenLog(f"the audit log's stored checkpoint is not by this server's log key: {error}") from None
        if (checkpoint.size, checkpoint.root) != (tree.size, tree.root()):
            raise BrokenLog(
                f"the audit log was changed: signed {checkpoint.size} entries with root {checkpoint.root.hex()}, "
                f"found {tree.size} with root {tree.root().hex()}"
            )

    async def append(self, entry: AuditEntry, *, device: str | None = None, item: str | None = None) -> Appended:
        """Store `entry`; returns once it is on disk under a signed checkpoint. The same item twice is one leaf."""
        done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Asked(entry, device, item, done))
        return await done

    async def commit_to(self, value: str) -> bytes:
        """A salted commitment to `value`; salt and value are kept apart from the log and can be erased: values.py."""
        async with self._database.write() as connection:
            return await commit_to(connection, value)

    async def run(self) -> None:
        """Append what is asked for, for ever. Only this task touches the tree."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < BATCH_ENTRIES_MAX and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                appended = await self._store(batch)
            except Exception as error:  # noqa: BLE001 - told to everyone who waits; the log itself is read anew
                for asked in batch:
                    if not asked.done.done():
                        asked.done.set_exception(error)
                await self._load_again()
                continue
            for asked, result in zip(batch, appended, strict=True):
                if not asked.done.done():
                    asked.done.set_result(result)
            self.changed.set()

    async def _load_again(self) -> None:
        """After a failed write, what is on disk counts. Waits for a database that is away; a broken log ends it all."""
        while True:
            try:
                await self.load()
                return
            except (SQLAlchemyError, OSError):
                log.error("audit-log-waits-for-database")
                await asyncio.sleep(_RETRY_S)

    async def _store(self, batch: list[_Asked]) -> list[Appended]:
        results: list[Appended] = []
        async with self._database.write() as connection:
            for asked in batch:
                known = await self._known(connection, asked)
                if known is None:
                    leaf = AuditLeaf(received_at=self._now(), entry=asked.entry).to_bytes()
                    index = self._tree.append(leaf_hash(leaf))
                    await connection.execute(
                        leaves.insert().values(index=index, leaf=leaf, device=asked.device, item=asked.item)
                    )
                    known = Appended(index, leaf)
                results.append(known)
            note = self._sign()
            kept = self._database.insert(head).values(id=1, note=note)
            await connection.execute(kept.on_conflict_do_update(index_elements=["id"], set_={"note": note}))
        self._note, self._size = note, self._tree.size
        return results

    async def _known(self, connection: AsyncConnection, asked: _Asked) -> Appended | None:
        if asked.item is None:
            return None
        query = select(leaves.c.index, leaves.c.leaf).where(
            leaves.c.device == asked.device, leaves.c.item == asked.item
        )
        row = (await connection.execute(query)).one_or_none()
        return None if row is None else Appended(row[0], row[1])

    def _sign(self) -> str:
        return self._key.sign(Checkpoint(self._key.verifier.name, self._tree.size, self._tree.root()))

    # --- reading -------------------------------------------------------------------------------------------

    def proof(self, appended: Appended) -> InclusionProof:
        """That the entry stands in the newest tree."""
        return InclusionProof(
            leaf=appended.leaf,
            index=appended.index,
            path=tuple(self._tree.inclusion_proof(appended.index, self._size)),
            checkpoint=self._note,
        )

    def consistency(self, size: int) -> tuple[bytes, ...]:
        """That the tree of `size` is the beginning of the newest. Empty from 0, and where there is no such proof."""
        return tuple(self._tree.consistency_proof(size, self._size)) if 1 <= size <= self._size else ()

    def checkpoint_at(self, size: int) -> Checkpoint | None:
        if not 0 <= size <= self._size:
            return None
        return Checkpoint(self._key.verifier.name, size, self._tree.root(size))

    async def entries(self, first: int = 0, count: int | None = None) -> list[bytes]:
        """The exact bytes of leaves, in order."""
        query = select(leaves.c.leaf).where(leaves.c.index >= first).order_by(leaves.c.index)
        if count is not None:
            query = query.limit(count)
        async with self._database.read() as connection:
            return list((await connection.execute(query)).scalars())

    async def count(self) -> int:
        async with self._database.read() as connection:
            return int(await connection.scalar(select(func.count()).select_from(leaves)) or 0)
