"""Lists as the database makes them, on both databases: order, filters, pages, and whose rows they are."""

import pytest

from protocol.messages.desk import TicketState
from protocol.messages.report import ReportedSeverity
from server.devices.fleet import CustomerHealth, FindingSpread, FleetReading
from server.devices.listing import DeviceListing, Shown
from server.findings.series import SeriesReading, Step
from server.storage.engine import Database
from server.technicians.listing import ENDED_MAX, TechnicianListing
from server.technicians.store import TechnicianStore
from server.tickets.listing import PAGE_ROWS, Filter, TicketListing, Wanted
from tests.making import DAY, NOW, Organisation, serial
from tests.server.actors import Clock
from tests.server.console.rows import put_device, put_finding, put_metrics, put_ticket

ALL = Filter(state=Wanted.ALL)


@pytest.fixture
def listing(database: Database, clock: Clock) -> TicketListing:
    return TicketListing(database, clock)


async def words(listing: TicketListing, wanted: Filter, customers: frozenset[str] | None = None) -> list[str]:
    return [line.words for line in (await listing.page(customers, wanted, 1)).lines]


async def test_what_needs_somebody_stands_first(database: Database, listing: TicketListing) -> None:
    device = await put_device(database, "laptop")
    await put_ticket(database, device, "solved", state="solved")
    await put_ticket(database, device, "waits", state="waiting-customer", eta=NOW - DAY)
    await put_ticket(database, device, "open", state="open")
    await put_ticket(database, device, "warning", severity="warning", finding="a", instance="")
    await put_ticket(database, device, "critical", severity="critical", finding="b", instance="")
    await put_ticket(database, device, "person")
    await put_ticket(database, device, "overdue", state="open", eta=NOW - 1, received_at=NOW - 5)
    order = await words(listing, ALL)
    assert order == ["critical", "person", "overdue", "warning", "open", "waits", "solved"]
    assert await words(listing, Filter(state=Wanted.NOW)) == ["critical", "person", "overdue", "warning"]
    assert "solved" not in await words(listing, Filter())
    assert await words(listing, Filter(state=TicketState.SOLVED)) == ["solved"]
    assert await listing.overdue(None) == 1
    assert (await listing.counts(None))[TicketState.OPEN] == 2


async def test_a_technician_sees_their_customers_tickets_and_no_others(
    database: Database, listing: TicketListing
) -> None:
    for customer in ("Acme", "Bluebird"):
        device = await put_device(database, f"of {customer}", customer)
        await put_ticket(database, device, customer)
    pending = await put_device(database, "pending", "Acme", state="pending", customer=None)
    await put_ticket(database, pending, "pending")
    refused = await put_device(database, "refused", "Acme", state="refused", customer=None)
    await put_ticket(database, refused, "refused")
    # A device that says it is Acme's, and that the organisation certified for Bluebird.
    liar = await put_device(database, "liar", "Bluebird", asked_customer="Acme")
    await put_ticket(database, liar, "liar")
    acme = frozenset({"Acme"})
    assert set(await words(listing, ALL, acme)) == {"Acme", "pending"}
    assert await words(listing, ALL, frozenset()) == []
    assert await listing.customers(acme) == ("Acme",)
    assert sum((await listing.counts(acme)).values()) == 2
    assert len(await words(listing, ALL)) == 5


async def test_filters_and_search_take_text_as_text(database: Database, listing: TicketListing) -> None:
    device = await put_device(database, "Anna's %laptop_")
    other = await put_device(database, "scanner", "Bluebird")
    await put_ticket(database, device, "100% full", severity="error", finding="disk-space-low", instance="")
    await put_ticket(database, other, "100 percent")
    assert await words(listing, Filter(state=Wanted.ALL, text="100%")) == ["100% full"]
    assert await words(listing, Filter(state=Wanted.ALL, text="_")) == ["100% full"]
    assert await words(listing, Filter(state=Wanted.ALL, text="ANNA'S")) == ["100% full"]
    assert await words(listing, Filter(state=Wanted.ALL, text="disk-space")) == ["100% full"]
    assert await words(listing, Filter(state=Wanted.ALL, text="' OR 1=1 --")) == []
    assert await words(listing, Filter(state=Wanted.ALL, customer="Bluebird")) == ["100 percent"]
    assert await words(listing, Filter(state=Wanted.ALL, severity=ReportedSeverity.ERROR)) == ["100% full"]
    assert await words(listing, Filter(state=Wanted.ALL, device=other)) == ["100 percent"]


async def test_pages_hold_every_ticket_once(database: Database, listing: TicketListing) -> None:
    device = await put_device(database, "laptop")
    for at in range(2 * PAGE_ROWS + 3):
        await put_ticket(database, device, f"ticket {at}", received_at=NOW + at % 7)
    pages = [await listing.page(None, ALL, number) for number in (1, 2, 3, 4)]
    assert [len(page.lines) for page in pages] == [PAGE_ROWS, PAGE_ROWS, 3, 0]
    assert [page.has_more for page in pages] == [True, True, False, False]
    assert pages[1].note == f"{PAGE_ROWS + 1}–{2 * PAGE_ROWS} of {2 * PAGE_ROWS + 3}"
    assert len({line.ticket for page in pages for line in page.lines}) == 2 * PAGE_ROWS + 3


# --- devices -------------------------------------------------------------------------------------------------------


async def test_devices_with_the_gravest_findings_stand_first(database: Database) -> None:
    names = ("calm", "warned", "failing", "dying")
    ids = {name: await put_device(database, name) for name in names}
    await put_finding(database, ids["warned"], "a", ReportedSeverity.WARNING)
    await put_finding(database, ids["failing"], "a", ReportedSeverity.ERROR)
    await put_finding(database, ids["failing"], "b", ReportedSeverity.ERROR)
    await put_finding(database, ids["dying"], "a", ReportedSeverity.CRITICAL)
    await put_finding(database, ids["calm"], "a", ReportedSeverity.CRITICAL, state="resolved")
    listing = DeviceListing(database)
    lines = (await listing.page(None, ())).lines
    assert [line.label for line in lines] == ["dying", "failing", "warned", "calm"]
    assert lines[1].counts == {ReportedSeverity.ERROR: 2}
    assert lines[3].counts == {}
    grave = await listing.page(None, (), shown=Shown.GRAVE)
    assert [line.label for line in grave.lines] == ["dying", "failing"]


async def test_a_fleet_is_counted_by_customer_and_by_finding_each_device_once(database: Database) -> None:
    ids = {name: await put_device(database, name) for name in ("calm", "warned", "dying")}
    other = await put_device(database, "till", "Bluebird")
    await put_device(database, "never seen", "Bluebird", last_seen=None)
    await put_device(database, "refused", "Bluebird", state="refused", customer=None)
    await put_finding(database, ids["warned"], "dns-slow", ReportedSeverity.WARNING)
    await put_finding(database, ids["dying"], "dns-slow", ReportedSeverity.WARNING)
    await put_finding(database, ids["dying"], "disk-failing", ReportedSeverity.CRITICAL)
    await put_finding(database, ids["calm"], "disk-failing", ReportedSeverity.CRITICAL, state="resolved")
    await put_finding(database, other, "disk-failing", ReportedSeverity.ERROR)
    fleet, listing = FleetReading(database), DeviceListing(database)
    acme, bluebird = await fleet.by_customer(None)
    assert acme == CustomerHealth(
        "Acme", 3, well=1, unknown=0, counts={ReportedSeverity.WARNING: 1, ReportedSeverity.CRITICAL: 1}
    )
    assert bluebird == CustomerHealth("Bluebird", 2, well=0, unknown=1, counts={ReportedSeverity.ERROR: 1})
    assert await fleet.by_customer(frozenset({"Bluebird"})) == (bluebird,)
    assert await fleet.by_finding(None) == (
        FindingSpread("disk-failing", ReportedSeverity.CRITICAL, 2),
        FindingSpread("dns-slow", ReportedSeverity.WARNING, 2),
    )
    assert await fleet.by_finding(None, customer="Bluebird") == await fleet.by_finding(frozenset({"Bluebird"}))
    assert await fleet.by_finding(frozenset()) == ()
    # Each number leads to as many lines.
    found = await listing.page(None, (), finding="disk-failing")
    assert [line.label for line in found.lines] == ["dying", "till"]
    assert (await listing.page(None, (), finding="disk-failing", customer="Bluebird")).total == 1
    assert (await listing.counts(None, (), customer="Acme", finding="dns-slow"))[Shown.ALL] == 2
    assert (await listing.page(frozenset({"Acme"}), (), customer="Bluebird")).total == 0


async def test_devices_by_who_is_here_who_is_away_and_who_waits(database: Database) -> None:
    here = await put_device(database, "here")
    await put_device(database, "away")
    await put_device(database, "waits", state="pending", customer=None)
    await put_device(database, "of others", "Bluebird")
    listing, acme = DeviceListing(database), frozenset({"Acme"})
    found = {shown: [line.label for line in (await listing.page(acme, {here}, shown=shown)).lines] for shown in Shown}
    assert found == {
        Shown.ALL: ["away", "here", "waits"], Shown.CONNECTED: ["here"], Shown.AWAY: ["away"],
        Shown.GRAVE: [], Shown.WAITING: ["waits"],
    }  # fmt: skip
    assert await listing.counts(acme, {here}) == {shown: len(labels) for shown, labels in found.items()}
    assert set((await listing.counts(frozenset(), {here})).values()) == {0}
    assert (await listing.counts(None, {here}, "others"))[Shown.AWAY] == 1
    assert [line.label for line in (await listing.page(None, (), text="OTHERS")).lines] == ["of others"]


# --- numbers -------------------------------------------------------------------------------------------------------


async def test_values_are_averaged_within_a_step(database: Database) -> None:
    device = await put_device(database, "laptop")
    await put_metrics(database, device, "load.one-minute", [(NOW + 1, 1.0), (NOW + 9, 3.0), (NOW + 25, 5.0)])
    await put_metrics(database, device, "load.one-minute", [(NOW - 1, 99.0)])
    await put_metrics(database, device, "disk.used-fraction", [(NOW + 2, 0.5)], of="f" * 16)
    other = await put_device(database, "other")
    await put_metrics(database, other, "load.one-minute", [(NOW + 1, 77.0)])
    reading = SeriesReading(database)
    assert await reading.steps(device, ["load.one-minute", "disk.used-fraction"], since=NOW, step_s=10) == (
        Step("disk.used-fraction", "f" * 16, 0, NOW + 2, 0.5),
        Step("load.one-minute", "", 0, NOW + 1, 2.0),
        Step("load.one-minute", "", 2, NOW + 25, 5.0),
    )
    assert [(one.name, one.value) for one in await reading.newest(device)] == [
        ("disk.used-fraction", 0.5),
        ("load.one-minute", 5.0),
    ]
    assert await reading.first_at(device) == NOW - 1
    assert await reading.first_at("d-none") is None


# --- technicians ---------------------------------------------------------------------------------------------------


async def test_technicians_are_named_by_serial_and_ended_certificates_are_few(database: Database, clock: Clock) -> None:
    store, organisation = TechnicianStore(database, clock), Organisation()
    for at in range(ENDED_MAX + 5):
        changes = {"serial": serial(f"ended {at}"), "not_after": NOW - 1}
        body = organisation.technician_body(f"Old {at}", **changes)
        await store.keep(organisation.technician(f"Old {at}", **changes), body)
        clock.now += 1
    await store.keep(organisation.technician("Ada"), organisation.technician_body("Ada"))
    clock.now = NOW
    listing = TechnicianListing(database)
    assert await listing.names([serial("ended 3"), serial("Helpful Ltd Ada"), "none"]) == {
        serial("ended 3"): "Old 3",
        serial("Helpful Ltd Ada"): "Ada",
    }
    assert await listing.names([]) == {}
    assert await listing.current(NOW) == (organisation.technician("Ada"),)
    assert len(await listing.current_and_lately_ended(NOW)) == ENDED_MAX
