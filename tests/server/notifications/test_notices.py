"""Who hears of what, once, on both databases; and what a mail may hold."""

import pytest

from protocol.messages.desk import CustomerText, TicketState
from server.notifications.model import mails
from server.notifications.rules import Audience, NoticeKind, mail_of, mentioned, told_to, wait_s
from server.notifications.settings import mail_address
from server.notifications.store import NoticeStore
from server.people.model import accounts
from server.people.rules import Role
from server.refusal import Refusal
from server.storage.engine import Database
from server.tickets.handing import Handing
from server.tickets.history import BY_CLOCK, DEVICE, Author, Event, EventKind, account
from server.tickets.levels import Level
from tests.making import NOW
from tests.server.actors import Clock, DeviceActor, uuid
from tests.server.stores import Stores

ADA, PEOPLE = account("ada"), {"ada": Role.ADMIN, "bo": Role.TECHNICIAN, "vera": Role.VIEWER}
EVERYBODY = Audience("bo", frozenset({"vera"}), frozenset(PEOPLE), frozenset({"ada"}))


def event(kind: EventKind, by: Author = DEVICE, after: str | None = None, note: str | None = None) -> Event:
    return Event("t", NOW, kind, None, after, by, note)


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (event(EventKind.OWNER, ADA, "bo"), {"bo": NoticeKind.YOURS}),
        (event(EventKind.OWNER, account("bo"), "bo"), {}),
        (event(EventKind.WROTE), {"bo": NoticeKind.WROTE, "vera": NoticeKind.WROTE}),
        (event(EventKind.STATE, DEVICE, "reopened"), {"bo": NoticeKind.REOPENED, "vera": NoticeKind.REOPENED}),
        (event(EventKind.STATE, ADA, "solved"), {"vera": NoticeKind.CHANGED}),
        (event(EventKind.LATE, BY_CLOCK, "answer"), {"bo": NoticeKind.LATE, "vera": NoticeKind.LATE}),
        (event(EventKind.LEVEL, account("bo"), "2", "For @Ada."),
         {"vera": NoticeKind.PASSED_ON, "ada": NoticeKind.MENTIONED}),
        (event(EventKind.NOTED, ADA, note="@bo @nobody mail@vera @ada"), {"bo": NoticeKind.MENTIONED}),
        (event(EventKind.STATE, DEVICE, "solved", "@ada"), {"vera": NoticeKind.CHANGED}),  # a device mentions nobody
    ],
)  # fmt: skip
def test_who_is_told_of_what(happened: Event, told: dict[str, NoticeKind]) -> None:
    assert told_to(happened, EVERYBODY) == told


def test_what_is_late_and_nobodys_is_told_to_the_admins() -> None:
    nobodys = Audience(None, frozenset(), frozenset(PEOPLE), frozenset({"ada"}))
    assert told_to(event(EventKind.LATE, BY_CLOCK, "answer"), nobodys) == {"ada": NoticeKind.LATE}


def test_names_are_found_as_people_write_them() -> None:
    names = {"ada", "bo.li", "eve@acme.example"}
    assert mentioned("@ada, @bo.li. (@eve@acme.example)", names) == names
    assert mentioned("ada @adam x@ada @", names) == set()


def test_a_mail_holds_number_state_and_link_and_nothing_else() -> None:
    made = mail_of(
        sender="desk@helpful.example", to="ada@helpful.example", case="c-abc", ticket="t-1", state="open",
        origin="https://help.example", now=NOW,
    )  # fmt: skip
    assert made["Subject"] == "Ticket c-abc: open"
    assert made.get_content() == "Ticket: c-abc\nState: open\n\nhttps://help.example/tickets/t-1\n"
    assert set(made.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding",
        "MIME-Version",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "a@b\r\nBcc: c@d.example", "a b@c.example", "@b.example", "a@", "a@b..example", "\u0430@b.example",
        "a@b.example, c@d.example", "<a@b.example>",
    ],
)  # fmt: skip
def test_what_is_no_address_is_none(text: str) -> None:
    assert mail_address(text) is None


def test_a_mail_is_tried_again_ever_less_often() -> None:
    assert [wait_s(at) for at in (1, 2, 3, 9, 10, 500)] == [60, 120, 240, 15_360, 21_600, 21_600]


@pytest.fixture
def stores(database: Database, clock: Clock) -> Stores:
    return Stores(database, clock)


@pytest.fixture
async def notices(stores: Stores) -> NoticeStore:
    async with stores.database.write() as connection:
        for name, role in PEOPLE.items():
            await connection.execute(accounts.insert().values(name=name, role=role, made_at=1))
    made = NoticeStore(stores.database, stores.clock, by_mail=True)
    await made.gather()
    return made


async def opened(stores: Stores) -> tuple[DeviceActor, str]:
    device = await stores.device()
    return device, await stores.open(device, device.ticket())


async def test_each_event_is_told_once_to_each_and_mailed_to_who_wants_it(
    stores: Stores, notices: NoticeStore, clock: Clock
) -> None:
    device, ticket = await opened(stores)
    await notices.set_address("bo", " bo@helpful.example ")
    handing = Handing(stores.database, stores.tickets)
    await handing.give(ticket, "bo", owners=("bo",), by=ADA)
    await stores.tickets.note(ticket, "@vera have a look", by=ADA)
    assert (await notices.gather(), await notices.gather()) == (2, 0)
    told = {name: [(one.kind, one.seen) for one in await notices.of(name, None)] for name in PEOPLE}
    assert told == {"ada": [], "bo": [(NoticeKind.YOURS, False)], "vera": [(NoticeKind.MENTIONED, False)]}
    assert await notices.of("bo", frozenset({"Bluebird"})) == (), "nothing of a customer they may not see now"
    async with stores.database.write() as connection:
        words = CustomerText(id=uuid("w"), ticket=ticket, text="Hello?", at=NOW)
        await stores.tickets.customer_text(connection, device.device, words)
    await notices.watch(ticket, "vera", on=True)
    await notices.watch(ticket, "vera", on=True)
    assert await notices.gather() == 2
    (mail,) = await notices.due(10)
    assert (mail.address, mail.ticket) == ("bo@helpful.example", ticket), "one waits for a ticket, however much happens"
    await notices.seen("bo")
    assert all(one.seen for one in await notices.of("bo", None))
    await notices.watch(ticket, "vera", on=False)
    assert await notices.watchers_of(ticket) == ()
    await handing.hand_on(ticket, Level.SECOND_LINE, "note", owner="bo", owners=("bo",), by=account("bo"))
    assert await notices.gather() == 0


async def test_what_was_there_before_notices_were_is_not_told(stores: Stores, clock: Clock) -> None:
    _, ticket = await opened(stores)
    await Handing(stores.database, stores.tickets).give(ticket, "bo", owners=("bo",), by=ADA)
    async with stores.database.write() as connection:
        await connection.execute(accounts.insert().values(name="bo", role=Role.ADMIN, made_at=1))
    late = NoticeStore(stores.database, clock, by_mail=True)
    assert (await late.gather(), await late.gather()) == (0, 0)
    await stores.tickets.note(ticket, "@bo", by=ADA)
    assert await late.gather() == 1


async def test_a_mail_that_fails_waits_longer_each_time_and_is_given_up_in_the_end(
    stores: Stores, notices: NoticeStore, clock: Clock
) -> None:
    _, ticket = await opened(stores)
    await notices.set_address("vera", "vera@helpful.example")
    await stores.tickets.note(ticket, "@vera", by=ADA)
    await notices.gather()
    tries = 0
    while clock.now < NOW + 4 * 86_400:
        for mail in await notices.due(10):
            tries += 1
            await notices.failed(mail, "OSError: unreachable", for_ever=False)
        clock.now += 300
    assert 15 < tries < 30
    async with stores.database.read() as connection:
        (row,) = (await connection.execute(mails.select())).all()
    assert (row.next_at, row.error) == (None, "OSError: unreachable")
    clock.now += 91 * 86_400
    await notices.sweep()
    async with stores.database.read() as connection:
        assert (await connection.execute(mails.select())).all() == []


async def test_who_is_removed_leaves_nothing_behind(stores: Stores, notices: NoticeStore) -> None:
    _, ticket = await opened(stores)
    await notices.set_address("vera", "vera@helpful.example")
    await notices.watch(ticket, "vera", on=True)
    async with stores.database.write() as connection:
        await connection.execute(accounts.delete().where(accounts.c.name == "vera"))
    await notices.sweep()
    assert (await notices.address_of("vera"), await notices.watchers_of(ticket)) == (None, ())


async def test_an_address_is_checked_and_can_be_taken_back(notices: NoticeStore) -> None:
    await notices.set_address("bo", "bo@helpful.example")
    with pytest.raises(Refusal):
        await notices.set_address("bo", "bo@x\r\nBcc: all@x.example")
    assert await notices.address_of("bo") == "bo@helpful.example"
    await notices.set_address("bo", "  ")
    assert await notices.address_of("bo") is None


async def test_a_note_is_no_answer_to_the_customer(stores: Stores, notices: NoticeStore) -> None:
    _, ticket = await opened(stores)
    await stores.tickets.note(ticket, "Who knows printers?", by=ADA)
    row, _ = await stores.tickets.require(ticket, None)
    assert row.state is TicketState.NEW
    assert await stores.tickets.messages_of(ticket) == ()
