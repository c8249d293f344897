"""How each kind of caller of the table is known."""

from collections.abc import Mapping

from starlette.requests import HTTPConnection

from server.access import Door, Who
from server.doorkeeper import Authenticator, Visitor, bearer_token, is_local
from server.office import Office
from server.people.door import lacks_factor, reach_now
from server.people.token_rules import PREFIX, TokenHolder, holder
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
        token = bearer_token(connection)
        if token.startswith(PREFIX):
            return Visitor(door.who, await _token_holder(office, token, door))
        found = await office.technicians.technician(token, office.organisation.require_trust())
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


async def _token_holder(office: Office, token: str, door: Door) -> TokenHolder:
    """What this API token may at this moment: never more than its maker could."""
    made = await office.people.tokens.find(token)
    account = None if made is None else await office.people.get(made.account)
    if made is None or account is None:
        raise Refusal(
            401,
            "this API token is not valid",
            expected="one that has not ended and was not revoked",
            hint="Make a new one in the console, under Your account.",
        )
    found = holder(
        made.id,
        made.account,
        made=made.scopes,
        named=made.customers,
        role=account.role,
        reach=(await reach_now(office, account)).customers,
        lacks_factor=lacks_factor(office, account),
    )
    if door.scope is None:
        raise Refusal(403, "no API token opens this", hint="It takes a technician's own program.")
    if door.scope not in found.scopes:
        raise Refusal(
            403,
            "this API token may not do that",
            expected=door.scope.value,
            got=", ".join(sorted(found.scopes)) or "no scope at all",
            hint="Its scopes are those it was made with, as far as its maker may have them now.",
        )
    return found
