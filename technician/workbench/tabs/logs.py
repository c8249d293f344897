"""Logs: the journal, or a log file by the name the list shows; filtered by unit, severity, time and words; followed."""

from typing import Any, Final

from protocol.actions.logs import LogsArguments
from protocol.visit import Item
from technician.session.rows import show
from technician.workbench.tabs.fields import make, number, span_s, text
from technician.workbench.tabs.rows_of import rows_of
from technician.workbench.tabs.spec import Act, Form, Tab, TabView

#: Lines on the page at once; a log that is followed for an hour has more.
SHOWN_MAX: Final = 1000
SPANS: Final = (
    ("15m", "15 minutes"),
    ("1h", "an hour"),
    ("6h", "6 hours"),
    ("1d", "a day"),
    ("7d", "a week"),
    ("30d", "30 days"),
)
_LINES: Final = ("log-line", "text-line")
_OWN_PLACE: Final = (*_LINES, "log-file")
_SPAN_OF: Final = {900: "15m", 3600: "1h", 21_600: "6h", 86_400: "1d", 604_800: "7d", 2_592_000: "30d"}


def _read(form: Form) -> LogsArguments:
    until = text(form, "until")
    return make(
        LogsArguments,
        source=text(form, "source", "journal"),
        unit=text(form, "unit"),
        severity=text(form, "severity", "info"),
        since_s=span_s(form, "since", "1h"),
        until_s=span_s(form, "until", "") if until else 0,
        text=text(form, "text"),
        lines=number(form, "lines", 500),
    )


def _files(_form: Form) -> LogsArguments:
    return LogsArguments(list=True)


def _late_notes(items: list[Item]) -> list[Item]:
    """Said after lines had come: that some may be missing since, or that the file was begun anew."""
    first = next((number for number, item in enumerate(items) if item.kind in _LINES), len(items))
    return [item for item in items[first:] if item.kind == "note"]


def _facts(view: TabView) -> dict[str, Any]:
    items = view.run.items if view.run else []
    lines, broken = rows_of(items, "log-line")
    plain, bad_plain = rows_of(items, "text-line")
    late = _late_notes(items)
    placed = {id(item) for item in late}
    notes, bad_notes = rows_of(late, "note")
    files, bad_files = rows_of(items, "log-file")
    given = view.run.arguments.model_dump() if view.run else {}
    return {
        "lines": lines[-SHOWN_MAX:],
        "plain_lines": plain[-SHOWN_MAX:],
        "left_out": max(0, len(lines) - SHOWN_MAX) + max(0, len(plain) - SHOWN_MAX),
        "files": files,
        "gaps": [note.text for note in notes],
        "broken": broken + bad_plain + bad_files + bad_notes,
        "others": show([item for item in items if item.kind not in _OWN_PLACE and id(item) not in placed]),
        "spans": SPANS,
        "since": _SPAN_OF.get(int(given.get("since_s", 3600)), "1h"),
        "source": view.query.get("source", ""),
    }


LOGS: Final = Tab(
    "logs",
    "Logs",
    "list",
    (
        Act("read", "logs", _read, "Read logs"),
        Act("follow", "logs.follow", _read, "Follow logs"),
        Act("files", "logs", _files, "Which files are there?"),
    ),
    _facts,
)
