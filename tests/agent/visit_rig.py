"""The agent's whole door in one process: real database, books, receipts, witness, gate and visits; the relay, the
desk's log and the clock are in memory. `FakeHost` stands for the session host where a test is not about it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from agent.consent.freeze import Freeze
from agent.consent.gate import ConsentGate, PendingPrompt
from agent.consent.tables import PromptStore
from agent.consent.unattended import Policies
from agent.identity.owner_key import OwnerKey
from agent.identity.trust_store import AlarmKind, TrustStore
from agent.link.connection import LinkLost
from agent.link.outbox import Outbox
from agent.paths import Mode, StateFolder
from agent.proofs.books import Books
from agent.proofs.journal_store import JournalStore
from agent.proofs.receipts import Receipts
from agent.proofs.witness import Witness
from agent.refusal import Refusal
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
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.audit import AuditEntry, AuditLeaf, InclusionProof
from protocol.certificates import TechnicianCertificate
from protocol.checkpoints import Checkpoint, LogKey
from protocol.grants import ConsentMethod
from protocol.journal import Outcome
from protocol.merkle import Tree, leaf_hash
from protocol.messages.documents import Cosigned, FetchCheckpoint, NewCheckpoint
from protocol.messages.items import AuditItem, Refused, SealedItem, Stored
from protocol.messages.sessions import OfferDeclined, SessionOffer
from protocol.proofs import ProofFile, ProvenVisit, verify_proof
from protocol.statements import parse_payload
from protocol.strict_json import WireModel
from protocol.tickets import TicketOrigin
from protocol.visit import Hello, Item
from technician.session.events import ActionEnded, GrantCame, ReceiptCame, Row
from technician.session.events import Event as TechnicianEvent
from technician.session.events import Refused as TechnicianRefused
from technician.session.initiator import Initiator, VisitAsk
from tests.agent.doubles import LOG_NAME, HandClocks, MemoryLog, device_certificate, enrol_in_memory
from tests.agent.visiting import ORG, ROOM, SCOPES, chain_of, fresh, technician_keys
from tests.making import NOW, Organisation, seed

R = TypeVar("R", bound=WireModel)
TOKEN = "A" * 43
ROW = b'{"id":%d,"kind":"process","body":"{}"}\n'


@dataclass
class MemoryLogServer:
    """The desk's audit log, honest unless a test bends it. Implements what books, witness and visits need of a link."""

    connected: bool = True
    stores: bool = True
    key: LogKey = field(default_factory=lambda: LogKey.from_raw(LOG_NAME, seed("log key")))
    leaves: list[bytes] = field(default_factory=list)
    queued: list[WireModel] = field(default_factory=list)
    sent: list[WireModel] = field(default_factory=list)
    bend: Callable[[WireModel], WireModel] = lambda message: message

    def __post_init__(self) -> None:
        self.tree = Tree()
        self.add(b"the first entry of the log")

    def add(self, leaf: bytes) -> int:
        self.leaves.append(leaf)
        return self.tree.append(leaf_hash(leaf))

    def note(self, size: int | None = None) -> str:
        count = self.tree.size if size is None else size
        return self.key.sign(Checkpoint(LOG_NAME, count, self.tree.root(count)))

    def checkpoint(self, from_size: int) -> NewCheckpoint:
        proof = tuple(self.tree.consistency_proof(from_size)) if 1 <= from_size <= self.tree.size else ()
        return NewCheckpoint(note=self.note(), from_size=from_size, consistency=proof)

    async def ask(self, message: WireModel, reply: type[R], match: Callable[[R], bool], timeout_s: float) -> R:
        assert isinstance(message, FetchCheckpoint)
        if not self.connected:
            raise Refusal("the server cannot be reached now")
        answer = self.bend(self.checkpoint(message.size))
        assert isinstance(answer, reply)
        assert match(answer)
        return answer

    def send(self, message: WireModel) -> None:
        self.sent.append(message)

    def enqueue(self, item: WireModel) -> None:
        self.queued.append(item)
        if isinstance(item, AuditItem):
            self._append(item.entry)

    async def store(self, item: AuditItem) -> Stored | Refused:
        self.queued.append(item)
        if not self.stores:
            await asyncio.Event().wait()
        leaf, index = self._append(item.entry)
        proof = InclusionProof(
            leaf=leaf, index=index, path=tuple(self.tree.inclusion_proof(index)), checkpoint=self.note()
        )
        answer = self.bend(Stored(id=item.id, proof=proof))
        assert isinstance(answer, (Stored, Refused))
        return answer

    def _append(self, entry: AuditEntry) -> tuple[bytes, int]:
        leaf = AuditLeaf(received_at=NOW, entry=entry).to_bytes()
        return leaf, self.add(leaf)

    @property
    def words(self) -> list[str]:
        """What the agent has told the log, in order."""
        return [item.entry.word.value for item in self.queued if isinstance(item, AuditItem)]


class MemorySocket:
    """One end of a relay room in memory. Implements `RelaySocket`."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.other: MemorySocket | None = None
        self.closed = False

    async def send(self, data: bytes) -> None:
        if self.closed or self.other is None or self.other.closed:
            raise LinkLost("the room is closed")
        self.other.inbox.put_nowait(data)

    async def receive(self) -> bytes:
        data = await self.inbox.get()
        if data is None:
            raise LinkLost("the other side has gone")
        return data

    async def close(self) -> None:
        if not self.closed and self.other is not None:
            self.other.inbox.put_nowait(None)
        self.closed = True


def joined() -> tuple[MemorySocket, MemorySocket]:
    one, other = MemorySocket(), MemorySocket()
    one.other, other.other = other, one
    return one, other


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


class TechnicianEnd:
    """The technician's real program over a socket in memory."""

    def __init__(
        self,
        rig: Rig,
        socket: MemorySocket,
        scopes: tuple[Scope, ...],
        minutes: int,
        reason: str = "The disk is filling up",
        *,
        about_nothing: bool = False,
        name: str = "Ada Tech",
        room: str = ROOM,
        takes_over: bool = False,
    ) -> None:
        keys = technician_keys(name)
        chain = chain_of(keys, name)
        ask = VisitAsk(
            device=rig.identity.device,
            device_signing=rig.identity.signing.public,
            device_noise=rig.identity.noise.public_key().public_bytes_raw(),
            root=rig.organisation.root.verify_key,
            root_hash=rig.organisation.root_hash,
            room=room,
            takes_over=takes_over,
            ticket=None if about_nothing else rig.ticket,
            scopes=scopes,
            minutes=minutes,
            reason=reason,
        )
        hello = Hello(checkpoint=rig.desk.note(), versions={}, revocations=None)
        self.rig = rig
        self.socket = socket
        self.initiator = Initiator(
            ask,
            keys,
            chain,
            parse_payload(chain.leaf, TechnicianCertificate),
            hello,
            nonce=seed("nonce"),
            ephemeral=fresh(f"technician {name} {rig.books.grants.next_number()}"),
        )
        self.heard: list[TechnicianEvent] = []
        self.items: list[Item] = []
        self.broken: Exception | None = None
        self.gone = False
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await self.socket.send(self.initiator.begin())
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                data = await self.socket.receive()
                now, mono_s = self.rig.clocks.wall(), self.rig.clocks.mono()
                for event in self.initiator.receive(data, now=now, mono_s=mono_s):
                    if isinstance(event, Row):
                        self.items.append(event.item)
                        self.initiator.consumed(event.stream, event.size_bytes)
                    else:
                        self.heard.append(event)
                await self.flush()
                self._news.set()
        except LinkLost:
            self.gone = True
        except Exception as error:  # noqa: BLE001 - kept for the test to look at
            self.broken = error
        finally:
            self._news.set()

    async def flush(self) -> None:
        for data in self.initiator.data_to_send(self.rig.clocks.mono()):
            await self.socket.send(data)

    async def until(self, kind: type[TechnicianEvent], count: int = 1) -> list[TechnicianEvent]:
        async with asyncio.timeout(20):
            while len(found := [event for event in self.heard if isinstance(event, kind)]) < count:
                assert self.broken is None, self.broken
                assert not self.gone, f"gone before {kind.__name__}: {self.heard}"
                self._news.clear()
                await self._news.wait()
        return found

    async def act(self, name: str = "processes", arguments: WireModel | None = None) -> ActionEnded:
        before = sum(isinstance(event, ActionEnded) for event in self.heard)
        self.initiator.open_action(name, arguments or ProcessesArguments(), self.rig.clocks.wall())
        await self.flush()
        ended = (await self.until(ActionEnded, before + 1))[-1]
        assert isinstance(ended, ActionEnded)
        return ended

    async def end(self) -> ReceiptCame:
        self.initiator.end("done")
        await self.flush()
        return await self.receipt()

    async def receipt(self) -> ReceiptCame:
        (came,) = await self.until(ReceiptCame)
        assert isinstance(came, ReceiptCame)
        return came

    async def refused(self) -> TechnicianRefused:
        (refusal,) = await self.until(TechnicianRefused)
        assert isinstance(refusal, TechnicianRefused)
        return refusal

    async def cut(self) -> None:
        """The connection is gone, at both ends."""
        await self.socket.close()
        if self._reader is not None:
            self._reader.cancel()
        self.heard += self.initiator.connection_lost()
        await until(lambda: self.rig.visits.current()[0].state == "paused")

    async def knock(self, room: str = "b" * 26) -> None:
        """Offered again, joined, and on the way back."""
        await self.rig.offer(room=room)
        await until(lambda: bool(self.rig.sockets))
        self.socket = self.rig.sockets.pop()
        hello = Hello(checkpoint=self.rig.desk.note(), versions={}, revocations=None)
        await self.socket.send(self.initiator.go_back(room, hello, seed(room), self.rig.clocks.wall()))
        self.gone = False
        self._reader = asyncio.create_task(self._read())

    async def hang_up(self) -> None:
        await self.socket.close()


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


async def until(true: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Let the loop go round until it holds; fails loudly."""
    async with asyncio.timeout(timeout_s):
        while not true():  # noqa: ASYNC110 - tests watch state that has no event of its own
            await asyncio.sleep(0)
