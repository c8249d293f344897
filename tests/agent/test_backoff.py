from hypothesis import given, settings
from hypothesis import strategies as st

from agent.link.backoff import backoff_s

UNIFORM = st.floats(0, 1, exclude_max=True)


def test_the_ceiling_doubles_from_one_second_to_five_minutes() -> None:
    nearly = [round(backoff_s(attempt, 0.999999)) for attempt in range(11)]
    assert nearly == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_full_jitter_starts_at_nothing() -> None:
    assert [backoff_s(attempt, 0.0) for attempt in range(10)] == [0.0] * 10


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.integers(-5, 10**9), UNIFORM)
def test_no_attempt_waits_longer_than_five_minutes(attempt: int, uniform: float) -> None:
    assert 0 <= backoff_s(attempt, uniform) <= 300


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.integers(0, 40), UNIFORM, st.integers(-(10**12), 10**12))
def test_a_hostile_server_can_send_nobody_away_for_longer_than_fifteen_minutes(
    attempt: int, uniform: float, retry_after_s: int
) -> None:
    waited = backoff_s(attempt, uniform, retry_after_s=retry_after_s)
    assert min(max(retry_after_s, 0), 900) <= waited <= 900 + 300
