"""Terminal: a shell as the person at the machine, where its administrator has enabled one."""

from typing import Any, Final

from protocol.actions.terminal import TerminalArguments
from technician.workbench.live import LiveVisit
from technician.workbench.shells import Shell
from technician.workbench.tabs.fields import make, number
from technician.workbench.tabs.spec import Act, Form, Tab, TabView


def _open(form: Form) -> TerminalArguments:
    return make(TerminalArguments, rows=number(form, "rows", 30), columns=number(form, "columns", 100))


async def _shell(_live: LiveVisit, arguments: TerminalArguments) -> tuple[TerminalArguments, Shell]:
    return arguments, Shell()


def _sure(_form: Form) -> str:
    return "Open a terminal? What you type is done as if by the person there. The receipt counts and hashes all of it."


def _facts(view: TabView) -> dict[str, Any]:
    run = view.run
    shell = run.driven if run is not None and isinstance(run.driven, Shell) else None
    return {"shell": shell}


TERMINAL: Final = Tab(
    "terminal",
    "Terminal",
    "terminal",
    (Act("open", "terminal", _open, "Open a terminal", question=_sure, driven=_shell),),
    _facts,
    wide=True,
)
