"""Which accounts may be given a ticket. Whether they see it is decided anew each time they look (people/reach.py)."""

from server.office import Office
from server.people.door import technicians_of
from server.people.rules import Role


async def owners_of(office: Office, customer: str) -> tuple[str, ...]:
    """Admins and technicians, without those whose certificate holds now and leaves this customer out.

    Certificates end at night: who has none at the moment may still find the ticket in the morning.
    """
    elsewhere = {one.key for one in await technicians_of(office) if one.holds and customer not in one.customers}
    return tuple(
        one.name
        for one in await office.people.all()
        if one.role is Role.ADMIN or (one.role is Role.TECHNICIAN and one.technician_key not in elsewhere)
    )
