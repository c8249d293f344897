"""Bit flips and truncation in everything the agent trusts: a clear word or a safe recovery, never trust in the damaged.

Two lists keep this complete: the files that the running agent really writes, and the columns that its database really
has. A new one that nobody has thought of fails here.
"""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agent.paths import Mode, StateFolder
from tests.faults.damage import Damage, damages, life_on
from tests.faults.lived_in import FILES, LATER, Belief, live
from tests.hostile.machine import Machine, Time

#: Places tried at every run, the same ones each time; all of them and many more flips in the soak.
FILES_TRIED, ROWS_TRIED, BITS_TRIED = 10, 8, 3
FLIPS_SOAK = 100
#: Damage to these may not keep the agent from its work: they are its own notes, and are made anew.
NOTES = ("findings", "check_runs", "metric_history")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> StateFolder:
    """A lived-in state folder, at rest; copied for each damage."""
    return asyncio.run(live(tmp_path_factory.mktemp("home") / "state"))


@pytest.fixture(autouse=True)
def no_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLPULL_NO_WINDOW", "1")


@pytest.fixture
def sound(home: StateFolder, tmp_path: Path) -> Belief:
    machine = Machine(copy_of(home, tmp_path / "sound"), Time(wall_s=LATER))
    believed = Belief.of(machine)
    machine.agent.ground.database.close()
    assert believed.certificate is not None
    assert believed.policy is not None
    assert believed.receipts
    assert len(believed.documents) >= 2
    return believed


def copy_of(home: StateFolder, place: Path) -> StateFolder:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(home.root, place)
    with closing(sqlite3.connect(place / "agent.db")) as connection:
        connection.execute("UPDATE uploads SET path = ?", (str(place / "bundles" / "waiting.age"),))
        connection.commit()
    return StateFolder(place, Mode.USER)


async def test_every_file_that_the_agent_writes_is_on_the_list(home: StateFolder, tmp_path: Path) -> None:
    folder = copy_of(home, tmp_path / "state")
    machine = Machine(folder, Time())
    async with machine.running():
        await machine.until(lambda: machine.member.link.view().trouble)
        machine.ask_for_help()
        written = {str(path.relative_to(folder.root)) for path in folder.root.rglob("*") if not path.is_dir()}
    assert written - set(FILES) == set(), "a new file: say in lived_in.FILES what it is, and look at it damaged"
    assert set(FILES) - written - {"log/agent.log", "run/agent.lock", "identity/keys.check"} == set()


async def test_a_damaged_file_is_told_or_mended_and_never_believed(
    home: StateFolder, sound: Belief, tmp_path: Path, soak: bool
) -> None:
    chance, ends = random.Random(5), {"lives": 0, "refused": 0}
    places = [
        (name, kind, damage)
        for name, kind in FILES.items()
        if kind != "scratch" and (home.root / name).is_file()
        for damage in damages((home.root / name).read_bytes(), chance, FLIPS_SOAK if soak else 1)
    ]
    for name, kind, damage in places if soak else chance.sample(places, FILES_TRIED):
        folder = copy_of(home, tmp_path / "state")
        (folder.root / name).write_bytes(damage.data)
        end = await life_on(folder, sound, f"{name}, {damage.where}")
        ends[end.partition(":")[0]] += 1
        if kind == "identity" and name != "identity/enrolment.json":
            assert end.startswith("refused"), f"{name}, {damage.where}: another device without a word"
        if kind in ("told", "sealed"):
            assert end == "lives", f"{name}, {damage.where}: {end}"
    assert ends["refused"] >= 3
    assert ends["lives"] >= 2


def columns(database: Path) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(database)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
            for column in connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)):
                if column[1] in ("TEXT", "BLOB"):
                    yield table, column[0]


def value_at(database: Path, table: str, column: str) -> tuple[int | None, bytes] | None:
    """The newest value of a column that has one, and the row it stands in."""
    with closing(sqlite3.connect(database)) as connection:
        key = "NULL" if table == "metric_history" else "rowid"
        rows = connection.execute(
            f"SELECT {key}, CAST({column} AS BLOB) FROM {table} WHERE {column} IS NOT NULL LIMIT 1"  # noqa: S608
        ).fetchall()
    return (rows[0][0], rows[0][1]) if rows else None


def damaged(database: Path, table: str, column: str, damage: Damage) -> bool:
    """Put it there as a bad disk would: past every trigger. False where the database itself does not take it."""
    with closing(sqlite3.connect(database)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            connection.execute(f"DROP TRIGGER {trigger}")
        (kind,) = connection.execute("SELECT type FROM pragma_table_info(?) WHERE name = ?", (table, column)).fetchone()
        cast = "CAST(? AS TEXT)" if kind == "TEXT" else "?"
        try:
            connection.execute(
                f"UPDATE {table} SET {column} = {cast} WHERE {column} IS NOT NULL",  # noqa: S608
                (damage.data,),
            )
            connection.commit()
        except sqlite3.IntegrityError:
            return False
    return True


async def test_a_damaged_value_in_the_database_is_told_or_mended_and_never_believed(
    home: StateFolder, sound: Belief, tmp_path: Path, soak: bool
) -> None:
    chance = random.Random(6)
    places = []
    for table, column in columns(home.database):
        found = value_at(home.database, table, column)
        if found is None:
            continue
        places += [(table, column, damage) for damage in damages(found[1], chance, 20 if soak else 1)]
    if not soak:
        places = chance.sample(places, ROWS_TRIED)
    faults: list[str] = []
    for table, column, damage in places:
        folder = copy_of(home, tmp_path / "state")
        if not damaged(folder.database, table, column, damage):
            continue
        where = f"{table}.{column}, {damage.where}"
        try:
            end = await life_on(folder, sound, where)
            if table in NOTES:
                assert end == "lives", f"{where}: {end}"
        except AssertionError as fault:
            faults.append(str(fault))
    assert faults == []


@contextmanager
def flipped(path: Path, chance: random.Random) -> Iterator[str]:
    data = bytearray(path.read_bytes())
    at, bit = chance.randrange(len(data)), chance.randrange(8)
    data[at] ^= 1 << bit
    path.write_bytes(data)
    yield f"{path.name}, bit {bit} of byte {at}"


async def test_flipped_bits_anywhere_in_the_database_file(
    home: StateFolder, sound: Belief, tmp_path: Path, soak: bool
) -> None:
    """SQLite knows no checksums: what its own check does not see must be seen by ours."""
    chance = random.Random(7)
    faults: list[str] = []
    for _ in range(500 if soak else BITS_TRIED):
        folder = copy_of(home, tmp_path / "state")
        with flipped(folder.database, chance) as where:
            try:
                await life_on(folder, sound, where)
            except AssertionError as fault:
                faults.append(str(fault))
    assert faults == []
