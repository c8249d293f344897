"""Pure: what counts as a problem that is there now."""

from typing import Final

from protocol.messages.report import ReportedState

#: States a desk counts: the rest is over, or silenced by the customer.
PRESENT: Final = frozenset({ReportedState.PENDING, ReportedState.ACTIVE})

#: How many different findings and checks of one device are kept. A healthy catalogue has fifty checks.
FINDINGS_MAX: Final = 2000
CHECKS_MAX: Final = 500
