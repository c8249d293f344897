"""Reading many devices at once, for people: the worst first, without opening each one's certificate."""

from collections.abc import Collection, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Select, Subquery, and_, case, func, or_, select
from sqlalchemy.sql import ColumnElement

from protocol.messages.api import EnrolmentState
from protocol.messages.report import ReportedSeverity
from server.devices.model import devices
from server.findings.model import findings
from server.findings.rules import PRESENT
from server.storage.engine import Database

PAGE_ROWS: Final = 50
_GRAVITY: Final = {severity: rank for rank, severity in enumerate(ReportedSeverity, start=1)}
_GRAVE: Final = (ReportedSeverity.ERROR, ReportedSeverity.CRITICAL)
_PRESENT: Final = [state.value for state in PRESENT]


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
    replaces: str | None = None  # the same machine before its keys were made anew
    replaced_by: str | None = None


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
        customer: str = "",
        finding: str = "",
        rows: int = PAGE_ROWS,
    ) -> DevicePage:
        """`finding`: the code of one that is present."""
        where = [*visible(customers), *_conditions(shown, text, connected), *_of(customer, finding)]
        gravest = gravest_of_each()
        query = (
            select(devices)
            .select_from(devices.outerjoin(gravest, gravest.c.device == devices.c.device))
            .where(*where)
            .order_by(func.coalesce(gravest.c.rank, 0).desc(), devices.c.label, devices.c.device)
            .offset((page - 1) * rows)
            .limit(rows)
        )
        async with self._database.read() as connection:
            total = await connection.scalar(select(func.count()).select_from(devices).where(*where))
            found = (await connection.execute(query)).all()
            successors = {
                row.replaces: row.device for row in await connection.execute(_successors([row.device for row in found]))
            }
            counted = await connection.execute(_counts([row.device for row in found]))
            counts: dict[str, dict[ReportedSeverity, int]] = {}
            for row in counted:
                counts.setdefault(row.device, {})[ReportedSeverity(row.severity)] = row.number
        lines = tuple(_line(row, counts.get(row.device, {}), successors.get(row.device)) for row in found)
        return DevicePage(lines, page, int(total or 0))

    async def customers(self, customers: Set[str] | None) -> tuple[str, ...]:
        """The customers that have devices, by name."""
        owner = func.coalesce(devices.c.customer, devices.c.asked_customer)
        query = select(owner).where(*visible(customers)).distinct().order_by(owner).limit(1000)
        async with self._database.read() as connection:
            return tuple((await connection.execute(query)).scalars())

    async def counts(
        self,
        customers: Set[str] | None,
        connected: Collection[str],
        text: str = "",
        *,
        customer: str = "",
        finding: str = "",
    ) -> dict[Shown, int]:
        """How many there are of each."""
        found = {}
        async with self._database.read() as connection:
            for shown in Shown:
                where = [*visible(customers), *_conditions(shown, text, connected), *_of(customer, finding)]
                query = select(func.count()).select_from(devices).where(*where)
                found[shown] = int(await connection.scalar(query) or 0)
        return found


def gravest_of_each() -> Subquery:
    """Device → the rank of its gravest present finding."""
    rank = case(*((findings.c.severity == severity, rank) for severity, rank in _GRAVITY.items()), else_=0)
    query = select(findings.c.device, func.max(rank).label("rank")).where(findings.c.state.in_(_PRESENT))
    return query.group_by(findings.c.device).subquery()


def _counts(wanted: list[str]) -> Select[Any]:
    """Device → severity → how many findings are present."""
    return (
        select(findings.c.device, findings.c.severity, func.count().label("number"))
        .where(findings.c.device.in_(wanted), findings.c.state.in_(_PRESENT))
        .group_by(findings.c.device, findings.c.severity)
    )


def _conditions(shown: Shown, text: str, connected: Collection[str]) -> list[ColumnElement[bool]]:
    here = devices.c.device.in_(list(connected))
    found: list[ColumnElement[bool]] = []
    match shown:
        case Shown.ALL:
            found = []
        case Shown.CONNECTED:
            found = [here]
        case Shown.AWAY:
            found = [devices.c.state == EnrolmentState.APPROVED, ~here]
        case Shown.GRAVE:
            grave = select(findings.c.device).where(
                findings.c.state.in_(_PRESENT), findings.c.severity.in_([severity.value for severity in _GRAVE])
            )
            found = [devices.c.device.in_(grave)]
        case Shown.WAITING:
            found = [devices.c.state == EnrolmentState.PENDING]
    if text:
        columns = (devices.c.label, devices.c.device, func.coalesce(devices.c.customer, devices.c.asked_customer))
        found.append(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    return found


def _of(customer: str, finding: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if customer:
        found.append(func.coalesce(devices.c.customer, devices.c.asked_customer) == customer)
    if finding:
        having = select(findings.c.device).where(findings.c.state.in_(_PRESENT), findings.c.code == finding)
        found.append(devices.c.device.in_(having))
    return found


def visible(customers: Set[str] | None) -> list[ColumnElement[bool]]:
    if customers is None:
        return []
    names = sorted(customers)
    approved = and_(devices.c.state == EnrolmentState.APPROVED, devices.c.customer.in_(names))
    return [or_(approved, and_(devices.c.state == EnrolmentState.PENDING, devices.c.asked_customer.in_(names)))]


def _successors(wanted: list[str]) -> Select[Any]:
    """The approved device that each of these machines became."""
    return select(devices.c.replaces, devices.c.device).where(
        devices.c.replaces.in_(wanted), devices.c.state == EnrolmentState.APPROVED
    )


def _line(row: Any, counts: dict[ReportedSeverity, int], replaced_by: str | None) -> DeviceLine:
    return DeviceLine(
        device=row.device,
        label=row.label,
        customer=row.customer or row.asked_customer,
        state=EnrolmentState(row.state),
        last_seen=row.last_seen,
        counts={severity: counts[severity] for severity in ReportedSeverity if severity in counts},
        replaces=row.replaces,
        replaced_by=replaced_by,
    )
