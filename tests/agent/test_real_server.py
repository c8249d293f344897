"""The agent against the real server in a process of its own: enrolment, link, uploads, kills, restarts."""

import asyncio
import json
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from agent.clocks import SystemClocks
from agent.identity.enrol import enrol
from agent.identity.following import Following
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.link.upload import Job, UploadOutcome
from agent.link.uploads import Uploads, carry
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal
from agent.store.database import Database
from agent.tickets.desk import Desk
from agent.tickets.store import TicketStore
from agent.uuid7 import uuid7
from protocol.certificates import KnownIssuePack, PackedIssue
from protocol.enrolment import EnrolmentTicket, print_token
from protocol.messages.api import CertificatePush, DocumentsPush
from protocol.tickets import TicketOrigin
from tests.agent import test_kill
from tests.agent.doubles import MemoryLog, device_certificate, recipients
from tests.making import DAY, Organisation, seed
from tests.running import PLAIN, RunningServer, start_server
from tests.server.actors import Clock, World, bearer, sealed_bytes


class Place:
    """A server, an organisation pinned on it, and this machine's state folder."""

    def __init__(self, server: RunningServer, world: World, folder: StateFolder) -> None:
        self.server, self.world, self.folder = server, world, folder

    @property
    def now(self) -> int:
        return self.world.clock.now

    def enrol(self) -> Identity:
        """With a token of this test's own: the server's process serves them all."""
        chain = self.world.token(str(self.folder.root.parent))
        enrol(self.folder, print_token(EnrolmentTicket(chain=chain, secret=seed("secret"))), label="", now=self.now)
        identity = Identity.load(self.folder.identity)
        assert identity is not None
        return identity

    async def approve(self, identity: Identity) -> None:
        times = {"not_before": self.now - DAY, "not_after": self.now + DAY}
        chain = device_certificate(self.world.organisation, identity, **times)
        token = await self.world.organisation_token()
        done = await self.world.post("/api/organisation/certificates", CertificatePush(chain=chain), token)
        assert done.status_code == 200, done.text

    def rows(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        with sqlite3.connect(f"file:{self.server.data / 'bellpull.db'}?mode=ro", uri=True) as connection:
            return connection.execute(sql, parameters).fetchall()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One for all tests of this file; each brings its own device and its own token."""
    with start_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def organisation_now() -> Organisation:
    now = int(time.time())
    return Organisation(not_before=now - 10 * DAY, not_after=now + 100 * DAY)


@pytest.fixture
async def place(server: RunningServer, organisation_now: Organisation, tmp_path: Path) -> AsyncIterator[Place]:
    folder = StateFolder(tmp_path / "state", Mode.USER)
    async with httpx2.AsyncClient(verify=PLAIN, base_url=server.origin, trust_env=False) as http:
        world = World(server.origin, server.setup_code, http, Clock(int(time.time())), organisation_now)
        assert (await world.pin()).status_code == 200 or (await world.get("/api/server")).json()["root_key"]
        yield Place(server, world, folder)


class Member:
    """The parts of an enrolled agent that talk to a server, running."""

    def __init__(self, place: Place, identity: Identity) -> None:
        self.log = MemoryLog()
        self.database = Database(place.folder.database)
        self.clocks = SystemClocks(self.database)
        self.trust = TrustStore(self.database, identity, self.clocks, confirm_time=self.clocks.confirm)
        self.outbox = Outbox(self.database)
        self.link = Link(identity, self.outbox, self.clocks, log=self.log, uniform=lambda: 0.05)
        self.changed = asyncio.Event()
        Following(self.trust, self.link, log=self.log, changed=self._changed)
        self.tickets = TicketStore(self.database, identity, self.outbox, self.clocks)
        self.tickets.on_queued(self.link.wake)
        Desk(self.tickets, identity, self.trust, self.clocks, self.link, log=self.log)
        self.carry = carry
        self.uploads = Uploads(
            self.database, identity, self.trust, self.link, self.clocks, log=self.log, carry=self._carry
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def _changed(self) -> None:
        self.changed.set()

    async def _carry(self, job: Job) -> UploadOutcome:
        return await self.carry(job)

    async def __aenter__(self) -> "Member":
        self._tasks = [asyncio.create_task(self.link.run()), asyncio.create_task(self.uploads.run())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.database.close()

    async def until(self, true: object, timeout_s: float = 30) -> None:
        async with asyncio.timeout(timeout_s):
            while not true():  # type: ignore[operator]  # noqa: ASYNC110 - the other side is another process
                await asyncio.sleep(0.01)


async def test_enrolment_approval_documents_and_a_ticket_with_its_facts(place: Place) -> None:
    identity = await asyncio.to_thread(place.enrol)
    async with Member(place, identity) as member:
        await member.until(lambda: member.link.connected)
        assert member.trust.certificate is None
        await place.approve(identity)
        await member.until(lambda: member.trust.certificate is not None)
        await publish(place)
        await member.until(lambda: member.trust.trust.recipients(place.now) is not None)
        opened = member.tickets.open(origin=TicketOrigin.CUSTOMER, words="The printer sings.")
        await member.until(
            lambda: (ticket := member.tickets.get(opened.ticket)) is not None and ticket.facts is not None
        )
        shown = member.tickets.get(opened.ticket)
        assert shown is not None
        assert shown.facts is not None
        assert shown.facts.doing
        await member.until(lambda: member.outbox.numbers().items == 0)
        assert member.outbox.dead_letters() == []


async def publish(place: Place) -> None:
    # The time as the version: each test publishes anew on the one server.
    document = recipients(place.world.organisation, place.now, issued_at=place.now, not_after=place.now + DAY)
    body = {"documents": [json.loads(document.model_dump_json())]}
    done = await place.world.http.post(
        "/api/organisation/documents", json=body, headers=bearer(await place.world.organisation_token())
    )
    assert done.status_code == 200, done.text


async def test_a_used_token_lets_nobody_else_in_and_the_same_device_again(place: Place) -> None:
    identity = await asyncio.to_thread(place.enrol)
    assert (await asyncio.to_thread(place.enrol)).device == identity.device
    other = Place(place.server, place.world, StateFolder(place.folder.root.parent / "other", Mode.USER))
    with pytest.raises(Refusal, match="the server refused"):
        await asyncio.to_thread(other.enrol)
    assert Identity.load(other.folder.identity) is None


async def test_a_server_that_does_not_know_the_device_is_not_hammered(place: Place, tmp_path: Path) -> None:
    identity = await asyncio.to_thread(place.enrol)
    from agent.identity.identity import device_secrets

    stranger_folder = StateFolder(tmp_path / "stranger", Mode.USER)
    stranger_folder.make()
    secrets = device_secrets(stranger_folder.identity, make=True)
    assert secrets is not None
    stranger = Place(place.server, place.world, stranger_folder)
    async with Member(stranger, Identity.of(secrets, identity.token)) as member:
        await member.until(lambda: "refused this device's login" in member.link.view().trouble)
        wait = member.link.view().next_attempt_s
        assert wait is None or wait > 1


async def test_kills_lose_nothing_and_store_nothing_twice_on_the_real_server(place: Place, soak: bool) -> None:
    identity = await asyncio.to_thread(place.enrol)
    Database(place.folder.database).close()
    chance = random.Random(20261121)
    lives, items_a_life = (200, 30) if soak else (4, 12)
    promised: list[str] = []
    ticket = await open_ticket(place, identity)
    for number in range(lives):
        kill_after = 1 + chance.random() * (items_a_life - 1)
        first = number * items_a_life + 1
        promised += await asyncio.to_thread(
            test_kill.life, place.folder, place.server.origin, first, items_a_life, kill_after, ticket
        )
        if number == lives // 2:
            await asyncio.to_thread(place.server.kill)
            await asyncio.to_thread(place.server.start_again)
    promised += await asyncio.to_thread(test_kill.life, place.folder, place.server.origin, 0, 0, None, ticket)
    mine = "SELECT id FROM items WHERE type = 'customer-text' AND refused = '' AND device = ?"
    stored = [str(row[0]) for row in place.rows(mine, identity.device)]
    assert len(stored) == len(set(stored))
    assert set(promised) <= set(stored)
    assert len(set(stored) - set(promised)) <= lives


async def open_ticket(place: Place, identity: Identity) -> str:
    async with Member(place, identity) as member:
        opened = member.tickets.open(origin=TicketOrigin.CUSTOMER, words="help")
        await member.until(lambda: member.outbox.numbers().items == 0)
        return opened.ticket


async def test_a_server_killed_in_the_middle_of_an_upload_gets_the_rest(place: Place, tmp_path: Path) -> None:
    identity = await asyncio.to_thread(place.enrol)
    await place.approve(identity)
    await publish(place)
    blob = sealed_bytes("a large bundle", 6 * 1024 * 1024 + 17)
    file = tmp_path / "bundle.age"
    file.write_bytes(blob)
    async with Member(place, identity) as member:
        await member.until(lambda: member.trust.trust.recipients(place.now) is not None)
        opened = member.tickets.open(origin=TicketOrigin.CUSTOMER, words="see the bundle")
        await member.until(lambda: member.outbox.numbers().items == 0)
        upload = uuid7()
        from protocol.fields import sha256

        member.uploads.add(
            upload, ticket=opened.ticket, case=opened.case, file=file, sha256=sha256(blob), size_bytes=len(blob)
        )
        await member.until(lambda: offset_of(place, upload) >= 1024 * 1024)
        await asyncio.to_thread(place.server.kill)
        reached = offset_of(place, upload)
        await asyncio.to_thread(place.server.start_again)
        member.link.hurry()
        await member.until(lambda: retried(member), 90)
        assert member.uploads.views()[0].state == "done"
    kept = [path for path in (place.server.data / "bundles").iterdir() if upload in path.name]
    assert [path.read_bytes() == blob for path in kept] == [True]
    assert reached >= 1024 * 1024
    assert not file.exists()


def retried(member: Member) -> bool:
    """Done; or waiting for its next attempt, which a person's wish brings forward."""
    view = member.uploads.views()[0]
    if view.state == "waiting" and member.link.connected:
        member.uploads.wake()
    return view.state != "waiting"


def offset_of(place: Place, upload: str) -> int:
    rows = place.rows("SELECT offset_bytes FROM bundles WHERE id = ?", upload)
    return int(str(rows[0][0])) if rows else 0


async def test_a_pack_of_a_mebibyte_reaches_a_device(place: Place) -> None:
    """Four times what fits one message: in parts, over the link, and believed only by its signature."""
    issues = tuple(PackedIssue(id=f"issue-{number}", toml="x" * 32_000) for number in range(32))
    organisation, now = place.world.organisation, place.now
    body = KnownIssuePack(root=organisation.root_hash, version=now, issued_at=now, not_after=now + DAY, issues=issues)
    assert len(body.payload()) > 1_000_000
    push = DocumentsPush(documents=(organisation.publish(body),))
    done = await place.world.post("/api/organisation/documents", push, await place.world.organisation_token())
    assert done.status_code == 200, done.text
    identity = await asyncio.to_thread(place.enrol)
    async with Member(place, identity) as member:
        await member.until(lambda: member.trust.trust.known_issues(now) == body)
