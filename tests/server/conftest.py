"""A server in this process, on a real loopback port, with a clock that tests move; and databases to run it on."""

import asyncio
import contextlib
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import httpx2
import pytest
import uvicorn

from server import serving
from server.config import Config, Settings, create, load
from server.office import Office
from server.organisation.store import OrganisationStore
from server.patience import Patience
from server.storage.engine import Database
from server.storage.migrate import migrate
from tests.running import PLAIN
from tests.server.actors import Clock, World
from tests.server.postgres import Postgres, run_apart, start_postgres


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with start_postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same test on both dialects; the tables are made already."""
    if request.param == "sqlite":
        path = tmp_path / "test.db"
        path.write_bytes(migrated_sqlite())
        return f"sqlite+aiosqlite:///{path}"
    running: Postgres = request.getfixturevalue("postgres")
    return running.new_migrated_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As `database_url`, without any tables."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    running: Postgres = request.getfixturevalue("postgres")
    return running.new_database()


@cache
def migrated_sqlite() -> bytes:
    """A database file with this version's tables and nothing in them: made once, copied by every test that asks."""

    async def make(path: Path) -> None:
        opened = Database(f"sqlite+aiosqlite:///{path}")
        await migrate(opened)
        await opened.close()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        run_apart(make(path))
        return path.read_bytes()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    await migrate(opened)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def world(tmp_path: Path, clock: Clock) -> AsyncIterator[World]:
    """A running server with SQLite and nothing pinned yet."""
    async with running_world(tmp_path, clock) as made:
        yield made


@pytest.fixture
async def desk(world: World) -> World:
    """A running server with its organisation pinned."""
    assert (await world.pin()).status_code == 200
    return world


@pytest.fixture
async def either_desk(database_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[World]:
    """As `desk`, on each database in turn."""
    async with running_world(tmp_path, clock, database=database_url) as made:
        assert (await made.pin()).status_code == 200
        yield made


@contextlib.asynccontextmanager
async def running_world(
    directory: Path,
    clock: Clock,
    *,
    database: str | None = None,
    settings: Settings | None = None,
    patience: Patience | None = None,
    tls: tuple[serving.Tls, ssl.SSLContext] | None = None,
) -> AsyncIterator[World]:
    """`tls`: the server's own, and what its clients trust."""
    data = directory / "server"
    listening = serving.listen("127.0.0.1:0")
    origin = f"{'https' if tls else 'http'}://{serving.address_of(listening)}"
    create(data, (settings or Settings()).model_copy(update={"origin": origin, "database": database}))
    config = load(data)
    if database is None:
        (data / "bellpull.db").write_bytes(migrated_sqlite())
    opened = Database(config.database_url)
    await migrate(opened)
    setup_code = await OrganisationStore(opened, clock).new_setup_code()
    await opened.close()
    async with (
        serving_in_process(config, clock, listening, patience, tls[0] if tls else None) as (office, server),
        httpx2.AsyncClient(verify=tls[1] if tls else PLAIN, base_url=origin, timeout=20) as http,
    ):
        trusted = tls[1] if tls else None
        yield World(origin, setup_code, http, clock, data=data, office=office, server=server, tls=trusted)


@contextlib.asynccontextmanager
async def serving_in_process(
    config: Config,
    clock: Clock,
    listening: object,
    patience: Patience | None = None,
    tls: serving.Tls | None = None,
) -> AsyncIterator[tuple[Office, uvicorn.Server]]:
    office = Office(config, now=clock, patience=patience)
    server = _PromptServer(office, tls)
    serving_task = asyncio.create_task(server.serve(sockets=[listening]))  # type: ignore[list-item]
    while not server.started:
        await asyncio.sleep(0.01)
        if serving_task.done():
            await serving_task
    try:
        yield office, server
    finally:
        server.end()
        await serving_task


class _PromptServer(serving.PoliteServer):
    """Ends when it is told to. uvicorn looks and waits by tenths of a second, a minute in a thousand tests."""

    def __init__(self, office: Office, tls: serving.Tls | None = None) -> None:
        super().__init__(office, tls)
        self._told = asyncio.Event()
        self._office_of_test = office

    def end(self) -> None:
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in self.servers:
            listening.close()
        await self._office_of_test.goodbye()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _, late = await asyncio.wait(self.server_state.tasks, timeout=serving.GRACE_S)
            for task in late:
                task.cancel()
        await self._office_of_test.close()
