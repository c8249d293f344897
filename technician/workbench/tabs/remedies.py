"""Remedies: prepared fixes: the exact steps first, then the customer agrees, it runs, is watched, can be undone."""

from typing import Any, Final

from diagnostics.remedies.profile import Outcome
from protocol.actions.remedies import (
    OfRun,
    RemediesListArguments,
    RemediesPreviewArguments,
    RemediesRunArguments,
)
from technician.workbench.tabs.fields import make, text
from technician.workbench.tabs.rows_of import rows_of
from technician.workbench.tabs.spec import Act, Form, Tab, TabView

KEY: Final = "remedies"
#: How a run can stand, for people: outcome → (words, tone).
OUTCOMES: Final = {
    None: ("being watched", "info"),
    Outcome.SOLVED_MECHANICALLY.value: ("solved", "ok"),
    Outcome.CLEARED_BY_ITSELF.value: ("cleared by itself", "ok"),
    Outcome.SOLVED_BY_A_PERSON.value: ("solved by a person", "ok"),
    Outcome.NOT_SOLVED.value: ("not solved", "warning"),
    Outcome.ROLLED_BACK.value: ("put back", "warning"),
    Outcome.NOT_NEEDED.value: ("not needed", "none"),
    Outcome.REFUSED.value: ("refused", "error"),
    Outcome.NOT_BEGUN.value: ("not begun", "none"),
}


def _list(_form: Form) -> RemediesListArguments:
    return RemediesListArguments()


def _preview(form: Form) -> RemediesPreviewArguments:
    return make(RemediesPreviewArguments, remedy=text(form, "remedy"), finding=text(form, "finding"))


def _run(form: Form) -> RemediesRunArguments:
    return make(RemediesRunArguments, preview=text(form, "preview"))


def _of_run(form: Form) -> OfRun:
    return make(OfRun, run=text(form, "of"))


def _sure_run(form: Form) -> str:
    name = text(form, "remedy", "this fix")[:80]
    return (
        f"Run “{name}” with exactly the steps shown? Where it changes something, the customer reads them and decides."
    )


def _sure_undo(form: Form) -> str:
    return (
        f"Put back everything that “{text(form, 'remedy', 'this fix')[:80]}” has changed? The customer is asked first."
    )


def _facts(view: TabView) -> dict[str, Any]:
    runs = view.live.runs.of(KEY)
    remedies, broken = rows_of(view.run.items if view.run else [], "remedy")
    steps: list[Any] = []
    shown = next((run for run in runs if run.act == "preview"), None)
    if shown is not None:
        steps, bad = rows_of(shown.items, "remedy-step")
        broken += bad
    # The newest word on each run, whichever action brought it.
    standing: dict[str, Any] = {}
    for run in runs:
        rows, bad = rows_of(run.items, "remedy-run")
        broken += bad
        for row in rows:
            standing.setdefault(row.run, row)
    used = any(run.act == "run" and shown is not None and run.asked_at >= shown.asked_at for run in runs)
    return {
        "remedies": remedies,
        "titles": {row.id: row.title for row in remedies},
        "preview": shown,
        "steps": [] if used else sorted(steps, key=lambda row: row.number),
        "standing": list(standing.values()),
        "outcomes": OUTCOMES,
        "broken": broken,
    }


REMEDIES: Final = Tab(
    KEY,
    "Remedies",
    "wrench",
    (
        Act("list", "remedies.list", _list, "List fixes"),
        Act("preview", "remedies.preview", _preview, "Show the steps", lists=False),
        Act("run", "remedies.run", _run, "Run it", question=_sure_run, lists=False),
        Act("watch", "remedies.watch", _of_run, "How it stands", lists=False),
        Act("undo", "remedies.undo", _of_run, "Put it back", question=_sure_undo, lists=False),
    ),
    _facts,
)
