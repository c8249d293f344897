"""How each kind of caller of the table is known."""

from collections.abc import Mapping

from starlette.requests import HTTPConnection

from server.access import Door, Who
from server.doorkeeper import Authenticator, Visitor, bearer_token, is_local
from server.office import Office
from server.refusal import Refusal

_SIGN_IN_AGAIN = "Sign in again: the sign-in ended, or the certificate no longer holds."


def authenticators(office: Office) -> Mapping[Who, Authenticator]:
    async def anybody(_connection: HTTPConnection, door: Door) -> Visitor:
        return Visitor(door.who)

    async def metrics(connection: HTTPConnection, door: Door) -> Visitor:
        host = connection.client.host if connection.client else ""
        if is_local(connection) or host in office.config.settings.metrics_from:
            return Visitor(door.who)
        raise Refusal(
            403, "metrics are shown to this machine only", hint="Name the address in server.json: metrics_from."
        )

    async def technician(connection: HTTPConnection, door: Door) -> Visitor:
        found = await office.technicians.technician(bearer_token(connection), office.organisation.require_trust())
        if found is None:
            raise Refusal(
                401, "this needs a technician's sign-in", expected="Authorization: Bearer", hint=_SIGN_IN_AGAIN
            )
        return Visitor(door.who, found)

    async def organisation(connection: HTTPConnection, door: Door) -> Visitor:
        trust = office.organisation.require_trust()
        if not await office.technicians.is_organisation(bearer_token(connection), trust):
            raise Refusal(
                401, "this needs the organisation's sign-in", expected="Authorization: Bearer", hint=_SIGN_IN_AGAIN
            )
        return Visitor(door.who)

    return {
        Who.NOBODY: anybody,
        # These prove themselves in their first message, or to the route itself: see link/, relay/, bundles/.
        Who.DEVICE: anybody,
        Who.JOIN_TOKEN: anybody,
        Who.UPLOAD_TOKEN: anybody,
        # People are sent to the sign-in page, not refused: people/door.py holds each of its routes against its roles.
        Who.PERSON: anybody,
        Who.METRICS: metrics,
        Who.TECHNICIAN: technician,
        Who.ORGANISATION: organisation,
    }
