"""Services: which there are and how they are; one of them with its last log lines; start, stop, restart."""

from typing import Any, Final

from protocol.actions.services import ServicesArguments, Supervisor
from protocol.actions.services_control import ServicesControlArguments
from technician.workbench.tabs.fields import make, number, text
from technician.workbench.tabs.rows_of import rows_of
from technician.workbench.tabs.spec import Act, Form, Tab, TabView

#: What supervisors call a service that does not do its work.
BAD: Final = ("failed", "auto-restart")


def _supervisor(form: Form) -> Supervisor:
    return Supervisor.USER if text(form, "supervisor") == "user" else Supervisor.SYSTEM


def _list(form: Form) -> ServicesArguments:
    return make(ServicesArguments, state=text(form, "state", "all"), supervisor=_supervisor(form))


def _look(form: Form) -> ServicesArguments:
    return make(
        ServicesArguments, supervisor=_supervisor(form), name=text(form, "name"), lines=number(form, "lines", 50)
    )


def _control(form: Form) -> ServicesControlArguments:
    return make(ServicesControlArguments, name=text(form, "name"), act=text(form, "act"), supervisor=_supervisor(form))


def _sure(form: Form) -> str:
    arguments = _control(form)
    then = {"stop": "What needs it stops working.", "restart": "What uses it is interrupted.", "start": ""}
    return f"{arguments.act.capitalize()} the service {arguments.name}? {then[arguments.act]}".strip()


def _facts(view: TabView) -> dict[str, Any]:
    items = view.run.items if view.run else []
    services, broken = rows_of(items, "service")
    lines, bad_lines = rows_of(items, "log-line")
    services.sort(key=lambda each: (each.active_state not in BAD and each.sub_state not in BAD, each.name))
    supervisor = getattr(view.run.arguments, "supervisor", Supervisor.SYSTEM) if view.run else Supervisor.SYSTEM
    return {
        "services": services,
        "lines": lines,
        "broken": broken + bad_lines,
        "supervisor": supervisor.value,
        "bad": BAD,
    }


SERVICES: Final = Tab(
    "services",
    "Services",
    "settings",
    (
        Act("list", "services", _list, "List services"),
        Act("look", "services", _look, "Look at one"),
        Act("control", "services.control", _control, "Do it", question=_sure, lists=False),
    ),
    _facts,
)
