"""A customer's computer with the whole agent on it, at a time that tests move; and what of it must never change.

`Machine` runs the real service (agent.app) against a server of the test's choice: link, door, tickets, journal, local
socket. Only the three raw clocks and the check worker are the test's.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.app import Agent, Member
from agent.clocks import SystemClocks
from agent.consent.gate import PendingPrompt
from agent.identity.enrol import enrol
from agent.identity.identity import Identity
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal
from agent.store.database import Database
from protocol.certificates import Document
from protocol.enrolment import print_token
from protocol.grants import ConsentMethod
from protocol.tickets import TicketOrigin
from protocol.trust import trust_fingerprint
from tests.agent.doubles import MemoryLog, device_certificate, enrol_in_memory, enrolment_ticket
from tests.hostile.evil_server import EvilServer, Line
from tests.making import NOW, Organisation

#: Tables that hold consent, grants, policy, trust and schedule: no word of a server may change one row of them.
GUARDED = (
    "prompts", "grants", "grant_actions", "grant_changes", "journal", "receipts", "trust_root", "trust_floors",
    "trust_documents", "trust_certificate", "trust_rotations", "check_runs", "findings", "mending_runs",
    "mending_steps", "kept_values", "unattended_policy", "abuse_reports", "session_messages",
)  # fmt: skip


@dataclass
class Time:
    """The machine's own clocks, turned by hand."""

    wall_s: float = NOW
    boot_s: float = 1000.0

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.boot_s += seconds


@dataclass(frozen=True)
class State:
    """Everything that decides who may come in and what is believed: tables, files, and what is in memory."""

    tables: dict[str, tuple[tuple[object, ...], ...]]
    files: dict[str, str]
    memory: dict[str, object]

    def differs_from(self, other: "State") -> list[str]:
        """Names of what is not the same."""
        return sorted(
            name
            for ours, theirs in (
                (self.tables, other.tables),
                (self.files, other.files),
                (self.memory, other.memory),
            )
            for name in {*ours, *theirs}
            if ours.get(name) != theirs.get(name)  # type: ignore[attr-defined]
        )


class Machine:
    def __init__(self, folder: StateFolder, time: Time) -> None:
        self.folder = folder
        self.time = time
        self.log = MemoryLog()
        self.looks = 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("agent.app.SystemClocks", self._clocks)
            self.agent = Agent(folder, self.log)
        assert self.agent.member is not None
        self.member: Member = self.agent.member
        self.member.link._uniform = lambda: 0.0
        watch = self.agent.ground.watch
        self.real_worker = watch._worker
        watch._worker, watch._uniform = self._look, lambda: 0.999

    def _clocks(self, database: Database) -> SystemClocks:
        return SystemClocks(
            database,
            raw_wall=lambda: self.time.wall_s,
            raw_boot=lambda: self.time.boot_s,
            time_service_agrees=lambda: False,
        )

    async def _look(self, request: bytes) -> bytes:
        self.looks += 1
        raise Refusal("no look is due in this test")

    @property
    def identity(self) -> Identity:
        return self.member.identity

    @property
    def device(self) -> str:
        return self.member.identity.device

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Machine"]:
        task = asyncio.create_task(self.agent.run())
        try:
            yield self
        finally:
            self.agent.stop()
            await task
        assert self.log.events("defect") == [], self.log.lines

    async def until(self, holds: Callable[[], object], timeout_s: float = 20.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():  # noqa: ASYNC110 - the service has no event for what tests look at
                await asyncio.sleep(0.005)

    async def quiet(self) -> None:
        """Until everything that the server said so far has been dealt with."""
        await self.until(lambda: not self.member.link._hearing._running)

    # --- what people do at it ------------------------------------------------------------------------------------

    def ask_for_help(self, words: str = "My disk is full") -> str:
        return self.member.tickets.open(origin=TicketOrigin.CUSTOMER, words=words).ticket

    @property
    def prompts(self) -> list[PendingPrompt]:
        return self.member.door.gate.pending()

    @property
    def prompts_ever(self) -> int:
        return int(self.agent.ground.database.query("SELECT count(*) FROM prompts")[0][0])

    async def question(self) -> PendingPrompt:
        await self.until(lambda: self.prompts)
        return self.prompts[0]

    def say_yes(self, prompt: PendingPrompt, *, by: str = "anna") -> None:
        gate = self.member.door.gate
        gate.show(prompt.id)
        gate.approve(
            prompt.id,
            scopes=None,
            minutes=None,
            text_sha256=prompt.text.sha256,
            method=ConsentMethod.COMMAND,
            local_user=by,
        )

    # --- what must not change ------------------------------------------------------------------------------------

    def state(self, *, but: tuple[str, ...] = ()) -> State:
        """`but`: guarded tables that this test means to see changed."""
        query = self.agent.ground.database.query
        tables = {
            name: tuple(tuple(row) for row in query(f"SELECT * FROM {name} ORDER BY 1"))  # noqa: S608 - names of ours
            for name in GUARDED
            if name not in but
        }
        files = {
            str(path.relative_to(self.folder.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.root.rglob("*"))
            if path.is_file() and not path.name.startswith("agent.db") and path.parent.name != "log"
        }
        member, ground = self.member, self.agent.ground
        memory: dict[str, object] = {
            "trust": trust_fingerprint(member.trust.trust).hex(),
            "certificate": member.trust.certificate,
            "origin": member.identity.origin,
            "log key": member.identity.log_verifier.public_key,
            "settings": ground.config,
            "verbs": tuple(ground.catalogue.verbs),
            "open questions": tuple(prompt.id for prompt in member.door.gate.pending()),
            "may ask": member.door.gate.obstacle() is None,
            "visits": tuple(member.door.visits.current()),
            "tickets": tuple(sorted(ticket.ticket for ticket in member.tickets.list())),
            "local act": member.tickets.last_local_act_at(),
            "time": ground.clocks.wall(),
            "looks": self.looks,
            "wants to restart": self.agent._restart.is_set(),
        }
        return State(tables, files, memory)

    @property
    def alarms(self) -> list[str]:
        return [alarm.kind.value for alarm in self.member.trust.alarms()]


def state_folder(path: Path) -> StateFolder:
    folder = StateFolder(path, Mode.USER)
    folder.make()
    return folder


@asynccontextmanager
async def enrolled(
    path: Path,
    server: EvilServer,
    organisation: Organisation,
    *,
    time: Time | None = None,
    documents: tuple[Document, ...] = (),
    certified: bool = True,
    label: str | None = None,
    settings: str = "",
    **token: Any,
) -> AsyncIterator[Machine]:
    """A machine that answers to `organisation` and is connected to `server`. `documents`: accepted before. `label`: it
    enrols over the network under this name. `settings`: its config.toml."""
    folder = state_folder(path)
    folder.config.write_text(settings)
    log = server.log_key.verifier
    named = {"server_origin": server.origin, "log_name": log.name, "log_key": log.public_key, **token}
    if label is None:
        enrol_in_memory(folder, organisation, **named)
    else:
        printed = print_token(enrolment_ticket(organisation, **named))
        await asyncio.to_thread(enrol, folder, printed, label=label, now=NOW)
    machine = Machine(folder, time or Time())
    for document in documents:
        machine.member.trust.accept(document)
    if certified:
        chain = device_certificate(organisation, machine.identity)
        machine.member.trust.accept_certificate(chain)
        server.certificates[machine.device] = chain
    async with machine.running():
        await connected(machine, server)
        yield machine


@asynccontextmanager
async def restarted(machine: Machine, server: EvilServer | None = None) -> AsyncIterator[Machine]:
    """The same computer with its service started anew. Close the old one first."""
    again = Machine(machine.folder, machine.time)
    async with again.running():
        if server is not None:
            await connected(again, server)
        yield again


async def connected(machine: Machine, server: EvilServer) -> Line:
    before = machine.member.link
    await machine.until(lambda: before.connected and server.lines and server.line.device == machine.device)
    return server.line


@contextlib.contextmanager
def technicians_time(patch: pytest.MonkeyPatch, time: Time) -> Any:
    """The technician's program lives at the same moment as the machine."""
    from technician import clock

    class Moved:
        @staticmethod
        def time() -> float:
            return time.wall_s

        @staticmethod
        def time_ns() -> int:
            return int(time.wall_s * 1_000_000_000)

    patch.setattr(clock, "time", Moved)
    yield
