"""A lost connection and a hand-over through the shell: real database, books, receipts and gate; sockets in memory."""

import asyncio
from pathlib import Path

import pytest

from agent.session.effects import Finished, Rows
from agent.session.visit import _TICK_S, _WITHOUT_LOG_S
from agent.store.database import NotWritten
from protocol.actions.processes import ProcessesArguments
from protocol.grants import EndedBy
from protocol.journal import Outcome
from protocol.limits import RESUME_WINDOW_S
from protocol.proofs import ProvenVisit, succession_faults
from protocol.visit import RefusalReason
from technician.session.events import ActionEnded, GrantCame, Noticed, WentOn
from tests.agent.technician_end import TechnicianEnd, until
from tests.agent.visit_rig import ROW, Rig, yes_to
from tests.agent.visiting import ORG, revoked_serial
from tests.making import NOW


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "state")


def by_number(rig: Rig) -> list[ProvenVisit]:
    return sorted(rig.proofs(), key=lambda proven: proven.grant.number)


async def started(technician: TechnicianEnd) -> None:
    """An action that runs until the test lets it end."""
    host = technician.rig.hosts[0]
    host.answers = False
    ran = len(host.ran)
    technician.initiator.open_action("processes", ProcessesArguments(), NOW)
    await technician.flush()
    await until(lambda: len(host.ran) > ran)


async def test_a_visit_goes_on_with_a_receipt_for_each_grant(rig: Rig) -> None:
    technician = await rig.let_in()
    await technician.act()
    await technician.cut()
    await technician.knock()
    await technician.until(WentOn)
    assert rig.visits.current()[0].state == "active"
    await technician.act()
    came = await technician.end()
    assert came.fault == ""
    await rig.over()
    first, second = by_number(rig)
    assert (first.receipt.ended_by, second.receipt.ended_by) == (EndedBy.CONNECTION_LOST, EndedBy.TECHNICIAN)
    assert [len(each.receipt.actions) for each in (first, second)] == [1, 1]
    assert second.countersigned
    assert succession_faults([first, second], complete=True) == []
    assert len(rig.sealed()) == 2
    assert rig.desk.words == [
        "session-started", "action-started", "action-ended", "session-ended", "receipt-made",
        "session-started", "action-started", "action-ended", "session-ended", "receipt-made",
    ]  # fmt: skip
    assert rig.books.journal.check() == 8
    assert len(rig.hosts) == 1
    assert rig.gate.pending() == []
    (row,) = rig.database.query("SELECT count(*) AS asked FROM prompts")
    assert row["asked"] == 1


async def test_what_ran_goes_on_while_nobody_is_there_and_its_rows_are_told(rig: Rig) -> None:
    technician = await rig.let_in()
    await started(technician)
    await technician.cut()
    (view,) = rig.visits.current()
    assert view.doing != ()
    rig.hosts[0].heard(Rows(1, ROW % 1, 1))
    rig.hosts[0].heard(Finished(1, Outcome.DONE))
    await technician.knock()
    (went_on,) = await technician.until(WentOn)
    assert isinstance(went_on, WentOn)
    technician.initiator.take_up(went_on.fates[0], NOW)
    await technician.flush()
    (ended,) = await technician.until(ActionEnded)
    assert isinstance(ended, ActionEnded)
    assert (ended.result.outcome, ended.result.rows) == (Outcome.DONE, 1)
    await technician.end()
    await rig.over()
    assert [proven.receipt.actions[0].outcome for proven in by_number(rig)] == [Outcome.DONE, Outcome.DONE]
    assert len(rig.hosts[0].ran) == 1


async def test_stop_works_while_nobody_is_there_and_nobody_comes_back(rig: Rig) -> None:
    technician = await rig.let_in()
    await started(technician)
    await technician.cut()
    assert rig.visits.stop_all() == 1
    assert rig.hosts[0].killed
    await rig.over()
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.CUSTOMER
    await technician.knock()
    assert (await technician.refused()).reason is RefusalReason.NOT_RESUMED
    await rig.over()
    assert len(rig.proofs()) == 1
    assert rig.gate.pending() == []


async def test_a_second_room_while_somebody_is_at_the_door_is_declined(rig: Rig) -> None:
    technician = await rig.let_in()
    await technician.cut()
    await rig.offer(room="b" * 26)
    await until(lambda: bool(rig.sockets))
    await rig.offer(room="d" * 26)
    assert [declined.reason for declined in rig.declined] == ["busy"]
    rig.visits.stop_all()
    await rig.over()


async def test_nobody_comes_back_to_an_agent_that_was_started_again(rig: Rig) -> None:
    technician = await rig.let_in()
    await technician.act()
    await technician.cut()
    again = Rig(rig.folder.root, desk=rig.desk, clocks=rig.clocks)  # as after a kill: the old one never closed
    assert again.receipts.rebuild_missing() == 1
    technician.rig = again
    await technician.knock()
    assert (await technician.refused()).reason is RefusalReason.NOT_RESUMED
    await again.over()
    (proven,) = again.proofs()
    assert proven.receipt.rebuilt
    rig.visits.stop_all()


async def test_when_nobody_comes_back_the_visit_ends_by_itself(rig: Rig) -> None:
    technician = await rig.let_in()
    await technician.cut()
    rig.clocks.pass_s(RESUME_WINDOW_S + 1)
    await rig.over()
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.CONNECTION_LOST
    assert rig.hosts[0].killed


async def test_a_visit_that_waits_waits_longer_than_one_may_go_on_without_the_log(rig: Rig) -> None:
    """The same outage takes the relay and the line to the log: what waits must not end before its time."""
    technician = await rig.let_in()
    await technician.cut()
    rig.desk.connected = False
    rig.clocks.pass_s(_WITHOUT_LOG_S + 1)
    await asyncio.sleep(1.2 * _TICK_S)  # it looks once more
    assert rig.visits.current()[0].state == "paused"
    rig.desk.connected = True
    await technician.knock()
    await technician.until(WentOn)
    await technician.end()
    await rig.over()


async def test_a_visit_under_way_ends_without_the_log(rig: Rig) -> None:
    await rig.let_in()
    rig.desk.connected = False
    rig.clocks.pass_s(_WITHOUT_LOG_S + 1)
    await rig.over()
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.AUDIT_UNAVAILABLE


async def test_a_revocation_ends_a_visit_whose_connection_is_lost(rig: Rig) -> None:
    technician = await rig.let_in()
    await technician.cut()
    rig.trust.accept(ORG.revocations(version=2, serials=(revoked_serial(),)))
    rig.visits.trust_changed()
    await rig.over()
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.REVOKED


async def test_a_disk_that_does_not_take_the_successor_lets_nobody_in(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    technician = await rig.let_in()
    await technician.cut()

    def full(*_: object) -> None:
        raise NotWritten("nothing could be written", got="disk full")

    with monkeypatch.context() as patched:
        patched.setattr(rig.books, "open", full)
        await technician.knock()
        await rig.over()
    assert rig.hosts[0].killed
    assert not any(isinstance(event, WentOn) for event in technician.heard)
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.CONNECTION_LOST


# --- a hand-over -----------------------------------------------------------------------------------------------------


async def named(technician: TechnicianEnd, heir: str = "Bea Tech") -> None:
    technician.initiator.hand_over(heir)
    await technician.flush()
    await until(lambda: bool(notices(technician)))


def notices(technician: TechnicianEnd) -> list[str]:
    return [event.kind for event in technician.heard if isinstance(event, Noticed) and event.kind != "taken"]


async def test_the_customer_is_asked_about_the_next_one_and_only_then_the_first_leaves(rig: Rig) -> None:
    ada = await rig.let_in()
    await named(ada)
    bea = await rig.next_arrives("Bea Tech")
    question = await rig.question()
    assert question.text.headline == "Bea Tech asks to take over from Ada Tech."
    assert "If you say no, Ada Tech stays." in question.text.text
    assert (await ada.act()).result.outcome is Outcome.DONE, "the first is still here"
    yes_to(rig, question)
    await bea.until(GrantCame)
    came = await ada.receipt()
    assert came.fault == ""
    assert notices(ada) == ["hand-over-waits", "handed-over"]
    assert (await bea.act()).result.outcome is Outcome.DONE
    assert [view.technician for view in rig.visits.current() if view.state == "active"] == ["Bea Tech"]
    await bea.end()
    await rig.over()
    first, second = by_number(rig)
    assert [each.technician.name for each in (first, second)] == ["Ada Tech", "Bea Tech"]
    assert second.grant.successor_of is None
    assert second.request.takes_over
    assert first.receipt.ended_by is EndedBy.TECHNICIAN


async def test_a_no_leaves_the_first_where_they_are(rig: Rig) -> None:
    ada = await rig.let_in()
    await named(ada)
    bea = await rig.next_arrives("Bea Tech")
    rig.gate.refuse((await rig.question()).id)
    assert (await bea.refused()).reason is RefusalReason.CUSTOMER
    await until(lambda: notices(ada) == ["hand-over-waits", "hand-over-refused"])
    assert (await ada.act()).result.outcome is Outcome.DONE
    await rig.offer(room="d" * 26)
    assert [declined.reason for declined in rig.declined] == ["busy"], "naming somebody is good for one time"
    await ada.end()
    await rig.over()
    assert len(rig.proofs()) == 1


@pytest.mark.parametrize(("name", "claims"), [("Eve Tech", True), ("Bea Tech", False)])
async def test_only_the_one_who_was_named_and_says_so_is_asked_about(rig: Rig, name: str, claims: bool) -> None:
    ada = await rig.let_in()
    await named(ada)
    other = await rig.next_arrives(name, takes_over=claims)
    assert (await other.refused()).reason is RefusalReason.BUSY
    assert rig.gate.pending() == []
    assert (await ada.act()).result.outcome is Outcome.DONE
    await ada.end()
    await rig.over()


async def test_nobody_takes_over_where_nobody_was_named(rig: Rig) -> None:
    ada = await rig.let_in()
    await rig.offer(room="c" * 26)
    assert [declined.reason for declined in rig.declined] == ["busy"]
    await ada.end()
    await rig.over()
    bea = await rig.next_arrives("Bea Tech")
    assert (await bea.refused()).reason is RefusalReason.BUSY
    assert rig.gate.pending() == []
    await rig.over()


async def test_stop_ends_both_the_one_who_is_here_and_the_one_who_asks(rig: Rig) -> None:
    ada = await rig.let_in()
    await named(ada)
    bea = await rig.next_arrives("Bea Tech")
    await rig.question()
    assert rig.visits.stop_all() == 2
    assert all(host.killed for host in rig.hosts)
    assert (await bea.refused()).reason is RefusalReason.CUSTOMER
    await rig.over()
    assert rig.gate.pending() == []
    (proven,) = rig.proofs()
    assert proven.receipt.ended_by is EndedBy.CUSTOMER
