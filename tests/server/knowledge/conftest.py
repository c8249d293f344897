"""People with browsers, in front of a running server."""

from collections.abc import AsyncIterator

import pytest

from tests.server.actors import World
from tests.server.console.browsing import People, people_of


@pytest.fixture
async def people(desk: World) -> AsyncIterator[People]:
    async with people_of(desk) as made:
        yield made
