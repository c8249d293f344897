"""Codes that customers type: one technician, one device, ten minutes; guessing is held back."""

import os
import random

import pytest

from protocol.messages.codes import CODE_S
from server.refusal import Refusal
from server.sessions.codes import OPEN_MAX, TRIES_MAX, TRIES_OF_ALL_MAX, Codes, Waiting

ACME = frozenset({"Acme"})
TICKET = "01890a5d-ac96-7745-bcce-b302099a8057"


def codes(seed: int = 1) -> Codes:
    return Codes(random.Random(seed).randrange)


def of_acme(customers: object) -> bool:
    return "Acme" in customers  # type: ignore[operator]


def test_a_code_leads_its_technician_to_the_device_that_typed_it() -> None:
    desk = codes()
    code = desk.make("serial-a", ACME, 0.0)
    assert len(code) == 9
    assert desk.look(code, "serial-a", 1.0) == Waiting(CODE_S - 1, None, None)
    assert desk.typed(code, "d-one", TICKET, of_acme, 2.0)
    assert desk.look(code, "serial-a", 3.0) == Waiting(CODE_S - 3, "d-one", TICKET)


def test_nobody_elses_code_can_be_looked_at() -> None:
    desk = codes()
    code = desk.make("serial-a", ACME, 0.0)
    assert desk.look(code, "serial-b", 1.0) is None
    assert desk.look("000000000", "serial-a", 1.0) is None


def test_a_code_is_taken_once_lives_ten_minutes_and_is_not_given_out_again() -> None:
    desk = codes()
    code = desk.make("serial-a", ACME, 0.0)
    assert desk.typed(code, "d-one", TICKET, of_acme, 1.0)
    assert not desk.typed(code, "d-two", TICKET, of_acme, 2.0)
    assert desk.typed(code, "d-one", TICKET, of_acme, 3.0), "the same device may press the button twice"
    late = desk.make("serial-a", ACME, 0.0)
    assert not desk.typed(late, "d-one", TICKET, of_acme, float(CODE_S))
    assert desk.look(late, "serial-a", float(CODE_S)) is None
    repeating = iter([7, 7, 8])
    twice = Codes(lambda below: next(repeating))
    assert [twice.make("a", ACME, 0.0), twice.make("b", ACME, float(CODE_S) + 1)] == ["000000007", "000000008"]


def test_a_device_of_another_customer_finds_nobody() -> None:
    desk = codes()
    code = desk.make("serial-a", ACME, 0.0)
    assert not desk.typed(code, "d-other", TICKET, lambda customers: "Other" in customers, 1.0)
    assert desk.look(code, "serial-a", 2.0) == Waiting(CODE_S - 2, None, None)


def test_a_technician_has_a_few_codes_open_and_no_more() -> None:
    desk = codes()
    for _ in range(OPEN_MAX):
        desk.make("serial-a", ACME, 0.0)
    with pytest.raises(Refusal, match="too many codes"):
        desk.make("serial-a", ACME, 1.0)
    desk.make("serial-b", ACME, 1.0)
    desk.make("serial-a", ACME, CODE_S + 1.0)


def test_five_tries_a_device_and_a_thousand_of_all() -> None:
    desk = codes()
    tries = [desk.may_try("d-one", 0.0) for _ in range(TRIES_MAX + 1)]
    assert tries[:TRIES_MAX] == [0.0] * TRIES_MAX
    assert tries[-1] > 0
    allowed = sum(not desk.may_try(f"d-{number}", 0.0) for number in range(5 * TRIES_OF_ALL_MAX))
    assert allowed == TRIES_OF_ALL_MAX - TRIES_MAX


GUESSES = 1_000_000 if os.environ.get("BELLPULL_SOAK") == "1" else 50_000


def test_a_flood_of_guesses_in_the_life_of_a_code_finds_nobody() -> None:
    """A thousand devices (a soak: a thousand times each): what is looked up at all is 2 000 of 10^9."""
    desk, guess = codes(), random.Random(2)
    open_codes = [desk.make(f"serial-{number}", ACME, 0.0) for number in range(10)]
    looked_up = found = 0
    for attempt in range(GUESSES):
        now_s = attempt * CODE_S / GUESSES
        if desk.may_try(f"d-{attempt % 1000}", now_s):
            continue
        looked_up += 1
        found += desk.typed(f"{guess.randrange(10**9):09}", "d-x", TICKET, of_acme, now_s)
    assert TRIES_OF_ALL_MAX <= looked_up <= 2 * TRIES_OF_ALL_MAX
    assert found == 0
    assert looked_up * len(open_codes) / 10**9 < 1e-4
