"""The outbox scenario killed at every file-system call, and with EIO and ENOSPC at every write, fsync and rename.

Whatever the call: the state folder opens again, what was promised reaches the server once in effect, what was refused
never does, and no item is there by half. All places in the soak; a sample, the same at every run, otherwise.
"""

import asyncio
import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.identity.identity import Identity
from agent.paths import Mode, StateFolder
from agent.store.database import Database
from protocol.messages.link import parse_item
from tests.agent.desk_server import DeskServer
from tests.agent.doubles import enrol_in_memory, item_id
from tests.faults import scenario
from tests.faults.tracing import FAILING, Fault, calls_in, held, why_not
from tests.making import Organisation

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
ITEMS = 3
SAMPLE_KILLS, SAMPLE_ERRORS = 4, 4
#: A thousand places and more, a second each.
PARTS = 8 if os.environ.get("BELLPULL_SOAK") == "1" else 1
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.scenario"])


@dataclass
class Life:
    """How one life ended, and what it had said."""

    code: int | None = None
    promised: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    trouble: str = ""


def files_of(folder: StateFolder) -> list[Path]:
    return [folder.root, *(folder.root / f"agent.db{suffix}" for suffix in ("", "-wal", "-shm", "-journal"))]


def live(folder: StateFolder, origin: str, first: int, count: int, fault: Fault | None, log: Path | None) -> Life:
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=scenario.main, args=(folder.root, origin, first, count, theirs))
    process.start()
    theirs.close()
    life = Life()
    assert process.pid is not None
    if log is None:
        return _run(process, ours, life)
    with held(process.pid, files_of(folder), log, fault):
        # On a disk that stays broken it waits for ever for what it promised before; a power cut ends that.
        return _run(process, ours, life, told=count if fault is not None and fault.lasting else None)


def _run(process, ours, life: Life, told: int | None = None) -> Life:  # type: ignore[no-untyped-def]
    ours.send_bytes(b"go")
    while True:
        if told is not None and len(life.promised) + len(life.refused) == told:
            process.kill()
        try:
            assert ours.poll(30), "it neither said anything nor ended within half a minute"
            word, _, rest = ours.recv_bytes().decode().partition(" ")
        except (EOFError, ConnectionResetError):
            break
        match word:
            case "promised":
                life.promised.append(rest)
            case "refused":
                life.refused.append(rest)
            case _:
                life.trouble = rest
    process.join(30)
    life.code = process.exitcode
    return life


class Trial:
    """One fault in one life, then a life without; the oracle at the end."""

    def __init__(self, desk: DeskServer, template: StateFolder, place: Path) -> None:
        self.desk = desk
        self.folder = StateFolder(place / "state", Mode.USER)
        shutil.rmtree(self.folder.root, ignore_errors=True)
        shutil.copytree(template.root, self.folder.root)
        self.log = place / "calls"
        desk.stored.clear()
        desk.arrivals.clear()

    async def live(self, first: int, count: int, *, fault: Fault | None = None, traced: bool = False) -> Life:
        log = self.log if traced or fault is not None else None
        return await asyncio.to_thread(live, self.folder, self.desk.origin, first, count, fault, log)

    async def check(self, fault: Fault) -> Life:
        life = await self.live(1, ITEMS, fault=fault)
        if fault.error is None or (fault.lasting and not life.trouble):
            assert life.code in (-9, 0), (str(fault), life)
        else:
            assert life.code in (0, scenario.NOT_STARTED), (str(fault), life)
            assert life.code == 0 or "hint" in life.trouble.lower() or "disk" in life.trouble.lower(), life.trouble
        after = await self.live(ITEMS + 1, 1)
        assert (after.code, after.refused, after.trouble) == (0, [], ""), (str(fault), after)
        stored = {key: parse_item(text) for key, text in self.desk.stored.items()}
        promised = {*life.promised, *after.promised}
        assert promised <= set(stored), f"lost: {fault}"
        assert all(item == scenario.words(int(key[-12:], 16)) for key, item in stored.items()), f"half: {fault}"
        # Killed between the commit and the word: it may be there, whole. Nothing else that nobody promised. (A flush
        # that failed leaves the last refused one in the write-ahead log; only a stop right then can bring it back.)
        unsaid = set(stored) - promised
        assert len(unsaid) <= (1 if life.code == -9 else 0), f"told as refused and yet delivered: {fault}"
        self._nothing_waits()
        return life

    def _nothing_waits(self) -> None:
        database = Database(self.folder.database)
        assert database.query("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM dead_letters)")[0][0] == 0
        assert database.query("PRAGMA integrity_check")[0][0] == "ok"
        database.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StateFolder, Identity]]:
    """An enrolled agent's folder as it is before its first start with this database: copied for each trial."""
    folder = StateFolder(tmp_path_factory.mktemp("template") / "state", Mode.USER)
    folder.make()
    return folder, enrol_in_memory(folder, Organisation())


async def places_of(desk: DeskServer, template: StateFolder, place: Path) -> tuple[list[Fault], list[Fault]]:
    """Every call of an undisturbed life: where to kill, and where to fail."""
    trial = Trial(desk, template, place)
    life = await trial.live(1, ITEMS, traced=True)
    assert (life.code, len(life.promised)) == (0, ITEMS), life
    counted = calls_in(trial.log)
    assert counted.total() > 60, "strace saw next to nothing: the paths are not those that the agent uses"
    kills = [Fault(call, number) for call, count in sorted(counted.items()) for number in range(1, count + 1)]
    errors = [
        Fault(call, number, error, lasting=lasting)
        for call in FAILING
        for number in range(1, counted[call] + 1)
        for error in ("EIO", "ENOSPC")
        # Each once by itself; and a disk that stays broken from the first, the middle and the last such call on.
        for lasting in ((False, True) if number in (1, counted[call] // 2, counted[call]) else (False,))
    ]
    return kills, errors


@pytest.mark.parametrize("part", range(PARTS))
async def test_no_call_to_the_file_system_is_one_at_which_something_is_lost(
    template: tuple[StateFolder, Identity], tmp_path: Path, part: int, soak: bool
) -> None:
    began = time.monotonic()
    folder, identity = template
    async with DeskServer() as desk:
        desk.device_key = identity.signing.public
        kills, errors = await places_of(desk, folder, tmp_path)
        chance = random.Random(20261122)
        tried = (
            [*kills, *errors][part::PARTS]
            if soak
            else chance.sample(kills, SAMPLE_KILLS) + chance.sample(errors, SAMPLE_ERRORS)
        )
        struck = 0
        broken: list[str] = []
        for fault in tried:
            try:
                life = await Trial(desk, folder, tmp_path).check(fault)
                struck += life.code != 0 or bool(life.refused)
            except AssertionError as failed:
                broken.append(f"{fault}: {failed}")
    print(f"{len(tried)} of {len(kills)} + {len(errors)} places, {struck} struck, {time.monotonic() - began:.0f} s")
    assert broken == []
    assert struck >= len(tried) // 3, "most faults hit nothing: the scenario is not the one that was counted"
    assert item_id(1) == scenario.words(1).id
