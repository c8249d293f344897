"""Abuse: somebody at this machine says that a visit was wrong. From then on nobody comes in, asked for or not.

    report ─► frozen in memory ─► every visit ended, open questions refused ─► on the disk ─► words to the desk
    an administrator of the machine, later ─► unfreeze

Frozen means: every offer is declined before any question, the owner's unattended policy lets nobody in, over restarts,
until an administrator of the machine lifts it. What was reported stays here, with the receipt and the journal of the
visit it is about, and can be taken along as one file. The organisation hears nothing of it but the words that the
customer addresses to the desk, and those only when they say so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from agent.clocks import Clocks
from agent.refusal import Refusal
from agent.store.database import Database, NotWritten
from protocol.strict_json import WireModel

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS abuse_reports (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        reported_at INTEGER NOT NULL,
        reported_by TEXT NOT NULL,
        words TEXT NOT NULL,
        technician TEXT NOT NULL,
        organisation TEXT NOT NULL,
        ticket TEXT,
        grant_hash BLOB,
        told_desk INTEGER NOT NULL DEFAULT 0,
        lifted_at INTEGER,
        lifted_by TEXT
    ) STRICT""",
)


@dataclass(frozen=True)
class About:
    """The visit a report is about, from verified statements; empty fields when it is about none in particular."""

    technician: str = ""
    organisation: str = ""
    ticket: str | None = None
    grant: bytes | None = None


@dataclass(frozen=True)
class AbuseReport:
    number: int
    reported_at: int
    reported_by: str
    words: str
    technician: str
    organisation: str
    ticket: str | None
    grant: bytes | None
    told_desk: bool
    lifted_at: int | None
    lifted_by: str | None


class AbuseExport(WireModel):
    """The file that a customer takes along. `proof`: the visit's proof file, once its receipt is made."""

    kind: Annotated[str, Field(pattern="^bellpull-abuse-report$")] = "bellpull-abuse-report"
    version: int = 1
    device: str
    number: int
    reported_at: int
    reported_by: str
    words: str
    technician: str
    organisation: str
    ticket: str | None
    grant: str | None
    told_desk: bool
    lifted_at: int | None
    lifted_by: str | None
    proof: dict[str, Any] | None
    journal: tuple[dict[str, Any], ...]


class Freeze:
    """One for the service."""

    def __init__(self, database: Database, clocks: Clocks) -> None:
        self._database = database
        self._clocks = clocks
        self._unwritten = False
        self._reported_boot_s: float | None = None

    @property
    def on(self) -> bool:
        """Whether nobody may come in."""
        return self._unwritten or bool(
            self._database.query("SELECT 1 FROM abuse_reports WHERE lifted_at IS NULL LIMIT 1")
        )

    @property
    def reported_boot_s(self) -> float | None:
        """When, by the boot clock, abuse was last reported in this run: no act before it invites anybody."""
        return self._reported_boot_s

    def report(self, words: str, by: str, about: About, end_everything: Callable[[], int]) -> tuple[AbuseReport, int]:
        """Freeze, end, keep: in this order. On a full disk the door is shut all the same; NotWritten says it."""
        self._unwritten = True
        self._reported_boot_s = self._clocks.boot()
        ended = end_everything()
        try:
            with self._database.transaction() as connection:
                cursor = connection.execute(
                    "INSERT INTO abuse_reports (reported_at, reported_by, words, technician, organisation, ticket,"
                    " grant_hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        self._clocks.wall(),
                        by[:120],
                        words,
                        about.technician,
                        about.organisation,
                        about.ticket,
                        about.grant,
                    ),
                )
                number = cursor.lastrowid
        except NotWritten as error:
            raise NotWritten(
                "the report could not be written; nobody is let in until Bellpull is started again",
                expected=error.expected,
                got=error.got,
                hint="Free some space on the disk and report it again, so that it also holds over a restart.",
            ) from error
        self._unwritten = False
        assert number is not None  # noqa: S101 - sqlite always numbers an inserted row
        return self.get(number), ended

    def told_desk(self, number: int) -> None:
        # Words to the desk count as asking for help; these invite nobody.
        self._reported_boot_s = self._clocks.boot()
        with self._database.transaction() as connection:
            connection.execute("UPDATE abuse_reports SET told_desk = 1 WHERE number = ?", (number,))

    def lift(self, by: str) -> int:
        """Let sessions be possible again; how many reports were open. Who may is checked at the socket."""
        with self._database.transaction() as connection:
            done = connection.execute(
                "UPDATE abuse_reports SET lifted_at = ?, lifted_by = ? WHERE lifted_at IS NULL",
                (self._clocks.wall(), by[:120]),
            )
            self._unwritten = False
            return done.rowcount

    def list(self) -> list[AbuseReport]:
        """Newest first."""
        rows = self._database.query("SELECT * FROM abuse_reports ORDER BY number DESC LIMIT 200")
        return [_read(row) for row in rows]

    def get(self, number: int) -> AbuseReport:
        rows = self._database.query("SELECT * FROM abuse_reports WHERE number = ?", (number,))
        if not rows:
            raise Refusal(
                "there is no such report",
                expected="the number of a report of this computer",
                got=str(number),
                hint="List them: bellpull-agent report-abuse --list",
            )
        return _read(rows[0])


def _read(row: Any) -> AbuseReport:
    return AbuseReport(
        number=row["number"],
        reported_at=row["reported_at"],
        reported_by=row["reported_by"],
        words=row["words"],
        technician=row["technician"],
        organisation=row["organisation"],
        ticket=row["ticket"],
        grant=row["grant_hash"],
        told_desk=bool(row["told_desk"]),
        lifted_at=row["lifted_at"],
        lifted_by=row["lifted_by"],
    )


def report_value(report: AbuseReport) -> dict[str, object]:
    return {
        "number": report.number,
        "reported_at": report.reported_at,
        "reported_by": report.reported_by,
        "words": report.words,
        "technician": report.technician,
        "organisation": report.organisation,
        "ticket": report.ticket,
        "grant": None if report.grant is None else report.grant.hex(),
        "told_desk": report.told_desk,
        "lifted_at": report.lifted_at,
        "lifted_by": report.lifted_by,
    }
