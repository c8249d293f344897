"""Checks: run all of them or some by name; what they found, with its evidence, before what they looked at."""

from typing import Any, Final

from diagnostics.checks.catalogue import CATALOGUE, explain
from diagnostics.findings import Finding
from diagnostics.wording import Language
from protocol.actions.diagnose import DiagnoseArguments
from technician.session.rows import BadRow, parse_row, show
from technician.workbench.tabs.fields import make, words
from technician.workbench.tabs.spec import Act, Form, Tab, TabView

#: What a technician may pick from, by the name people know.
KNOWN: Final = tuple(sorted(((check.id, check.title) for check in CATALOGUE), key=lambda pair: pair[1]))
_ORDER: Final = {"critical": 0, "error": 1, "warning": 2, "info": 3}


def _arguments(form: Form) -> DiagnoseArguments:
    return make(DiagnoseArguments, checks=words(form, "checks"))


def _facts(view: TabView) -> dict[str, Any]:
    items = view.run.items if view.run else []
    findings: list[tuple[Finding, str, str]] = []
    broken = 0
    for item in items:
        if item.kind != "finding":
            continue
        try:
            finding = parse_row(item)
        except BadRow:
            broken += 1
            continue
        said = explain(finding, Language.ENGLISH)
        findings.append((finding, said.title, said.text))
    findings.sort(key=lambda found: _ORDER.get(found[0].severity.value, 4))
    return {
        "findings": findings,
        "broken": broken,
        "tables": show([item for item in items if item.kind != "finding"]),
        "known": KNOWN,
    }


CHECKS: Final = Tab("checks", "Checks", "health", (Act("run", "diagnose", _arguments, "Run checks"),), _facts)
