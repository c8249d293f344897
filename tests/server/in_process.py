"""The whole application without sockets: its real office, database, doorkeeper and pages, asked through ASGI.

async with in_process(directory, clock) as people:      # People of console/browsing.py, their world, their browsers

A tenth of what a served one costs; for tests that need no WebSocket, shared by all tests of a file. Quotas by address
are wide, so that thousands of requests of one run are not a flood; each browser has an address of its own.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2

from protocol.statements import VerifyKey, verify
from protocol.tickets import TicketStatement
from server.app import build
from server.config import Caps, Settings, create, load
from server.office import Office
from server.organisation.store import OrganisationStore
from tests.running import PLAIN
from tests.server.actors import Clock, DeviceActor, World
from tests.server.conftest import migrated_sqlite
from tests.server.console.browsing import People, people_of

ORIGIN = "http://localhost:18443"
_WIDE = Caps(requests_a_minute=10_000_000, logins_a_minute=10_000_000, enrolments_a_minute=1_000_000)


@contextlib.asynccontextmanager
async def in_process(
    directory: Path, clock: Clock | None = None, settings: Settings | None = None
) -> AsyncIterator[People]:
    """A desk with its organisation pinned."""
    clock, data = clock or Clock(), directory / "server"
    create(data, (settings or Settings()).model_copy(update={"origin": ORIGIN, "caps": _WIDE}))
    (data / "bellpull.db").write_bytes(migrated_sqlite())
    office = Office(load(data), now=clock)
    await office.open()
    app = build(office)
    try:
        setup_code = await OrganisationStore(office.database, clock).new_setup_code()
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(verify=PLAIN, base_url=ORIGIN, transport=transport) as http:
            world = World(ORIGIN, setup_code, http, clock, data=data, office=office)
            assert (await world.pin()).status_code == 200
            async with people_of(world, app) as people:
                yield people
    finally:
        await office.close()


async def open_ticket(world: World, device: DeviceActor, name: str) -> str:
    """A ticket of this device, as its link would have brought it."""
    signed = device.key.sign(device.ticket(name, opened_at=world.clock.now))
    verified = verify(signed, TicketStatement, VerifyKey(device.key.public))
    async with world.office.database.write() as connection:
        ticket: str = await world.office.tickets.open(connection, device.device, verified)
    return ticket
