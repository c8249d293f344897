"""Every message a server can send, said by one that means harm: nothing of consent, policy, schedule or trust moves.

The whole agent at the other end of the link. Its state is compared before and after: tables, files of the state folder,
and what is in memory, the time among it.
"""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from agent.tickets.store import MessageKind
from protocol.errors import RemoteProtocolError
from protocol.messages.link import FROM_SERVER, UnknownMessage, parse_from_server
from protocol.messages.login import Unsupported, Welcome
from protocol.messages.sessions import SessionOffer
from protocol.strict_json import WireModel, dump
from tests.agent.doubles import device_certificate
from tests.hostile.evil_server import EvilServer
from tests.hostile.lies import CONSENT, LIES, WISHES, Situation, bent
from tests.hostile.machine import connected, enrolled
from tests.hostile.papers import published
from tests.making import Organisation

#: In `make test`; a soak says them all.
BENT = 120
#: How far the server's clock is off, in the headers of its every answer.
DATES = ("Thu, 01 Jan 1970 00:00:00 GMT", "Tue, 19 Jan 2038 03:14:07 GMT", "Fri, 31 Dec 9999 23:59:59 GMT")


@asynccontextmanager
async def situation(path: Path, evil: EvilServer, organisation: Organisation) -> AsyncIterator[Situation]:
    documents = (organisation.revocations(3),)
    async with enrolled(path / "s", evil, organisation, documents=documents) as machine:
        ticket = machine.ask_for_help()
        await evil.until(lambda: any(type(said).__name__ == "TicketItem" for said in evil.line.said))
        await machine.quiet()
        yield Situation(machine, evil, organisation, ticket)


async def heard(now: Situation, text: bytes) -> None:
    """Say it, and wait until the machine has dealt with it: by an answer to what came after, or by a new link."""
    line, number, link = now.server.line, len(now.server.lines), now.machine.member.link

    def fences() -> int:
        return sum(isinstance(said, Unsupported) and said.named == "fence" for said in line.said)

    before = fences()
    await now.server.say_raw(text)
    with suppress(RuntimeError):  # it has already hung up
        await now.server.say_raw(b'{"type":"fence"}')

    def done() -> bool:
        if fences() > before or len(now.server.lines) > number:
            return True
        link.hurry()
        return False

    await now.machine.until(done)
    await connected(now.machine, now.server)
    await now.machine.quiet()
    await now.machine.until(lambda: not now.machine.member.door.busy)


def test_somebody_has_thought_of_every_message() -> None:
    assert set(LIES) == set(FROM_SERVER.values())


@pytest.mark.parametrize("kind", LIES, ids=lambda kind: kind.__name__)
async def test_no_message_changes_consent_policy_schedule_or_trust(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, kind: type[WireModel]
) -> None:
    evil.headers["date"] = DATES[len(kind.__name__) % len(DATES)]
    async with situation(tmp_path, evil, organisation) as now:
        before = now.machine.state()
        said = 0
        for message in LIES[kind](now):
            assert isinstance(message, kind)
            if isinstance(message, SessionOffer):
                await offered(now, message)
            else:
                await heard(now, dump(message))
            assert now.machine.state().differs_from(before) == [], message
            said += 1
        assert said
        assert now.machine.prompts_ever == 0


async def offered(now: Situation, offer: SessionOffer) -> None:
    """A room with nobody in it who could prove anything: the relay itself pretends."""
    room = now.server.new_room()
    token = now.server.rooms[room].token_of("device")
    now.server.rooms[room].here["technician"].set()
    for garbage in (b"", b"let me in", bytes(48)):
        now.server.rooms[room].inbox["device"].put_nowait(garbage)
    await heard(now, dump(offer.model_copy(update={"room": room, "join_token": token})))


async def test_what_an_attacker_would_like_to_exist_is_unsupported_and_changes_nothing(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    async with situation(tmp_path, evil, organisation) as now:
        before = now.machine.state()
        for wish in WISHES:
            text = json.dumps(wish).encode()
            assert isinstance(parse_from_server(text), UnknownMessage)
            await heard(now, text)
            assert Unsupported(named=str(wish["type"])) in now.server.line.said
            assert now.machine.state().differs_from(before) == [], wish
        assert len(now.server.lines) == 1, "the link stays"


async def test_no_bent_message_changes_anything(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, soak: bool
) -> None:
    async with situation(tmp_path, evil, organisation) as now:
        everything = [text for lies in LIES.values() for message in lies(now) for text in bent(message)]
        malformed = [text for text in everything if not _well_formed(text)]
        assert len(malformed) > 500
        chosen = malformed if soak else random.Random("bent").sample(malformed, BENT)
        before = now.machine.state()
        for text in chosen:
            await heard(now, text)
            assert now.machine.state().differs_from(before) == [], text
        assert now.machine.prompts_ever == 0


def _well_formed(text: bytes) -> bool:
    try:
        parse_from_server(text)
    except RemoteProtocolError:
        return False
    return True


async def test_a_welcome_that_lies_gives_the_server_no_say(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """At the login itself: another organisation's certificate, impossible versions, a checkpoint that is none."""
    async with situation(tmp_path, evil, organisation) as now:
        foreign = device_certificate(Organisation("Evil Inc"), now.machine.identity)
        lies = Welcome(certificate=foreign, versions={"revocations-leaves": 1 << 53}, checkpoint=CONSENT)
        evil.welcome = lambda device: lies
        evil.documents = published(Organisation("Evil Inc"), 9)
        before = now.machine.state()
        await heard(now, b"not even JSON")
        await heard(now, b'{"type":"fence"}')
        assert len(evil.lines) == 2
        assert now.machine.state().differs_from(before) == []


async def test_words_of_the_server_are_shown_as_the_servers(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """What the lies above left behind for the customer to read: plain words, marked, under no person's name."""
    async with situation(tmp_path, evil, organisation) as now:
        for kind in (name for name in LIES if name.__name__ in ("DeskText", "SignedMessage", "TicketUpdate")):
            for message in LIES[kind](now):
                await heard(now, dump(message))
        (shown,) = now.machine.member.tickets.messages(now.ticket)
        assert (shown.kind, shown.author, shown.text) == (MessageKind.UNVERIFIED, None, CONSENT)


async def test_the_harness_sees_a_change(tmp_path: Path, evil: EvilServer, organisation: Organisation) -> None:
    """The control: what the organisation has really signed does change the state, by the same way."""
    async with situation(tmp_path, evil, organisation) as now:
        before = now.machine.state()
        evil.documents = published(organisation, 9)[:1]
        await heard(now, dump(Welcome(certificate=None, versions={}, checkpoint="")))
        await now.machine.until(lambda: now.machine.state().differs_from(before))
        await now.machine.quiet()
        assert now.machine.state().differs_from(before) == ["trust", "trust_documents", "trust_floors"]
