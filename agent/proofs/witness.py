"""This device as a witness of the server's log: what it has seen once can never be taken back from it.

    checkpoint ──► signed by the log's key? ──► proven to continue the one kept? ──► kept ──► cosigned ──► sent
    smaller, or not a continuation ──► refused, an alarm that stays, nothing kept, nothing cosigned

`compare` is what every session does with the other end's checkpoint: both must be beginnings of one log. Where the
sizes differ the server has to prove it; a server that shows two histories has to fail one of the two proofs.
Everything asked here has a time limit; no answer is a no.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from agent.clocks import Clocks
from agent.refusal import Refusal
from agent.store.database import Database
from protocol.audit import AuditEntry, InclusionProof, check_inclusion
from protocol.checkpoints import Checkpoint, LogVerifier, WitnessKey, open_checkpoint
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.merkle import verify_consistency
from protocol.messages.documents import Cosigned, FetchCheckpoint, NewCheckpoint
from protocol.strict_json import WireModel

R = TypeVar("R", bound=WireModel)

#: One question to the server. A session waits for it, and a person for the session.
ASK_TIMEOUT_S: Final = 5.0
#: A log that grows while it is asked: so many rounds until two answers meet.
_ROUNDS_MAX: Final = 6


class SplitViewError(RemoteProtocolError):
    """Two histories of one log. Somebody rewrote or forked it: an alarm, and no session."""


class AsksServer(Protocol):
    """The link, as far as a witness needs it."""

    async def ask(self, message: WireModel, reply: type[R], match: Callable[[R], bool], timeout_s: float) -> R: ...

    def send(self, message: WireModel) -> None: ...


@dataclass(frozen=True)
class Seen:
    """The newest checkpoint this device vouches for."""

    checkpoint: Checkpoint
    note: str


class Witness:
    """`alarm(what, expected, got)` keeps an alarm for ever."""

    def __init__(
        self,
        database: Database,
        clocks: Clocks,
        *,
        log: Callable[[], LogVerifier],
        key: WitnessKey,
        link: AsksServer,
        alarm: Callable[[str, str, str], None],
    ) -> None:
        self._database = database
        self._clocks = clocks
        self._log = log
        self._key = key
        self._link = link
        self._alarm = alarm
        # What is proven is proven against what was kept when the question was asked: one question at a time.
        self._one_at_a_time = asyncio.Lock()

    def seen(self) -> Seen | None:
        """What is kept, of the log this device follows now; None before the first."""
        verifier = self._log()
        rows = self._database.query("SELECT log_name, size, root, note FROM witness")
        if not rows or rows[0]["log_name"] != verifier.name:
            return None
        return Seen(Checkpoint(rows[0]["log_name"], rows[0]["size"], rows[0]["root"]), rows[0]["note"])

    def newest(self) -> str:
        """The note to show to a session's other end; empty before the first."""
        seen = self.seen()
        return "" if seen is None else seen.note

    # --- the server's checkpoints --------------------------------------------------------------------------------

    async def heard(self, message: NewCheckpoint) -> None:
        """A checkpoint came: keep and cosign it, or fetch the proof it lacks, or raise the alarm."""
        try:
            async with self._one_at_a_time:
                await self._follow(message)
        except SplitViewError as split:
            self._alarm(split.what, split.expected, split.got)
            raise

    async def _follow(self, message: NewCheckpoint) -> None:
        offered = open_checkpoint(message.note, self._log())
        seen = self.seen()
        if seen is not None and offered.size > seen.checkpoint.size and message.from_size != seen.checkpoint.size:
            message = await self._fetch(seen.checkpoint.size)
            offered = open_checkpoint(message.note, self._log())
        if self._extends(offered, message):
            self._keep(offered, message.note)
        line = self._key.cosign(message.note, self._log(), self._clocks.wall())
        self._link.send(Cosigned(size=offered.size, line=line))

    def _extends(self, offered: Checkpoint, message: NewCheckpoint) -> bool:
        """True: newer and proven. False: the one we have. Raises SplitViewError for anything else."""
        seen = self.seen()
        if seen is None:
            return True  # the first one: nothing to compare it with yet; sessions will
        kept = seen.checkpoint
        if offered.size < kept.size:
            raise SplitViewError(
                "the server's log has become shorter than this device has seen it",
                expected=f"at least {kept.size} entries",
                got=f"{offered.size} entries",
                hint="Its database was restored from an older copy, or entries were removed.",
            )
        if offered.size == kept.size:
            _same_root(kept, offered)
            return False
        _check_continues(kept, offered, message)
        return True

    def _keep(self, checkpoint: Checkpoint, note: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO witness VALUES (1, ?, ?, ?, ?)",
                (checkpoint.origin, checkpoint.size, checkpoint.root, note),
            )

    # --- a session's other end -----------------------------------------------------------------------------------

    async def compare(self, note: str) -> None:
        """The peer's newest checkpoint and ours are beginnings of one log, or SplitViewError. Ours may grow by it."""
        try:
            async with self._one_at_a_time:
                await self._agree(open_checkpoint(note, self._log()), note)
        except Refusal as no_answer:
            raise RemoteProtocolError(
                "the audit log could not be compared", expected="the server's proofs", got=str(no_answer)
            ) from no_answer

    async def included(self, proof: InclusionProof, entry: AuditEntry) -> None:
        """The log holds exactly `entry`, in a tree that continues what this device has seen. Raises when not."""
        checkpoint = open_checkpoint(proof.checkpoint, self._log())
        check_inclusion(proof, entry, checkpoint.size, checkpoint.root)
        await self.compare(proof.checkpoint)

    async def _agree(self, peers: Checkpoint, note: str) -> None:
        seen = self.seen()
        if seen is None:
            # Nothing seen yet: the peer's view becomes the first, so that from here on this device vouches for it.
            self._keep(peers, note)
            return
        if peers.size == seen.checkpoint.size:
            _same_root(seen.checkpoint, peers)
            return
        for _ in range(_ROUNDS_MAX):
            own = await self._catch_up(peers.size)
            if peers.size == own.size:
                _same_root(own, peers)
                return
            proof = await self._fetch(peers.size)
            newest = open_checkpoint(proof.note, self._log())
            _check_continues(peers, newest, proof)
            if newest.size == own.size:
                _same_root(own, newest)
                return
            # The log grew between two answers: bring our own up and look again.
        raise RemoteProtocolError("the audit log never stood still", expected="two equal answers", got="none")

    async def _catch_up(self, at_least: int) -> Checkpoint:
        """Our own checkpoint, brought up to the server's newest by a proof. A server that has less is lying."""
        seen = self.seen()
        assert seen is not None  # noqa: S101 - only called when something was seen
        message = await self._fetch(seen.checkpoint.size)
        offered = open_checkpoint(message.note, self._log())
        if offered.size < at_least:
            raise SplitViewError(
                "the server hides a part of its log that the other end has seen",
                expected=f"at least {at_least} entries",
                got=f"{offered.size} entries",
            )
        if self._extends(offered, message):
            self._keep(offered, message.note)
        return offered

    async def _fetch(self, size: int) -> NewCheckpoint:
        return await self._link.ask(
            FetchCheckpoint(size=size), NewCheckpoint, lambda answer: answer.from_size == size, ASK_TIMEOUT_S
        )


def _check_continues(older: Checkpoint, newer: Checkpoint, message: NewCheckpoint) -> None:
    if message.from_size != older.size:
        raise RemoteProtocolError(
            "the server proved something else than was asked", expected=f"from size {older.size}", got="another"
        )
    if newer.size < older.size:
        raise SplitViewError(
            "the server's log is shorter than one it has signed before",
            expected=f"at least {older.size} entries",
            got=f"{newer.size} entries",
        )
    try:
        verify_consistency(older.size, older.root, newer.size, newer.root, message.consistency)
    except ProtocolError as error:
        raise SplitViewError(
            "the server's log is not a continuation of what it has signed before",
            expected=f"a tree that begins with the {older.size} entries of root {older.root.hex()[:16]}",
            got=f"{newer.size} entries of root {newer.root.hex()[:16]} ({error.what})",
            hint="The log was forked or rewritten. Tell the organisation; nothing is done meanwhile.",
        ) from error


def _same_root(one: Checkpoint, other: Checkpoint) -> None:
    if one.root != other.root:
        raise SplitViewError(
            "two different logs of one size, both signed by the server",
            expected=f"root {one.root.hex()[:16]}",
            got=f"root {other.root.hex()[:16]}",
            hint="The log was forked. Tell the organisation; nothing is done meanwhile.",
        )
