"""A crash at every point at which the books are written: afterwards exactly one honest receipt for each grant.

Each run dies (the process is gone: nothing in memory, the database as the disk has it) at the n-th commit of a whole
visit; then the agent starts anew on the same folder and repairs.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.store.database import Database
from protocol.actions.logs import LogsArguments
from protocol.actions.processes import ProcessesArguments
from protocol.grants import EndedBy
from protocol.journal import JournalWord, Outcome
from tests.agent.desk_log import MemoryLogServer
from tests.agent.technician_end import until
from tests.agent.visit_rig import Rig, yes_to


class Dead(BaseException):
    """The process is gone. Not an Exception: nothing may catch it and go on."""


class Killer:
    """Dies at the n-th outermost transaction: before it commits, or right after."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.left = at
        self.after = after
        self.dead = False
        self.commits = 0

    def wrap(self, database: Database) -> None:
        real = database.transaction
        depth = [0]

        @contextmanager
        def transaction() -> Iterator[sqlite3.Connection]:
            if self.dead:
                raise Dead
            depth[0] += 1
            try:
                with real() as connection:
                    yield connection
                    if depth[0] == 1 and not self.after:
                        self._count()
                if depth[0] == 1 and self.after:
                    self._count()
            finally:
                depth[0] -= 1

        database.transaction = transaction  # type: ignore[method-assign]

    def _count(self) -> None:
        self.commits += 1
        self.left -= 1
        if self.left == 0:
            self.dead = True
            raise Dead


async def whole_visit(rig: Rig) -> None:
    technician = await rig.let_in()
    await technician.act()
    await technician.act("logs", LogsArguments())
    await technician.act()
    await technician.end()
    await rig.over()


async def live_until_death(rig: Rig, killer: Killer) -> None:
    """The visit, on a task of its own; the death of any part is the death of all."""
    running = asyncio.create_task(whole_visit(rig))
    await until(lambda: running.done() or killer.dead)
    await all_dead()


async def all_dead() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def commits_of_a_whole_visit(folder: Path) -> int:
    rig = Rig(folder)
    asyncio.run(_prepare(rig))
    killer = Killer(10_000, after=True)
    killer.wrap(rig.database)
    asyncio.run(whole_visit(rig))
    rig.close()
    return killer.commits


async def _prepare(rig: Rig) -> None:
    await rig.witness.heard(rig.desk.checkpoint(0))


@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
def test_a_crash_at_every_commit_leaves_exactly_one_honest_receipt(tmp_path: Path, after: bool) -> None:
    commits = commits_of_a_whole_visit(tmp_path / "counted")
    assert commits >= 12
    outcomes = set()
    for point in range(1, commits + 1):
        folder = tmp_path / f"point {point}"
        desk = MemoryLogServer()
        rig = Rig(folder, desk=desk)
        asyncio.run(_prepare(rig))
        killer = Killer(point, after=after)
        killer.wrap(rig.database)
        asyncio.run(live_until_death(rig, killer))
        assert killer.dead
        ran = [run for host in rig.hosts for run in host.ran]
        rig.close()
        again = Rig(folder, desk=desk)
        again.receipts.rebuild_missing()
        _honest(again, ran)
        outcomes.add(len(again.proofs()))
        assert again.receipts.rebuild_missing() == 0
        again.close()
    assert outcomes == {0, 1}, "some points lie before the grant, most after it"


def _honest(rig: Rig, ran: list[tuple[int, str, bytes]]) -> None:
    grants = rig.database.query("SELECT hash FROM grants")
    proofs = rig.proofs()
    assert len(proofs) == len(grants) <= 1
    rig.books.journal.check()
    if not proofs:
        assert ran == []
        return
    (proven,) = proofs
    told = {action.sequence: action for action in proven.receipt.actions}
    # Whatever ran is in the receipt; nothing in the receipt claims to be done without having run.
    assert {sequence for sequence, _, _ in ran} <= set(told)
    ran_numbers = {sequence for sequence, _, _ in ran}
    for sequence, action in told.items():
        if action.outcome is Outcome.DONE:
            assert sequence in ran_numbers
        if action.action == "logs":
            assert action.outcome is Outcome.REFUSED
    entries = rig.books.journal.of_grant(proven.receipt.grant)
    assert [entry.word for entry in entries].count(JournalWord.SESSION_ENDED) == 1
    if proven.receipt.rebuilt and proven.receipt.ended_by is EndedBy.AGENT_STOPPED:
        assert not proven.countersigned


def dies_after(rig: Rig, what: Callable[[], Awaitable[None]]) -> None:
    """Do it, and then the process is gone."""
    killer = Killer(10_000, after=True)
    killer.wrap(rig.database)

    async def live() -> None:
        await what()
        killer.dead = True
        await all_dead()

    asyncio.run(live())
    rig.close()


def test_an_action_that_was_running_is_told_as_unknown(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "state")

    async def begin() -> None:
        technician = await rig.let_in()
        rig.hosts[0].answers = False
        technician.initiator.open_action("processes", ProcessesArguments(), rig.clocks.wall())
        await technician.flush()
        await until(lambda: bool(rig.hosts[0].ran))

    dies_after(rig, begin)
    again = Rig(tmp_path / "state", desk=rig.desk)
    assert again.receipts.rebuild_missing() == 1
    (proven,) = again.proofs()
    assert proven.receipt.rebuilt
    assert proven.receipt.ended_by is EndedBy.AGENT_STOPPED
    assert [action.outcome for action in proven.receipt.actions] == [Outcome.UNKNOWN]
    again.close()


def test_stop_that_was_pressed_before_the_crash_is_in_the_receipt(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "state")

    async def begin() -> None:
        await rig.let_in()
        rig.visits.stop_all()  # booked; the technician's countersignature is still awaited

    dies_after(rig, begin)
    again = Rig(tmp_path / "state", desk=rig.desk)
    again.receipts.rebuild_missing()
    (proven,) = again.proofs()
    assert proven.receipt.ended_by is EndedBy.CUSTOMER
    assert [change.kind.value for change in proven.changes] == ["stopped"]
    again.close()


def test_the_awaited_entry_reaches_the_log_after_a_crash(tmp_path: Path) -> None:
    """The start of a session that was booked, and not yet taken by the link: it is handed over at the next start."""
    rig = Rig(tmp_path / "state")

    async def begin() -> None:
        await rig.arrive()
        prompt = await rig.question()
        taken = rig.books.taken
        rig.books.taken = lambda item: None  # type: ignore[method-assign]
        yes_to(rig, prompt)
        await until(lambda: "session-started" in rig.desk.words)
        rig.books.taken = taken  # type: ignore[method-assign]

    dies_after(rig, begin)
    again = Rig(tmp_path / "state", desk=rig.desk)
    assert [item.entry.word.value for item in again.books.waiting()] == ["session-started"]
    again.books.taken(again.books.waiting()[0].id)
    assert again.books.waiting() == []
    again.close()
