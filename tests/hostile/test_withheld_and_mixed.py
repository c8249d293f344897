"""A server that withholds what must be stored, stores it in a lie, and puts people into each other's rooms.

The customer has said yes. Nothing begins before the server's log has the beginning, with a proof that holds; and
whoever stands in a room that was meant for somebody else finds nobody there.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.actions.scopes import Scope
from protocol.audit import AuditWord, InclusionProof
from protocol.checkpoints import LogKey
from protocol.errors import ProtocolError
from protocol.grants import EndedBy
from protocol.messages.items import AuditItem, Refused, Stored
from protocol.proofs import verify_proof
from protocol.strict_json import WireModel
from protocol.visit import RefusalReason
from technician.devices import find_device
from technician.problems import Problem
from technician.session.closing import read_proof
from technician.session.outcome import VisitRefused
from technician.session.visit import Visit
from tests.agent.visit_rig import FakeHost
from tests.hostile.evil_server import EvilServer
from tests.hostile.log_view import LogView
from tests.hostile.machine import enrolled, technicians_time
from tests.hostile.visitors import technician_at
from tests.making import NOW, Organisation, seed

SCOPES = (Scope.PROCESSES,)
Lie = Callable[[EvilServer, str, AuditItem], WireModel | None]


def nothing(evil: EvilServer, device: str, item: AuditItem) -> WireModel | None:
    return None


def a_word(evil: EvilServer, device: str, item: AuditItem) -> WireModel | None:
    """Stored, it says, and proves nothing."""
    return Stored(id=item.id)


def refused(evil: EvilServer, device: str, item: AuditItem) -> WireModel | None:
    return Refused(id=item.id, reason="the log is full")


def of_another_log(evil: EvilServer, device: str, item: AuditItem) -> WireModel | None:
    """A good proof, in a log under a key of its own."""
    own = LogView.begun(LogKey.from_raw(evil.log_key.verifier.name, seed("another log key")))
    return Stored(id=item.id, proof=own.append(item.entry, NOW))


def of_another_entry(evil: EvilServer, device: str, item: AuditItem) -> WireModel | None:
    """A good proof, of something else."""
    other = item.entry.model_copy(update={"word": AuditWord.SESSION_ENDED})
    return Stored(id=item.id, proof=evil.view(device).append(other, NOW))


def of_a_fork(evil: EvilServer, device: str, item: AuditItem) -> WireModel | None:
    """In a second history, under the true key, that this device has not been shown so far."""
    fork = LogView(evil.log_key, [b"another first entry of the log"])
    return Stored(id=item.id, proof=fork.append(item.entry, NOW))


def with_a_bent_path(evil: EvilServer, device: str, item: AuditItem) -> WireModel | None:
    proof = evil.view(device).append(item.entry, NOW)
    return Stored(id=item.id, proof=InclusionProof(**{**proof.model_dump(), "path": (bytes(32),) * len(proof.path)}))


LIES: tuple[Lie, ...] = (
    nothing, a_word, refused, of_another_log, of_another_entry, of_a_fork, with_a_bent_path
)  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
async def test_without_a_proof_that_the_beginning_is_stored_nothing_begins(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, monkeypatch: pytest.MonkeyPatch, lie: Lie
) -> None:
    """The customer said yes, and still: no action, a receipt that says why, and the technician is told."""
    monkeypatch.setattr("agent.session.visit.AUDIT_WAIT_S", 0.3)

    def answer(device: str, item: WireModel) -> WireModel | None:
        return lie(evil, device, item) if isinstance(item, AuditItem) else evil.store(device, item)

    async with enrolled(tmp_path / "s", evil, organisation, documents=(organisation.revocations(),)) as machine:
        visits = machine.member.door.visits
        visits._parts = replace(visits._parts, make_host=FakeHost)  # no action gets that far
        with technicians_time(monkeypatch, machine.time):
            async with technician_at(tmp_path / "t", evil, organisation) as technician, technician.signed_in() as api:
                ticket = machine.ask_for_help()
                device = find_device((await api.devices()).devices, machine.device, technician.store.trust, NOW)
                evil.answer_item = answer
                async with Visit.open(technician, api, device, ticket, SCOPES, 15, "why") as visit:
                    machine.say_yes(await machine.question())
                    with pytest.raises(VisitRefused) as told:
                        await visit.granted()
        assert told.value.reason is RefusalReason.AUDIT_UNAVAILABLE
        await machine.until(lambda: not machine.member.door.busy)
        (kept,) = machine.member.door.receipts.list()
        proof = machine.member.door.receipts.proof(kept.grant)
        assert proof is not None
        receipt = verify_proof(read_proof(proof), organisation.root.verify_key).receipt
        assert (receipt.ended_by, receipt.actions) == (EndedBy.AUDIT_UNAVAILABLE, ())
        assert machine.alarms == (["split-view"] if lie is of_a_fork else []), "two histories are kept and shown"


# --- rooms -----------------------------------------------------------------------------------------------------------


async def test_a_technician_in_another_devices_room_finds_nobody(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They asked for one machine; the server brings another one of the same customer, with a ticket of its own."""
    documents = (organisation.revocations(),)
    async with (
        enrolled(tmp_path / "a", evil, organisation, documents=documents) as wanted,
        enrolled(tmp_path / "b", evil, organisation, documents=documents) as brought,
        technician_at(tmp_path / "t", evil, organisation) as technician,
    ):
        with technicians_time(monkeypatch, wanted.time):
            async with technician.signed_in() as api:
                device = find_device((await api.devices()).devices, wanted.device, technician.store.trust, NOW)
                assert device.certified
                # A new room is offered on the newest line, which is the other machine's.
                assert evil.line.device == brought.device
                ticket = brought.ask_for_help()
                with pytest.raises((ProtocolError, Problem)):
                    async with Visit.open(technician, api, device, ticket, SCOPES, 15, "why"):
                        pytest.fail("somebody was there")
        await brought.until(lambda: not brought.member.door.busy)
        assert "visit-began" in brought.log.events("info"), "it came into the room"
        assert wanted.prompts_ever == brought.prompts_ever == 0
