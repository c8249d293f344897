"""This device as a witness: what it has seen once cannot be taken back, and two histories end a session."""

from pathlib import Path

import pytest

from agent.identity.trust_store import AlarmKind
from agent.proofs.witness import SplitViewError
from protocol.audit import AuditEntry, AuditWord
from protocol.checkpoints import Checkpoint, LogKey, verify_cosignature
from protocol.errors import RemoteProtocolError
from protocol.messages.documents import NewCheckpoint
from protocol.messages.items import AuditItem, Stored
from protocol.strict_json import WireModel
from protocol.visit import RefusalReason
from tests.agent.desk_log import MemoryLogServer
from tests.agent.doubles import LOG_NAME
from tests.agent.visit_rig import Rig
from tests.making import NOW, seed


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "state")


def grown(count: int, last: bytes = b"") -> MemoryLogServer:
    """A log of `count` entries; `last` makes its newest one differ."""
    log = MemoryLogServer()
    for number in range(1, count):
        log.add(last if last and number == count - 1 else b"entry %d" % number)
    return log


async def test_the_first_checkpoint_is_kept_and_cosigned(rig: Rig) -> None:
    await rig.witness.heard(rig.desk.checkpoint(0))
    (cosigned,) = rig.cosigned()
    at = verify_cosignature(
        Checkpoint(LOG_NAME, 1, rig.desk.tree.root(1)), cosigned.line, rig.identity.witness.verifier
    )
    assert (cosigned.size, at) == (1, NOW)


async def test_a_proven_continuation_is_kept_and_cosigned(rig: Rig) -> None:
    await rig.witness.heard(rig.desk.checkpoint(0))
    for number in range(5):
        rig.desk.add(b"%d" % number)
    await rig.witness.heard(rig.desk.checkpoint(1))
    seen = rig.witness.seen()
    assert seen is not None
    assert seen.checkpoint.size == 6
    assert [cosigned.size for cosigned in rig.cosigned()] == [1, 6]


async def test_a_proof_from_another_size_is_fetched_anew(rig: Rig) -> None:
    await rig.witness.heard(rig.desk.checkpoint(0))
    rig.desk.add(b"2")
    await rig.witness.heard(NewCheckpoint(note=rig.desk.note(), from_size=0, consistency=()))
    assert [cosigned.size for cosigned in rig.cosigned()] == [1, 2]


async def test_a_shorter_log_is_refused_with_an_alarm_that_stays(rig: Rig, tmp_path: Path) -> None:
    rig.desk = grown(5)
    rig.witness._link = rig.desk
    await rig.witness.heard(rig.desk.checkpoint(0))
    with pytest.raises(SplitViewError):
        await rig.witness.heard(NewCheckpoint(note=rig.desk.note(3), from_size=5, consistency=()))
    rig.close()
    again = Rig(tmp_path / "state")
    assert [alarm.kind for alarm in again.trust.alarms()] == [AlarmKind.SPLIT_VIEW]
    seen = again.witness.seen()
    assert seen is not None
    assert seen.checkpoint.size == 5


async def test_a_log_that_is_no_continuation_is_refused(rig: Rig) -> None:
    honest, forked = grown(4), grown(8, b"another history")
    forked.tree = grown(8, b"x").tree
    rewritten = MemoryLogServer()
    for number in range(7):
        rewritten.add(b"rewritten %d" % number)
    rig.witness._link = honest
    await rig.witness.heard(honest.checkpoint(0))
    rig.witness._link = rewritten
    with pytest.raises(SplitViewError):
        await rig.witness.heard(rewritten.checkpoint(4))
    assert rig.trust.alarms()


async def test_two_logs_of_one_size_are_refused(rig: Rig) -> None:
    one, other = grown(4), grown(4, b"another")
    await rig.witness.heard(one.checkpoint(0))
    with pytest.raises(SplitViewError):
        await rig.witness.heard(other.checkpoint(4))


@pytest.mark.parametrize("key", ["another key", "a witness"])
async def test_a_note_that_the_logs_key_did_not_sign_is_refused(rig: Rig, key: str) -> None:
    forged = LogKey.from_raw(LOG_NAME, seed(key)).sign(Checkpoint(LOG_NAME, 1, rig.desk.tree.root(1)))
    with pytest.raises(RemoteProtocolError):
        await rig.witness.heard(NewCheckpoint(note=forged, from_size=0, consistency=()))
    assert rig.witness.seen() is None
    assert rig.cosigned() == []


# --- two views meet ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("own", "peers", "newest"), [(3, 3, 3), (3, 5, 9), (5, 3, 9), (9, 9, 9), (1, 9, 9), (9, 1, 9)])
async def test_two_views_of_one_log_agree(rig: Rig, own: int, peers: int, newest: int) -> None:
    log = grown(newest)
    rig.witness._link = log
    await rig.witness.heard(NewCheckpoint(note=log.note(own), from_size=0, consistency=()))
    await rig.witness.compare(log.note(peers))
    seen = rig.witness.seen()
    assert seen is not None
    assert seen.checkpoint.size >= max(own, peers) or own == peers


@pytest.mark.parametrize(("own", "peers"), [(4, 4), (4, 6), (6, 4)])
async def test_two_forks_of_the_log_are_found_when_they_meet(rig: Rig, own: int, peers: int) -> None:
    """The server shows one fork to the device and another to the technician, and answers the device from its own."""
    ours, theirs = grown(own + 3), MemoryLogServer()
    for number in range(peers + 2):
        theirs.add(b"fork %d" % number)
    rig.witness._link = ours
    await rig.witness.heard(NewCheckpoint(note=ours.note(own), from_size=0, consistency=()))
    with pytest.raises(SplitViewError):
        await rig.witness.compare(theirs.note(peers))


async def test_a_server_that_hides_what_the_other_end_has_seen_is_found_out(rig: Rig) -> None:
    log = grown(9)
    short = grown(4)
    rig.witness._link = short
    await rig.witness.heard(short.checkpoint(0))
    with pytest.raises(SplitViewError):
        await rig.witness.compare(log.note(9))


async def test_a_session_exposes_the_fork(rig: Rig) -> None:
    """Six forks and invented witnesses do not matter: the first session between two views ends it."""
    await rig.witness.heard(rig.desk.checkpoint(0))
    shown_to_technician = MemoryLogServer()
    shown_to_technician.add(b"something the device never saw")
    honest = rig.desk.note
    rig.desk.note = shown_to_technician.note  # type: ignore[method-assign]
    await rig.visits.offered(_offer(rig))
    from tests.agent.technician_end import TechnicianEnd, until
    from tests.agent.visiting import SCOPES

    await until(lambda: bool(rig.sockets))
    technician = TechnicianEnd(rig, rig.sockets.pop(), SCOPES, 15)
    rig.desk.note = honest  # type: ignore[method-assign]
    await technician.begin()
    assert (await technician.refused()).reason is RefusalReason.SPLIT_VIEW
    await rig.over()
    assert rig.gate.pending() == []
    assert [alarm.kind for alarm in rig.trust.alarms()] == [AlarmKind.SPLIT_VIEW]


async def test_a_log_that_cannot_be_asked_is_no_alarm(rig: Rig) -> None:
    await rig.witness.heard(rig.desk.checkpoint(0))
    rig.desk.connected = False
    other = grown(5)
    with pytest.raises(RemoteProtocolError) as refused:
        await rig.witness.compare(other.note(5))
    assert not isinstance(refused.value, SplitViewError)
    assert rig.trust.alarms() == []


# --- inclusion -----------------------------------------------------------------------------------------------------


def _entry(rig: Rig) -> AuditEntry:
    return AuditEntry(word=AuditWord.SESSION_STARTED, author=rig.identity.device, at=NOW, device=rig.identity.device)


async def test_a_stored_entry_is_proven_to_stand_in_the_log_that_was_seen(rig: Rig) -> None:
    await rig.witness.heard(rig.desk.checkpoint(0))
    item = AuditItem(id="01890a5d-ac96-7745-bcce-b302099a8057", entry=_entry(rig))
    answer = await rig.desk.store(item)
    assert isinstance(answer, Stored)
    assert answer.proof is not None
    await rig.witness.included(answer.proof, item.entry)


@pytest.mark.parametrize("lie", ["another entry", "another index", "another fork"])
async def test_a_false_proof_of_inclusion_is_refused(rig: Rig, lie: str) -> None:
    await rig.witness.heard(rig.desk.checkpoint(0))
    entry = _entry(rig)
    item = AuditItem(id="01890a5d-ac96-7745-bcce-b302099a8057", entry=entry)
    server = rig.desk
    if lie == "another fork":
        server = MemoryLogServer()
        server.leaves.clear()
        server.tree = type(server.tree)()
        server.add(b"a fork made for this device alone")
    answer = await server.store(item)
    assert isinstance(answer, Stored)
    assert answer.proof is not None
    proof = answer.proof
    if lie == "another entry":
        entry = entry.model_copy(update={"at": NOW + 1})
    if lie == "another index":
        proof = proof.model_copy(update={"index": 0})
    with pytest.raises(RemoteProtocolError):
        await rig.witness.included(proof, entry)


def _offer(rig: Rig) -> WireModel:
    from protocol.messages.sessions import SessionOffer
    from tests.agent.visit_rig import TOKEN
    from tests.agent.visiting import ROOM

    return SessionOffer(room=ROOM, join_token=TOKEN, ticket=rig.ticket)
