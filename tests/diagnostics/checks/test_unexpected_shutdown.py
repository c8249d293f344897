"""Check 23: boots without a shutdown before them."""

from collections.abc import Callable

from diagnostics.checks.contract import Context
from diagnostics.checks.unexpected_shutdown import check_unexpected_shutdown
from diagnostics.findings import Severity
from diagnostics.system_observations import Boot, Boots

NOW = 1_795_000_000
DAY = 86_400


def boots(*items: tuple[float, bool | None]) -> Boots:
    return Boots(tuple(Boot(int(NOW - days * DAY), clean) for days, clean in items), ())


def test_a_clean_past_and_an_unknown_one_are_quiet(context: Callable[..., Context]) -> None:
    assert check_unexpected_shutdown(boots((9, None), (5, True), (1, True)), context()).findings == ()


def test_the_last_week_is_told_and_the_month_makes_it_grave(context: Callable[..., Context]) -> None:
    (once,) = check_unexpected_shutdown(boots((40, False), (2, False)), context()).findings
    assert (once.severity, once.facts["times"]) == (Severity.WARNING, 1)
    (thrice,) = check_unexpected_shutdown(boots((20, False), (9, False), (2, False)), context()).findings
    assert (thrice.severity, thrice.facts["times"]) == (Severity.ERROR, 3)
    assert check_unexpected_shutdown(boots((20, False), (8, False), (1, True)), context()).findings == ()


def test_what_a_dying_kernel_saved_is_told_even_without_a_boot(context: Callable[..., Context]) -> None:
    (finding,) = check_unexpected_shutdown(Boots((), ("dmesg-efi-1",)), context()).findings
    assert finding.code == "kernel-panic-saved"
