"""A desk after its first busy day: devices, tickets, a visit with its actions, a bundle, words. All over real sockets.

with lived_server(directory) as desk:       # in a thread of its own
    desk.call(desk.something_async())
"""

import asyncio
import contextlib
import math
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from protocol.actions.scopes import Scope
from protocol.audit import AuditEntry, AuditWord
from protocol.fields import sha256
from protocol.journal import Outcome
from protocol.messages.api import MessagePush, SessionAsk, SessionRoom
from protocol.messages.desk import CustomerText, FourFacts, SignedMessage, TicketState
from protocol.messages.documents import Cosigned, NewCheckpoint
from protocol.messages.items import AuditItem, ReportItem, SealedItem, SealedKind, Stored, TicketItem
from protocol.messages.report import (
    Report,
    ReportedCheck,
    ReportedFinding,
    ReportedMetric,
    ReportedSeverity,
    ReportedState,
)
from protocol.messages.sessions import SessionOffer
from protocol.messages.uploads import UploadGranted, UploadRequest
from protocol.tickets import MessageStatement, TicketOrigin
from server import serving
from server.config import Settings, create, load
from server.office import Office
from server.organisation.store import OrganisationStore
from server.people.rules import Role
from server.storage.engine import Database
from server.storage.migrate import migrate
from tests.making import DAY, seed, serial, signing_key
from tests.running import PLAIN
from tests.server.actors import AgentLink, Clock, DeviceActor, World, case, log_verifier, paired, sealed_bytes, uuid

T = TypeVar("T")
HOUR = 3600
WORDS = """The printer in the hall prints blank pages since this morning.
I changed the cartridge and it still does. I need the delivery notes by noon."""


@dataclass
class Lived:
    """The running server, its people and what is on it."""

    world: World
    loop: asyncio.AbstractEventLoop
    ticket: str = ""
    finding_ticket: str = ""
    device: str = ""

    @property
    def origin(self) -> str:
        return self.world.origin

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def link(self, name: str) -> str:
        """A one-use link for an account."""
        token = self.call(self.world.office.people.new_link(name))
        return f"{self.origin}/sign-in/link/{token}"


@contextlib.contextmanager
def lived_server(
    directory: Path,
    clock: Clock | None = None,
    *,
    settings: Settings | None = None,
    host: str = "127.0.0.1",
    filled: bool = True,
) -> Iterator[Lived]:
    """The server runs in a thread of its own, since Playwright's sync API needs this one.

    `host`: the name people use for it. `filled`: with its first busy day; else as it was set up.
    """
    made: list[Lived] = []
    failed: list[BaseException] = []
    started, stop = threading.Event(), asyncio.Event()

    async def live() -> None:
        async with world_in_thread(directory, clock or Clock(), settings or Settings(), host) as world:
            desk = Lived(world, asyncio.get_running_loop())
            if filled:
                assert (await world.pin()).status_code == 200
                await fill(desk)
            made.append(desk)
            started.set()
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
            failed.append(error)
            started.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(60)
    if failed:
        raise failed[0]
    try:
        yield made[0]
    finally:
        made[0].loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        if failed:
            raise failed[0]


class _ServerInThread(serving.PoliteServer):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the main thread's


@contextlib.asynccontextmanager
async def world_in_thread(
    directory: Path, clock: Clock, settings: Settings, host: str = "127.0.0.1"
) -> AsyncIterator[World]:
    """The real server on a loopback port, in whatever thread this runs."""
    listening = serving.listen("127.0.0.1:0")
    origin = f"http://{serving.address_of(listening)}".replace("127.0.0.1", host)
    create(directory / "server", settings.model_copy(update={"origin": origin}))
    config = load(directory / "server")
    database = Database(config.database_url)
    await migrate(database)
    setup_code = await OrganisationStore(database, clock).new_setup_code()
    await database.close()
    office = Office(config, now=clock)
    server = _ServerInThread(office)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        async with httpx2.AsyncClient(verify=PLAIN, base_url=origin, timeout=20) as http:
            yield World(origin, setup_code, http, clock, data=directory / "server", office=office, server=server)
    finally:
        server.should_exit = True
        await running


async def fill(desk: Lived) -> None:
    """The day: three devices of two customers, a ticket of a person and one of a machine, a visit, and what it left."""
    world, now = desk.world, desk.world.clock.now
    laptop = await world.approved("anna-laptop")
    server = await world.approved("Warehouse scanner", customer="Bluebird Logistics")
    await world.enrolled("reception-pc", customer="Bluebird Logistics")
    desk.device = laptop.device
    token = await world.technician_token("Mira Sundqvist", customers=("Acme", "Bluebird Logistics"), tier=2)
    await world.office.people.add("mira", Role.TECHNICIAN)
    await world.office.people.add("olga", Role.AUDITOR)
    await world.office.people.add("admin", Role.ADMIN)
    await world.office.people.link_technician("mira", signing_key(f"{world.organisation.name} Mira Sundqvist").public)

    async with world.link(server) as link:
        await say(link, ReportItem(id=uuid("s report"), report=Report(at=now - 120, checks=checks(), findings=(
            finding("service-failed", ReportedSeverity.CRITICAL, now, count=31, known_issue="cups-missing-driver"),
        ))))  # fmt: skip
        statement = server.ticket("disk", opened_at=now - 2 * HOUR, origin=TicketOrigin.FINDING, words="",
                                  finding="service-failed", instance="a" * 16, severity="critical")  # fmt: skip
        desk.finding_ticket = statement.ticket
        await say(link, TicketItem(id=uuid("s ticket"), ticket=server.key.sign(statement)))

    async with world.link(laptop) as link:
        for number, part in enumerate(metrics_of_a_day(now)):
            report = Report(at=now - 60, metrics=part, checks=checks(), findings=(
                finding("disk-space-low", ReportedSeverity.ERROR, now, count=144),
                finding("memory-pressure", ReportedSeverity.WARNING, now, state=ReportedState.RESOLVED, count=6),
            ))  # fmt: skip
            await say(link, ReportItem(id=uuid(f"report {number}"), report=report))
        statement = laptop.ticket("printer", opened_at=now - 3 * HOUR, words=WORDS)
        desk.ticket = statement.ticket
        await say(link, TicketItem(id=uuid("t item"), ticket=laptop.key.sign(statement)))
        await evidence(world, link, laptop, desk.ticket)
        await visit(world, link, laptop, desk.ticket, token)
        await words(world, link, laptop, desk.ticket, token)
        await witness(world, link, laptop)

    facts = FourFacts(
        cost="Nothing for you: covered by your support agreement.",
        doing="Mira is looking at the print queue of your computer.",
        next="We write to you what we found, and whether the printer needs a visit.",
        eta=now + 90 * 60,
    )
    await world.office.tickets.set_facts(desk.ticket, facts, TicketState.OPEN)


async def say(link: AgentLink, item: Any) -> Stored:
    """Send an item and hear that it is stored."""
    await link.say(item)
    while True:
        stored = await link.hear(Stored)
        if stored.id == item.id:
            return stored


def checks() -> tuple[ReportedCheck, ...]:
    names = ("disk-space", "disk-fill", "memory-pressure", "process-cpu", "failed-services", "dns", "agent-self")
    found = [ReportedCheck(id=name, status="finding" if name == "disk-space" else "ok") for name in names]
    return (*found, ReportedCheck(id="kernel-events", status="skipped"))


def finding(
    code: str,
    severity: ReportedSeverity,
    now: int,
    *,
    state: ReportedState = ReportedState.ACTIVE,
    count: int,
    known_issue: str | None = None,
) -> ReportedFinding:
    return ReportedFinding(code=code, instance="a" * 16, severity=severity, state=state, first_seen=now - 5 * HOUR,
                           last_seen=now - 60, count=count, known_issue=known_issue)  # fmt: skip


def metrics_of_a_day(now: int) -> list[tuple[ReportedMetric, ...]]:
    """Every ten minutes of a day, in reports of bounded size. Two volumes, a busy hour, a pause at night."""
    points: list[ReportedMetric] = []
    for step in range(144):
        at, day = now - DAY + step * 600, step / 144
        if 20 <= step < 40:
            continue  # switched off
        busy = math.exp(-(((day - 0.6) * 9) ** 2))
        ripple = math.sin(step / 3) * 0.015
        values = {
            ("disk.used-fraction", "3f2a9c1d0b7e4410"): 0.71 + 0.22 * day,
            ("disk.used-fraction", "91c0aa41d2e0b3f7"): 0.34 + 0.01 * day,
            ("memory.available-fraction", None): 0.58 - 0.3 * busy + ripple,
            ("memory.some-stall-fraction", None): 0.28 * busy**2 + 0.004,
            ("memory.full-stall-fraction", None): 0.11 * busy**2,
            ("cpu.used-fraction", None): 0.12 + 0.6 * busy + ripple * 2,
            ("load.one-minute", None): 0.5 + 3.8 * busy + ripple * 10,
            ("load.five-minutes", None): 0.6 + 3.1 * busy,
            ("dns.answer-s", "77aa01bc77aa01bc"): 0.012 + 0.01 * busy + abs(ripple) / 4,
            ("services.failed", None): 1.0 if day > 0.7 else 0.0,
            ("agent.rss-bytes", None): 41_000_000 + 900_000 * day,
            ("memory.swap-used-bytes", None): 200_000_000 + 500_000_000 * busy,
        }
        for (name, instance), value in values.items():
            points.append(ReportedMetric(name=name, instance=instance, at=at, value=max(0.0, value)))
    return [tuple(points[at : at + 500]) for at in range(0, len(points), 500)]


async def evidence(world: World, link: AgentLink, device: DeviceActor, ticket: str) -> None:
    """What the device sealed: evidence beside the ticket, and a bundle by upload."""
    data = sealed_bytes("evidence", 9_400)
    await say(link, SealedItem(id=uuid("evidence"), kind=SealedKind.EVIDENCE, ticket=ticket, case=case("printer"),
                               sha256=sha256(data), data=data))  # fmt: skip
    bundle = sealed_bytes("bundle", 412_000)
    asked = UploadRequest(id=uuid("bundle"), ticket=ticket, case=case("printer"), size_bytes=len(bundle),
                          sha256=sha256(bundle))  # fmt: skip
    await link.say(asked)
    granted = await link.hear(UploadGranted)
    headers = {"authorization": f"Bearer {granted.token}", "upload-length": str(len(bundle)),
               "content-type": "application/offset+octet-stream"}  # fmt: skip
    assert (await world.http.post(granted.path, headers=headers)).status_code == 201
    sent = await world.http.patch(granted.path, content=bundle, headers=headers | {"upload-offset": "0"})
    assert sent.status_code == 204, sent.text


async def visit(world: World, link: AgentLink, device: DeviceActor, ticket: str, token: str) -> None:
    """A technician's session as the server sees it: a room, sealed bytes, and the device's entries in the log."""
    done = await world.post("/api/sessions", SessionAsk(device=device.device, ticket=ticket), token)
    assert done.status_code == 200, done.text
    room = SessionRoom.model_validate_json(done.content)
    offer = await link.hear(SessionOffer)
    grant = seed("grant")
    async with (
        world.relay(room.room, room.join_token) as technician,
        world.relay(offer.room, offer.join_token) as agent,
    ):
        await asyncio.gather(paired(technician), paired(agent))
        started = entry(world, device, AuditWord.SESSION_STARTED, grant, scopes=(Scope.DIAGNOSE, Scope.SERVICES))
        await say(link, AuditItem(id=uuid("started"), entry=started))
        for sequence, (action, risk, outcome) in enumerate(
            [("diagnose.run", 0, Outcome.DONE), ("services.list", 1, Outcome.DONE), ("logs.read", 1, None)], start=1
        ):
            facts = {"sequence": sequence, "action": action, "risk": risk}
            if outcome is None:
                refused = entry(world, device, AuditWord.ACTION_REFUSED, grant, outcome=Outcome.REFUSED, **facts)
                await say(link, AuditItem(id=uuid(f"refused {action}"), entry=refused))
                continue
            begun = entry(world, device, AuditWord.ACTION_STARTED, grant, commitment=seed(action), **facts)
            await say(link, AuditItem(id=uuid(f"start {action}"), entry=begun))
            ended = entry(world, device, AuditWord.ACTION_ENDED, grant, outcome=outcome, **facts)
            await say(link, AuditItem(id=uuid(f"end {action}"), entry=ended))
        await technician.send(b"\x01" * 9_000)
        assert await agent.recv() == b"\x01" * 9_000
        await agent.send(b"\x02" * 31_000)
        assert await technician.recv() == b"\x02" * 31_000
    ended = entry(world, device, AuditWord.SESSION_ENDED, grant)
    await say(link, AuditItem(id=uuid("ended"), entry=ended))
    receipt = sealed_bytes("receipt", 3_100)
    made = entry(world, device, AuditWord.RECEIPT_MADE, grant, subject=sha256(receipt))
    await say(link, AuditItem(id=uuid("receipt made"), entry=made))
    await say(link, SealedItem(id=uuid("receipt"), kind=SealedKind.RECEIPT, ticket=ticket, case=case("printer"),
                               session=grant, sha256=sha256(receipt), data=receipt))  # fmt: skip


def entry(world: World, device: DeviceActor, word: AuditWord, grant: bytes, **facts: Any) -> AuditEntry:
    return AuditEntry(word=word, author=device.device, at=world.clock.now, device=device.device, session=grant, **facts)


async def words(world: World, link: AgentLink, device: DeviceActor, ticket: str, token: str) -> None:
    """The customer writes, a technician answers signed, the desk answers unsigned."""
    now, name = world.clock.now, "Mira Sundqvist"
    text = CustomerText(id=uuid("text"), ticket=ticket, text="It also blinks orange now.", at=now - HOUR)
    await say(link, text)
    body = MessageStatement(
        root=world.organisation.root_hash, device=device.device, ticket=ticket,
        serial=serial(f"{world.organisation.name} {name}"), sequence=1, issued_at=now - 1800,
        text="Thank you. I have looked at the queue: three jobs were stuck. Please print one page now.",
    )  # fmt: skip
    chain = world.technician_chain(name, customers=("Acme", "Bluebird Logistics"), tier=2)
    signed = SignedMessage(chain=chain, message=signing_key(f"{world.organisation.name} {name}").sign(body))
    done = await world.post(f"/api/tickets/{ticket}/messages", MessagePush(signed=signed), token)
    assert done.status_code == 200, done.text
    await world.office.tickets.desk_text(ticket, "A new drum unit is ordered in case it is needed.")


async def witness(world: World, link: AgentLink, device: DeviceActor) -> None:
    """The device cosigns the newest checkpoint it hears of."""
    facts = (await world.get("/api/server")).json()
    # It may have been told already, while it listened for something else: told again, it hears it now.
    world.office.hub.get(device.device).announced_size = -1
    world.office.announcer.announce()
    while True:
        seen = await link.hear(NewCheckpoint)
        size = int(seen.note.split("\n")[1])
        line = device.witness.cosign(seen.note, log_verifier(facts), world.clock.now - 30)
        await link.say(Cosigned(size=size, line=line))
        if size == world.office.audit.size:
            break
    async with asyncio.timeout(10):
        while await world.office.witnesses.size_of(device.device) < size:  # noqa: ASYNC110 - stored a moment later
            await asyncio.sleep(0.01)
