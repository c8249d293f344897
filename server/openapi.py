"""`GET /api/openapi.json`: what programs may ask this server for, made from the routes themselves and from access.py.

    route ─► path, parameters, answers     `takes(Model)` on a route ─► the body it parses
    door  ─► who is let in, and with that: which refusals there are (401, 403, 404, 413 …)

Nothing stands here by hand that could differ from what the server does: bodies are the models that handlers parse,
refusals follow from doors, and every error has the one shape of `ErrorReply`. What a route refuses besides, it says
itself with `refuses`. tests/server/test_openapi.py holds the running server against all of it.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from protocol.messages.api import ErrorReply
from server import VERSION
from server.access import DOORS, Door, Who

_BODY: Final = "x-body"
_REF: Final = "#/components/schemas/{model}"
_BODIES: Final[dict[str, type[BaseModel]]] = {}

_DESCRIPTION: Final = """\
Programs of technicians and of the organisation sign in with statements signed by their own keys, and get a bearer
token. Programs of the desk use an API token, made in the console: it reads, within its scopes and customers.

Every answer is the server's word; what it proves stands in the statements, chains and notes inside."""

#: Who → how the bearer token came about. What nobody needs to sign in for has none.
_SCHEMES: Final[Mapping[Who, tuple[str, str]]] = {
    Who.TECHNICIAN: ("technician", "The token of POST /api/technician/login."),
    Who.ORGANISATION: ("organisation", "The token of POST /api/organisation/login."),
}
_API_TOKEN: Final = ("apiToken", "An API token of the console, `bpt_…`.")

_REFUSALS: Final[Mapping[int, str]] = {
    400: "Malformed: the address or the body is not what was asked for.",
    401: "Not signed in, or not any more.",
    403: "Signed in, but not for this.",
    404: "It does not exist, or it belongs to another customer.",
    408: "The body did not come.",
    409: "Not as things stand now.",
    413: "The body is too large.",
    422: "Understood, and not taken.",
    429: "Too many requests; `retry-after` says when to come back.",
    503: "Not now: no organisation is pinned yet, or the database does not answer.",
}


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """For a route's decorator: the body its handler parses."""
    _BODIES[model.__name__] = model
    return {"openapi_extra": {_BODY: model.__name__}}


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: refusals that do not follow from its door."""
    return {status: {"model": ErrorReply, "description": _REFUSALS[status]} for status in statuses}


def body_of(route: APIRoute) -> type[BaseModel] | None:
    name = (route.openapi_extra or {}).get(_BODY)
    return None if name is None else _BODIES[name]


def described(routes: Iterable[BaseRoute]) -> list[APIRoute]:
    return [route for route in routes if isinstance(route, APIRoute) and route.path.startswith("/api/")]


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    found = described(routes)
    made = get_openapi(title="Bellpull", version=VERSION, description=_DESCRIPTION, routes=found)
    schemas: dict[str, Any] = made["components"]["schemas"]
    for fastapis_own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(fastapis_own, None)
    _schema_of(ErrorReply, schemas)
    for route in found:
        for method in sorted(route.methods or ()):
            operation = made["paths"][route.path][method.lower()]
            door = DOORS[(method, route.path)]
            operation["security"] = _security(door)
            _describe_refusals(operation, route, door)
            model = body_of(route)
            operation.pop(_BODY, None)
            if model is not None:
                content = {"application/json": {"schema": _schema_of(model, schemas)}}
                operation["requestBody"] = {"required": True, "content": content}
    made["components"]["securitySchemes"] = {
        name: {"type": "http", "scheme": "bearer", "description": words}
        for name, words in (*_SCHEMES.values(), _API_TOKEN)
    }
    return made


def _security(door: Door) -> list[dict[str, list[str]]]:
    if door.who not in _SCHEMES:
        return []
    # OpenAPI 3.1: for http schemes the list names roles or scopes for information.
    token = [] if door.scope is None else [{_API_TOKEN[0]: [door.scope.value]}]
    return [{_SCHEMES[door.who][0]: []}, *token]


def _describe_refusals(operation: dict[str, Any], route: APIRoute, door: Door) -> None:
    answers: dict[str, Any] = operation["responses"]
    answers.pop("422", None) if 422 not in route.responses else None
    statuses = {429, 503}
    if door.who in _SCHEMES:
        statuses |= {401, 403}
    if "{" in route.path:
        statuses |= {404}
    if operation.get("parameters") or door.body_max_bytes:
        statuses |= {400}
    # A body is refused for its size also where none is asked for.
    statuses |= {408, 413}
    for status in statuses:
        answers[str(status)] = {
            "description": _REFUSALS[status],
            "content": {"application/json": {"schema": {"$ref": _REF.format(model="ErrorReply")}}},
        }
    operation["responses"] = dict(sorted(answers.items()))


def _schema_of(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, str]:
    """Puts the model and all it is made of into `schemas`; a reference to it. What an answer describes otherwise under
    the same name (fields with defaults are always there in an answer) gets a name of its own."""
    _, found = models_json_schema([(model, "validation")], ref_template=_REF)
    made: dict[str, Any] = found["$defs"]
    renamed = {name: f"{name}Asked" for name in made if name in schemas and schemas[name] != made[name]}
    text = json.dumps(made)
    for name, other in renamed.items():
        text = text.replace(f'"{_REF.format(model=name)}"', f'"{_REF.format(model=other)}"')
    for name, schema in json.loads(text).items():
        schemas[renamed.get(name, name)] = schema
    return {"$ref": _REF.format(model=renamed.get(model.__name__, model.__name__))}


def _bytes_of(routes: list[BaseRoute]) -> bytes:
    return json.dumps(document(routes), separators=(",", ":")).encode()


async def openapi(request: Request) -> Response:
    made: bytes | None = getattr(request.app.state, "openapi", None)
    if made is None:  # once, in a thread, and not at the start: it takes a good part of a second
        made = await asyncio.to_thread(_bytes_of, list(request.app.routes))
        request.app.state.openapi = made
    return Response(made, media_type="application/json")


routes = [Route("/api/openapi.json", openapi)]
