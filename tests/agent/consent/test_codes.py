"""A code that a technician reads out: it finds them, counts as the customer's own act, and proves nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from agent.consent.codes import CodeArguments, CodeVerbs, digits_of
from agent.consent.freeze import About
from agent.local.verbs import Peer
from agent.refusal import Refusal
from protocol.messages.codes import CodeAnswer, CodeTyped, spoken
from protocol.strict_json import WireModel
from tests.agent.visit_rig import Rig

R = TypeVar("R", bound=WireModel)
PERSON = Peer(uid=1000, pid=4711, is_administrator=False, in_session=False)
CODE = "123456789"


class Desk:
    """The server's side of a code: one is right. Implements `Asks`."""

    def __init__(self) -> None:
        self.typed: list[CodeTyped] = []
        self.wait_s = 0

    async def ask(self, message: WireModel, reply: type[R], match: Callable[[R], bool], timeout_s: float) -> R:
        assert isinstance(message, CodeTyped)
        self.typed.append(message)
        answer = CodeAnswer(
            code=message.code, found=not self.wait_s and message.code == CODE, retry_after_s=self.wait_s
        )
        assert isinstance(answer, reply)
        assert match(answer)
        return answer


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "s")


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def typed(rig: Rig, desk: Desk, code: str = CODE, **arguments: object) -> object:
    (verb,) = CodeVerbs(rig.tickets, desk, rig.freeze).verbs()
    assert verb.refused_to_sessions
    return await verb.handle(CodeArguments.model_validate({"code": code, **arguments}), PERSON)


@pytest.mark.parametrize("said", ["123456789", "123 456 789", " 123-456-789 ", "123.456.789"])
def test_a_code_is_read_as_people_type_it(said: str) -> None:
    assert digits_of(said) == CODE
    assert digits_of(spoken(CODE)) == CODE


@pytest.mark.parametrize("said", ["12345678", "1234567890", "12345678a", "１２３４５６７８９", "", "١٢٣٤٥٦٧٨٩"])
def test_anything_else_is_no_code(said: str) -> None:
    with pytest.raises(Refusal, match="not a code"):
        digits_of(said)


async def test_the_right_code_counts_as_asking_for_help(rig: Rig, desk: Desk) -> None:
    rig.clocks.pass_s(3600)
    before = rig.tickets.last_local_act_at()
    assert await typed(rig, desk) == {"found": True, "ticket": rig.ticket}
    assert desk.typed == [CodeTyped(code=CODE, ticket=rig.ticket)]
    after = rig.tickets.last_local_act_at()
    assert after is not None
    assert before is not None
    assert after >= before + 3600


async def test_a_wrong_code_is_no_act_of_the_customers(rig: Rig, desk: Desk) -> None:
    before = rig.tickets.last_local_act_at()
    with pytest.raises(Refusal, match="no technician waits behind this code"):
        await typed(rig, desk, "999999999")
    assert rig.tickets.last_local_act_at() == before


async def test_after_too_many_tries_the_customer_is_told_to_wait(rig: Rig, desk: Desk) -> None:
    desk.wait_s = 120
    with pytest.raises(Refusal, match="too many codes") as refused:
        await typed(rig, desk)
    assert "120 s" in refused.value.expected


async def test_something_new_opens_a_ticket_once(rig: Rig, desk: Desk) -> None:
    with pytest.raises(Refusal):
        await typed(rig, desk, "111111111", words="My printer is not found")
    done = await typed(rig, desk, words="My printer is not found")
    tickets = [ticket for ticket in rig.tickets.list() if ticket.words == "My printer is not found"]
    assert len(tickets) == 1
    assert done == {"found": True, "ticket": tickets[0].ticket}


async def test_without_a_ticket_or_words_nothing_is_sent(rig: Rig, desk: Desk) -> None:
    rig.database.query("DELETE FROM tickets")
    with pytest.raises(Refusal, match="what the visit is about"):
        await typed(rig, desk)
    with pytest.raises(Refusal, match="no such ticket"):
        await typed(rig, desk, ticket="01890a5d-ac96-7745-bcce-b302099a8057")
    assert desk.typed == []


async def test_after_a_report_of_abuse_no_code_helps(rig: Rig, desk: Desk) -> None:
    rig.freeze.report("", "anna", About(), lambda: 0)
    with pytest.raises(Refusal, match="abuse was reported"):
        await typed(rig, desk)
    assert desk.typed == []
