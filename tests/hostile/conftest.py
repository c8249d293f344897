"""Fixtures of the hostile tests: a server that is ours but evil, a customer's computer, and a technician."""

import os
from collections.abc import AsyncIterator

import pytest

from tests.hostile.evil_server import EvilServer, evil_server
from tests.making import Organisation


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether the long counts are asked for (`BELLPULL_SOAK=1`)."""
    return os.environ.get("BELLPULL_SOAK") == "1"


@pytest.fixture
def organisation() -> Organisation:
    return Organisation()


@pytest.fixture(autouse=True)
def no_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question opens the approval page where there is a desktop; not while tests run."""
    monkeypatch.setenv("BELLPULL_NO_WINDOW", "1")


@pytest.fixture
async def evil(organisation: Organisation) -> AsyncIterator[EvilServer]:
    async with evil_server(organisation.root.public) as running:
        yield running
