"""Processes: the running programs with what they use."""

from typing import Any, Final

from protocol.actions.processes import ProcessesArguments
from technician.session.rows import show
from technician.workbench.tabs.fields import make, number, text
from technician.workbench.tabs.spec import Act, Form, Tab, TabView


def _arguments(form: Form) -> ProcessesArguments:
    return make(ProcessesArguments, sort=text(form, "sort", "cpu"), limit=number(form, "limit", 50))


def _facts(view: TabView) -> dict[str, Any]:
    return {"tables": show(view.run.items) if view.run else []}


PROCESSES: Final = Tab(
    "processes", "Processes", "cpu", (Act("list", "processes", _arguments, "List processes"),), _facts, refresh_s=5
)
