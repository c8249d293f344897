"""A visit in memory: the device's real steps at one end, the technician's real program at the other.

`Encounter` joins the two sans-IO ends and plays the shell's part with fixed answers; `tamper` stands between them
like a hostile relay. Every key is derived from a name, so a run is the same every time.
"""

import hashlib
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pyrage
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agent.consent.gate import Decision, No, Yes
from agent.session.arrival import OwnTicket
from agent.session.effects import (
    Answered,
    AskCustomer,
    AuditSettled,
    BookAction,
    BooksClosed,
    CameBack,
    CloseBooks,
    CompareViews,
    Effect,
    Event,
    HangUp,
    MakeReceipt,
    Moment,
    OpenBooks,
    ReceiptMade,
    Received,
    Run,
    Send,
    Succeed,
    Succeeded,
    TransportLost,
    ViewsCompared,
)
from agent.session.own_side import OwnSide
from agent.session.steps import VisitSteps
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.certificates import Chain, TechnicianCertificate
from protocol.fields import device_id
from protocol.grants import ConsentMethod, ConsentTranscript
from protocol.statements import SigningKey, parse_payload
from protocol.strict_json import WireModel
from protocol.trust import Trust
from protocol.visit import Hello, RefusalReason
from technician.keys.technician_keys import TechnicianKeys
from technician.session.events import Event as TechnicianEvent
from technician.session.initiator import Initiator, VisitAsk
from tests.agent.paper_books import PaperBooks
from tests.making import DAY, NOW, Organisation, seed, serial, signing_key

ROOM = "a" * 26
TICKET = "01890a5d-ac96-7745-bcce-b302099a8057"
ORG = Organisation()
#: An age identity of tests: made once, so that certificates are the same on every run.
AGE_IDENTITY = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33"
SCOPES = (Scope.DIAGNOSE, Scope.PROCESSES)
Tamper = Callable[[str, bytes], Iterable[bytes]]


def ephemeral(name: str) -> Callable[[], X25519PrivateKey]:
    return lambda: X25519PrivateKey.from_private_bytes(hashlib.sha256(f"ephemeral {name}".encode()).digest())


def fresh(name: str) -> Callable[[], X25519PrivateKey]:
    """Another key at each call, the same ones on every run."""
    count = itertools.count()
    return lambda: ephemeral(f"{name} {next(count)}")()


def technician_keys(name: str = "Ada Tech", organisation: str = ORG.name) -> TechnicianKeys:
    secret = seed(f"{organisation} {name}") + seed(f"{organisation} {name} noise secret")
    try:
        pyrage.x25519.Identity.from_str(AGE_IDENTITY)
        age = AGE_IDENTITY
    except pyrage.IdentityError:
        age = str(pyrage.x25519.Identity.generate())
    return TechnicianKeys.from_secret(secret + age.encode())


def chain_of(
    keys: TechnicianKeys, name: str = "Ada Tech", organisation: Organisation = ORG, **changes: object
) -> Chain:
    return organisation.technician(
        name,
        **{
            "signing_key": keys.verify_key.public,
            "noise_key": keys.noise_public,
            "age_recipient": keys.age_recipient,
            **changes,
        },
    )


@dataclass
class Device:
    """One device of tests: its keys, and its certificate by `organisation`."""

    name: str = "laptop"
    organisation: Organisation = field(default_factory=lambda: ORG)
    certified: bool = True

    def __post_init__(self) -> None:
        self.signing: SigningKey = signing_key(f"device {self.name}")
        self.noise = X25519PrivateKey.from_private_bytes(seed(f"device {self.name} noise secret"))
        self.id = device_id(self.signing.public)

    @property
    def noise_public(self) -> bytes:
        return self.noise.public_key().public_bytes_raw()

    def own_side(self, checkpoint: str = "seen") -> OwnSide:
        chain = self.organisation.device(self.name, noise_key=self.noise_public) if self.certified else None
        return OwnSide(self.id, self.signing, self.noise, chain, "Acme", checkpoint)


def trusting(organisation: Organisation = ORG, now: int = NOW) -> Trust:
    """The organisation's trust with fresh revocations."""
    return organisation.trust.accept(organisation.revocations(), now)


def yes(scopes: tuple[Scope, ...] = SCOPES, minutes: int = 15) -> Yes:
    transcript = ConsentTranscript(
        text_sha256=seed("text"),
        language="en",
        ticked=scopes,
        method=ConsentMethod.COMMAND,
        local_user="anna",
        decided_at=NOW,
    )
    return Yes(scopes, minutes, transcript)


NO = No(RefusalReason.CUSTOMER)


def moment(seconds: float = 0.0, *, slept_s: float = 0.0) -> Moment:
    """`seconds` after the beginning; `slept_s` of them asleep."""
    return Moment(NOW + int(seconds), 1000.0 + seconds, 500.0 + seconds - slept_s)


@dataclass
class Encounter:
    """Both ends of one visit. The shell's answers: views agree, the customer says `decision`, the log stores."""

    device: Device = field(default_factory=Device)
    organisation: Organisation = field(default_factory=lambda: ORG)
    decision: Decision | None = field(default_factory=yes)
    scopes: tuple[Scope, ...] = SCOPES
    minutes: int = 15
    reason: str = "The disk is filling up"
    trust: Trust | None = None
    keys: TechnicianKeys = field(default_factory=technician_keys)
    chain: Chain | None = None
    hello: Hello | None = None
    views: str = ""
    forked: bool = False
    log_stores: bool = True
    tamper: Tamper = field(default=lambda direction, data: [data])
    at_s: float = 0.0

    def __post_init__(self) -> None:
        chain = self.chain or chain_of(self.keys, organisation=self.organisation)
        certificate = parse_payload(chain.leaf, TechnicianCertificate)
        trust = self.trust or trusting(self.organisation)
        ask = VisitAsk(
            device=self.device.id,
            device_signing=self.device.signing.public,
            device_noise=self.device.noise_public,
            root=self.organisation.root.verify_key,
            root_hash=self.organisation.root_hash,
            room=ROOM,
            ticket=TICKET,
            scopes=self.scopes,
            minutes=self.minutes,
            reason=self.reason,
        )
        hello = self.hello or Hello(checkpoint="seen too", versions={}, revocations=None)
        self._hello = hello
        self.steps = VisitSteps(
            self.device.own_side(),
            OwnTicket(TICKET, "My disk is full"),
            ROOM,
            trust,
            moment(),
            ephemeral=fresh("device"),
            next_number=lambda: len(self.paper.books) + 1,
        )
        self.technician = Initiator(
            ask, self.keys, chain, certificate, hello, nonce=seed("nonce"), ephemeral=fresh("technician")
        )
        self.paper = PaperBooks(self.device.signing, lambda: self.now.wall)
        self.done: list[Effect] = []
        self.heard: list[TechnicianEvent] = []
        self.to_device: list[bytes] = []
        self.to_technician: list[bytes] = []
        self.broken: Exception | None = None

    @property
    def now(self) -> Moment:
        return moment(self.at_s)

    def begin(self) -> "Encounter":
        self.to_device.append(self.technician.begin())
        return self.settle()

    def settle(self) -> "Encounter":
        """Carry messages both ways until nobody has anything to say."""
        while self.to_device or self.to_technician:
            if self.to_device:
                for data in self.tamper("to device", self.to_device.pop(0)):
                    self.feed(Received(data))
            if self.to_technician:
                for data in self.tamper("to technician", self.to_technician.pop(0)):
                    self._tell_technician(data)
        return self

    def _tell_technician(self, data: bytes) -> None:
        if self.broken is not None:
            return
        try:
            self.heard += self.technician.receive(data, now=self.now.wall, mono_s=self.now.mono_s)
        except Exception as error:  # noqa: BLE001 - kept for the test to look at
            self.broken = error
            return
        self.flush()

    def flush(self) -> None:
        """What the technician's program wants to send goes on its way."""
        self.to_device += self.technician.data_to_send(self.now.mono_s)

    def feed(self, event: Event) -> list[Effect]:
        """One event for the device and all that follows from it by fixed answers, in the shell's order."""
        waiting = deque(self.steps.receive(event, self.now))
        everything: list[Effect] = []
        while waiting:
            effect = waiting.popleft()
            everything.append(effect)
            self.done.append(effect)
            self.paper.take(effect)
            for following in self._answers(effect):
                waiting.extend(self.steps.receive(following, self.now))
        return everything

    def _answers(self, effect: Effect) -> list[Event]:
        if isinstance(effect, Succeed):
            return [Succeeded(self.paper.succeed(effect)), AuditSettled(0, self.log_stores)]
        answer = self._answer(effect)
        return [] if answer is None else [answer]

    def _answer(self, effect: Effect) -> Event | None:
        match effect:
            case Send(data):
                self.to_technician.append(data)
            case CompareViews():
                return ViewsCompared(self.views, self.forked)
            case AskCustomer():
                return None if self.decision is None else Answered(self.decision, 1)
            case OpenBooks():
                return AuditSettled(0, self.log_stores)
            case BookAction(wait_for_log=True) as booked:
                return AuditSettled(booked.number, self.log_stores)
            case CloseBooks():
                book = self.paper.books[self.paper.close()]
                return BooksClosed(book.root, len(book.actions))
            case MakeReceipt(close=close):
                by = self.steps.ended_by
                assert by is not None
                return ReceiptMade(self.paper.proof(self.paper.newest, by, close))
            case _:
                return None
        return None

    # --- a lost connection --------------------------------------------------------------------------------------

    def cut(self, *, device_knows: bool = True) -> "Encounter":
        """The connection is gone; what was on its way is lost."""
        self.to_device.clear()
        self.to_technician.clear()
        self.heard += self.technician.connection_lost()
        if device_knows:
            self.feed(TransportLost("cut"))
            self.to_technician.clear()
        return self

    def knock(self, room: str = "b" * 26, *, by: Initiator | None = None) -> "Encounter":
        """The technician begins to come back into another room, and everything that follows is carried."""
        return self.approach(room, by=by).settle()

    def approach(self, room: str, *, by: Initiator | None = None) -> "Encounter":
        """The first message of a return is on its way."""
        self.feed(CameBack(room, self.device.own_side("seen later")))
        technician = by or self.technician
        self.to_device.append(technician.go_back(room, self._hello, seed(room), self.now.wall))
        return self

    # --- the technician's acts ---------------------------------------------------------------------------------

    def arguments(self) -> ProcessesArguments:
        return ProcessesArguments()

    def act(self, name: str = "processes", arguments: WireModel | None = None) -> int:
        """Open an action and carry it over; its sequence number."""
        self.technician.open_action(name, arguments or ProcessesArguments(), self.now.wall)
        self.flush()
        self.settle()
        assert self.technician.chain is not None
        return len(self.technician.chain.sent)

    # --- what happened -----------------------------------------------------------------------------------------

    @property
    def runs(self) -> list[Run]:
        return [effect for effect in self.done if isinstance(effect, Run)]

    @property
    def booked(self) -> list[BookAction]:
        return [effect for effect in self.done if isinstance(effect, BookAction)]

    @property
    def asked(self) -> list[AskCustomer]:
        return [effect for effect in self.done if isinstance(effect, AskCustomer)]

    @property
    def hung_up(self) -> list[HangUp]:
        return [effect for effect in self.done if isinstance(effect, HangUp)]

    def said(self, kind: type[TechnicianEvent]) -> list[TechnicianEvent]:
        return [event for event in self.heard if isinstance(event, kind)]


def expired_by(days: int) -> dict[str, object]:
    return {"not_before": NOW - (days + 2) * DAY, "not_after": NOW - days * DAY}


def revoked_serial(name: str = "Ada Tech", organisation: Organisation = ORG) -> str:
    return serial(f"{organisation.name} {name}")
