"""The step journal in the agent's database. Implements `diagnostics.remedies.journal.Journal`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from agent.mending.policy import MendingPolicy
from agent.store.database import Database
from diagnostics.remedies.journal import Phase, Record, Step


@dataclass(frozen=True)
class Run:
    """One run of a remedy. `fingerprint` and `check`: what it is meant to cure; None when it was run on its own."""

    run: str
    remedy: str
    fingerprint: str | None
    check: str | None
    asked_at: int
    local_user: str


class StepJournal:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run: Run) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO mending_runs VALUES (?, ?, ?, ?, ?, ?)",
                (run.run, run.remedy, run.fingerprint, run.check, run.asked_at, run.local_user),
            )

    def append(self, record: Record) -> None:
        """On the disk when this returns; NotWritten otherwise, and the worker goes no further."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO mending_steps (run, remedy, step, phase, at, detail) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    record.run,
                    record.remedy,
                    record.step.value,
                    record.phase.value,
                    record.at_unix_s,
                    record.detail,
                ),
            )

    def records(self, run: str) -> Sequence[Record]:
        rows = self._database.query("SELECT * FROM mending_steps WHERE run = ? ORDER BY seq", (run,))
        return [
            Record(row["run"], row["remedy"], Step(row["step"]), Phase(row["phase"]), row["at"], row["detail"])
            for row in rows
        ]

    def open_runs(self) -> Sequence[str]:
        """Runs with records and without `record done`, oldest first."""
        rows = self._database.query(
            "SELECT run, min(seq) AS first FROM mending_steps GROUP BY run "
            "HAVING sum(step = ? AND phase = ?) = 0 ORDER BY first",
            (Step.RECORD.value, Phase.DONE.value),
        )
        return [row["run"] for row in rows]

    def run(self, run: str) -> Run | None:
        rows = self._database.query("SELECT * FROM mending_runs WHERE run = ?", (run,))
        if not rows:
            return None
        row = rows[0]
        return Run(row["run"], row["remedy"], row["fingerprint"], row["check_id"], row["asked_at"], row["local_user"])

    def runs(self, remedy: str) -> Sequence[Run]:
        """Newest first."""
        rows = self._database.query(
            "SELECT run FROM mending_runs WHERE remedy = ? ORDER BY asked_at DESC, run DESC LIMIT 50", (remedy,)
        )
        found = (self.run(row["run"]) for row in rows)
        return [run for run in found if run is not None]

    def changed_at(self, remedy: str) -> Sequence[int]:
        """When runs of this remedy began to change something: what its budget counts."""
        rows = self._database.query(
            "SELECT min(at) AS began FROM mending_steps WHERE remedy = ? AND step = ? GROUP BY run ORDER BY began",
            (remedy, Step.SNAPSHOT.value),
        )
        return [row["began"] for row in rows]

    def ran_alone(self, since: int, by: str) -> int:
        """How many runs that nobody was asked about have changed something since."""
        rows = self._database.query(
            "SELECT count(DISTINCT steps.run) AS runs FROM mending_steps steps JOIN mending_runs runs "
            "ON runs.run = steps.run WHERE steps.step = ? AND steps.at > ? AND runs.local_user = ?",
            (Step.SNAPSHOT.value, since, by),
        )
        return int(rows[0]["runs"])

    def outcomes(self) -> Mapping[str, int]:
        """How runs have ended, counted over all of them: `solved-mechanically`, `not-solved` …"""
        rows = self._database.query(
            "SELECT json_extract(detail, '$.outcome') AS outcome, count(*) AS runs FROM mending_steps "
            "WHERE step = ? AND phase = ? GROUP BY outcome ORDER BY outcome",
            (Step.RECORD.value, Phase.DONE.value),
        )
        return {str(row["outcome"]): int(row["runs"]) for row in rows}

    def policy(self) -> MendingPolicy:
        """Raises nothing: a row that cannot be read is no permission."""
        rows = self._database.query("SELECT policy FROM mending_policy")
        if not rows:
            return MendingPolicy()
        try:
            return MendingPolicy.model_validate_json(rows[0]["policy"])
        except ValidationError:
            return MendingPolicy(stop=True)

    def set_policy(self, policy: MendingPolicy) -> None:
        """On the disk when this returns."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO mending_policy VALUES (1, ?)", (policy.model_dump_json(),))
