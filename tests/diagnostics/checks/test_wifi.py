"""Check 39: the level decides, and clears stronger than it was raised."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.wifi import check_wifi
from diagnostics.hardware_observations import WirelessLink, WirelessLinks


@pytest.mark.parametrize(
    ("level", "raised", "found"),
    [
        (-56, (), 0),
        (-77, (), 0),
        (-78, (), 1),
        (-75, ("wifi-weak|interface:w",), 1),
        (-71, ("wifi-weak|interface:w",), 0),
    ],
)
def test_the_level_decides(level: float, raised: tuple[str, ...], found: int, context: Callable[..., Context]) -> None:
    seen = WirelessLinks((WirelessLink("w", level),))
    assert len(check_wifi(seen, context(*raised)).findings) == found
