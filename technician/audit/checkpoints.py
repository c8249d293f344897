"""Following the server's log: each checkpoint must continue the last one seen, whoever shows it.

    ours (kept)  ── must be the beginning of ──►  newest (server)  ◄── must be the beginning of ──  a device's

A log that shrank, changed or forked is a split view: it is kept as an alarm and nothing goes on.
"""

from typing import Final, Protocol

from protocol.checkpoints import Checkpoint, LogVerifier, open_checkpoint
from protocol.errors import RemoteProtocolError
from protocol.merkle import verify_consistency
from protocol.messages.api import CheckpointReply
from technician.trust_store import TrustStore

#: Between two questions the log may grow by other people's visits; five times running it does not.
_TRIES: Final = 5


class CheckpointSource(Protocol):
    """The server, or what stands for it in a test."""

    async def checkpoint(self, size: int) -> CheckpointReply: ...


class SplitViewError(RemoteProtocolError):
    """Two checkpoints, both signed by the log, that cannot be of one history."""


async def follow_checkpoint(source: CheckpointSource, store: TrustStore, log: LogVerifier, now: int) -> Checkpoint:
    """Fetch the newest checkpoint, prove that it continues ours, keep it, return it."""
    kept = store.newest_checkpoint()
    before = open_checkpoint(kept, log) if kept else None
    reply = await source.checkpoint(before.size if before else 0)
    newest = open_checkpoint(reply.note, log)
    if before is not None:
        _continue(before, newest, reply, "the log we saw before", store, now)
    if before is None or newest.size > before.size:
        store.keep_checkpoint(reply.note)
    return newest


async def compare_with_peer(
    peer_note: str, source: CheckpointSource, store: TrustStore, log: LogVerifier, now: int
) -> None:
    """A device shows the newest checkpoint it has seen: it and ours must be one history. An empty note says none."""
    if not peer_note:
        await follow_checkpoint(source, store, log, now)
        return
    try:
        theirs = open_checkpoint(peer_note, log)
    except RemoteProtocolError as error:
        raise _alarm("the device shows a checkpoint that our log's key did not sign", str(error), store, now) from None
    for _ in range(_TRIES):
        # Two proofs into one tree: theirs and ours must both be its beginning. The log may grow between the answers.
        from_theirs = await source.checkpoint(theirs.size)
        newest = open_checkpoint(from_theirs.note, log)
        _continue(theirs, newest, from_theirs, "the log the device saw", store, now)
        ours = await follow_checkpoint(source, store, log, now)
        if newest.size == ours.size:
            if newest.root != ours.root:
                raise _alarm("the server shows two logs of one size", f"size {ours.size}", store, now)
            return
    raise _alarm("the server never showed one log for both sides", f"{_TRIES} different sizes", store, now)


def _continue(
    before: Checkpoint, after: Checkpoint, reply: CheckpointReply, what: str, store: TrustStore, now: int
) -> None:
    try:
        if reply.from_size != before.size:
            raise RemoteProtocolError("a proof from another size", expected=str(before.size), got=str(reply.from_size))
        verify_consistency(before.size, before.root, after.size, after.root, list(reply.consistency))
    except RemoteProtocolError as error:
        raise _alarm(f"the server's log does not continue {what}", str(error), store, now) from None


def _alarm(what: str, got: str, store: TrustStore, now: int) -> SplitViewError:
    store.alarm("split-view", f"{what}: {got}", now)
    return SplitViewError(
        what,
        expected="one history",
        got=got,
        hint="The server, or somebody in its place, shows different people different logs. Tell the organisation.",
    )
