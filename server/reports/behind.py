"""Pure: the rows behind a figure, in columns: for the page, for CSV and for JSON, the same values in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from server.reports.figures import Source
from server.reports.rows import HealthDay, Incident, Judged, Mended, Visit, Work
from server.tickets.levels import LEVEL_WORDS, OUTCOME_WORDS


class Kind(StrEnum):
    TEXT = "text"
    TICKET = "ticket"
    DEVICE = "device"
    TIME = "time"  # unix seconds
    DAY = "day"  # unix seconds of its midnight, UTC
    SECONDS = "seconds"
    NUMBER = "number"
    YES = "yes"  # true, false or none


Value = str | int | float | bool | None


@dataclass(frozen=True)
class RowColumn:
    key: str
    label: str
    kind: Kind = Kind.TEXT
    on_page: bool = True  # files hold all of them


_INCIDENT: Final = (
    RowColumn("ticket", "Ticket", Kind.TICKET),
    RowColumn("customer", "Customer"),
    RowColumn("cause", "Cause", on_page=False),
    RowColumn("severity", "Severity", on_page=False),
    RowColumn("arrived", "Arrived", Kind.TIME),
    RowColumn("answered_after", "Answered after", Kind.SECONDS),
    RowColumn("ended", "Ended", Kind.TIME, on_page=False),
    RowColumn("solved_after", "Solved after", Kind.SECONDS),
    RowColumn("level", "Level"),
    RowColumn("outcome", "Outcome"),
    RowColumn("second_contact", "Came back", Kind.YES),
    RowColumn("owner", "Owner"),
    RowColumn("device", "Device", Kind.DEVICE, on_page=False),
)
_VISIT: Final = (
    RowColumn("device", "Device", Kind.DEVICE),
    RowColumn("technician", "Technician"),
    RowColumn("customer", "Customer"),
    RowColumn("ticket", "For", Kind.TICKET),
    RowColumn("asked", "Asked for", Kind.TIME),
    RowColumn("allowed", "Allowed", Kind.YES),
    RowColumn("scopes", "Scopes"),
    RowColumn("length", "Length", Kind.SECONDS),
)
_WORK: Final = (
    RowColumn("person", "Person"),
    RowColumn("what", "What"),
    RowColumn("at", "When", Kind.TIME),
    RowColumn("customer", "Customer"),
    RowColumn("ticket", "Ticket", Kind.TICKET),
    RowColumn("device", "Device", Kind.DEVICE),
    RowColumn("length", "Length", Kind.SECONDS),
)
_HEALTH: Final = (
    RowColumn("day", "Day", Kind.DAY),
    RowColumn("customer", "Customer"),
    RowColumn("severity", "Severity"),
    RowColumn("findings", "Findings", Kind.NUMBER),
    RowColumn("devices", "Devices", Kind.NUMBER),
)
_MENDED: Final = (
    RowColumn("device", "Device", Kind.DEVICE),
    RowColumn("customer", "Customer"),
    RowColumn("outcome", "Outcome"),
    RowColumn("at", "Reported", Kind.TIME),
    RowColumn("runs", "Runs", Kind.NUMBER),
)
_JUDGED: Final = (
    RowColumn("ticket", "Ticket", Kind.TICKET),
    RowColumn("customer", "Customer"),
    RowColumn("at", "Answered", Kind.TIME),
    RowColumn("helped", "It helped", Kind.YES),
    RowColumn("mark", "Mark", Kind.NUMBER),
    RowColumn("cause", "Cause", on_page=False),
    RowColumn("known_issue", "Known issue"),
    RowColumn("device", "Device", Kind.DEVICE, on_page=False),
)

COLUMNS: Final[dict[Source, tuple[RowColumn, ...]]] = {
    Source.ARRIVED: _INCIDENT,
    Source.ENDED: _INCIDENT,
    Source.VISITS: _VISIT,
    Source.WORK: _WORK,
    Source.HEALTH: _HEALTH,
    Source.MENDED: _MENDED,
    Source.JUDGED: _JUDGED,
}


def cells_of(row: Incident | Visit | Work | HealthDay | Mended | Judged) -> tuple[Value, ...]:
    """As COLUMNS of its source says."""
    match row:
        case Incident():
            return (
                row.ticket,
                row.customer,
                row.cause,
                row.severity,
                row.received_at,
                row.answer_s,
                row.ended_at,
                row.solve_s,
                LEVEL_WORDS[row.highest],
                None if row.outcome is None else OUTCOME_WORDS[row.outcome],
                row.second_contact,
                row.owner,
                row.device,
            )
        case Visit():
            return (
                row.device,
                row.technician,
                row.customer,
                row.ticket,
                row.asked_at,
                row.allowed,
                ", ".join(row.scopes),
                row.seconds,
            )
        case Work():
            return (row.person, row.kind, row.at, row.customer, row.ticket, row.device, row.seconds)
        case HealthDay():
            return (row.day * 86_400, row.customer, row.severity, row.findings, row.devices)
        case Mended():
            return (row.device, row.customer, row.outcome, row.at, row.runs)
        case Judged():
            return (
                row.ticket,
                row.customer,
                row.at,
                row.helped,
                row.mark,
                row.cause,
                row.known_issue,
                row.device,
            )


def table_of(source: Source, rows: Sequence[Any]) -> list[dict[str, Value]]:
    """Column key → value, for JSON."""
    keys = [column.key for column in COLUMNS[source]]
    return [dict(zip(keys, cells_of(row), strict=True)) for row in rows]
