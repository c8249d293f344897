"""A remedy rests between its runs and has a number of runs a day."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.remedies.budget import DAY_S, Budget, may_run

NOW = 1_795_000_000
BUDGET = Budget(cooldown_s=3600, runs_a_day=3)


def test_first_run_may_go() -> None:
    assert may_run(BUDGET, [], now=NOW) is None


def test_remedy_rests_after_a_run() -> None:
    refused = may_run(BUDGET, [NOW - 3599], now=NOW)
    assert refused is not None
    assert refused.again_unix_s == NOW + 1
    assert may_run(BUDGET, [NOW - 3600], now=NOW) is None


def test_fourth_run_of_a_day_waits_for_the_first_to_grow_old() -> None:
    begun = [NOW - DAY_S + 100, NOW - 9000, NOW - 4000]
    refused = may_run(BUDGET, begun, now=NOW)
    assert refused is not None
    assert refused.again_unix_s == NOW + 100
    assert may_run(BUDGET, begun, now=NOW + 100) is None


@pytest.mark.parametrize("why", [{"stopped": True}, {"another_runs": True}])
def test_stop_and_an_unfinished_run_come_first(why: dict[str, bool]) -> None:
    refused = may_run(BUDGET, [], now=NOW, **why)
    assert refused is not None
    assert refused.again_unix_s is None


def test_clock_that_was_set_back_blocks_one_rest_and_not_years() -> None:
    refused = may_run(BUDGET, [NOW + 10**8], now=NOW)
    assert refused is not None
    assert refused.again_unix_s == NOW + 3600


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(NOW - 3 * DAY_S, NOW + DAY_S), max_size=12), st.integers(1, 5), st.integers(0, DAY_S))
def test_waiting_until_the_named_time_is_enough(begun: list[int], runs: int, rest: int) -> None:
    budget = Budget(rest, runs)
    now = NOW
    for _ in range(20):
        refused = may_run(budget, [min(at, NOW) for at in begun], now=now)
        if refused is None:
            recent = [at for at in (min(at, NOW) for at in begun) if now - DAY_S < at <= now]
            assert len(recent) < runs or not begun
            return
        assert refused.again_unix_s is not None
        assert refused.again_unix_s > now
        now = refused.again_unix_s
    raise AssertionError("it was never allowed")
