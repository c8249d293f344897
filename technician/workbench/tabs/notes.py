"""Notes: what technicians write to each other on the ticket of the visit; sealed, so that no server reads it."""

from typing import Any, Final

from technician.workbench.desk import Desk
from technician.workbench.live import LiveVisit
from technician.workbench.notes import notes_of
from technician.workbench.tabs.spec import Tab


async def _load(desk: Desk, live: LiveVisit) -> dict[str, Any]:
    return {"notes": [] if live.plan.ticket is None else await notes_of(desk, live.plan.ticket)}


NOTES: Final = Tab("notes", "Notes", "book", load=_load)
