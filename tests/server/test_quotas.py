"""Token buckets: what they permit, what they refuse, and that they stay small."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from server.quotas import Quota


def test_a_burst_is_permitted_and_then_the_rate() -> None:
    quota = Quota(rate_s=1, burst=3)
    assert [quota.take("a", 0) for _ in range(4)] == [0, 0, 0, 1]
    assert quota.take("a", 1) == 0
    assert quota.take("a", 1) == 1


def test_keys_do_not_use_up_each_others_permits() -> None:
    quota = Quota(rate_s=1, burst=1)
    assert (quota.take("a", 0), quota.take("b", 0), quota.take("a", 0)) == (0, 0, 1)


def test_a_reservation_is_granted_late_and_never_free() -> None:
    quota = Quota(rate_s=2, burst=1)
    assert [quota.reserve("a", 0) for _ in range(4)] == [0, 0.5, 1, 1.5]


def test_a_flood_of_keys_forgets_the_longest_unused() -> None:
    quota = Quota(rate_s=0.001, burst=1, keys_max=3)
    for key in ("a", "b", "c", "d"):
        quota.take(key, 0)
    assert len(quota) == 3
    assert quota.take("a", 0) == 0  # forgotten, so new
    assert quota.take("d", 0) > 0


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    rate_s=st.floats(0.01, 100),
    burst=st.integers(1, 50),
    steps=st.lists(st.floats(0, 5), min_size=1, max_size=100),
)
def test_no_more_is_ever_permitted_than_burst_and_rate_allow(rate_s: float, burst: int, steps: list[float]) -> None:
    quota = Quota(rate_s=rate_s, burst=burst)
    now_s, permitted = 0.0, 0
    for step in steps:
        now_s += step
        permitted += quota.take("a", now_s) == 0
        assert permitted <= burst + rate_s * now_s + 1e-6


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=30))
def test_a_clock_that_jumps_back_gives_nothing_for_free(times: list[float]) -> None:
    quota = Quota(rate_s=1, burst=1)
    permitted = sum(quota.take("a", now_s) == 0 for now_s in times)
    forwards = sum(max(0.0, later - earlier) for earlier, later in pairwise(times))
    assert permitted <= 1 + forwards + 1e-6
