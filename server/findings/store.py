"""Keeps the newest state of each finding and check, and the metrics of the last weeks."""

from collections.abc import Iterable

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from protocol.messages.report import Report, ReportedFinding, ReportedMetric, ReportedSeverity, ReportedState
from server.clock import Clock
from server.findings.model import checks, findings, metrics, report_gaps
from server.findings.rules import PRESENT
from server.storage.engine import Database


class FindingStore:
    def __init__(self, database: Database, now: Clock, *, metrics_kept_days: int) -> None:
        self._database = database
        self._now = now
        self._kept_s = metrics_kept_days * 86_400

    async def take(self, connection: AsyncConnection, device: str, report: Report) -> None:
        """One report, inside the batch writer's transaction. Taking it twice changes nothing."""
        now = self._now()
        for finding in report.findings:
            values = {
                "device": device,
                **finding.model_dump(mode="python"),
                "severity": finding.severity.value,
                "state": finding.state.value,
                "reported_at": report.at,
            }
            insert = self._database.insert(findings).values(**values)
            await connection.execute(
                # An older report that was delivered late must not undo a newer one.
                insert.on_conflict_do_update(
                    index_elements=["device", "code", "instance"],
                    set_=values,
                    where=findings.c.reported_at <= report.at,
                )
            )
        for check in report.checks:
            row = {"device": device, "id": check.id, "status": check.status, "reported_at": report.at}
            insert = self._database.insert(checks).values(**row)
            await connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["device", "id"], set_=row, where=checks.c.reported_at <= report.at
                )
            )
        # A device's clock may be wrong by years; what is not near now would never be plotted nor swept.
        rows = [
            {"device": device, "name": m.name, "instance": m.instance or "", "at": m.at, "value": m.value}
            for m in report.metrics
            if now - self._kept_s <= m.at <= now + 3600
        ]
        if rows:
            await connection.execute(self._database.insert(metrics).values(rows).on_conflict_do_nothing())
        if report.gap_count:
            gap = {"device": device, "at": report.at, "cycles": min(report.gap_count, 1 << 30)}
            await connection.execute(self._database.insert(report_gaps).values(**gap).on_conflict_do_nothing())

    async def of_device(self, device: str) -> tuple[ReportedFinding, ...]:
        query = select(findings).where(findings.c.device == device).order_by(findings.c.last_seen.desc()).limit(1000)
        async with self._database.read() as connection:
            return tuple(
                ReportedFinding(
                    code=row.code,
                    instance=row.instance,
                    severity=ReportedSeverity(row.severity),
                    state=ReportedState(row.state),
                    first_seen=row.first_seen,
                    last_seen=row.last_seen,
                    count=row._mapping["count"],
                    known_issue=row.known_issue,
                )
                for row in await connection.execute(query)
            )

    async def counts(self, devices: Iterable[str]) -> dict[str, dict[str, int]]:
        """Device → severity → how many findings are present now."""
        query = (
            select(findings.c.device, findings.c.severity, func.count().label("number"))
            .where(findings.c.device.in_(list(devices)), findings.c.state.in_([state.value for state in PRESENT]))
            .group_by(findings.c.device, findings.c.severity)
        )
        counted: dict[str, dict[str, int]] = {}
        async with self._database.read() as connection:
            for row in await connection.execute(query):
                counted.setdefault(row.device, {})[row.severity] = row.number
        return counted

    async def metric_names(self, device: str) -> tuple[str, ...]:
        query = select(metrics.c.name).where(metrics.c.device == device).distinct().order_by(metrics.c.name).limit(500)
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

    async def checks_of(self, device: str) -> dict[str, str]:
        """Check id → newest status."""
        query = select(checks.c.id, checks.c.status).where(checks.c.device == device).order_by(checks.c.id)
        async with self._database.read() as connection:
            return {row.id: row.status for row in await connection.execute(query)}

    async def sweep(self) -> None:
        """Forget metrics older than kept."""
        async with self._database.write() as connection:
            await connection.execute(delete(metrics).where(metrics.c.at < self._now() - self._kept_s))
