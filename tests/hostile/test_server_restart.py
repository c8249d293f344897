"""The real server restarted in the middle of a session, asked to and by a kill: both ends are told, one receipt each.

Real agent, real server in a process of its own, the technician's real program. What the visit wrote down while the
server was away reaches the log afterwards, and the log that comes back continues the one that both had seen.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.identity.enrol import enrol
from protocol import strict_json
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.audit import AuditLeaf, AuditWord
from protocol.enrolment import EnrolmentTicket, print_token
from protocol.fields import decode_base64
from protocol.grants import EndedBy
from protocol.journal import Outcome
from protocol.messages.api import CertificatePush
from protocol.proofs import verify_proof
from technician.devices import find_device
from technician.session.closing import read_proof
from technician.session.visit import Visit
from technician.sign_in import Technician
from tests.agent.doubles import device_certificate
from tests.hostile.machine import Machine, Time, state_folder
from tests.making import DAY, seed
from tests.running import RunningServer, start_server
from tests.server.actors import World
from tests.server.test_restarts import outside
from tests.technician.scene import make_technician

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="visits run on Linux only in this version")
SCOPES = (Scope.DIAGNOSE, Scope.PROCESSES)


@asynccontextmanager
async def machine_at(folder: Path, world: World) -> AsyncIterator[Machine]:
    """Enrolled at the real server, approved, connected."""
    facts = (await world.get("/api/server")).json()
    chain = world.token("token", log_name=facts["log_name"], log_key=decode_base64(facts["log_key"]))
    printed = print_token(EnrolmentTicket(chain=chain, secret=seed("secret")))
    state = state_folder(folder)
    await asyncio.to_thread(enrol, state, printed, label="laptop", now=world.clock.now)
    machine = Machine(state, Time(wall_s=time.time()))
    machine.member.trust.accept(world.organisation.revocations(issued_at=world.clock.now))
    async with machine.running():
        await machine.until(lambda: machine.member.link.connected)
        times = {"not_before": world.clock.now - DAY, "not_after": world.clock.now + DAY}
        certified = CertificatePush(chain=device_certificate(world.organisation, machine.identity, **times))
        done = await world.post("/api/organisation/certificates", certified, await world.organisation_token())
        assert done.status_code == 200, done.text
        await machine.until(lambda: machine.member.trust.certificate)
        yield machine


async def cut_in_the_middle(
    world: World, machine: Machine, technician: Technician, ticket: str, cut: Callable[[], object]
) -> None:
    """A visit with one action done, and then the server is gone."""
    async with technician.signed_in() as api:
        device = find_device((await api.devices()).devices, machine.device, technician.store.trust, world.clock.now)
        assert device.certified
        async with Visit.open(technician, api, device, ticket, SCOPES, 15, "it is slow") as visit:
            machine.say_yes(await machine.question())
            await visit.granted()
            run = await visit.run("processes", ProcessesArguments(limit=3))
            assert len([item async for item in run]) == 3
            hosts = list(machine.member.session_hosts())
            assert len(hosts) == 1
            await asyncio.to_thread(cut)
            ended = await visit.ended()
    assert ended.by == "connection-lost"
    assert ended.fault == "the connection broke off"
    await machine.until(lambda: not machine.member.door.busy)
    assert list(machine.member.session_hosts()) == []
    newest = machine.member.door.receipts.list()[0]
    stored = machine.member.door.receipts.proof(newest.grant)
    assert stored is not None
    proven = verify_proof(read_proof(stored), world.organisation.root.verify_key)
    assert proven.receipt.ended_by is EndedBy.CONNECTION_LOST
    assert [(done.action, done.outcome) for done in proven.receipt.actions] == [("processes", Outcome.DONE)]
    assert not proven.receipt.rebuilt


async def back(machine: Machine, server: RunningServer) -> None:
    await asyncio.to_thread(server.start_again)

    def connected() -> bool:
        machine.member.link.hurry()
        return machine.member.link.connected

    await machine.until(connected, 40)
    await machine.until(lambda: machine.member.outbox.numbers().items == 0)


async def entries(technician: Technician) -> list[Any]:
    async with technician.signed_in() as api:
        export, _ = await api.audit_export()
    return [strict_json.parse(leaf, AuditLeaf).entry for leaf in export.entries]


async def test_both_ends_are_told_and_each_visit_has_one_receipt(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        async with outside(server) as world, machine_at(tmp_path / "s", world) as machine:
            technician, _ = await make_technician(tmp_path / "t", world, scopes=SCOPES)
            ticket = machine.ask_for_help()
            await machine.until(lambda: machine.member.outbox.numbers().items == 0)
            for number, cut in enumerate((server.stop, server.kill), start=1):
                await cut_in_the_middle(world, machine, technician, ticket, cut)
                assert len(machine.member.door.receipts.list()) == number
                await back(machine, server)
                assert len(machine.member.door.receipts.list()) == number
            # Each visit stands in the log once, from its beginning to its receipt, in this order.
            grants = [receipt.grant for receipt in machine.member.door.receipts.list()]
            for grant in grants:
                words = [entry.word for entry in await entries(technician) if entry.session == grant]
                assert words == [
                    AuditWord.SESSION_STARTED, AuditWord.ACTION_STARTED, AuditWord.ACTION_ENDED,
                    AuditWord.SESSION_ENDED, AuditWord.RECEIPT_MADE,
                ]  # fmt: skip
            # The log that came back continues the one that both had seen.
            assert machine.alarms == []
            assert technician.store.alarms() == []
            assert machine.member.outbox.dead_letters() == []
