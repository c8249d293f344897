"""Pure: what counts as a problem that is there now."""

from typing import Final

from protocol.messages.report import ReportedState

#: States a desk counts: the rest is over, or silenced by the customer.
PRESENT: Final = frozenset({ReportedState.PENDING, ReportedState.ACTIVE})
