"""Logs: the journal, or a log file by the name the list shows; filtered by unit, severity, time and words."""

from typing import Any, Final

from protocol.actions.logs import LogsArguments
from technician.session.rows import show
from technician.workbench.tabs.fields import make, number, span_s, text
from technician.workbench.tabs.spec import Act, Form, Tab, TabView


def _arguments(form: Form) -> LogsArguments:
    source = text(form, "source", "journal")
    if source == "list":
        return LogsArguments(list=True)
    return make(
        LogsArguments,
        source=source,
        unit=text(form, "unit"),
        severity=text(form, "severity", "info"),
        since_s=span_s(form, "since", "1h"),
        text=text(form, "text"),
        lines=number(form, "lines", 200),
    )


def _files(_form: Form) -> LogsArguments:
    return LogsArguments(list=True)


def _facts(view: TabView) -> dict[str, Any]:
    return {"tables": show(view.run.items) if view.run else []}


LOGS: Final = Tab(
    "logs",
    "Logs",
    "list",
    (Act("read", "logs", _arguments, "Read logs"), Act("files", "logs", _files, "Which files are there?")),
    _facts,
)
