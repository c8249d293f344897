"""The agent's whole door in one process: real database, books, receipts, witness, gate and visits; the relay, the
desk's log and the clock are in memory. `FakeHost` stands for the session host where a test is not about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agent.consent.freeze import Freeze
from agent.consent.gate import ConsentGate, PendingPrompt
from agent.consent.tables import PromptStore
from agent.consent.unattended import Policies
from agent.identity.owner_key import OwnerKey
from agent.identity.trust_store import AlarmKind, TrustStore
from agent.link.outbox import Outbox
from agent.paths import Mode, StateFolder
from agent.proofs.books import Books
from agent.proofs.journal_store import JournalStore
from agent.proofs.receipts import Receipts
from agent.proofs.witness import Witness
from agent.session.chat import Chat
from agent.session.effects import Finished, InputTaken, Rows
from agent.session.grants_store import GrantsStore
from agent.session.host_process import HostEvent
from agent.session.own_side import OwnSide
from agent.session.questions import Questions
from agent.session.visit import Host, VisitParts
from agent.session.visits import Visits
from agent.store.database import Database
from agent.tickets.store import TicketStore
from protocol import strict_json
from protocol.actions.scopes import Scope
from protocol.grants import ConsentMethod
from protocol.journal import Outcome
from protocol.messages.documents import Cosigned
from protocol.messages.items import SealedItem
from protocol.messages.sessions import OfferDeclined, SessionOffer
from protocol.proofs import ProofFile, ProvenVisit, verify_proof
from protocol.strict_json import WireModel
from protocol.tickets import TicketOrigin
from technician.session.events import GrantCame
from tests.agent.desk_log import MemoryLogServer
from tests.agent.doubles import LOG_NAME, HandClocks, MemoryLog, device_certificate, enrol_in_memory
from tests.agent.technician_end import MemorySocket, TechnicianEnd, joined, until
from tests.agent.visiting import ORG, ROOM, SCOPES
from tests.making import Organisation

TOKEN = "A" * 43
ROW = b'{"id":%d,"kind":"process","body":"{}"}\n'


@dataclass
class FakeHost:
    """Implements `Host`: remembers what it was told; `answer` is called for each action."""

    heard: Callable[[HostEvent], None]
    lost: Callable[[str], None]
    ran: list[tuple[int, str, bytes]] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    input: list[tuple[int, bytes, bool]] = field(default_factory=list)
    held: dict[int, bool] = field(default_factory=dict)
    killed: int = 0
    started: bool = False
    answers: bool = True
    pid: int | None = None

    async def start(self) -> None:
        self.started = True

    def run(self, sequence: int, action: str, arguments: bytes, now: int) -> None:
        self.ran.append((sequence, action, arguments))
        if self.answers:
            self.heard(Rows(sequence, ROW % 1, 1))
            self.heard(Finished(sequence, Outcome.DONE))

    def cancel(self, sequence: int) -> None:
        self.cancelled.append(sequence)

    def give_input(self, sequence: int, data: bytes, last: bool) -> None:
        self.input.append((sequence, data, last))
        self.heard(InputTaken(sequence, len(data)))

    def hold_back(self, sequence: int, held: bool) -> None:
        self.held[sequence] = held

    def kill(self) -> None:
        self.killed += 1


class Rig:
    """Built anew on the same folder, it is the same device after a restart."""

    def __init__(
        self,
        folder: Path,
        *,
        organisation: Organisation = ORG,
        desk: MemoryLogServer | None = None,
        make_host: Callable[[Callable[[HostEvent], None], Callable[[str], None]], Host] | None = None,
        clocks: HandClocks | None = None,
        certified: bool = True,
    ) -> None:
        self.organisation = organisation
        self.folder = StateFolder(folder, Mode.USER)
        fresh = not self.folder.database.exists()
        self.folder.make()
        self.desk = desk or MemoryLogServer()
        self.clocks = clocks or HandClocks()
        self.log = MemoryLog()
        log_key = self.desk.key.verifier.public_key
        if fresh:
            enrol_in_memory(self.folder, organisation, log_key=log_key, log_name=LOG_NAME)
        from agent.identity.identity import Identity

        identity = Identity.load(self.folder.identity)
        assert identity is not None
        self.identity = identity
        self.database = Database(self.folder.database)
        self.trust = TrustStore(self.database, identity, self.clocks)
        self.outbox = Outbox(self.database)
        self.tickets = TicketStore(self.database, identity, self.outbox, self.clocks)
        if fresh:
            self.trust.accept(organisation.revocations())
            if certified:
                self.trust.accept_certificate(device_certificate(organisation, identity))
            self.tickets.open(origin=TicketOrigin.CUSTOMER, words="My disk is full")
        self.ticket = self.tickets.list()[0].ticket
        self.witness = Witness(
            self.database,
            self.clocks,
            log=lambda: identity.log_verifier,
            key=identity.witness,
            link=self.desk,
            alarm=lambda what, expected, got: self.trust.raise_alarm(AlarmKind.SPLIT_VIEW, what, expected, got),
        )
        self.books = Books(
            self.database,
            JournalStore(self.database),
            GrantsStore(self.database),
            self.desk,
            self.clocks,
            identity.device,
        )
        self.receipts = Receipts(
            self.database,
            self.books,
            identity.signing,
            self.clocks,
            seal=lambda data: b"sealed",
            enqueue=self.desk.enqueue,
            case_of=lambda ticket: self.tickets.list()[0].case,
        )
        self.freeze = Freeze(self.database, self.clocks)
        self.policies = Policies(
            self.database,
            OwnerKey(self.folder.identity),
            self.clocks,
            device=identity.device,
            root=lambda: self.trust.trust.root_hash,
            said_no_at=lambda: self.books.grants.person_had_a_say_at(),
        )
        self.gate = ConsentGate(
            PromptStore(self.database),
            self.clocks,
            local_act_age_s=lambda: 1.0,
            is_frozen=lambda: self.freeze.on,
            policies=self.policies,
        )
        self.questions = Questions(self.clocks, log=self.log)
        self.chat = Chat(self.database, self.clocks, visit=lambda: self.visits.in_force())
        self.hosts: list[FakeHost] = []
        self.parts = VisitParts(
            clocks=self.clocks,
            trust=self.trust,
            gate=self.gate,
            books=self.books,
            receipts=self.receipts,
            witness=self.witness,
            link=self.desk,
            make_host=make_host or self._fake_host,
            log=self.log,
        )
        self.declined: list[OfferDeclined] = []
        self.sockets: list[MemorySocket] = []
        self.visits = Visits(
            self.parts,
            self.tickets,
            own=self.own_side,
            origin="http://127.0.0.1:1",
            send=self._sent,
            join=self._join,
        )

    def close(self) -> None:
        self.database.close()

    def _fake_host(self, heard: Callable[[HostEvent], None], lost: Callable[[str], None]) -> Host:
        host = FakeHost(heard, lost)
        self.hosts.append(host)
        return host

    def _sent(self, message: WireModel) -> None:
        if isinstance(message, OfferDeclined):
            self.declined.append(message)

    async def _join(self, origin: str, room: str, token: str) -> MemorySocket:
        own, other = joined()
        self.sockets.append(other)
        return own

    def own_side(self) -> OwnSide:
        return OwnSide(
            device=self.identity.device,
            signing=self.identity.signing,
            noise=self.identity.noise,
            certificate=self.trust.certificate,
            customer="Acme",
            checkpoint=self.witness.newest(),
        )

    # --- a technician at the other end ---------------------------------------------------------------------------

    async def offer(self, *, ticket: str | None = None, room: str = ROOM, about_nothing: bool = False) -> None:
        """`about_nothing`: the offer names no ticket."""
        if self.witness.seen() is None:
            await self.witness.heard(self.desk.checkpoint(0))
        named = None if about_nothing else ticket or self.ticket
        await self.visits.offered(SessionOffer(room=room, join_token=TOKEN, ticket=named))

    async def arrive(
        self, *, scopes: tuple[Scope, ...] = SCOPES, minutes: int = 15, about_nothing: bool = False
    ) -> "TechnicianEnd":
        """A technician is offered, joined, and has begun the handshake."""
        await self.offer(about_nothing=about_nothing)
        await until(lambda: bool(self.sockets))
        end = TechnicianEnd(self, self.sockets.pop(), scopes, minutes, about_nothing=about_nothing)
        await end.begin()
        return end

    async def next_arrives(self, name: str, *, takes_over: bool = True) -> "TechnicianEnd":
        """Another technician, in a room of their own, while a visit is in force."""
        room = "c" * 26
        await self.offer(room=room)
        await until(lambda: bool(self.sockets))
        end = TechnicianEnd(self, self.sockets.pop(), SCOPES, 15, name=name, room=room, takes_over=takes_over)
        await end.begin()
        return end

    async def question(self) -> PendingPrompt:
        await until(lambda: bool(self.gate.pending()))
        return self.gate.pending()[0]

    async def let_in(self, **asked: object) -> "TechnicianEnd":
        """As `arrive`, and the customer says yes to everything."""
        end = await self.arrive(**asked)  # type: ignore[arg-type]
        prompt = await self.question()
        yes_to(self, prompt)
        await end.until(GrantCame)
        return end

    # --- what is left behind -------------------------------------------------------------------------------------

    def proofs(self) -> list[ProvenVisit]:
        """Every receipt, verified under the root."""
        found = []
        for kept in self.receipts.list():
            stored = self.receipts.proof(kept.grant)
            assert stored is not None
            proof = strict_json.parse(stored, ProofFile, max_bytes=1 << 26)
            found.append(verify_proof(proof, self.organisation.root.verify_key))
        return found

    def sealed(self) -> list[SealedItem]:
        return [item for item in self.desk.queued if isinstance(item, SealedItem)]

    def cosigned(self) -> list[Cosigned]:
        return [message for message in self.desk.sent if isinstance(message, Cosigned)]

    async def over(self) -> None:
        await until(lambda: not self.visits.busy)


def yes_to(rig: Rig, prompt: PendingPrompt) -> None:
    """The customer has read it and says yes to all of it."""
    rig.gate.show(prompt.id)
    rig.gate.approve(
        prompt.id,
        scopes=None,
        minutes=None,
        text_sha256=prompt.text.sha256,
        method=ConsentMethod.COMMAND,
        local_user="anna",
    )
