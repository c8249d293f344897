"""The real server restarted in the middle of a session, asked to and by a kill: the visit goes on, one receipt a grant.

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
from protocol.grants import EndedBy, Receipt
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
    machine.member.link._uniform = lambda: 0.1  # tries again ten times a second while the server is away
    machine.member.trust.accept(world.organisation.revocations(issued_at=world.clock.now))
    async with machine.running():
        await machine.until(lambda: machine.member.link.connected)
        times = {"not_before": world.clock.now - DAY, "not_after": world.clock.now + DAY}
        certified = CertificatePush(chain=device_certificate(world.organisation, machine.identity, **times))
        done = await world.post("/api/organisation/certificates", certified, await world.organisation_token())
        assert done.status_code == 200, done.text
        await machine.until(lambda: machine.member.trust.certificate)
        yield machine


async def through_a_cut(
    world: World,
    machine: Machine,
    technician: Technician,
    ticket: str,
    server: RunningServer,
    cut: Callable[[], object],
) -> None:
    """A visit with one action done; the server is gone, and back; the visit goes on, and ends as it should."""
    async with technician.signed_in() as api:
        device = find_device((await api.devices()).devices, machine.device, technician.store.trust, world.clock.now)
        assert device.certified
        async with Visit.open(technician, api, device, ticket, SCOPES, 15, "it is slow") as visit:
            machine.say_yes(await machine.question())
            await visit.granted()
            assert await rows(visit, 3) == 3
            (host,) = machine.member.session_hosts()
            prompts = machine.prompts_ever
            await asyncio.to_thread(cut)
            await back(machine, server)
            assert await rows(visit, 2) == 2
            assert list(machine.member.session_hosts()) == [host], "the same visit, in the same process"
            assert machine.prompts_ever == prompts, "nobody was asked again"
            ended = await visit.end("that was all")
    assert (ended.by, ended.fault) == ("technician", "")
    await machine.until(lambda: not machine.member.door.busy)
    assert list(machine.member.session_hosts()) == []


async def rows(visit: Visit, count: int) -> int:
    run = await visit.run("processes", ProcessesArguments(limit=count))
    return len([item async for item in run])


def the_receipts(machine: Machine, world: World) -> list[Receipt]:
    """Of the newest visit: before the cut, and after it; each proven as the customer keeps it."""
    proven = []
    for kept in machine.member.door.receipts.list()[:2]:
        proof = machine.member.door.receipts.proof(kept.grant)
        assert proof is not None
        proven.append(verify_proof(read_proof(proof), world.organisation.root.verify_key))
    after, before = proven
    assert after.grant.successor_of == before.receipt.grant
    return [before.receipt, after.receipt]


async def back(machine: Machine, server: RunningServer) -> None:
    await asyncio.to_thread(server.start_again)

    machine.member.link.hurry()
    await machine.until(lambda: machine.member.link.connected, 40)
    await machine.until(lambda: machine.member.outbox.numbers().items == 0)


async def entries(technician: Technician) -> list[Any]:
    async with technician.signed_in() as api:
        export, _ = await api.audit_export()
    return [strict_json.parse(leaf, AuditLeaf).entry for leaf in export.entries]


# The kill with all programs real is in tests/agent/session/test_whole_way.py, at every run.
@pytest.mark.soak
async def test_a_visit_goes_on_over_a_restart_and_a_kill_with_one_receipt_for_each_grant(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        async with outside(server) as world, machine_at(tmp_path / "s", world) as machine:
            technician, _ = await make_technician(tmp_path / "t", world, scopes=SCOPES)
            ticket = machine.ask_for_help()
            await machine.until(lambda: machine.member.outbox.numbers().items == 0)
            for number, cut in enumerate((server.kill, server.stop), start=1):
                await through_a_cut(world, machine, technician, ticket, server, cut)
                before, after = the_receipts(machine, world)
                assert (before.ended_by, after.ended_by) == (EndedBy.CONNECTION_LOST, EndedBy.TECHNICIAN)
                for receipt in (before, after):
                    assert [(done.action, done.outcome) for done in receipt.actions] == [("processes", Outcome.DONE)]
                    assert not receipt.rebuilt
                assert len(machine.member.door.receipts.list()) == 2 * number
            await machine.until(lambda: machine.member.outbox.numbers().items == 0)
            # Each grant stands in the log once, from its beginning to its receipt, in this order.
            written = await entries(technician)
            for kept in machine.member.door.receipts.list():
                words = [entry.word for entry in written if entry.session == kept.grant]
                assert words == [
                    AuditWord.SESSION_STARTED, AuditWord.ACTION_STARTED, AuditWord.ACTION_ENDED,
                    AuditWord.SESSION_ENDED, AuditWord.RECEIPT_MADE,
                ]  # fmt: skip
            # The log that came back continues the one that both had seen.
            assert machine.alarms == []
            assert technician.store.alarms() == []
            assert machine.member.outbox.dead_letters() == []
