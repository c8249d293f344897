"""What a person types at the question, and what it means: only a clear yes is one."""

import pytest

from agent.cli.consent import chosen
from protocol.actions.scopes import Scope

OFFERED = [Scope.DIAGNOSE, Scope.LOGS, Scope.PROCESSES]


@pytest.mark.parametrize("typed", ["yes", "YES\n", "  yes  ", "да"])
def test_a_clear_yes_is_everything(typed: str) -> None:
    assert chosen(typed, OFFERED) == OFFERED


@pytest.mark.parametrize(("typed", "meant"), [("1", [0]), ("1 3", [0, 2]), ("3,1", [0, 2]), ("2 2", [1])])
def test_numbers_are_those(typed: str, meant: list[int]) -> None:
    assert chosen(typed, OFFERED) == [OFFERED[number] for number in meant]


@pytest.mark.parametrize(
    "typed", ["", "\n", "y", "no", "yes please", "n", "0", "4", "1 4", "-1", "1.5", "١", "yes 1", "maybe", "\x1b[A"]
)
def test_anything_else_is_no(typed: str) -> None:
    assert chosen(typed, OFFERED) == []
