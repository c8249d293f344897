"""The published list: everything a server may read of a machine, as one typed model.

Whatever else crosses the link in clear is a defect; a test holds every agent message against this file. Codes,
severities, states, times, counts, numbers. No name, no path, no text of the machine: an instance (`disk:/home/anna`)
appears as 16 hex digits of an HMAC under the device's own secret, so that a server can tell two apart and no more.
The words a customer addresses to the desk travel in the ticket (tickets.py), the audit's fields in audit.py, and the
label the owner gave the device in the enrolment request.
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from protocol.fields import Count, DottedName, Kebab, UnixSeconds
from protocol.strict_json import WireModel

InstancePseudonym = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class ReportedSeverity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class ReportedState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    SNOOZED = "snoozed"
    EXPIRED = "expired"


class ReportedFinding(WireModel):
    code: Kebab
    instance: InstancePseudonym
    severity: ReportedSeverity
    state: ReportedState
    first_seen: UnixSeconds
    last_seen: UnixSeconds
    count: Count
    known_issue: Kebab | None = None


class ReportedMetric(WireModel):
    """A number the owner left enabled, e.g. `memory.available-bytes`. `instance`: none for the whole machine."""

    name: DottedName
    instance: InstancePseudonym | None = None
    at: UnixSeconds
    value: Annotated[float, Field(allow_inf_nan=False)]


class ReportedCheck(WireModel):
    id: Kebab
    status: Annotated[str, Field(pattern=r"^(ok|finding|skipped|failed)$")]


class Report(WireModel):
    """One health cycle as the server sees it."""

    at: UnixSeconds
    checks: Annotated[tuple[ReportedCheck, ...], Field(max_length=128)] = ()
    findings: Annotated[tuple[ReportedFinding, ...], Field(max_length=200)] = ()
    metrics: Annotated[tuple[ReportedMetric, ...], Field(max_length=500)] = ()
    gap_count: Count = 0  # cycles that could not be kept while offline


#: What people are told, in the order of PROTOCOL's promise. The customer's page and SECURITY.md print exactly this.
PUBLISHED_LIST: Final[tuple[str, ...]] = (
    "the device's id and the label its owner gave it, and which customer it belongs to",
    "which checks ran, and the codes of findings with severity, state, times and counts",
    "the numeric metrics its owner left enabled",
    "sizes, times and network addresses of traffic",
    "the words people address to the desk, and whether they say that it helped",
    "for each visit: when, the scopes allowed, the names, risks and outcomes of actions (no arguments, no results)",
)
