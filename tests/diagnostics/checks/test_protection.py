"""Check 45: a word on the firewall, and on the disk of what is carried around."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.protection import check_protection
from diagnostics.system_observations import Protection


@pytest.mark.parametrize(
    ("firewall", "encrypted", "carried", "expected"),
    [
        ("ufw", True, True, []),
        ("", True, True, ["firewall-off"]),
        (None, True, True, []),  # not told is not off
        ("ufw", False, True, ["disk-not-encrypted"]),
        ("ufw", False, False, []),  # a desktop is not carried away
        ("ufw", None, True, []),
    ],
)
def test_only_what_is_known_is_told(
    firewall: str | None, encrypted: bool | None, carried: bool, expected: list[str], context: Callable[..., Context]
) -> None:
    outcome = check_protection(Protection(firewall, encrypted), carried=carried, context=context())
    assert [finding.code for finding in outcome.findings] == expected
