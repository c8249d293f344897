"""How a visit can come out: refused, or ended by somebody, with or without a receipt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.visit import RefusalReason
from technician.problems import Problem


class VisitRefused(Problem):
    """No grant. `reason` is the device's word for it."""

    reason: RefusalReason


@dataclass(frozen=True)
class EndedVisit:
    """How it ended. `receipt`: the kept proof file; `fault`: why it does not tell what we saw. `untaken`: actions that
    the end crossed on their way; the device never took them, so the receipt does not tell them."""

    by: str
    receipt: Path | None
    countersigned: bool
    fault: str = ""
    untaken: tuple[str, ...] = ()


def refused(reason: RefusalReason) -> VisitRefused:
    error = VisitRefused("the visit was not granted", expected="the customer's consent", got=words_of(reason))
    error.reason = reason
    return error


def words_of(reason: RefusalReason) -> str:
    return _WORDS[reason]


_WORDS: Final[dict[RefusalReason, str]] = {
    RefusalReason.CUSTOMER: "the customer said no",
    RefusalReason.NO_ANSWER: "nobody answered in time, which counts as no",
    RefusalReason.COOL_DOWN: "the device was asked too often or refused a short while ago",
    RefusalReason.UNKNOWN_TICKET: "the device knows no such ticket",
    RefusalReason.NOT_CERTIFIED: "your certificate does not allow this",
    RefusalReason.STALE_REVOCATIONS: "the device could not check whether your certificate is still good",
    RefusalReason.SPLIT_VIEW: "the device saw another audit log than we did: tell the organisation",
    RefusalReason.AUDIT_UNAVAILABLE: "the audit log could not be written, and without it nothing starts",
    RefusalReason.BUSY: "another visit is under way",
    RefusalReason.NOT_RESUMED: "the visit before is over, or the customer allows less by now: ask them anew",
}
