"""Keeps the newest state of each finding and check, and the metrics of the last weeks.

A device is not trusted to be modest: how many different findings, checks and metric rows one may leave here is bounded,
and what is left out is counted.
"""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import and_, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.messages.api import TrialRow
from protocol.messages.report import (
    Report,
    ReportedCheck,
    ReportedFinding,
    ReportedMetric,
    ReportedSeverity,
    ReportedState,
)
from server.clock import Clock
from server.findings.answers import Explained, answer_of
from server.findings.counters import TRIAL_PREFIX, Point, trial_rows
from server.findings.model import checks, findings, metrics, report_gaps
from server.findings.rules import CHECKS_MAX, FINDINGS_MAX, PRESENT
from server.storage.engine import Database

#: Findings that ended are shown this long.
_ENDED_KEPT_S = 90 * 86_400


class FindingStore:
    """`may_keep(device, rows)`: the quota of metric rows."""

    def __init__(
        self, database: Database, now: Clock, *, metrics_kept_days: int, may_keep: Callable[[str, int], bool]
    ) -> None:
        self._database = database
        self._now = now
        self._kept_s = metrics_kept_days * 86_400
        self._may_keep = may_keep

    async def take(self, connection: AsyncConnection, device: str, report: Report) -> int:
        """One report, inside the batch writer's transaction. Taking it twice changes nothing.

        Returns how many of its rows were left out for the device's bounds.
        """
        left_out = await self._take_findings(connection, device, report.findings, report.at)
        left_out += await self._take_checks(connection, device, report.checks, report.at)
        left_out += await self._take_metrics(connection, device, report.metrics)
        if report.gap_count:
            gap = {"device": device, "at": report.at, "cycles": min(report.gap_count, 1 << 30)}
            await connection.execute(self._database.insert(report_gaps).values(**gap).on_conflict_do_nothing())
        return left_out

    async def _take_findings(
        self, connection: AsyncConnection, device: str, reported: tuple[ReportedFinding, ...], at: int
    ) -> int:
        if not reported:
            return 0
        query = select(findings.c.code, findings.c.instance).where(findings.c.device == device)
        known = {(row.code, row.instance) for row in await connection.execute(query)}
        left_out = 0
        for finding in reported:
            if (finding.code, finding.instance) not in known and len(known) >= FINDINGS_MAX:
                left_out += 1
                continue
            known.add((finding.code, finding.instance))
            values = {"device": device, **finding.model_dump(mode="json"), "reported_at": at}
            await connection.execute(
                # An older report that was delivered late must not undo a newer one.
                self._database.insert(findings)
                .values(**values)
                .on_conflict_do_update(
                    index_elements=["device", "code", "instance"], set_=values, where=findings.c.reported_at <= at
                )
            )
        return left_out

    async def _take_checks(
        self, connection: AsyncConnection, device: str, reported: tuple[ReportedCheck, ...], at: int
    ) -> int:
        if not reported:
            return 0
        known = set((await connection.execute(select(checks.c.id).where(checks.c.device == device))).scalars())
        left_out = 0
        for check in reported:
            if check.id not in known and len(known) >= CHECKS_MAX:
                left_out += 1
                continue
            known.add(check.id)
            values = {"device": device, "id": check.id, "status": check.status, "reported_at": at}
            await connection.execute(
                self._database.insert(checks)
                .values(**values)
                .on_conflict_do_update(index_elements=["device", "id"], set_=values, where=checks.c.reported_at <= at)
            )
        return left_out

    async def _take_metrics(
        self, connection: AsyncConnection, device: str, reported: tuple[ReportedMetric, ...]
    ) -> int:
        now = self._now()
        # A device's clock may be wrong by years; what is not near now would never be plotted nor swept.
        rows = [
            {"device": device, "name": m.name, "instance": m.instance or "", "at": m.at, "value": m.value}
            for m in reported
            if now - self._kept_s <= m.at <= now + 3600
        ]
        if not rows:
            return len(reported)
        if not self._may_keep(device, len(rows)):
            return len(reported)
        await connection.execute(self._database.insert(metrics).values(rows).on_conflict_do_nothing())
        return len(reported) - len(rows)

    # --- reading -------------------------------------------------------------------------------------------

    async def of_device(self, device: str) -> tuple[ReportedFinding, ...]:
        query = select(findings).where(findings.c.device == device).order_by(findings.c.last_seen.desc()).limit(1000)
        async with self._database.read() as connection:
            return tuple(
                ReportedFinding(
                    code=row["code"],
                    instance=row["instance"],
                    severity=ReportedSeverity(row["severity"]),
                    state=ReportedState(row["state"]),
                    first_seen=row["first_seen"],
                    last_seen=row["last_seen"],
                    count=row["count"],
                    known_issue=row["known_issue"],
                )
                for row in (await connection.execute(query)).mappings()
            )

    async def counts(self, devices: Iterable[str]) -> dict[str, dict[str, int]]:
        """Device → severity → how many findings are present now. One device, or all when there are many."""
        wanted = list(devices)
        query = (
            select(findings.c.device, findings.c.severity, func.count().label("number"))
            .where(findings.c.state.in_([state.value for state in PRESENT]))
            .group_by(findings.c.device, findings.c.severity)
        )
        if len(wanted) <= 500:  # a database takes only so many values in one statement
            query = query.where(findings.c.device.in_(wanted))
        counted: dict[str, dict[str, int]] = {}
        async with self._database.read() as connection:
            for row in await connection.execute(query):
                counted.setdefault(row.device, {})[row.severity] = row.number
        return counted

    async def metric_names(self, device: str) -> tuple[str, ...]:
        """Those that are worth a plot of a device; counters of trials are read over all of them."""
        query = select(metrics.c.name).where(metrics.c.device == device, ~metrics.c.name.startswith(TRIAL_PREFIX))
        query = query.distinct().order_by(metrics.c.name).limit(500)
        async with self._database.read() as connection:
            return tuple((await connection.execute(query)).scalars())

    async def series(self, device: str, name: str, *, since: int, limit: int = 5000) -> tuple[ReportedMetric, ...]:
        """A metric's values since a time, oldest first; the newest `limit` where there are more."""
        query = (
            select(metrics)
            .where(metrics.c.device == device, metrics.c.name == name, metrics.c.at >= since)
            .order_by(metrics.c.at.desc())
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            ReportedMetric(name=row.name, instance=row.instance or None, at=row.at, value=row.value)
            for row in reversed(rows)
        )

    async def answer(self, device: str, codes: Sequence[str]) -> str | None:
        """The known issue that findings of these codes turned out to be on other devices, if most agree."""
        query = (
            select(findings.c.code, findings.c.known_issue, func.count(func.distinct(findings.c.device)))
            .where(findings.c.code.in_(codes), findings.c.known_issue.is_not(None), findings.c.device != device)
            .group_by(findings.c.code, findings.c.known_issue)
        )
        async with self._database.read() as connection:
            explained = [Explained._make(row) for row in (await connection.execute(query)).all()]
        return answer_of(codes, explained)

    async def trials(self) -> tuple[TrialRow, ...]:
        """What all devices that are still kept here counted of known issues on trial."""
        newest = (
            select(metrics.c.device, metrics.c.name, func.max(metrics.c.at).label("at"))
            .where(metrics.c.name.startswith(TRIAL_PREFIX))
            .group_by(metrics.c.device, metrics.c.name)
            .subquery()
        )
        query = select(metrics.c.device, metrics.c.name, metrics.c.at, metrics.c.value).join(
            newest,
            and_(
                newest.c.device == metrics.c.device,
                newest.c.name == metrics.c.name,
                newest.c.at == metrics.c.at,
            ),
        )
        async with self._database.read() as connection:
            return trial_rows([Point._make(row) for row in (await connection.execute(query)).all()])

    async def checks_of(self, device: str) -> dict[str, str]:
        """Check id → newest status."""
        query = select(checks.c.id, checks.c.status).where(checks.c.device == device).order_by(checks.c.id)
        async with self._database.read() as connection:
            return {row.id: row.status for row in await connection.execute(query)}

    async def sweep(self) -> None:
        """Forget metrics older than kept, and findings that ended long ago."""
        now, present = self._now(), [state.value for state in PRESENT]
        async with self._database.write() as connection:
            await connection.execute(delete(metrics).where(metrics.c.at < now - self._kept_s))
            await connection.execute(delete(report_gaps).where(report_gaps.c.at < now - self._kept_s))
            await connection.execute(
                delete(findings).where(findings.c.state.not_in(present), findings.c.reported_at < now - _ENDED_KEPT_S)
            )
