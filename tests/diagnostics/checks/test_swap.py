"""Check 11: full and needed, or fetched back all the time."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.swap import check_swap
from diagnostics.hardware_observations import Swapping
from diagnostics.history import MemoryHistory, Point
from diagnostics.observations import Memory

NOW = 1_795_000_000
GB = 1_000_000_000


def codes(context: Context, *, available_gb: float = 8, free_gb: float = 1, fetched_gb: float = 0) -> list[str]:
    memory = Memory(16 * GB, int(available_gb * GB), 2 * GB, int(free_gb * GB))
    outcome = check_swap(memory, Swapping(int((1 + fetched_gb) * GB), 0), context)
    return [finding.code for finding in outcome.findings]


@pytest.mark.parametrize(
    ("available_gb", "free_gb", "expected"),
    [
        (8, 1, []),
        (8, 0.1, []),  # old memory that nobody needs
        (2, 1, []),
        (2, 0.1, ["swap-full"]),
    ],
)
def test_full_swap_is_a_fault_only_when_memory_is_short(
    available_gb: float, free_gb: float, expected: list[str], context: Callable[..., Context]
) -> None:
    assert codes(context(), available_gb=available_gb, free_gb=free_gb) == expected


def test_a_machine_without_swap_is_not_judged(context: Callable[..., Context]) -> None:
    assert check_swap(Memory(GB, GB // 10, 0, 0), Swapping(0, 0), context()).findings == ()


@pytest.mark.parametrize(("fetched_gb", "expected"), [(1.4, []), (1.6, ["swap-busy"])])
def test_fetching_back_is_judged_by_its_rate(
    fetched_gb: float, expected: list[str], context: Callable[..., Context]
) -> None:
    kept = MemoryHistory()
    kept.append("swap.in-bytes", "", Point(NOW - 300, GB))
    assert codes(context(history=kept), fetched_gb=fetched_gb) == expected


def test_swap_that_grows_as_it_is_needed_is_never_full(context: Callable[..., Context]) -> None:
    pressed = Memory(16 * GB, 1 * GB, 4 * GB, GB // 100)
    assert [item.code for item in check_swap(pressed, Swapping(0, 0), context()).findings] == ["swap-full"]
    assert check_swap(pressed, Swapping(0, 0, grows=True), context()).findings == ()
