"""Check 46: jobs at a printer that was switched off."""

from collections.abc import Callable

import pytest

from diagnostics.checks.contract import Context
from diagnostics.checks.print_queue import check_print_queue
from diagnostics.system_observations import Printers


@pytest.mark.parametrize(
    ("disabled", "waiting", "found"),
    [
        ((), {"Office": 3}, 0),
        (("Office",), {}, 0),
        (("Old",), {"Office": 3}, 0),
        (("Office",), {"Office": 1}, 1),
        ((), {"Office": 60}, 1),
    ],
)
def test_a_stopped_printer_with_jobs_is_stuck(
    disabled: tuple[str, ...], waiting: dict[str, int], found: int, context: Callable[..., Context]
) -> None:
    assert len(check_print_queue(Printers(disabled, waiting), context()).findings) == found
