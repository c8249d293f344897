"""Bundle: ask the customer for a log bundle. They see it, leave out what they like; it goes sealed to the ticket."""

from typing import Any, Final

from protocol.actions.bundle import BundleArguments
from technician.workbench.tabs.fields import make, text
from technician.workbench.tabs.rows_of import rows_of
from technician.workbench.tabs.spec import Act, Form, Tab, TabView


def _ask(form: Form) -> BundleArguments:
    return make(BundleArguments, reason=text(form, "reason"))


def _facts(view: TabView) -> dict[str, Any]:
    items = view.run.items if view.run else []
    bundles, broken = rows_of(items, "bundle")
    return {"bundles": bundles, "broken": broken}


BUNDLE: Final = Tab("bundle", "Bundle", "package", (Act("ask", "bundle", _ask, "Ask for a bundle"),), _facts)
