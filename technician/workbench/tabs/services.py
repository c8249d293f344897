"""Services: which there are and how they are."""

from typing import Any, Final

from protocol.actions.services import ServicesArguments
from technician.session.rows import show
from technician.workbench.tabs.fields import make, text
from technician.workbench.tabs.spec import Act, Form, Tab, TabView


def _arguments(form: Form) -> ServicesArguments:
    return make(ServicesArguments, state=text(form, "state", "all"))


def _facts(view: TabView) -> dict[str, Any]:
    return {"tables": show(view.run.items) if view.run else []}


SERVICES: Final = Tab(
    "services", "Services", "settings", (Act("list", "services", _arguments, "List services"),), _facts
)
