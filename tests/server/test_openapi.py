"""The document of /api against the running application: schemathesis asks what it describes, and some that it does not.

Every answer must have a status and a shape that the document names, and none may be a fault of the server. Who asks is
signed in as the operation needs it; that nobody else gets in is test_routes.py's.
"""

import asyncio
import inspect
import json
import os
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, Final, TypeVar

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from server.access import DOORS, Who
from server.app import ROUTES
from server.openapi import body_of, described, document
from tests.server.actors import World, bearer, uuid
from tests.server.console.browsing import People
from tests.server.in_process import in_process, open_ticket

T = TypeVar("T")
SOAK: Final = os.environ.get("BELLPULL_SOAK") == "1"
EXAMPLES: Final = 400 if SOAK else 5
DOCUMENT: Final = document(ROUTES)

load_all_checks()
HELD_TO: Final = [
    check
    for check in CHECKS.get_all()
    if getattr(check, "__name__", "")
    in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    )
]
assert len(HELD_TO) == 5


class Loop:
    """An event loop in a thread of its own: Hypothesis asks synchronously."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class Asked:
    """`known`: by the name in a path, something of the technician's customer, and the like of another customer."""

    def __init__(self, loop: Loop, world: World, tokens: dict[Who, str], known: dict[str, tuple[str, str]]) -> None:
        self.loop, self.world, self.tokens, self.known = loop, world, tokens, known

    def ask(self, method: str, path: str, case: schemathesis.Case[Any]) -> httpx2.Response:
        sent = case.as_transport_kwargs(base_url=self.world.origin)
        headers = {str(name): str(value) for name, value in sent["headers"].items()}
        headers |= bearer(self.tokens.get(DOORS[(method, path)].who, ""))
        body = sent.get("data")
        content = json.dumps(sent["json"]).encode() if "json" in sent else body
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        request = httpx2.Request(sent["method"], sent["url"], params=sent.get("params"), headers=headers,
                                 content=content)  # fmt: skip
        return self.loop.call(self.world.http.send(request))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    loop = Loop()
    running = in_process(tmp_path_factory.mktemp("openapi"))
    people: People = loop.call(running.__aenter__())
    world = people.world

    async def fill() -> Asked:
        device, other = await world.approved("laptop"), await world.approved("scanner", customer="Bluebird")
        ticket, foreign = await open_ticket(world, device, "help"), await open_ticket(world, other, "theirs")
        tokens = {
            Who.TECHNICIAN: await world.technician_token("Ada Tech", customers=("Acme",)),
            Who.ORGANISATION: await world.organisation_token(),
        }
        made = await world.http.post("/api/codes", headers=bearer(tokens[Who.TECHNICIAN]))
        known = {
            "device": (device.device, other.device),
            "ticket": (ticket, foreign),
            "code": (made.json()["code"], "000000000"),
            "blob": (uuid("none"), uuid("none")),
        }
        return Asked(loop, world, tokens, known)

    try:
        yield loop.call(fill())
    finally:
        loop.call(running.__aexit__(None, None, None))
        loop.close()


def _without_sign_ins(made: dict[str, Any]) -> dict[str, Any]:
    """So that no credentials are made up in place of ours."""
    copied: dict[str, Any] = json.loads(json.dumps(made))
    for item in copied["paths"].values():
        for operation in item.values():
            del operation["security"]
    return copied


def _operations(made: dict[str, Any]) -> Iterator[Any]:
    for found in schemathesis.openapi.from_dict(_without_sign_ins(made)).get_all_operations():
        yield found.ok()  # type: ignore[union-attr]  # an operation that cannot be read fails right here


OPERATIONS: Final = {(operation.method.upper(), operation.path): operation for operation in _operations(DOCUMENT)}


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_every_answer_is_one_that_the_document_names(asked: Asked, method: str, path: str) -> None:
    operation = OPERATIONS[(method, path)]
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def hold(data: st.DataObject) -> None:
        case = data.draw(st.one_of(right, wrong) if operation.body or operation.query else right)
        foreign = False
        for name, (own, others) in asked.known.items():
            # Most of the time something that is there: theirs, or somebody else's.
            if name in (case.path_parameters or {}) and data.draw(st.booleans()):
                foreign = data.draw(st.booleans())
                case.path_parameters[name] = others if foreign else own
        answer = asked.ask(method, path, case)
        case.validate_response(answer, checks=HELD_TO)
        assert not foreign or answer.status_code == 404

    hold()


def test_the_document_describes_every_route_of_the_api() -> None:
    told = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert told == {(method, path) for method, path in DOORS if path.startswith("/api/")} - {
        ("GET", "/api/openapi.json")
    }


@pytest.mark.parametrize("route", described(ROUTES), ids=lambda route: f"{sorted(route.methods)[0]} {route.path}")
def test_the_body_in_the_document_is_the_one_that_the_handler_parses(route: Any) -> None:
    source, model = inspect.getsource(route.endpoint), body_of(route)
    (method,) = route.methods
    assert ("body(request, " in source) is (model is not None)
    assert model is None or f"body(request, {model.__name__})" in source
    assert (DOORS[(method, route.path)].body_max_bytes > 0) is (model is not None)


def test_every_error_has_the_one_shape_and_says_who_may_ask() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                if not status.startswith("2"):
                    (content,) = answer["content"].items()
                    shape = {"schema": {"$ref": "#/components/schemas/ErrorReply"}}
                    assert content == ("application/json", shape), (path, status)
            needs = {name for one in operation["security"] for name in one}
            door = DOORS[(method.upper(), path)]
            assert ("technician" in needs) is (door.who is Who.TECHNICIAN)
            assert ("organisation" in needs) is (door.who is Who.ORGANISATION)
            assert ("apiToken" in needs) is (door.scope is not None)


def test_the_document_is_served_to_anybody_and_names_no_other_host(asked: Asked) -> None:
    answer = asked.loop.call(asked.world.get("/api/openapi.json"))
    assert answer.json() == json.loads(json.dumps(DOCUMENT))
    assert "servers" not in answer.json()


def test_an_error_of_the_api_is_json_also_for_a_browser(asked: Asked) -> None:
    for path, status in (("/api/nothing", 404), ("/api/devices", 401), ("/api/checkpoint?size=x", 400)):
        headers = {"accept": "text/html", **(bearer(asked.tokens[Who.TECHNICIAN]) if status == 400 else {})}
        answer = asked.loop.call(asked.world.http.get(path, headers=headers))
        assert (answer.status_code, set(answer.json()["error"])) == (status, {"what", "expected", "got", "hint"})
    wrong = asked.loop.call(asked.world.http.request("DELETE", "/api/devices"))
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
