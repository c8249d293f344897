"""Findings, check runs and metric history in the agent's database: written by the service after each look."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from agent.refusal import Refusal
from agent.store.database import Database
from agent.store.kept_values import KeptValues
from agent.watch.look import Explained, Look, MetricPoint, SeenFinding
from diagnostics.findings import Finding, FindingEvent, FindingState, WrongTransition
from diagnostics.history import KEPT_S, Point
from diagnostics.strict_json import StrictJsonError, decode, dump_json, encode, load_json

# Every look for a day (forecasts look at 24 h closely), one an hour before that, for 30 days.
_CLOSE_S: Final = 25 * 3600
_HOUR_S: Final = 3600
#: What the history may take by our count; SQLite's pages add a quarter, so that it stays below 20 MB on the disk.
HISTORY_MAX_BYTES: Final = 14_000_000
# A row beside its two names: time, number, and the record's own header.
_ROW_BYTES: Final = 20
_IN_USE_S: Final = 86_400
SNOOZE_MAX_S: Final = 30 * 86_400
#: The kept value that holds what the last looks saw, as diagnostics.changes.store writes it.
PAST: Final = "watch-past"
#: And the one that holds which kinds of log messages it knows, as diagnostics.log_templates writes it.
TEMPLATES: Final = "watch-templates"


@dataclass(frozen=True)
class CheckRun:
    id: str
    status: str
    reason: str
    ms: int
    at: int


class FindingStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = KeptValues(database)
        self._swept_hour = -1

    # --- after a look ---------------------------------------------------------------------------------------

    def keep(self, look: Look, now: int) -> None:
        """The whole outcome of one look, or nothing of it."""
        with self._database.transaction() as connection:
            seen = {entry.finding.fingerprint for entry in look.findings}
            for row in connection.execute("SELECT fingerprint FROM findings").fetchall():
                if row["fingerprint"] not in seen:
                    connection.execute("DELETE FROM findings WHERE fingerprint = ?", (row["fingerprint"],))
            for entry in look.findings:
                self._put(connection, entry, now)
            for check in look.checks:
                connection.execute(
                    "INSERT INTO check_runs VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                    "status = excluded.status, reason = excluded.reason, ms = excluded.ms, at = excluded.at",
                    (check.id, check.status, check.reason, check.ms, now),
                )
            self._append(connection, look.metrics, now)
            if look.past:
                self._kept.put(PAST, look.past)
            if look.templates:
                self._kept.put(TEMPLATES, look.templates)

    def forget_others(self, checks: Iterable[str]) -> None:
        """Runs of the checks of applications that are not watched any more."""
        watched = set(checks)
        for run in self.check_runs():
            if run.id.startswith("application-") and run.id not in watched:
                with self._database.transaction() as connection:
                    connection.execute("DELETE FROM check_runs WHERE id = ?", (run.id,))

    def _put(self, connection: sqlite3.Connection, entry: SeenFinding, now: int) -> None:
        connection.execute(
            "INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, NULL, ?) ON CONFLICT (fingerprint) DO UPDATE SET "
            "body = excluded.body, words = excluded.words, known_issue = excluded.known_issue, "
            "advice = excluded.advice, article = excluded.article, updated_at = excluded.updated_at",
            (
                entry.finding.fingerprint,
                dump_json(encode(entry.finding)),
                dump_json(encode(entry.words)),
                entry.known_issue,
                dump_json(encode(entry.advice)),
                entry.article,
                now,
            ),
        )

    def _append(self, connection: sqlite3.Connection, metrics: Sequence[MetricPoint], now: int) -> None:
        for metric in metrics:
            # A clock that was set back: the newer word holds, the future is forgotten (as MemoryHistory does).
            connection.execute(
                "DELETE FROM metric_history WHERE name = ? AND instance = ? AND at >= ?",
                (metric.name, metric.instance, now),
            )
            connection.execute(
                "INSERT INTO metric_history VALUES (?, ?, ?, ?)", (metric.name, metric.instance, now, metric.value)
            )
        # The whole table is walked for what follows: once an hour is enough for what happens by the hour.
        if self._swept_hour == now // _HOUR_S:
            return
        self._swept_hour = now // _HOUR_S
        connection.execute("DELETE FROM metric_history WHERE at < ?", (now - KEPT_S,))
        # Thin out: of each hour that is older than a day, the first point stays.
        connection.execute(
            "DELETE FROM metric_history AS old WHERE old.at < ? AND EXISTS (SELECT 1 FROM metric_history AS first "
            # The second bound lets the index find the hour instead of reading the series from its start.
            "WHERE first.name = old.name AND first.instance = old.instance AND first.at < old.at "
            "AND first.at > old.at - ? AND first.at / ? = old.at / ?)",
            (now - _CLOSE_S, _HOUR_S, _HOUR_S, _HOUR_S),
        )
        self._bound(connection, now)

    def _bound(self, connection: sqlite3.Connection, now: int) -> None:
        """Keep the history within HISTORY_MAX_BYTES: series that ended go first, the longest ago before the others;
        when all are in use, every one loses its oldest part."""
        series = connection.execute(
            "SELECT name, instance, MAX(at) AS last, COUNT(*) * (? + LENGTH(name) + LENGTH(CAST(instance AS BLOB))) "
            "AS bytes FROM metric_history GROUP BY name, instance ORDER BY last, name, instance",
            (_ROW_BYTES,),
        ).fetchall()
        over = sum(row["bytes"] for row in series) - HISTORY_MAX_BYTES
        for row in series:
            if over <= 0 or row["last"] >= now - _IN_USE_S:
                break
            connection.execute(
                "DELETE FROM metric_history WHERE name = ? AND instance = ?", (row["name"], row["instance"])
            )
            over -= row["bytes"]
        kept_s = KEPT_S
        while over > 0 and kept_s > _HOUR_S:
            kept_s = kept_s * 3 // 4
            connection.execute("DELETE FROM metric_history WHERE at < ?", (now - kept_s,))
            (left,) = connection.execute(
                "SELECT COALESCE(SUM(? + LENGTH(name) + LENGTH(CAST(instance AS BLOB))), 0) FROM metric_history",
                (_ROW_BYTES,),
            ).fetchone()
            over = left - HISTORY_MAX_BYTES

    # --- a person's word ------------------------------------------------------------------------------------

    def snooze(self, fingerprint: str, until: int, now: int) -> None:
        if not now < until <= now + SNOOZE_MAX_S:
            raise Refusal("this time cannot be snoozed", expected="a time within 30 days", got=f"{until - now} s")
        self._change(fingerprint, FindingEvent.SNOOZE, now, until)

    def ignore(self, fingerprint: str, now: int) -> None:
        self._change(fingerprint, FindingEvent.IGNORE, now, None)

    def unignore(self, fingerprint: str, now: int) -> None:
        self._change(fingerprint, FindingEvent.UNIGNORE, now, None)

    def _change(self, fingerprint: str, event: FindingEvent, now: int, until: int | None) -> None:
        entry = self.get(fingerprint)
        if entry is None:
            raise Refusal(
                "there is no such finding", expected="a fingerprint of bellpull-agent status", got=fingerprint
            )
        try:
            changed = replace(entry, finding=entry.finding.after(event))
        except WrongTransition as error:
            raise Refusal("this finding cannot be changed so now", got=str(error)) from None
        with self._database.transaction() as connection:
            self._put(connection, changed, now)
            connection.execute("UPDATE findings SET snoozed_until = ? WHERE fingerprint = ?", (until, fingerprint))

    # --- reading --------------------------------------------------------------------------------------------

    def all(self) -> list[SeenFinding]:
        """Without those that are damaged on the disk: the next look finds anew what is there."""
        rows = self._database.query("SELECT * FROM findings ORDER BY fingerprint")
        return [entry for row in rows if (entry := _read(row)) is not None]

    def get(self, fingerprint: str) -> SeenFinding | None:
        rows = self._database.query("SELECT * FROM findings WHERE fingerprint = ?", (fingerprint,))
        return _read(rows[0]) if rows else None

    def visible(self) -> list[SeenFinding]:
        """What a person is shown: active and not explained by another; gravest first."""
        shown = [
            entry
            for entry in self.all()
            if entry.finding.state is FindingState.ACTIVE and entry.finding.explained_by is None
        ]
        return sorted(shown, key=lambda entry: (-entry.finding.severity.rank, entry.finding.first_seen_unix_s))

    def history(self, since: int, metric: str = "") -> dict[tuple[str, str], list[Point]]:
        """Every kept series (or those of one metric) by metric and instance, each oldest first."""
        found: dict[tuple[str, str], list[Point]] = {}
        for row in self._database.query(
            "SELECT name, instance, at, value FROM metric_history WHERE at >= ? AND (? = '' OR name = ?) "
            "ORDER BY name, instance, at",
            (since, metric, metric),
        ):
            found.setdefault((row["name"], row["instance"]), []).append(Point(row["at"], row["value"]))
        return found

    def check_runs(self) -> list[CheckRun]:
        rows = self._database.query("SELECT id, status, reason, ms, at FROM check_runs ORDER BY id")
        return [CheckRun(row["id"], row["status"], row["reason"], row["ms"], row["at"]) for row in rows]


class StoredHistory:
    """`diagnostics.history.History` over the database file, opened read-only: for the worker, beside the service."""

    def __init__(self, database: Path) -> None:
        self._connection = open_read_only(database)

    def series(self, metric: str, instance: str, *, since_unix_s: int) -> Sequence[Point]:
        rows = self._connection.execute(
            "SELECT at, value FROM metric_history WHERE name = ? AND instance = ? AND at >= ? ORDER BY at",
            (metric, instance, since_unix_s),
        )
        return tuple(Point(row[0], row[1]) for row in rows)

    def known_findings(self) -> tuple[list[Finding], Mapping[str, int]]:
        """The store before this look, and when snoozed findings wake."""
        rows = self._connection.execute("SELECT fingerprint, body, snoozed_until FROM findings").fetchall()
        findings = [decode(Finding, load_json(row[1])) for row in rows]
        return findings, {row[0]: row[2] for row in rows if row[2] is not None}

    def kept(self, name: str) -> str:
        """PAST or TEMPLATES, as the looks before this one left it; empty before the first."""
        row = self._connection.execute("SELECT value FROM kept_values WHERE name = ?", (name,)).fetchone()
        return "" if row is None else str(row[0])

    def close(self) -> None:
        self._connection.close()


def open_read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)


def _read(row: sqlite3.Row) -> SeenFinding | None:
    """None for a row that is not what was written."""
    try:
        found = SeenFinding(
            finding=decode(Finding, load_json(row["body"])),
            words=_explained(row["words"]),
            known_issue=row["known_issue"],
            advice=_explained(row["advice"]),
            article=row["article"],
        )
    except (StrictJsonError, ValueError):
        return None
    return found if found.finding.fingerprint == row["fingerprint"] and "en" in found.words else None


def _explained(stored: str) -> dict[str, Explained]:
    value = load_json(stored)
    if not isinstance(value, dict):
        raise StrictJsonError("words by language are an object")
    return {language: decode(Explained, words) for language, words in value.items()}
