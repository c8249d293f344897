"""Facts: what the computer has noticed: its kept findings with what changed before, observations, history as plots."""

from typing import Any, Final

from diagnostics.checks.catalogue import explain
from diagnostics.strict_json import StrictJsonError, load_json
from diagnostics.wording import Language
from protocol.actions.facts import FactsArguments
from technician.workbench.tabs.fields import make, span_s, text
from technician.workbench.tabs.rows_of import rows_of
from technician.workbench.tabs.spec import Act, Form, Tab, TabView
from web.figures import plot_data, size

#: More columns than this do not fit beside each other; the rest is in the transcript.
COLUMNS_MAX: Final = 8
SPANS: Final = (("1d", "a day"), ("7d", "a week"), ("30d", "30 days"))
_UNITS: Final = (("bytes", "bytes"), ("fraction", "percent"), ("share", "percent"), ("seconds", "seconds"))


def _findings(form: Form) -> FactsArguments:
    return FactsArguments(subject="findings")


def _observations(form: Form) -> FactsArguments:
    return make(FactsArguments, subject="observations", name=text(form, "name"))


def _history(form: Form) -> FactsArguments:
    return make(
        FactsArguments,
        subject="history",
        name=text(form, "name"),
        instance=form.get("instance", ""),
        since_s=span_s(form, "since", "7d"),
    )


def unit_of(metric: str) -> str:
    """For ui.plot: what a series counts, by the end of its name."""
    return next((unit for ending, unit in _UNITS if metric.endswith(ending)), "")


def plot_of(series: Any) -> dict[str, Any]:
    """One kept series as web's plot takes it."""
    times = [int(at) for at, _ in series.points]
    return {
        "title": series.metric + (f" · {series.instance}" if series.instance else ""),
        "unit": unit_of(series.metric),
        "data": plot_data(times, {series.metric: [float(value) for _, value in series.points]}),
        "points": len(series.points),
    }


def observed(rows: list[Any]) -> list[dict[str, Any]]:
    """Rows of one collector by field: a table where its items have names, else the values one under the other."""
    fields: dict[str, list[Any]] = {}
    for row in rows:
        fields.setdefault(row.field, []).append(_value(row.value))
    shown: list[dict[str, Any]] = []
    for field, values in fields.items():
        named = [value for value in values if isinstance(value, dict)]
        columns = list(dict.fromkeys(key for value in named for key in value))[:COLUMNS_MAX] if named else []
        cells = [[_plain(value.get(column), column) for column in columns] for value in named] if named else []
        lone = [_plain(value, field) for value in values if not isinstance(value, dict)]
        shown.append({"field": _words(field), "columns": columns, "cells": cells, "lone": lone})
    return shown


def _words(field: str) -> str:
    return field.removesuffix("_bytes").replace("_", " ").capitalize()


def _value(text: str) -> object:
    try:
        return load_json(text)
    except StrictJsonError:
        return text  # withheld, or cut: shown as it came


def _plain(value: object, field: str = "") -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int() if field.endswith("_bytes"):
            return size(value)
        case float():
            return f"{value:.4g}"
        case list():
            return ", ".join(_plain(each) for each in value)
        case dict():
            return ", ".join(f"{key} {_plain(each, key)}" for key, each in value.items())
        case _:
            return str(value)


def _facts(view: TabView) -> dict[str, Any]:
    items = view.run.items if view.run else []
    findings, bad = rows_of(items, "finding")
    changes, bad_changes = rows_of(items, "change")
    collectors, bad_collectors = rows_of(items, "collector")
    observations, bad_observations = rows_of(items, "observation")
    series, bad_series = rows_of(items, "series")
    history, bad_history = rows_of(items, "history")
    return {
        "findings": [(each, explain(each, Language.ENGLISH)) for each in findings],
        "changes": changes,
        "collectors": collectors,
        "observed": observed(observations),
        "series": series,
        "plots": [plot_of(each) for each in history],
        "broken": bad + bad_changes + bad_collectors + bad_observations + bad_series + bad_history,
        "spans": SPANS,
    }


FACTS: Final = Tab(
    "facts",
    "Facts",
    "chart",
    (
        Act("findings", "facts", _findings, "What it found"),
        Act("observations", "facts", _observations, "What it sees now"),
        Act("history", "facts", _history, "What it measured"),
    ),
    _facts,
)
