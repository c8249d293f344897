"""Reading many devices at once, for people: the worst first, without opening each one's certificate."""

from collections.abc import Collection, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Subquery, and_, case, func, or_, select
from sqlalchemy.sql import ColumnElement

from protocol.messages.api import EnrolmentState
from protocol.messages.report import ReportedSeverity
from server.devices.model import devices
from server.findings.model import findings
from server.findings.rules import PRESENT
from server.storage.engine import Database

PAGE_ROWS: Final = 50
_GRAVITY: Final = {severity: rank for rank, severity in enumerate(ReportedSeverity, start=1)}
_GRAVE: Final = _GRAVITY[ReportedSeverity.ERROR]


class Shown(StrEnum):
    """Which devices a list shows."""

    ALL = "all"
    CONNECTED = "connected"
    AWAY = "away"
    GRAVE = "grave"
    WAITING = "waiting"


@dataclass(frozen=True)
class DeviceLine:
    """`customer`: of the certificate; before approval the one that was asked for. `counts`: severity → findings now."""

    device: str
    label: str
    customer: str
    state: EnrolmentState
    last_seen: int | None
    counts: dict[ReportedSeverity, int]


@dataclass(frozen=True)
class DevicePage:
    lines: tuple[DeviceLine, ...]
    page: int
    total: int

    @property
    def has_more(self) -> bool:
        return self.page * PAGE_ROWS < self.total

    @property
    def note(self) -> str:
        first = (self.page - 1) * PAGE_ROWS + 1
        return f"{first}–{first + len(self.lines) - 1} of {self.total}" if self.lines else f"0 of {self.total}"


class DeviceListing:
    """`customers` everywhere: whose devices the reader may see; none means all. `connected`: ids, from the hub."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        customers: Set[str] | None,
        connected: Collection[str],
        page: int = 1,
        *,
        shown: Shown = Shown.ALL,
        text: str = "",
        rows: int = PAGE_ROWS,
    ) -> DevicePage:
        worst = _worst()
        tables = devices.outerjoin(worst, worst.c.device == devices.c.device)
        where = [*_visible(customers), *_conditions(shown, text, connected, worst)]
        query = (
            select(devices, *(worst.c[severity.value] for severity in ReportedSeverity))
            .select_from(tables)
            .where(*where)
            .order_by(func.coalesce(worst.c.rank, 0).desc(), devices.c.label, devices.c.device)
            .offset((page - 1) * rows)
            .limit(rows)
        )
        async with self._database.read() as connection:
            total = await connection.scalar(select(func.count()).select_from(tables).where(*where))
            lines = tuple(_line(row) for row in await connection.execute(query))
        return DevicePage(lines, page, int(total or 0))

    async def count(self, customers: Set[str] | None, connected: Collection[str], shown: Shown) -> int:
        worst = _worst()
        tables = devices.outerjoin(worst, worst.c.device == devices.c.device)
        where = [*_visible(customers), *_conditions(shown, "", connected, worst)]
        async with self._database.read() as connection:
            return int(await connection.scalar(select(func.count()).select_from(tables).where(*where)) or 0)


def _worst() -> Subquery:
    """Device → its gravest present finding's rank, and how many there are of each severity."""
    rank = case(*((findings.c.severity == severity, rank) for severity, rank in _GRAVITY.items()), else_=0)
    return (
        select(
            findings.c.device,
            func.max(rank).label("rank"),
            *(
                func.sum(case((findings.c.severity == severity, 1), else_=0)).label(severity.value)
                for severity in ReportedSeverity
            ),
        )
        .where(findings.c.state.in_([state.value for state in PRESENT]))
        .group_by(findings.c.device)
        .subquery()
    )


def _conditions(shown: Shown, text: str, connected: Collection[str], worst: Subquery) -> list[ColumnElement[bool]]:
    here = devices.c.device.in_(list(connected))
    approved = devices.c.state == EnrolmentState.APPROVED
    found: list[ColumnElement[bool]] = []
    match shown:
        case Shown.ALL:
            found = []
        case Shown.CONNECTED:
            found = [here]
        case Shown.AWAY:
            found = [approved, ~here]
        case Shown.GRAVE:
            found = [worst.c.rank >= _GRAVE]
        case Shown.WAITING:
            found = [devices.c.state == EnrolmentState.PENDING]
    if text:
        columns = (devices.c.label, devices.c.device, func.coalesce(devices.c.customer, devices.c.asked_customer))
        found.append(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    return found


def _visible(customers: Set[str] | None) -> list[ColumnElement[bool]]:
    if customers is None:
        return []
    names = sorted(customers)
    approved = and_(devices.c.state == EnrolmentState.APPROVED, devices.c.customer.in_(names))
    return [or_(approved, and_(devices.c.state == EnrolmentState.PENDING, devices.c.asked_customer.in_(names)))]


def _line(row: Any) -> DeviceLine:
    named = row._mapping
    return DeviceLine(
        device=row.device,
        label=row.label,
        customer=row.customer or row.asked_customer,
        state=EnrolmentState(row.state),
        last_seen=row.last_seen,
        counts={severity: int(named[severity.value]) for severity in ReportedSeverity if named[severity.value]},
    )
