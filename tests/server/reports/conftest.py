"""A small history that can be computed by hand; on both databases."""

from collections.abc import AsyncIterator

import pytest

from protocol.messages.desk import TicketState
from server.storage.engine import Database
from server.tickets.levels import Level
from tests.server.actors import Clock, World
from tests.server.console.browsing import People, people_of
from tests.server.reports.histories import History
from tests.server.stores import Stores


@pytest.fixture
async def history(database: Database, clock: Clock) -> History:
    """Seven tickets of three devices (two of Acme, one of Bluebird), by hand:

    1 Acme   laptop  asked    day 0  09:00  answered +1 h, solved +3 h by ada, nothing follows
    2 Acme   laptop  disk     day 1  09:00  answered +2 h, passed on to bo, waits for the customer 4 h, solved +10 h
    3 Acme   desktop disk     day 2  09:00  cleared by itself +30 min; another disk on day 10 (ticket 6)
    4 Blue   till    asked    day 3  09:00  answered +30 min, wrote again, solved +5 h by ada, reopened, solved +29 h
    5 Blue   till    dns      day 4  09:00  solved mechanically +10 min
    6 Acme   desktop disk     day 10 09:00  answered +3 h by bo, given up +4 h
    7 Blue   till    asked    day 28 09:00  nobody has looked yet
    """
    made = History(Stores(database, clock), clock)
    laptop = await made.stores.device("laptop")
    desktop = await made.stores.device("desktop")
    till = await made.stores.device("till", "Bluebird")

    one = await made.at(0, 9).opens(laptop, "one")
    await made.at(0, 10).moves(one, TicketState.OPEN)
    await made.at(0, 12).moves(one, TicketState.SOLVED)

    two = await made.at(1, 9).opens(laptop, "two", "disk-space-low")
    await made.at(1, 11).moves(two, TicketState.OPEN)
    await made.at(1, 12).passes_on(two, Level.SECOND_LINE, "bo")
    await made.at(1, 13).moves(two, TicketState.WAITING_CUSTOMER, "bo")
    await made.at(1, 17).moves(two, TicketState.OPEN, "bo")
    await made.at(1, 19).moves(two, TicketState.SOLVED, "bo")

    three = await made.at(2, 9).opens(desktop, "three", "disk-space-low")
    await made.at(2, 9.5).ends(desktop, three, "cleared-by-itself")

    four = await made.at(3, 9).opens(till, "four")
    await made.at(3, 9.5).moves(four, TicketState.OPEN)
    await made.at(3, 10).writes(till, four)
    await made.at(3, 14).moves(four, TicketState.SOLVED)
    await made.at(4, 8).writes(till, four)
    await made.at(4, 14).moves(four, TicketState.SOLVED)

    five = await made.at(4, 9).opens(till, "five", "dns-slow")
    await made.at(4, 9 + 1 / 6).ends(till, five, "solved-mechanically")

    six = await made.at(10, 9).opens(desktop, "six", "disk-space-low", "1")
    await made.at(10, 12).moves(six, TicketState.OPEN, "bo")
    await made.at(10, 13).gives_up(six)

    await made.at(28, 9).opens(till, "seven")

    await made.knows_ada()
    await made.at(0, 11).visits(laptop, "a", 600)
    await made.at(3, 12).visits(till, "b", 1200, "diagnose,logs")
    await made.at(3, 13).visits(till, "c", None)
    return made


@pytest.fixture
async def people(desk: World) -> AsyncIterator[People]:
    async with people_of(desk) as made:
        yield made
