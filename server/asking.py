"""What a route needs of its request: the office, the caller, and the body parsed strictly."""

from typing import Annotated, TypeVar

from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import HTTPConnection, Request

from protocol import strict_json
from protocol.limits import PACK_STATEMENT_MAX_BYTES
from server.office import Office
from server.people.token_rules import TokenHolder
from server.technicians.store import Technician

M = TypeVar("M", bound=BaseModel)


def office_of(connection: HTTPConnection) -> Office:
    office = connection.app.state.office
    assert isinstance(office, Office)  # noqa: S101 - set by app.py, for the type checker
    return office


def technician_of(connection: HTTPConnection) -> Technician:
    """The technician whom the doorkeeper let in."""
    identity = connection.scope["state"]["visitor"].identity
    if not isinstance(identity, Technician):
        raise TypeError("this route's door does not ask for a technician")
    return identity


def reader_of(connection: HTTPConnection) -> Technician | TokenHolder:
    """Who reads: a technician's program, or a program with an API token. Both have `customers`."""
    identity = connection.scope["state"]["visitor"].identity
    if not isinstance(identity, Technician | TokenHolder):
        raise TypeError("this route's door does not ask for a reader")
    return identity


async def body(request: Request, model: type[M]) -> M:
    """The body as `model`: one meaning or RemoteProtocolError. Its size was bounded at the door."""
    return strict_json.parse(await request.body(), model, what="request", max_bytes=4 * PACK_STATEMENT_MAX_BYTES)


OfficeOf = Annotated[Office, Depends(office_of)]
Caller = Annotated[Technician, Depends(technician_of)]
Reader = Annotated[Technician | TokenHolder, Depends(reader_of)]
