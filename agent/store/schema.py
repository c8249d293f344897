"""All tables of the agent's database, gathered from the rooms that own them: one line each."""

from typing import Final

from agent.consent.tables import TABLES as CONSENT
from agent.identity.tables import TABLES as IDENTITY
from agent.link.tables import TABLES as LINK
from agent.mending.tables import TABLES as MENDING
from agent.proofs.tables import TABLES as PROOFS
from agent.session.tables import TABLES as SESSION
from agent.store.kept_values import TABLES as STORE
from agent.tickets.tables import TABLES as TICKETS
from agent.watch.tables import TABLES as WATCH

TABLES: Final[tuple[tuple[str, str], ...]] = tuple(
    (room, statement)
    for room, statements in (
        ("store", STORE),
        ("identity", IDENTITY),
        ("link", LINK),
        ("watch", WATCH),
        ("tickets", TICKETS),
        ("consent", CONSENT),
        ("session", SESSION),
        ("proofs", PROOFS),
        ("mending", MENDING),
    )
    for statement in statements
)
