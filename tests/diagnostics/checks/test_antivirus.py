"""Check 44: a week without new signatures."""

from collections.abc import Callable

import pytest

from diagnostics.checks.antivirus import OLD_S, OLD_S_BY_NAME, check_antivirus
from diagnostics.checks.contract import Context
from diagnostics.system_observations import Antivirus

NOW = 1_795_000_000


@pytest.mark.parametrize(("age_s", "found"), [(-60, 0), (OLD_S - 1, 0), (OLD_S, 1)])
def test_the_age_decides(age_s: int, found: int, context: Callable[..., Context]) -> None:
    assert len(check_antivirus(Antivirus("ClamAV", NOW - age_s), context()).findings) == found


@pytest.mark.parametrize(("late_s", "found"), [(-1, 0), (0, 1)])
def test_apple_renews_its_own_less_often(late_s: int, found: int, context: Callable[..., Context]) -> None:
    at = NOW - OLD_S_BY_NAME["XProtect"] - late_s
    assert len(check_antivirus(Antivirus("XProtect", at), context()).findings) == found
