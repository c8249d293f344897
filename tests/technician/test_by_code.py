"""A visit that the customer begins: the technician's program waits until somebody has typed the code."""

from dataclasses import dataclass, field

import pytest

from protocol.messages.codes import CODE_S, CodeMade, CodeState, CodeTold, spoken
from technician.by_code import typed_by_customer
from technician.problems import Problem

DEVICE = "d-" + "a" * 26
TICKET = "01890a5d-ac96-7745-bcce-b302099a8057"


@dataclass
class Desk:
    """The server's answers, one second after another. Implements `MakesCodes`."""

    typed_after_s: int | None
    at_s: int = 0
    shown: list[str] = field(default_factory=list)

    async def make_code(self) -> CodeMade:
        return CodeMade(code="123456789", expires_in_s=CODE_S)

    async def code(self, code: str) -> CodeTold:
        left = CODE_S - self.at_s
        if self.typed_after_s is None or self.at_s < self.typed_after_s:
            return CodeTold(state=CodeState.WAITING, expires_in_s=left)
        return CodeTold(state=CodeState.TYPED, expires_in_s=left, device=DEVICE, ticket=TICKET)

    async def pause(self, seconds: float) -> None:
        self.at_s += int(seconds)


async def test_who_types_the_code_is_visited() -> None:
    desk = Desk(typed_after_s=90)
    found = await typed_by_customer(desk, lambda made: desk.shown.append(spoken(made.code)), pause=desk.pause)
    assert found == (DEVICE, TICKET)
    assert (desk.shown, desk.at_s) == (["123 456 789"], 90)


async def test_nobody_in_ten_minutes_is_said_plainly() -> None:
    desk = Desk(typed_after_s=None)
    with pytest.raises(Problem, match="nobody typed the code in time"):
        await typed_by_customer(desk, lambda made: None, pause=desk.pause)
    assert desk.at_s == CODE_S - 1
