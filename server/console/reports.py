"""Reports: all figures of a period side by side, and one figure with its definition, its plot and the rows behind it.

/reports?period=month                     every figure, against the period before
/reports/first-line?period=year&part=dns  one figure; the rows of one part
/reports/first-line/rows.csv, rows.json   the same rows as a file
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from server.asking import office_of
from server.console.devices import page_number
from server.console.face import show
from server.console.reports_view import change_text, number_text, plot_of
from server.console.words import from_code, ticket_title
from server.people.door import page, visitor_of
from server.refusal import Refusal
from server.reports.behind import COLUMNS, Kind, cells_of
from server.reports.definitions import BY_KEY, FIGURES
from server.reports.export import csv_of, json_of
from server.reports.figures import Figure, Part, Source
from server.reports.period import CHOICES, OWN, Period, chosen_period
from server.reports.report import Report, report_of
from server.reports.rows import ASKED
from server.reports.store import Reading, names_of, reading_for

ROWS_SHOWN: Final = 50
PARTS_SHOWN: Final = 12


@dataclass(frozen=True)
class _Asked:
    """What the address asks for, within what its reader may see."""

    period: Period
    customer: str
    part: str
    reading: Reading

    def query(self, **changes: object) -> str:
        """The same again, with some of it changed; empty parts are left out."""
        chosen: dict[str, object] = {"period": self.period.key, "customer": self.customer, "part": self.part}
        if self.period.key == OWN:
            chosen |= {"from": self.period.first_date, "to": self.period.last_date}
        found = {name: str(value) for name, value in {**chosen, **changes}.items() if value}
        return f"?{urlencode(found)}" if found else ""


def _asked(request: Request) -> _Asked:
    office, reach, query = office_of(request), visitor_of(request).reach, request.query_params
    customer = query.get("customer", "")[:120]
    customers = reach.customers
    if customer:
        customers = frozenset({customer}) if customers is None else customers & {customer}
    now = office.now()
    period = chosen_period(query.get("period", ""), query.get("from", ""), query.get("to", ""), now)
    reading = reading_for(office.database, office.now, customers, period)
    return _Asked(period, customer, query.get("part", "")[:120], reading)


async def reports(request: Request) -> Response:
    asked = _asked(request)
    rows = {source: await asked.reading.rows(source) for source in Source}
    tiles = [_tile(report_of(figure, rows[figure.source], asked.period, drawn=False), asked) for figure in FIGURES]
    return show(request, "reports.html", here="reports", tiles=tiles, **await _chooser(request, asked, "/reports"))


def _tile(report: Report, asked: _Asked) -> dict[str, Any]:
    figure = report.figure
    note = ", ".join(text for text in (figure.note, change_text(report)) if text)
    return {
        "title": figure.title,
        "value": number_text(report.now.value, figure.unit),
        "note": note,
        "tone": report.tone,
        "href": f"/reports/{figure.key}{asked.query(part='')}",
        "values": report.values if sum(value is not None for value in report.values) > 1 else None,
    }


async def figure(request: Request) -> Response:
    asked, report = await _report(request)
    here = f"/reports/{report.figure.key}"
    rows = report.behind(asked.part)
    number = page_number(request.query_params.get("page", ""))
    shown = rows[(number - 1) * ROWS_SHOWN : number * ROWS_SHOWN]
    first = (number - 1) * ROWS_SHOWN + 1
    return show(
        request,
        "reports_figure.html",
        here="reports",
        report=report,
        figure=report.figure,
        value=number_text(report.now.value, report.figure.unit),
        before=number_text(report.before.value, report.figure.unit),
        change=change_text(report),
        plot=plot_of(report),
        parts=_parts(report, asked, here),
        parts_shown=PARTS_SHOWN,
        part_label=next((_label(part) for part in report.now.parts if part.key == asked.part), asked.part),
        columns=[one for one in COLUMNS[report.figure.source] if one.on_page],
        rows=await _cells(request, report, shown),
        rows_note=f"{first}–{first + len(shown) - 1} of {len(rows)}" if shown else f"0 of {len(rows)}",
        rows_total=len(rows),
        newer=f"{here}{asked.query(page=number - 1)}#rows" if number > 1 else "",
        older=f"{here}{asked.query(page=number + 1)}#rows" if number * ROWS_SHOWN < len(rows) else "",
        all_parts=f"{here}{asked.query(part='')}#rows",
        csv=f"{here}/rows.csv{asked.query()}",
        json=f"{here}/rows.json{asked.query()}",
        **await _chooser(request, asked, here),
    )


async def rows_csv(request: Request) -> Response:
    asked, report = await _report(request)
    # The mark at the start tells spreadsheets that this is UTF-8.
    return _file("\ufeff" + csv_of(report, asked.part), "text/csv; charset=utf-8", report, "csv")


async def rows_json(request: Request) -> Response:
    asked, report = await _report(request)
    return _file(json_of(report, asked.part), "application/json", report, "json")


def _file(text: str, media_type: str, report: Report, suffix: str) -> Response:
    name = f"{report.figure.key}-{report.period.first_date}-{report.period.last_date}.{suffix}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=media_type, headers=headers)


async def _report(request: Request) -> tuple[_Asked, Report]:
    found: Figure[Any] | None = BY_KEY.get(request.path_params["figure"])
    if found is None:
        raise Refusal(404, "there is no such figure", expected=", ".join(BY_KEY))
    asked = _asked(request)
    return asked, report_of(found, await asked.reading.rows(found.source), asked.period)


async def _chooser(request: Request, asked: _Asked, path: str) -> dict[str, Any]:
    """Period and customer: what is chosen, and what else there is."""
    office, reach = office_of(request), visitor_of(request).reach
    customers = [(name, name) for name in await office.listing.customers(reach.customers)]
    plain = {"part": "", "from": "", "to": ""}
    return {
        "period": asked.period,
        "customer": asked.customer,
        "customers": customers,
        "truncated": asked.reading.truncated,
        "path": path,
        "periods": [
            {"key": key, "label": label, "href": f"{path}{asked.query(**{**plain, 'period': key})}"}
            for key, (label, _) in CHOICES.items()
        ],
    }


def _label(part: Part) -> str:
    """Codes of findings as the rest of the console says them."""
    return from_code(part.label) if part.label == part.key and part.key != ASKED else part.label


def _parts(report: Report, asked: _Asked, here: str) -> list[dict[str, Any]]:
    figure = report.figure
    before = {part.key: part for part in report.before.parts}
    return [
        {
            "label": _label(part) if figure.part_name in ("Cause", "Scope", "Known issue") else part.label,
            "code": part.key if figure.part_name == "Cause" and part.key != ASKED else "",
            "href": f"{here}{asked.query(part=part.key)}#rows",
            "numbers": [
                (column.label, number_text(value, column.unit), _was(before.get(part.key), at, column.unit))
                for at, (column, value) in enumerate(zip(figure.columns, part.numbers, strict=True))
            ],
        }
        for part in report.now.parts
    ]


def _was(part: Part | None, at: int, unit: Any) -> str:
    return "" if part is None else number_text(part.numbers[at], unit)


async def _cells(request: Request, report: Report, rows: tuple[Any, ...]) -> list[list[dict[str, Any]]]:
    """Row → cell → {label, kind, value, text, href}: for the template to write out."""
    columns = COLUMNS[report.figure.source]
    values = [cells_of(row) for row in rows]

    def ids(kind: Kind) -> frozenset[str]:
        return frozenset(
            str(cell)
            for row in values
            for cell, column in zip(row, columns, strict=True)
            if column.kind is kind and cell
        )

    names = await names_of(office_of(request).database, ids(Kind.TICKET), ids(Kind.DEVICE))
    return [
        [
            {"label": column.label, "kind": column.kind.value, "value": cell, **_link(column.kind, cell, names)}
            for cell, column in zip(row, columns, strict=True)
            if column.on_page
        ]
        for row in values
    ]


def _link(kind: Kind, cell: object, names: dict[str, Any]) -> dict[str, str]:
    match kind:
        case Kind.TICKET if cell in names:
            return {"text": ticket_title(*names[str(cell)]), "href": f"/tickets/{cell}"}
        case Kind.DEVICE if cell in names:
            return {"text": names[str(cell)] or "Unnamed device", "href": f"/devices/{cell}"}
        case _:
            return {"text": "", "href": ""}


routes = [
    page("GET", "/reports", reports),
    page("GET", "/reports/{figure}", figure),
    page("GET", "/reports/{figure}/rows.csv", rows_csv),
    page("GET", "/reports/{figure}/rows.json", rows_json),
]
