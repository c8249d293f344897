"""An initiator and a device end joined without a network, for tests of the pure steps."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pyrage
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol.actions.scopes import Scope
from protocol.certificates import Chain
from protocol.statements import SigningKey
from protocol.visit import Hello
from technician.keys.technician_keys import TechnicianKeys
from technician.session.events import Event
from technician.session.initiator import Initiator, VisitAsk
from tests.making import NOW, Organisation, seed
from tests.technician.device_end import DeviceEnd, device_noise

ROOM = "a" * 26
TICKET = "01890a5d-ac96-7745-bcce-b302099a8057"
ORG = Organisation()
ASKED = (Scope.DIAGNOSE, Scope.PROCESSES)


def technician_keys(organisation: Organisation = ORG, name: str = "Ada Tech") -> TechnicianKeys:
    """The keys that `organisation.technician(noise_key=…)` certifies."""
    return TechnicianKeys(
        SigningKey(seed(f"{organisation.name} {name}")),
        X25519PrivateKey.from_private_bytes(seed(f"{organisation.name} {name} noise secret")),
        pyrage.x25519.Identity.generate(),
    )


def technician_chain(organisation: Organisation = ORG, **changes: object) -> Chain:
    return organisation.technician(noise_key=technician_keys(organisation).noise_public, **changes)


@dataclass
class Pair:
    """`initiator` and `device`; `exchange` carries everything that waits until nothing does."""

    device: DeviceEnd
    initiator: Initiator
    events: list[Event] = field(default_factory=list)
    tamper: Callable[[bytes], bytes] = lambda data: data

    def to_technician(self, records: list[bytes]) -> None:
        for record in records:
            self.events += self.initiator.receive(self.tamper(record), now=NOW, mono_s=0.0)
        self.exchange()

    def exchange(self) -> None:
        while records := self.initiator.data_to_send(0.0):
            answers = [answer for record in records for answer in self.device.receive(record)]
            for answer in answers:
                self.events += self.initiator.receive(self.tamper(answer), now=NOW, mono_s=0.0)

    def shake_hands(self) -> "Pair":
        self.to_technician(self.device.receive(self.initiator.begin()))
        return self

    def took(self) -> list[Event]:
        """The events since the last look."""
        events, self.events = self.events, []
        return events


def pair(device: DeviceEnd | None = None, *, device_key: bytes | None = None, **ask: object) -> Pair:
    device = device or DeviceEnd(ORG, ROOM, TICKET)
    keys = technician_keys()
    body = VisitAsk(
        device=device.device,
        device_signing=device.signing.public,
        device_noise=device_key or device_noise(device.name).public_key().public_bytes_raw(),
        root=ORG.root.verify_key,
        root_hash=ORG.root_hash,
        room=ROOM,
        ticket=TICKET,
        scopes=ASKED,
        minutes=15,
        reason="The disk is filling up",
    )
    chain = technician_chain()
    initiator = Initiator(
        VisitAsk(**{**vars(body), **ask}),  # type: ignore[arg-type]
        keys,
        chain,
        ORG.trust.technician(chain, NOW).body,
        Hello(checkpoint="", versions={}, revocations=None),
        nonce=seed("nonce"),
        ephemeral=lambda: X25519PrivateKey.from_private_bytes(seed("technician ephemeral")),
    )
    return Pair(device, initiator)
