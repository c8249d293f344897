"""Rows of a result as people read them: each kind's model, its columns, its words. Shared by terminal and workbench.

    {"id":3,"kind":"process","body":"{\\"pid\\":812,\\"name\\":\\"python3\\",…}"}  →  pid 812 · python3 · 12 % · 61 MB …

A body is parsed with diagnostics' own model for its kind: what does not fit is a mistake or lie of the device, shown as
one broken row, never guessed at. A kind this version does not know is shown as its JSON text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from diagnostics.checks.catalogue import CATALOGUE, explain
from diagnostics.collectors.logs import LogFile
from diagnostics.examine import CheckResult
from diagnostics.findings import Finding
from diagnostics.observations import LogLine, Process, Service
from diagnostics.strict_json import StrictJsonError, decode, load_json
from diagnostics.wording import Language
from protocol.visit import Item
from technician.session.file_rows import FILE_ROWS
from technician.session.row_kind import Column, RowKind, time_text
from technician.session.visit_rows import VISIT_ROWS
from web.figures import duration, percent, size


@dataclass(frozen=True)
class ShownTable:
    """All rows of one kind in one result. `broken`: how many did not fit their model."""

    kind: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    broken: int = 0

    @property
    def column_labels(self) -> list[object]:
        """As web's row_table takes them."""
        return [{"label": column.label, "kind": column.kind} for column in self.columns]


_CHECK_TITLES: Final = {check.id: check.title for check in CATALOGUE}
_SYSLOG: Final = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")


def _check(row: CheckResult) -> tuple[str, ...]:
    return (_CHECK_TITLES.get(row.id, row.id), row.status.value, f"{row.ms} ms", row.reason)


def _finding(row: Finding) -> tuple[str, ...]:
    words = explain(row, Language.ENGLISH)
    return (row.severity.value, words.title, words.text, row.instance)


def _process(row: Process) -> tuple[str, ...]:
    return (
        str(row.pid),
        row.name,
        row.user,
        percent(row.cpu_fraction),
        size(row.rss_bytes),
        row.state,
        duration(row.age_s),
        str(row.started_ms),
    )


def _service(row: Service) -> tuple[str, ...]:
    return (row.name, f"{row.active_state} ({row.sub_state})", row.enabled, str(row.restarts), row.description)


def _log_line(row: LogLine) -> tuple[str, ...]:
    severity = _SYSLOG[row.severity] if 0 <= row.severity < len(_SYSLOG) else str(row.severity)
    return (time_text(row.at_unix_s), severity, row.unit, row.text)


def _log_file(row: LogFile) -> tuple[str, ...]:
    return (row.name, size(row.size_bytes), time_text(row.modified_unix_s))


_KINDS: Final[tuple[RowKind, ...]] = (
    RowKind(
        "finding",
        "Findings",
        Finding,
        (
            Column("severity", "Severity"),
            Column("title", "What"),
            Column("text", "Meaning"),
            Column("instance", "Where"),
        ),
        _finding,
    ),
    RowKind(
        "check",
        "Checks",
        CheckResult,
        (
            Column("check", "Check"),
            Column("status", "Status"),
            Column("ms", "Took", "number"),
            Column("reason", "Reason"),
        ),
        _check,
    ),
    RowKind(
        "process",
        "Processes",
        Process,
        (
            Column("pid", "PID", "number"),
            Column("name", "Name"),
            Column("user", "User"),
            Column("cpu", "CPU", "number"),
            Column("memory", "Memory", "number"),
            Column("state", "State"),
            Column("age", "Running", "number"),
            Column("started", "Began", "number"),
        ),
        _process,
    ),
    RowKind(
        "service",
        "Services",
        Service,
        (
            Column("name", "Service"),
            Column("state", "State"),
            Column("enabled", "Starts"),
            Column("restarts", "Restarts", "number"),
            Column("description", "Description"),
        ),
        _service,
    ),
    RowKind(
        "log-line",
        "Log",
        LogLine,
        (
            Column("at", "Time (UTC)"),
            Column("severity", "Severity"),
            Column("unit", "Unit"),
            Column("text", "Text", "code"),
        ),
        _log_line,
    ),
    RowKind(
        "log-file",
        "Log files",
        LogFile,
        (Column("name", "File", "code"), Column("size", "Size", "number"), Column("modified", "Changed (UTC)")),
        _log_file,
    ),
    *VISIT_ROWS,
    *FILE_ROWS,
)
KINDS: Final = {kind.name: kind for kind in _KINDS}


class BadRow(ValueError):
    """A row that does not fit the model of its kind."""


def parse_row(item: Item) -> Any:
    """The body as its kind's model. BadRow names the fault; KeyError for a kind unknown here."""
    kind = KINDS[item.kind]
    try:
        return decode(kind.model, load_json(item.body))
    except StrictJsonError as error:
        raise BadRow(str(error)) from None


def show(items: Sequence[Item]) -> list[ShownTable]:
    """The items as tables, findings first, in the catalogue's order; unknown kinds last, as text."""
    tables: list[ShownTable] = []
    for kind in _KINDS:
        of_kind = [item for item in items if item.kind == kind.name]
        if not of_kind:
            continue
        rows: list[tuple[str, ...]] = []
        broken = 0
        for item in of_kind:
            try:
                rows.append(kind.cells(parse_row(item)))
            except BadRow:
                broken += 1
        tables.append(ShownTable(kind.name, kind.title, kind.columns, tuple(rows), broken))
    unknown = tuple((item.kind, item.body) for item in items if item.kind not in KINDS)
    if unknown:
        columns = (Column("kind", "Kind"), Column("body", "As it came", "code"))
        tables.append(ShownTable("unknown", "Not known to this version", columns, unknown))
    return tables
