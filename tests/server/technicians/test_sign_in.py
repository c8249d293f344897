"""Technicians: proven at sign-in and again at each request; and nothing of other customers, on any route."""

import pytest

from protocol.certificates import Chain
from protocol.enrolment import TechnicianLogin
from protocol.fields import sha256
from protocol.messages.api import MessagePush, SessionAsk, TechnicianSignIn, TicketDetail
from protocol.messages.desk import SignedMessage, TicketState
from protocol.messages.items import SealedItem, SealedKind, Stored, TicketItem
from protocol.messages.login import Welcome
from protocol.statements import Envelope
from protocol.tickets import MessageStatement
from tests.making import DAY, NOW, Organisation, serial, signing_key
from tests.server.actors import World, case, sealed_bytes, uuid


async def login(desk: World, chain: Chain, statement: Envelope) -> int:
    body = TechnicianSignIn(chain=chain, statement=statement)
    return (await desk.post("/api/technician/login", body)).status_code


async def statement(desk: World, key: str = "Helpful Ltd Ada Tech", **changes: object) -> Envelope:
    body = TechnicianLogin(
        serial=serial("Helpful Ltd Ada Tech"),
        root=desk.organisation.root_hash,
        origin=desk.origin,
        nonce=await desk.nonce(),
        issued_at=NOW,
    )
    return signing_key(key).sign(body.model_copy(update=changes))


async def test_a_certified_technician_signs_in_with_a_nonce_that_is_good_once(desk: World) -> None:
    chain, said = desk.technician_chain(), await statement(desk)
    assert [await login(desk, chain, said), await login(desk, chain, said)] == [200, 401]


async def test_whoever_cannot_prove_it_all_is_refused(desk: World) -> None:
    now, chain = desk.clock.now, desk.technician_chain()
    other = Organisation("Other Ltd")
    expired = desk.technician_chain(not_before=now - 3 * DAY, not_after=now - DAY)
    future = desk.technician_chain(not_before=now + DAY, not_after=now + 2 * DAY)
    forged = Chain(issuer=chain.issuer, leaf=other.technician().leaf)
    assert await login(desk, chain, await statement(desk, "another key")) == 401
    assert await login(desk, chain, await statement(desk, serial=serial("another"))) == 401
    assert await login(desk, chain, await statement(desk, origin="https://elsewhere.example")) == 401
    assert await login(desk, chain, await statement(desk, root=other.root_hash)) == 401
    assert await login(desk, chain, await statement(desk, nonce=b"n" * 32)) == 401
    assert await login(desk, expired, await statement(desk)) == 401
    assert await login(desk, future, await statement(desk)) == 401
    assert await login(desk, forged, await statement(desk)) == 401
    assert await login(desk, other.technician(), await statement(desk)) == 401
    assert await login(desk, chain, desk.device().login(b"n" * 32).statement) == 401


async def test_a_sign_in_ends_with_its_certificate(desk: World) -> None:
    token = await desk.technician_token(not_after=desk.clock.now + 600)
    assert (await desk.get("/api/devices", token)).status_code == 200
    desk.clock.now += 601
    assert (await desk.get("/api/devices", token)).status_code == 401


async def test_a_token_is_no_other_kind_of_token(desk: World) -> None:
    technician, organisation = await desk.technician_token(), await desk.organisation_token()
    assert (await desk.get("/api/organisation/enrolments", technician)).status_code == 401
    assert (await desk.get("/api/devices", organisation)).status_code == 401


async def test_nothing_of_another_customer_is_found_on_any_route(desk: World) -> None:
    device = await desk.approved("secret machine", customer="Acme")
    blob = sealed_bytes("evidence")
    async with desk.link(device) as link:
        await link.hear(Welcome)
        ticket = device.ticket()
        await link.say(TicketItem(id=uuid("t"), ticket=device.key.sign(ticket)))
        await link.hear(Stored)
        item = SealedItem(
            id=uuid("b"), kind=SealedKind.EVIDENCE, ticket=ticket.ticket, case=case("x"), sha256=sha256(blob), data=blob
        )
        await link.say(item)
        await link.hear(Stored)
        found: dict[str, list[int]] = {}
        for name, customers in (("Ada", ("Acme",)), ("Zoe", ("Zenith",)), ("Nobody", ())):
            token = await desk.technician_token(name, customers=customers)
            answers = [
                await desk.get(f"/api/devices/{device.device}", token),
                await desk.get(f"/api/devices/{device.device}/metrics/x", token),
                await desk.get(f"/api/tickets/{ticket.ticket}", token),
                await desk.get(f"/api/blobs/{item.id}", token),
                await desk.post("/api/sessions", SessionAsk(device=device.device, ticket=ticket.ticket), token),
            ]
            found[name] = [answer.status_code for answer in answers]
            lists = [
                (await desk.get(path, token)).text
                for path in ("/api/devices", "/api/tickets", f"/api/sessions?ticket={ticket.ticket}")
            ]
            assert any(device.device in listed for listed in lists) is (name == "Ada"), name
        assert found == {"Ada": [200] * 5, "Zoe": [404] * 5, "Nobody": [404] * 5}


async def test_a_signed_message_reaches_the_device_and_opens_the_ticket(desk: World) -> None:
    device = await desk.approved()
    token = await desk.technician_token()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        ticket = device.ticket()
        await link.say(TicketItem(id=uuid("t"), ticket=device.key.sign(ticket)))
        await link.hear(Stored)
        signed = message(desk, device.device, ticket.ticket)
        for _ in range(2):
            done = await desk.post(f"/api/tickets/{ticket.ticket}/messages", MessagePush(signed=signed), token)
            assert done.status_code == 200, done.text
        assert await link.hear(SignedMessage) == signed
        detail = TicketDetail.model_validate_json((await desk.get(f"/api/tickets/{ticket.ticket}", token)).content)
        assert [row.signed for row in detail.messages] == [signed]
        assert detail.state is TicketState.OPEN


@pytest.mark.parametrize("fault", ["author", "ticket", "device", "root", "key"])
async def test_a_message_that_names_something_else_is_not_passed_on(desk: World, fault: str) -> None:
    device = await desk.approved()
    token = await desk.technician_token()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        ticket = device.ticket()
        await link.say(TicketItem(id=uuid("t"), ticket=device.key.sign(ticket)))
        await link.hear(Stored)
        changes: dict[str, dict[str, object]] = {
            "author": {"name": "Eve"},
            "ticket": {"ticket": uuid("another")},
            "device": {"device": "d-" + "b" * 26},
            "root": {"root": b"r" * 32},
            "key": {"key": "somebody"},
        }
        signed = message(desk, **{"device": device.device, "ticket": ticket.ticket, **changes[fault]})  # type: ignore[arg-type]
        done = await desk.post(f"/api/tickets/{ticket.ticket}/messages", MessagePush(signed=signed), token)
        assert done.status_code == 400
        assert await desk.office.tickets.messages_of(ticket.ticket) == ()


def message(
    desk: World, device: str, ticket: str, *, name: str = "Ada Tech", root: bytes = b"", key: str = ""
) -> SignedMessage:
    body = MessageStatement(
        root=root or desk.organisation.root_hash,
        device=device,
        ticket=ticket,
        serial=serial(f"Helpful Ltd {name}"),
        sequence=1,
        text="Please switch it off and on again.",
        issued_at=NOW,
    )
    return SignedMessage(
        chain=desk.technician_chain(name), message=signing_key(key or f"Helpful Ltd {name}").sign(body)
    )


async def test_asking_for_an_absent_device_is_a_conflict_and_too_many_rooms_are_refused(desk: World) -> None:
    device = await desk.approved()
    token = await desk.technician_token()
    ask = SessionAsk(device=device.device, ticket=None)
    assert (await desk.post("/api/sessions", ask, token)).status_code == 409
    async with desk.link(device) as link:
        await link.hear(Welcome)
        most = desk.office.config.settings.caps.rooms_per_technician
        codes = [(await desk.post("/api/sessions", ask, token)).status_code for _ in range(most + 1)]
        assert codes == [200] * most + [429]
        other = await desk.approved("other")
        ticket = other.ticket("theirs")
        async with desk.link(other) as theirs:
            await theirs.hear(Welcome)
            await theirs.say(TicketItem(id=uuid("t"), ticket=other.key.sign(ticket)))
            await theirs.hear(Stored)
        crossed = SessionAsk(device=device.device, ticket=ticket.ticket)
        assert (await desk.post("/api/sessions", crossed, token)).status_code == 404
