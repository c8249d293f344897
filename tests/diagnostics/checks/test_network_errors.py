"""Check 36: broken frames and what had to be sent again, since the look before."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.network_errors import check_network_errors
from diagnostics.history import MemoryHistory, Point
from diagnostics.observations import Interface, Network
from diagnostics.system_observations import TcpCounters


def seen(errors: int) -> Network:
    return Network((Interface("eth0", True, (), "", 1500, 0, 0, errors, 99_999),), (), (), ())


def earlier() -> MemoryHistory:
    kept = MemoryHistory()
    for name, instance in (
        ("network.errors", "interface:eth0"),
        ("tcp.sent-segments", ""),
        ("tcp.resent-segments", ""),
    ):
        kept.append(name, instance, Point(1_795_000_000 - 300, 0))
    return kept


@pytest.mark.parametrize(
    ("errors", "sent", "resent", "expected"),
    [
        (0, 90_000, 900, []),
        (49, 90_000, 900, []),
        (50, 90_000, 900, ["network-card-errors"]),
        (0, 90_000, 4_500, ["network-loses-data"]),
        (0, 1_000, 500, []),  # too few to make a share
    ],
)
def test_rates_decide_and_drops_do_not(
    errors: int, sent: int, resent: int, expected: list[str], context: Callable[..., Context]
) -> None:
    outcome = check_network_errors(seen(errors), TcpCounters(sent, resent), context(history=earlier()))
    assert [finding.code for finding in outcome.findings] == expected


def test_the_first_look_only_keeps_its_numbers(context: Callable[..., Context]) -> None:
    outcome = check_network_errors(seen(10**6), None, context())
    assert (outcome.findings, bool(outcome.skipped)) == ((), True)
