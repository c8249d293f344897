"""Transcript: everything that happened in this visit, as this end saw it, newest first."""

from typing import Any, Final

from technician.workbench.tabs.spec import Tab, TabView


def _facts(view: TabView) -> dict[str, Any]:
    return {"happenings": list(reversed(view.live.happenings))}


TRANSCRIPT: Final = Tab("transcript", "Transcript", "book", facts=_facts)
