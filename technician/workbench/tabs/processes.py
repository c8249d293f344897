"""Processes: the running programs with what they use, asked for again while the tab is open; one can be ended."""

from typing import Any, Final

from protocol.actions.processes import ProcessesArguments
from protocol.actions.processes_end import ProcessesEndArguments
from technician.workbench.tabs.fields import make, number, text
from technician.workbench.tabs.rows_of import rows_of
from technician.workbench.tabs.spec import Act, Form, Tab, TabView


def _list(form: Form) -> ProcessesArguments:
    return make(ProcessesArguments, sort=text(form, "sort", "cpu"), limit=number(form, "limit", 50))


def _end(form: Form) -> ProcessesEndArguments:
    return make(
        ProcessesEndArguments,
        pid=number(form, "pid", 0),
        started_ms=number(form, "started_ms", 0),
        grace_s=number(form, "grace_s", 5),
    )


def _sure(form: Form) -> str:
    name = text(form, "name", "this program")[:80]
    return f"End {name} (number {text(form, 'pid')[:12]})? What is not saved in it is lost. It gets 5 seconds to close."


#: States that say something; sleeping and running do not. Linux's letters, and words of other systems.
STATES: Final = {"Z": "zombie", "D": "waits for a device", "T": "stopped", "zombie": "zombie", "stopped": "stopped"}


def _facts(view: TabView) -> dict[str, Any]:
    processes, broken = rows_of(view.run.items if view.run else [], "process")
    ended = [item for run in view.live.runs.of("processes", "end") for item in run.items]
    return {
        "ended": rows_of(ended, "ended-process")[0][:3],
        "states": STATES,
        "processes": processes,
        "broken": broken,
    }


PROCESSES: Final = Tab(
    "processes",
    "Processes",
    "cpu",
    (
        Act("list", "processes", _list, "List processes"),
        Act("end", "processes.end", _end, "End it", question=_sure, lists=False),
    ),
    _facts,
    refresh_s=5,
)
