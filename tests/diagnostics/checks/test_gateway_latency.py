"""Check 43: slow or lossy; silence is not judged here."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.gateway_latency import check_gateway_latency
from diagnostics.system_observations import GatewayEcho


@pytest.mark.parametrize(
    ("received", "average_s", "found"), [(4, 0.002, 0), (3, 0.02, 0), (4, 0.2, 1), (2, 0.002, 1), (1, 0.002, 1)]
)
def test_slow_or_lossy(received: int, average_s: float, found: int, context: Callable[..., Context]) -> None:
    echo = GatewayEcho("192.168.1.1", 4, received, average_s)
    assert len(check_gateway_latency(echo, context()).findings) == found


def test_a_gateway_that_answers_no_pings_may_be_told_not_to(context: Callable[..., Context]) -> None:
    outcome = check_gateway_latency(GatewayEcho("192.168.1.1", 4, 0, None), context())
    assert (outcome.findings, outcome.metrics, bool(outcome.skipped)) == ((), (), True)
