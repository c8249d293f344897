"""Two forks of the log that never meet, each with true signatures and witnesses of the server's own making.

The customer's computer is shown one, the technician the other, for as long as the server likes. Then they meet in one
session: the real agent and the technician's real program, with the evil server between them answering each question
about its log as it thinks best. No answer helps; and from files alone an auditor sees it too.
"""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from protocol import strict_json
from protocol.actions.scopes import Scope
from protocol.audit import AuditEntry, AuditLeaf, AuditWord
from protocol.errors import ProtocolError
from protocol.grants import EndedBy
from protocol.messages.api import CheckpointReply, WitnessLine
from protocol.visit import RefusalReason
from technician.certificate_file import RootFile
from technician.cli import app
from technician.devices import DeviceFacts, find_device
from technician.session.outcome import VisitRefused
from technician.session.visit import Visit
from technician.sign_in import Technician
from tests.hostile.evil_server import TECHNICIAN, EvilServer
from tests.hostile.log_view import LogView
from tests.hostile.machine import Machine, Time, enrolled, technicians_time
from tests.hostile.visitors import technician_at
from tests.making import NOW, Organisation
from tests.technician.made_log import witness

SCOPES = (Scope.DIAGNOSE, Scope.PROCESSES)
#: How many entries each fork has beyond what both have in common.
EQUAL, SHORTER, LONGER = (3, 3), (2, 5), (5, 2)


@dataclass
class Forked:
    """`ours`: what the customer's computer sees. `theirs`: what the technician sees."""

    evil: EvilServer
    machine: Machine
    technician: Technician
    ours: LogView
    theirs: LogView
    device: DeviceFacts | None = None


def entry(number: int) -> bytes:
    said = AuditEntry(word=AuditWord.SIGN_IN, author="server", at=NOW + number)
    return AuditLeaf(received_at=NOW + number, entry=said).to_bytes()


@asynccontextmanager
async def two_forks(
    path: Path, evil: EvilServer, organisation: Organisation, beyond: tuple[int, int]
) -> AsyncIterator[Forked]:
    evil.honest = LogView(evil.log_key, [entry(number) for number in range(4)])
    ours, theirs = evil.honest.fork(), evil.honest.fork()
    for number in range(beyond[0]):
        ours.add(entry(100 + number))
    for number in range(beyond[1]):
        theirs.add(entry(200 + number))
    evil.views[TECHNICIAN] = theirs
    documents = (organisation.revocations(),)
    with pytest.MonkeyPatch.context() as patch, technicians_time(patch, Time()):
        async with (
            enrolled(path / "s", evil, organisation, documents=documents) as machine,
            technician_at(path / "t", evil, organisation) as technician,
        ):
            evil.views[machine.device] = ours
            yield Forked(evil, machine, technician, ours, theirs)


async def seen_by_both(forked: Forked) -> None:
    """Each has followed its own fork to the end; neither has a reason to complain."""
    await forked.evil.say(forked.ours.checkpoint(4))
    witness_of = forked.machine.member.door.witness
    await forked.machine.until(lambda: (seen := witness_of.seen()) and seen.checkpoint.size == forked.ours.size)
    async with forked.technician.signed_in() as api:
        rows = (await api.devices()).devices
        forked.device = find_device(rows, forked.machine.device, forked.technician.store.trust, NOW)
    assert forked.device.certified
    assert forked.technician.store.newest_checkpoint() == forked.theirs.note()
    assert forked.machine.alarms == []
    assert forked.technician.store.alarms() == []


# --- what the server may answer when it is asked about its log --------------------------------------------------------

Answer = Callable[[Forked, str, int], CheckpointReply]


def reply(view: LogView, size: int) -> CheckpointReply:
    return CheckpointReply(note=view.note(), from_size=size, consistency=view.consistency(size))


def to_each_their_own(forked: Forked, party: str, size: int) -> CheckpointReply:
    return reply(forked.evil.view(party), size)


def to_both_the_customers(forked: Forked, party: str, size: int) -> CheckpointReply:
    return reply(forked.ours, size)


def to_both_the_technicians(forked: Forked, party: str, size: int) -> CheckpointReply:
    return reply(forked.theirs, size)


def crosswise(forked: Forked, party: str, size: int) -> CheckpointReply:
    return reply(forked.ours if party == TECHNICIAN else forked.theirs, size)


def whichever_has_that_size(forked: Forked, party: str, size: int) -> CheckpointReply:
    """Each proof holds for itself: the server answers from the fork that the asked size is known from."""
    if size == forked.ours.size and (size != forked.theirs.size or party != TECHNICIAN):
        return reply(forked.ours, size)
    return reply(forked.theirs, size)


def grown_to_one_size(forked: Forked, party: str, size: int) -> CheckpointReply:
    """As the last, and both forks are made equally long first, so that the answers look like one log."""
    whole = max(forked.ours.size, forked.theirs.size) + 1
    before = (forked.ours.fork(), forked.theirs.fork())
    for view in before:
        while view.size < whole:
            view.add(entry(1000 + view.size))
    which = 0 if size == forked.ours.size and (size != forked.theirs.size or party != TECHNICIAN) else 1
    return reply(before[which], size)


def never_the_same_size_twice(forked: Forked, party: str, size: int) -> CheckpointReply:
    """Its log grows with every question, so that no two answers can be held against each other."""
    for view in (forked.ours, forked.theirs):
        view.add(entry(5000 + view.size))
    grown = forked.ours if party != TECHNICIAN else forked.theirs
    return reply(grown, size)


def a_proof_that_is_none(forked: Forked, party: str, size: int) -> CheckpointReply:
    view = forked.evil.view(party)
    return CheckpointReply(note=view.note(), from_size=size, consistency=(bytes(32),) * 3)


def an_older_note(forked: Forked, party: str, size: int) -> CheckpointReply:
    """What both have in common, from before the fork."""
    return CheckpointReply(note=forked.ours.note(4), from_size=size, consistency=())


ANSWERS: tuple[Answer, ...] = (
    to_each_their_own, to_both_the_customers, to_both_the_technicians, crosswise, whichever_has_that_size,
    grown_to_one_size, never_the_same_size_twice, a_proof_that_is_none, an_older_note,
)  # fmt: skip


#: With forks of unlike sizes only the answers that make use of sizes; the others are tried in a soak.
MEETINGS = [
    *((answer, EQUAL) for answer in ANSWERS),
    *(
        (answer, beyond)
        for answer in (ANSWERS if os.environ.get("BELLPULL_SOAK") == "1" else ANSWERS[3:6])
        for beyond in (SHORTER, LONGER)
    ),
]


async def meet(forked: Forked) -> Exception:
    """One session, until it is refused or broken off; how it failed on the technician's side."""
    ticket = forked.machine.ask_for_help()
    assert forked.device is not None
    async with forked.technician.signed_in() as api:
        with pytest.raises((ProtocolError, VisitRefused)) as failed:
            async with Visit.open(forked.technician, api, forked.device, ticket, SCOPES, 15, "why") as visit:
                await visit.granted()
    await forked.machine.until(lambda: not forked.machine.member.door.busy)
    return failed.value


@pytest.mark.parametrize(
    ("answer", "beyond"), MEETINGS, ids=[f"{answer.__name__}, {one} and {two}" for answer, (one, two) in MEETINGS]
)
async def test_one_session_exposes_two_forks_whatever_the_server_answers(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, answer: Answer, beyond: tuple[int, int]
) -> None:
    async with two_forks(tmp_path, evil, organisation, beyond) as forked:
        await seen_by_both(forked)
        before = forked.machine.state()
        # The sign-in that comes before a session asks too; it is answered from the technician's own fork.
        evil.checkpoint_for = _until_they_meet(forked, answer)
        error = await meet(forked)
        kept = [alarm.kind for alarm in forked.technician.store.alarms()]
        assert "split-view" in [*forked.machine.alarms, *kept], error
        changed = forked.machine.state().differs_from(before)
        assert set(changed) <= {"tickets", "local act"}, changed
        assert forked.machine.prompts_ever == 0
        if isinstance(error, VisitRefused):
            assert error.reason is RefusalReason.SPLIT_VIEW


def _until_they_meet(forked: Forked, answer: Answer) -> Callable[[str, int], CheckpointReply]:
    def answered(party: str, size: int) -> CheckpointReply:
        if not forked.evil.rooms:
            return to_each_their_own(forked, party, size)
        return answer(forked, party, size)

    return answered


async def test_one_log_for_both_lets_them_meet(tmp_path: Path, evil: EvilServer, organisation: Organisation) -> None:
    """The control: the same session, the same server, no fork."""
    async with two_forks(tmp_path, evil, organisation, (3, 3)) as forked:
        evil.views[TECHNICIAN] = forked.theirs = forked.ours
        await seen_by_both(forked)
        ticket = forked.machine.ask_for_help()
        assert forked.device is not None
        async with (
            forked.technician.signed_in() as api,
            Visit.open(forked.technician, api, forked.device, ticket, SCOPES, 15, "why") as visit,
        ):
            forked.machine.say_yes(await forked.machine.question())
            assert (await visit.granted()).body.scopes == SCOPES
            ended = await visit.end()
        assert ended.by == EndedBy.TECHNICIAN
        assert forked.machine.alarms == []


# --- auditors, from files ---------------------------------------------------------------------------------------------


def invented(forked: Forked, view: LogView, count: int = 20) -> tuple[WitnessLine, ...]:
    """Witnesses of the server's own: keys, devices, even certificates, by an organisation it made up."""
    from tests.technician.device_end import DeviceEnd

    made_up = Organisation("Evil Inc")
    lines = []
    for number in range(count):
        device = DeviceEnd(made_up, "a" * 26, None, name=f"invented {number}")
        key = witness(device)
        certificate = made_up.device(device.name, witness_key=key.verifier.public_key)
        line = key.cosign(view.note(), forked.evil.log_key.verifier, NOW)
        lines.append(WitnessLine(device=device.device, certificate=certificate, size=view.size, line=line))
    return tuple(lines)


def audited(folder: Path, forked: Forked, party: str, seen: dict[str, str]) -> Any:
    """`bellpull audit verify` over the files; its JSON."""
    folder.mkdir()
    root = RootFile(
        organisation="Helpful Ltd",
        root_key=forked.evil.root_key,
        log_name=forked.evil.log_key.verifier.name,
        log_key=forked.evil.log_key.verifier.public_key,
    )
    (folder / "log.json").write_bytes(strict_json.dump(forked.evil.export(party)))
    (folder / "root.json").write_bytes(strict_json.dump(root))
    for name, note in seen.items():
        (folder / f"seen-{name}.txt").write_text(note)
    done = CliRunner().invoke(app, ["audit", "verify", str(folder), "--json"])
    return {**json.loads(done.stdout), "code": done.exit_code}


async def test_an_auditor_with_both_views_sees_the_fork_in_the_files(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    async with two_forks(tmp_path, evil, organisation, (3, 3)) as forked:
        await seen_by_both(forked)
        await evil.until(lambda: forked.machine.device in evil.cosigned)
        seen = {
            "laptop": forked.machine.member.door.witness.newest(),
            "technician": forked.technician.store.newest_checkpoint(),
        }
        evil.extra_witnesses = invented(forked, forked.theirs)
        for party, other in ((TECHNICIAN, "laptop"), (forked.machine.device, "technician")):
            told = audited(tmp_path / party, forked, party, seen)
            assert told["code"] == 1
            assert any(f"seen-{other}.txt saw another log" in problem for problem in told["problems"]), told
        # The technician's fork without anybody's notes: its twenty witnesses count for nothing, and the one device
        # that is certified vouched for the other fork.
        alone = audited(tmp_path / "alone", forked, TECHNICIAN, {})
        assert alone["code"] == 1
        assert any("certified devices vouch" in problem for problem in alone["problems"])
        assert any("vouched for another log" in problem for problem in alone["problems"])
