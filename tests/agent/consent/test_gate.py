"""The open questions: kept, shown, answered once; limits that hold over restarts."""

import asyncio
from pathlib import Path

import pytest

from agent.consent.gate import ConsentGate, No, Yes
from agent.consent.policy import Answer, offer
from agent.consent.tables import PromptStore
from agent.consent.verbs import DecideArguments
from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from protocol.actions.scopes import Scope
from protocol.grants import ConsentMethod
from protocol.limits import CONSENT_TIMEOUT_S, REFUSAL_COOLDOWN_S
from protocol.visit import RefusalReason
from tests.agent.consent.test_prompt_text import FACTS
from tests.agent.doubles import HandClocks
from tests.agent.technician_end import until


class Table:
    """A gate on a database file, and the customer who may have asked for help."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.clocks = HandClocks()
        self.act_age_s: float | None = None
        self.gate = ConsentGate(PromptStore(self.database), self.clocks, local_act_age_s=lambda: self.act_age_s)

    async def asked(self) -> "asyncio.Task[Yes | No]":
        before = len(self.gate.pending())
        task = asyncio.create_task(self.gate.ask(FACTS))
        await until(lambda: task.done() or len(self.gate.pending()) > before)
        return task

    def approve(self, **changes: object) -> Yes:
        (prompt,) = self.gate.pending()
        given: dict[str, object] = {
            "scopes": None,
            "minutes": None,
            "text_sha256": prompt.text.sha256,
            "method": ConsentMethod.COMMAND,
            "local_user": "anna",
        }
        return self.gate.approve(prompt.id, **{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path / "agent.db")


async def test_a_yes_with_ticks_and_minutes(table: Table) -> None:
    task = await table.asked()
    table.approve(scopes=(Scope.PROCESSES,), minutes=5)
    decision = await task
    assert isinstance(decision, Yes)
    assert (decision.scopes, decision.minutes) == ((Scope.PROCESSES,), 5)
    transcript = decision.transcript
    assert transcript.ticked == (Scope.PROCESSES,)
    assert (transcript.method, transcript.local_user, transcript.language) == (ConsentMethod.COMMAND, "anna", "en")
    assert table.gate.pending() == []


async def test_a_question_has_one_answer(table: Table) -> None:
    task = await table.asked()
    (prompt,) = table.gate.pending()
    table.gate.refuse(prompt.id)
    with pytest.raises(Refusal):
        table.gate.approve(
            prompt.id,
            scopes=None,
            minutes=None,
            text_sha256=prompt.text.sha256,
            method=ConsentMethod.COMMAND,
            local_user="anna",
        )
    assert await task == No(RefusalReason.CUSTOMER)


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": (Scope.LOGS,)},
        {"scopes": ()},
        {"minutes": 16},
        {"minutes": 0},
        {"text_sha256": bytes(32)},
    ],
)
async def test_a_yes_that_does_not_count_leaves_the_question_open(table: Table, changes: dict[str, object]) -> None:
    task = await table.asked()
    with pytest.raises(Refusal):
        table.approve(**changes)
    assert len(table.gate.pending()) == 1
    assert not task.done()
    table.gate.refuse(table.gate.pending()[0].id)
    await task


async def test_no_answer_in_time_is_a_no(table: Table) -> None:
    task = await table.asked()
    table.clocks.pass_s(CONSENT_TIMEOUT_S + 1)
    with pytest.raises(ValueError, match="not enough values"):
        table.approve()  # the question is not open any more
    table.gate.expire_due()
    assert await task == No(RefusalReason.NO_ANSWER)


async def test_time_asleep_counts(table: Table) -> None:
    await table.asked()
    table.clocks.boot_s += CONSENT_TIMEOUT_S + 1  # suspended: the other clocks stood still
    assert table.gate.pending() == []


async def test_without_a_ticket_there_is_no_question(table: Table) -> None:
    from dataclasses import replace

    assert await table.gate.ask(replace(FACTS, ticket=None)) == No(RefusalReason.UNKNOWN_TICKET)
    assert table.database.query("SELECT 1 FROM prompts") == []


async def test_with_nothing_left_to_offer_there_is_no_question(table: Table) -> None:
    from dataclasses import replace

    nothing = offer((Scope.FILES_WRITE,), revocations_fresh=True, served=())
    assert await table.gate.ask(replace(FACTS, offer=nothing)) == No(RefusalReason.NOT_CERTIFIED)
    assert table.database.query("SELECT 1 FROM prompts") == []


async def test_a_thousand_requests_an_hour_are_three_questions(table: Table) -> None:
    questions = 0
    for _ in range(1000):
        task = await table.asked()
        if table.gate.pending():
            questions += 1
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            assert await task == No(RefusalReason.COOL_DOWN)
        table.clocks.pass_s(3.5)
    assert questions == 3


async def test_a_thousand_requests_an_hour_are_three_questions_over_restarts(tmp_path: Path) -> None:
    """Whoever makes the service start anew gains nothing by it; open questions that a crash took along count."""
    questions, clocks = 0, HandClocks()
    for _ in range(20):
        table = Table(tmp_path / "agent.db")
        table.clocks = table.gate._clocks = clocks
        for _ in range(50):
            task = await table.asked()
            questions += len(table.gate.pending())
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            clocks.pass_s(3.5)
        table.database.close()
    assert questions == 3


async def test_limits_hold_over_a_restart(tmp_path: Path) -> None:
    table = Table(tmp_path / "agent.db")
    task = await table.asked()
    table.gate.refuse(table.gate.pending()[0].id)
    await task
    table.database.close()
    again = Table(tmp_path / "agent.db")
    again.clocks.pass_s(REFUSAL_COOLDOWN_S - 5)
    assert again.gate.obstacle() is not None
    again.act_age_s = 30.0
    assert again.gate.obstacle() is None
    again.database.close()


async def test_a_crash_while_a_question_is_open_counts_it(tmp_path: Path) -> None:
    for _ in range(3):
        table = Table(tmp_path / "agent.db")
        task = await table.asked()
        table.database.close()  # gone, without an answer
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert Table(tmp_path / "agent.db").gate.obstacle() is not None


async def test_on_a_full_disk_no_is_still_no_and_yes_is_not_yes(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise NotWritten("nothing could be written", got="disk full")

    task = await table.asked()
    with monkeypatch.context() as patched:
        patched.setattr(table.gate._store, "answered", full)
        with pytest.raises(NotWritten):
            table.approve()
        assert not task.done()
        with pytest.raises(NotWritten):
            table.gate.refuse(table.gate.pending()[0].id)
    assert await task == No(RefusalReason.CUSTOMER)


async def test_who_leaves_takes_the_question_along(table: Table) -> None:
    task = await table.asked()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (row,) = table.database.query("SELECT answer, answered_at FROM prompts")
    assert row["answer"] == Answer.WITHDRAWN
    assert table.gate.pending() == []


def test_a_persons_answer_cannot_be_booked_as_the_owners_policy() -> None:
    DecideArguments(id="1", approve=True, method=ConsentMethod.WINDOW)
    with pytest.raises(ValueError, match="not an unattended one"):
        DecideArguments(id="1", approve=True, method=ConsentMethod.UNATTENDED_POLICY)
