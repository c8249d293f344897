"""A report as files: CSV for spreadsheets, JSON for programs. The same rows, in the same order, as on the page.

A cell of a CSV file that begins with = + - @ (also in their wide forms), a tab or a line end may be run as a formula
by a spreadsheet. Names and labels come from other people's machines, so such a text gets an apostrophe before it,
which spreadsheets show as text. Numbers are written as numbers.
"""

import csv
import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from server.reports.behind import COLUMNS, Kind, Value, cells_of, table_of
from server.reports.figures import Measure
from server.reports.report import Report

_RUN_AS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")


def text_cell(text: str) -> str:
    """A text that no spreadsheet runs. What precedes it does not help it: spreadsheets trim spaces."""
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_RUN_AS_FORMULA) or text.startswith("'") else text


def csv_of(report: Report, part: str = "") -> str:
    """RFC 4180, with a header line. Times are ISO 8601 in UTC, lengths are seconds."""
    columns = COLUMNS[report.figure.source]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([text_cell(_header(column.label, column.kind)) for column in columns])
    for row in report.behind(part):
        cells = zip(cells_of(row), columns, strict=True)
        writer.writerow([_cell(value, column.kind) for value, column in cells])
    return out.getvalue()


def json_of(report: Report, part: str = "") -> str:
    """The figure, its definition, both periods, its parts and the rows behind it. Times are unix seconds."""
    figure = report.figure
    document = {
        "figure": figure.key,
        "title": figure.title,
        "definition": figure.definition,
        "unit": figure.unit.value,
        "from": report.period.first_date,
        "to": report.period.last_date,
        "value": report.now.value,
        "rows_counted": report.now.of,
        "before": {"from": report.period.before.first_date, "to": report.period.before.last_date,
                   "value": report.before.value, "rows_counted": report.before.of},
        "columns": [{"label": column.label, "unit": column.unit.value} for column in figure.columns],
        "parts": _parts(report.now),
        "steps": list(report.period.steps),
        "lines": {line.label: list(line.values) for line in report.lines},
        "part": part or None,
        "rows": table_of(figure.source, report.behind(part)),
    }  # fmt: skip
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _parts(measure: Measure) -> Iterable[dict[str, object]]:
    return [{"key": part.key, "label": part.label, "numbers": list(part.numbers)} for part in measure.parts]


def _header(label: str, kind: Kind) -> str:
    match kind:
        case Kind.TIME:
            return f"{label} (UTC)"
        case Kind.SECONDS:
            return f"{label} (s)"
        case _:
            return label


def _cell(value: Value, kind: Kind) -> str | int | float:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return text_cell(value)
        case int() | float() if kind in (Kind.TIME, Kind.DAY):
            return _moment(value, kind)
        case int() | float():
            return value


def _moment(value: float, kind: Kind) -> str:
    try:
        moment = datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return ""  # a time that no calendar has
    return moment.date().isoformat() if kind is Kind.DAY else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
