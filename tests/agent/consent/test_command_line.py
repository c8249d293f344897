"""What a person types at the question, and what it means: only a clear yes is one."""

import pytest

from agent.cli.consent import chosen
from protocol.actions.scopes import Scope

OFFERED = [Scope.DIAGNOSE, Scope.LOGS, Scope.PROCESSES]


@pytest.mark.parametrize("typed", ["yes", "YES\n", "  yes  ", "да"])
def test_a_clear_yes_is_everything(typed: str) -> None:
    assert chosen(typed, OFFERED, 15) == (OFFERED, 15)


@pytest.mark.parametrize(("typed", "meant"), [("1", [0]), ("1 3", [0, 2]), ("3,1", [0, 2]), ("2 2", [1])])
def test_numbers_are_those(typed: str, meant: list[int]) -> None:
    assert chosen(typed, OFFERED, 15) == ([OFFERED[number] for number in meant], 15)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "\n",
        "y",
        "no",
        "yes please",
        "n",
        "0",
        "4",
        "1 4",
        "-1",
        "1.5",
        "١",
        "yes 1",
        "maybe",
        "\x1b[A",
        "yes for",
        "for 5",
        "yes for 16",
        "yes for 0",
        "yes for ever",
        "no for 5",
        "yes for 5 for 5",
        "1 for 1e1",
    ],
)
def test_anything_else_is_no(typed: str) -> None:
    assert chosen(typed, OFFERED, 15)[0] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("yes for 5", (OFFERED, 5)), ("1 3 for 10", ([OFFERED[0], OFFERED[2]], 10)), ("да на 15", (OFFERED, 15))],
)
def test_a_shorter_time_can_be_said(typed: str, meant: tuple[list[Scope], int]) -> None:
    assert chosen(typed, OFFERED, 15) == meant
