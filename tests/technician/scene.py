"""A technician's real program at a real server (in this process, on loopback), and a device that answers visits.

async with scene(tmp_path, …) as made:
    made.technician                    its folder, keys, trust, as `bellpull` leaves them
    made.device                        connected; joins the relay when a session is offered
    await made.ticket("words")         a ticket as an agent sends it
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import pytest
from websockets.exceptions import ConnectionClosed

from protocol import strict_json
from protocol.actions.scopes import Scope
from protocol.enrolment import DeviceKeys
from protocol.fields import sha256
from protocol.messages.items import SealedItem, SealedKind, Stored, TicketItem
from protocol.messages.link import parse_from_server
from protocol.messages.sessions import SessionOffer
from protocol.tickets import EvidenceRef
from technician.certificate_file import CertificateFile
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.keys.technician_keys import TechnicianKeys, write_keys
from technician.private_files import write_private
from technician.sign_in import Technician
from technician.trust_store import TrustStore
from tests.making import NOW
from tests.server.actors import AgentLink, Clock, DeviceActor, World, log_verifier, paired, sign_ticket, uuid
from tests.server.conftest import running_world
from tests.technician.device_end import DeviceEnd, device_noise
from tests.technician.pairing import technician_keys


class Machine(DeviceActor):
    """A device whose Noise key is real, so that a handshake with it succeeds."""

    @property
    def keys(self) -> DeviceKeys:
        noise = device_noise(self.name).public_key().public_bytes_raw()
        return super().keys.model_copy(update={"noise": noise})


@dataclass
class Scene:
    world: World
    technician: Technician
    keys: TechnicianKeys
    device: Machine
    link: AgentLink
    ends: list[DeviceEnd] = field(default_factory=list)
    #: How the next DeviceEnd is made: scopes ticked, checkpoint shown, certificate shown.
    answer: dict[str, Any] = field(default_factory=dict)
    decide: bool = True
    stored: dict[str, asyncio.Event] = field(default_factory=dict)
    visits: list["asyncio.Task[None]"] = field(default_factory=list)
    sends: asyncio.Queue[list[bytes]] = field(default_factory=asyncio.Queue)

    @property
    def end(self) -> DeviceEnd:
        return self.ends[-1]

    async def ticket(self, words: str = "It is slow.", sealed: tuple[bytes, ...] = (), **changes: Any) -> str:
        """Sent by the device, with evidence sealed to the technician; stored by the server."""
        recipient = pyrage.x25519.Recipient.from_str(self.keys.age_recipient)
        blobs = [pyrage.encrypt(document, [recipient]) for document in sealed]
        name = f"{words} {len(blobs)}"
        statement = self.device.ticket(name, words=words, **changes)
        items = [
            SealedItem(
                id=uuid(f"{name} blob {number}"),
                kind=SealedKind.EVIDENCE,
                ticket=statement.ticket,
                case=statement.case,
                sha256=sha256(blob),
                data=blob,
            )
            for number, blob in enumerate(blobs)
        ]
        refs = tuple(EvidenceRef(id=item.id, sha256=item.sha256, size_bytes=len(item.data)) for item in items)
        statement = statement.model_copy(update={"evidence": refs})
        await self._store(TicketItem(id=uuid(f"{name} item"), ticket=sign_ticket(self.device, statement)))
        for item in items:
            await self._store(item)
        return statement.ticket

    async def _store(self, item: TicketItem | SealedItem) -> None:
        self.stored[item.id] = asyncio.Event()
        await self.link.say(item)
        async with asyncio.timeout(10):
            await self.stored[item.id].wait()

    def put(self, records: list[bytes]) -> None:
        """Send what the customer has just done (stop, narrow) over the relay."""
        self.sends.put_nowait(records)

    async def attend(self) -> None:
        """The device's part: it hears the link, and answers every session that is offered."""
        async for text in self.link.socket:
            match parse_from_server(text):
                case Stored(id=stored) if stored in self.stored:
                    self.stored[stored].set()
                case SessionOffer() as offer:
                    self.visits.append(asyncio.create_task(self._visit(offer)))
                case _:
                    pass

    async def _visit(self, offer: SessionOffer) -> None:
        end = DeviceEnd(self.world.organisation, offer.room, offer.ticket, name=self.device.name, **self.answer)
        self.ends.append(end)
        async with self.world.relay(offer.room, offer.join_token) as socket:
            await paired(socket)
            writing = asyncio.create_task(self._write(socket))
            with contextlib.suppress(ConnectionClosed):
                await self._read(socket, end)
            writing.cancel()

    async def _read(self, socket: Any, end: DeviceEnd) -> None:
        async for message in socket:
            for answer in end.receive(message):
                await socket.send(answer)
            if end.hello is not None and end.state is None and self.decide and end.connection is not None:
                for answer in end.decide():
                    await socket.send(answer)

    async def _write(self, socket: Any) -> None:
        while True:
            for record in await self.sends.get():
                await socket.send(record)


async def make_technician(folder: Path, world: World, **changes: Any) -> tuple[Technician, TechnicianKeys]:
    """What `keys init`, `org certify` and `keys install` leave behind, without a passphrase."""
    keys = technician_keys(world.organisation)
    home = Home.at(folder)
    named = {
        "noise_key": keys.noise_public,
        "age_recipient": keys.age_recipient,
        "signing_key": keys.verify_key.public,
        "scopes": (Scope.DIAGNOSE, Scope.PROCESSES, Scope.LOGS),
    }
    chain = world.technician_chain(**{**named, **changes})
    write_keys(home, keys, None, random=b"")
    write_private(home.request, strict_json.dump(keys.request("Ada Tech", NOW)))
    log = log_verifier((await world.get("/api/server")).json())
    file = CertificateFile(
        organisation=world.organisation.name,
        root_key=world.organisation.root.public,
        chain=chain,
        server_origin=world.origin,
        log_name=log.name,
        log_key=log.public_key,
    )
    TrustStore.pin(home, file.trust(), NOW)
    write_private(home.certificate, strict_json.dump(file))
    return Technician.open(home, Passphrases()), keys


@asynccontextmanager
async def scene(tmp_path: Path, *, certified: bool = True, **changes: Any) -> AsyncIterator[Scene]:
    async with running_world(tmp_path, Clock()) as world:
        assert (await world.pin()).status_code == 200
        technician, keys = await make_technician(tmp_path / "technician", world, **changes)
        device = Machine("laptop", world.organisation, world.origin)
        done = await world.post("/api/enrol", world.enrolment(device))
        assert done.status_code == 202, done.text
        if certified:
            from protocol.messages.api import CertificatePush

            push = CertificatePush(chain=world.certificate(device))
            done = await world.post("/api/organisation/certificates", push, await world.organisation_token())
            assert done.status_code == 200, done.text
        async with world.link(device) as link:
            made = Scene(world, technician, keys, device, link)
            attending = asyncio.create_task(made.attend())
            try:
                yield made
            finally:
                for task in (attending, *made.visits):
                    task.cancel()
                await asyncio.gather(attending, *made.visits, return_exceptions=True)


@pytest.fixture
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The technician's program lives at the moment at which the tests' certificates are valid."""
    from technician import clock

    class FixedTime:
        @staticmethod
        def time() -> float:
            return float(NOW)

        @staticmethod
        def time_ns() -> int:
            return NOW * 1_000_000_000

    monkeypatch.setattr(clock, "time", FixedTime)
