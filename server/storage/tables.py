"""All tables of all rooms, for migrations and backup. A room with tables adds its line here."""

from server.audit import model as audit
from server.bundles import model as bundles
from server.devices import model as devices
from server.findings import model as findings
from server.knowledge import model as knowledge
from server.link import model as link
from server.notifications import model as notifications
from server.organisation import model as organisation
from server.people import model as people
from server.reports import model as reports
from server.sessions import model as sessions
from server.storage.schema import METADATA
from server.technicians import model as technicians
from server.tickets import model as tickets

ROOMS = (
    organisation,
    technicians,
    devices,
    findings,
    tickets,
    bundles,
    sessions,
    audit,
    link,
    people,
    reports,
    notifications,
    knowledge,
)

__all__ = ["METADATA", "ROOMS"]
