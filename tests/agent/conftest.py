"""Fixtures of the agent's tests: an enrolled device in a folder of its own, clocks that move by hand, a desk."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.outbox import Outbox
from agent.paths import Mode, StateFolder
from agent.store.database import Database
from tests.agent.desk_server import DeskServer
from tests.agent.doubles import HandClocks, MemoryLog, enrol_in_memory
from tests.agent.xvfb import display
from tests.making import Organisation

__all__ = ["display"]  # a fixture that tests of windows share


@pytest.fixture
def organisation() -> Organisation:
    return Organisation()


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path / "state", Mode.USER)
    state.make()
    return state


@pytest.fixture
def database(folder: StateFolder) -> Iterator[Database]:
    opened = Database(folder.database)
    yield opened
    opened.close()


@pytest.fixture
def clocks() -> HandClocks:
    return HandClocks()


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def identity(folder: StateFolder, organisation: Organisation) -> Identity:
    return enrol_in_memory(folder, organisation)


@pytest.fixture
def trust_store(database: Database, identity: Identity, clocks: HandClocks) -> TrustStore:
    return TrustStore(database, identity, clocks)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


@pytest.fixture
async def desk_server() -> AsyncIterator[DeskServer]:
    async with DeskServer() as server:
        yield server


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether the long counts are asked for (`BELLPULL_SOAK=1`)."""
    return os.environ.get("BELLPULL_SOAK") == "1"
