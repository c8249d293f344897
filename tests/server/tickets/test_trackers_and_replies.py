"""A third line's link is an address and nothing else; a canned reply has fields that are proven, and no others."""

import pytest

from server.refusal import Refusal
from server.storage.engine import Database
from server.tickets.handing import Handing
from server.tickets.history import account, events_of
from server.tickets.levels import Level
from server.tickets.replies import Replies, fields_of, filled, unknown_fields
from server.tickets.tracker import Trackers, tracker_url
from tests.server.actors import Clock
from tests.server.stores import Stores

ADA = account("ada")


@pytest.mark.parametrize(
    "url", ["https://tracker.example/issues/4", "http://10.0.0.4:8080/x?y=1#z", "https://[2001:db8::1]/a"]
)
def test_an_address_is_linked(url: str) -> None:
    assert tracker_url(f" {url}\n") == url


@pytest.mark.parametrize(
    "url",
    [
        "", "tracker.example/4", "//tracker.example/4", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/x,y",
        "ftp://tracker.example", "file:///etc/passwd", "https://", "https:///x", "https://bank.example@evil.example/",
        "https://a.example/ b", "https://a.example/\x00", "https://a.example/\u202e", "https://\u0430pple.example",
        "https://a.example/<b>", 'https://a.example/"onclick="x', "https://a.example:99999/", "https://a.example:0/",
        "https://[::1", "https://a.example/" + "x" * 500, "http:\\\\a.example",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_tracker_is_not_linked(url: str) -> None:
    assert tracker_url(url) is None


async def test_only_the_third_line_links_and_the_history_keeps_each(database: Database, clock: Clock) -> None:
    stores = Stores(database, clock)
    trackers, handing = Trackers(database, stores.tickets, clock), Handing(database, stores.tickets)
    device = await stores.device()
    ticket = await stores.open(device, device.ticket())
    with pytest.raises(Refusal, match="third line"):
        await trackers.link(ticket, "https://tracker.example/4", by=ADA)
    await handing.hand_on(ticket, Level.THIRD_LINE, "A defect.", owner=None, owners=("ada",), by=ADA)
    for number in (4, 5):
        await trackers.link(ticket, f"https://tracker.example/{number}", by=ADA)
    with pytest.raises(Refusal, match="no address"):
        await trackers.link(ticket, "javascript:alert(1)", by=ADA)
    assert await trackers.of(ticket) == "https://tracker.example/5"
    kept = [one.note for one in await events_of(database, ticket) if one.kind == "tracker"]
    assert kept == ["https://tracker.example/5", "https://tracker.example/4"]


async def test_replies_are_kept_changed_and_removed(database: Database, clock: Clock) -> None:
    replies = Replies(database, clock)
    await replies.keep(None, "Thanks", "Thank you for {case}.", by="ada")
    await replies.keep(None, "again", "Is it still so?", by="ada")
    first, second = await replies.all()
    assert (first.name, second.name) == ("again", "Thanks")
    await replies.keep(second.id, "Thanks", "Thank you, {customer}.", by="bo")
    assert (await replies.get(second.id)).text == "Thank you, {customer}."
    await replies.remove(second.id)
    with pytest.raises(Refusal):
        await replies.get(second.id)
    for name, text in (("", "x"), ("x", " "), ("x" * 61, "x"), ("x", "Dear {label}"), ("x", "{case.__class__}")):
        with pytest.raises(Refusal) as refused:
            await replies.keep(None, name, text, by="ada")
        assert refused.value.status == 422
    assert len(await replies.all()) == 1


async def test_fields_come_from_what_is_signed(database: Database, clock: Clock) -> None:
    stores = Stores(database, clock)
    device = await stores.device()
    ticket = await stores.open(device, device.ticket(words="My case is {customer}."))
    _, statement = await stores.tickets.require(ticket, None)
    known = fields_of(statement, "Acme {case}")
    assert known["case"] == device.ticket().case
    text, lacking = filled("{case} of {customer}: {finding}", known)
    assert text == f"{known['case']} of Acme {{case}}: {{finding}}", "what is filled in is not read again"
    assert lacking == ["finding"]
    assert filled("{customer}", fields_of(statement, None)) == ("{customer}", ["customer"])
    assert unknown_fields("{case} {words} {} {a b}") == ["", "a b", "words"]
