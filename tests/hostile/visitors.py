"""Technicians at the evil server: the real program over its HTTP and relay, and a rogue one who sits in a room.

`technician_at` is a folder as `bellpull keys install` leaves it, for `Visit.open`. `Rogue` is certified too, and uses
the program's own steps; but nobody makes them wait, read an answer, or stay.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actions.scopes import Scope
from protocol.certificates import Chain, TechnicianCertificate
from protocol.statements import parse_payload
from protocol.visit import Hello
from technician.session.events import Event, Refused
from technician.session.initiator import Initiator, VisitAsk
from technician.sign_in import Technician
from tests.agent.visiting import technician_keys
from tests.hostile.evil_server import TECHNICIAN, EvilServer, Room
from tests.hostile.machine import Machine
from tests.making import DAY, Organisation, seed
from tests.running import PLAIN
from tests.server.actors import Clock, World
from tests.technician.scene import make_technician

ASKED = (Scope.DIAGNOSE, Scope.PROCESSES, Scope.LOGS)


@asynccontextmanager
async def technician_at(
    folder: Path, evil: EvilServer, organisation: Organisation, **changes: Any
) -> AsyncIterator[Technician]:
    async with httpx2.AsyncClient(verify=PLAIN, base_url=evil.origin, trust_env=False) as http:
        world = World(evil.origin, "", http, Clock(), organisation)
        yield (await make_technician(folder, world, **changes))[0]


class Rogue:
    """Certified by the organisation, in a room of the evil server, at the wire itself."""

    def __init__(
        self,
        evil: EvilServer,
        machine: Machine,
        organisation: Organisation,
        *,
        certified_as: str = "Ada Tech",
        **changes: Any,
    ) -> None:
        self.evil, self.machine, self.organisation = evil, machine, organisation
        self.keys = technician_keys("Ada Tech", organisation.name)
        now = int(machine.time.wall_s)
        times = {"not_before": now - DAY, "not_after": now + 2 * DAY}
        # Named in the certificate as the test says; keys and serial are one technician's.
        body = organisation.technician_body(
            signing_key=self.keys.verify_key.public,
            noise_key=self.keys.noise_public,
            age_recipient=self.keys.age_recipient,
        ).model_copy(update={"name": certified_as, **times, **changes})
        self.chain = Chain(issuer=organisation.issuer(), leaf=organisation.certifying.sign(body))

    async def enter(self, name: str, ticket: str, *, reason: str = "The disk is filling up") -> "Knock":
        """Begin the handshake in a room that the machine has joined."""
        room = self.evil.rooms[name]
        await self.evil.until(room.here["device"].is_set)
        knock = Knock(self, room, name, ticket, reason)
        room.inbox["device"].put_nowait(knock.initiator.begin())
        return knock


class Knock:
    """One attempt to get in."""

    def __init__(self, rogue: Rogue, room: Room, name: str, ticket: str, reason: str) -> None:
        machine, organisation = rogue.machine, rogue.organisation
        self.room, self.rogue = room, rogue
        self.heard: list[Event] = []
        ask = VisitAsk(
            device=machine.device,
            device_signing=machine.identity.signing.public,
            device_noise=machine.identity.noise.public_key().public_bytes_raw(),
            root=organisation.root.verify_key,
            root_hash=organisation.root_hash,
            room=name,
            ticket=ticket,
            scopes=ASKED,
            minutes=15,
            reason=reason,
        )
        self.initiator = Initiator(
            ask,
            rogue.keys,
            rogue.chain,
            parse_payload(rogue.chain.leaf, TechnicianCertificate),
            Hello(checkpoint=rogue.evil.view(TECHNICIAN).note(), versions={}, revocations=None),
            nonce=seed(name),
            ephemeral=X25519PrivateKey.generate,
        )

    def step(self) -> None:
        """Deal with what has come so far."""
        # By the time that the machine believes in: nothing here may fail for a clock that goes wrong at our side.
        inbox, now = self.room.inbox[TECHNICIAN], self.rogue.machine.agent.ground.clocks.wall()
        while not inbox.empty():
            data = inbox.get_nowait()
            if data is None:
                return
            self.heard += self.initiator.receive(data, now=now, mono_s=0.0)
        for record in self.initiator.data_to_send(0.0):
            self.room.inbox["device"].put_nowait(record)

    def leave(self) -> None:
        self.room.inbox["device"].put_nowait(None)

    @property
    def refused(self) -> list[Refused]:
        return [event for event in self.heard if isinstance(event, Refused)]
