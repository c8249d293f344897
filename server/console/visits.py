"""Sessions as people read them: who, when, what was allowed, and each action with its outcome from the audit log."""

from dataclasses import dataclass

from protocol.actions.scopes import MEANINGS
from protocol.audit import AuditWord
from protocol.messages.api import SessionRow
from server.audit.reading import AuditReading, Entry
from server.office import Office
from server.technicians.listing import TechnicianListing


@dataclass(frozen=True)
class Act:
    """One action: its name, how it ended, and where that stands in the log."""

    name: str
    risk: int
    outcome: str
    at: int
    index: int


@dataclass(frozen=True)
class Visit:
    """`state`: requested | active | ended. `receipt_index`: the log entry about the receipt, if there is one."""

    row: SessionRow
    technician: str
    state: str
    scopes: tuple[tuple[str, int], ...]
    acts: tuple[Act, ...]
    receipt_index: int | None


async def visits_of(office: Office, rows: tuple[SessionRow, ...]) -> list[Visit]:
    reading = AuditReading(office.database)
    names = await TechnicianListing(office.database).names(row.serial for row in rows)
    found = []
    for row in rows:
        entries = () if row.grant is None else await reading.of_session(row.device, row.grant)
        found.append(
            Visit(
                row=row,
                technician=names.get(row.serial, f"certificate {row.serial[:8]}…"),
                state=_state(row),
                scopes=tuple((scope.value, MEANINGS[scope].risk) for scope in row.scopes),
                acts=acts_of(entries),
                receipt_index=next((one.index for one in entries if one.entry.word is AuditWord.RECEIPT_MADE), None),
            )
        )
    return found


def acts_of(entries: tuple[Entry, ...]) -> tuple[Act, ...]:
    """Pure: started and ended entries of one action are one line; what did not end yet is `running`."""
    acts: dict[int, Act] = {}
    for one in entries:
        entry = one.entry
        match entry.word:
            case AuditWord.ACTION_STARTED:
                outcome = "running"
            case AuditWord.ACTION_ENDED | AuditWord.ACTION_REFUSED:
                outcome = (entry.outcome.value if entry.outcome else "") or "refused"
            case _:
                continue
        acts[entry.sequence] = Act(entry.action or "unnamed", entry.risk, outcome, entry.at, one.index)
    return tuple(acts[sequence] for sequence in sorted(acts))


def _state(row: SessionRow) -> str:
    if row.ended_at is not None:
        return "ended"
    return "requested" if row.paired_at is None else "active"
