"""Every route × every caller × a thing of their own or of another customer, against the running application.

The expectation is server/access.py alone: `answer()` says what happens, this file only tries it. The three customers'
things: a device, a ticket and a blob of Acme (the technician's own) and of Bluebird (somebody else's).
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import httpx2
import pytest
import pytest_asyncio

from protocol.fields import sha256
from protocol.messages.items import SealedItem, SealedKind
from server.access import BOUNDED, DOORS, Answer, Caller, Whose, answer
from server.app import ROUTES
from server.knowledge.rules import Text
from server.people.door import cookie_name
from server.people.model import passkeys
from server.people.rules import Role, form_token
from server.people.store import session_handle
from server.people.token_rules import TokenScope
from server.people.tokens import TokenStore, Wish
from server.tokens import token_hash
from tests.making import signing_key
from tests.server.actors import World, bearer, case, sealed_bytes, uuid
from tests.server.console.browsing import People
from tests.server.in_process import in_process, open_ticket

#: Folders of files; tested where files are served.
STATIC: Final = {("GET", "/static"), ("GET", "/console-static")}
TRIED: Final = sorted(key for key in DOORS if key[0] != "WEBSOCKET" and key not in STATIC)

EVERYTHING_OF_ACME: Final = Wish("test", frozenset(TokenScope), frozenset({"Acme"}), 1)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Desk:
    people: People
    things: dict[Whose, dict[str, str]]
    tokens: dict[Caller, str]
    code: str
    sessions: dict[Role, str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.people.world

    async def session_of(self, role: Role) -> str:
        """A session that holds; a new one where the last request ended it."""
        people = self.world.office.people
        if await people.session(self.sessions.get(role, "")) is None:
            self.sessions[role] = await people.begin(role.value)
        return self.sessions[role]

    async def token_of(self, name: str) -> str:
        """The id of a token of theirs; a new one where the last request revoked it."""
        tokens: TokenStore = self.world.office.people.tokens
        held = await tokens.of(name)
        return held[0].id if held else (await tokens.make(name, EVERYTHING_OF_ACME))[0].id

    async def filled(self, path: str, caller: Caller, whose: Whose) -> str:
        """The path with an example for each name in it. What a form may have removed is there again."""
        office, name = self.world.office, (caller.role or Role.VIEWER).value
        if "{name}" in path or "{token}" in path:
            if await office.people.get("spare") is None:
                await office.people.add("spare", Role.VIEWER)
            path = path.replace("{name}", "spare")
        if "{token}" in path:
            path = path.replace("{token}", await office.people.new_link("spare"))
        if "{session}" in path:
            path = path.replace("{session}", session_handle(token_hash(await office.people.begin(name))))
        if "{api_token}" in path:
            path = path.replace("{api_token}", await self.token_of("spare" if "/people/" in path else name))
        if "{passkey}" in path:
            row = {"id": "own", "credential": b"c", "account": name, "name": "key", "public_key": b"", "sign_count": 0}
            async with office.database.write() as connection:
                await connection.execute(passkeys.delete())
                await connection.execute(passkeys.insert().values(**row, made_at=1))
        examples = {
            **self.things[whose],
            "{passkey}": "own",
            "{index:int}": "0",
            "{figure}": "load",
            "{reply}": "1",
            "{article:int}": "1",
            "{slug}": "example",
            "{code}": self.code,
            "{upload}": uuid("none"),
        }
        for part, value in examples.items():
            path = path.replace(part, value)
        assert "{" not in path, f"give {path} an example"
        return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with in_process(tmp_path_factory.mktemp("routes")) as people:
        world, things = people.world, {}
        for whose, customer in ((Whose.OWN, "Acme"), (Whose.OTHER, "Bluebird")):
            device = await world.approved(f"laptop of {customer}", customer=customer)
            ticket, data = await open_ticket(world, device, f"ticket of {customer}"), sealed_bytes(customer)
            item = SealedItem(id=uuid(customer), kind=SealedKind.EVIDENCE, ticket=ticket,
                              case=case(f"ticket of {customer}"), sha256=sha256(data), data=data)  # fmt: skip
            async with world.office.database.write() as connection:
                await world.office.tickets.keep_sealed(connection, device.device, item)
            things[whose] = {"{device}": device.device, "{ticket}": ticket, "{blob}": item.id}
        await world.office.knowledge.write("example", "", Text("An example", "Words."), by="maker")
        await world.office.knowledge.offer(1)
        await world.office.knowledge.publish(1, by="reviewer")
        tokens = {
            Caller.TECHNICIANS_PROGRAM: await world.technician_token("Ada Tech", customers=("Acme",)),
            Caller.ORGANISATIONS_PROGRAM: await world.organisation_token(),
        }
        for role in Role:
            await world.office.people.add(role.value, role)
        await world.office.people.add("maker", Role.ADMIN)
        tokens[Caller.API_TOKEN] = (await world.office.people.tokens.make("maker", EVERYTHING_OF_ACME))[1]
        key = signing_key(f"{world.organisation.name} Ada Tech").public
        await world.office.people.link_technician(Role.TECHNICIAN.value, key)
        made = await world.http.post("/api/codes", headers=bearer(tokens[Caller.TECHNICIANS_PROGRAM]))
        yield Desk(people, things, tokens, made.json()["code"])


async def test_every_route_of_the_application_is_in_the_table_and_the_other_way_round() -> None:
    routed = {
        (method, str(getattr(route, "path", "")))
        for route in ROUTES
        for method in getattr(route, "methods", None) or {"WEBSOCKET" if "websocket" in repr(route).lower() else "GET"}
    }
    implied = {("HEAD", path) for method, path in DOORS if method == "GET"}  # Starlette answers HEAD wherever GET is
    assert routed - implied == set(DOORS) - implied


async def test_every_route_answers_every_caller_as_the_table_says(desk: Desk) -> None:
    wrong: list[str] = []
    tried: Counter[Answer] = Counter()
    for method, path in TRIED:
        for caller in Caller:
            for whose in Whose:
                if whose is Whose.OTHER and not (DOORS[(method, path)].of_customer and caller in BOUNDED):
                    continue  # nobody's thing, or somebody who sees all: the same question again
                done = await _ask(desk, method, path, caller, whose)
                expected, got = answer(method, path, caller, whose), _read(done)
                tried[expected] += 1
                if expected is not got or done.status_code >= 500:
                    wrong.append(f"{method} {path} {caller}, {whose}: {expected}, got {got} ({done.status_code})")
    assert not wrong, "\n".join(wrong)
    # Nothing of this went by default: all answers of the table were seen, on all of its lines.
    assert set(tried) == set(Answer)
    assert sum(tried.values()) >= len(TRIED) * len(Caller)


async def test_who_sees_all_customers_is_let_in_to_any(desk: Desk) -> None:
    for method, path in TRIED:
        if DOORS[(method, path)].of_customer and path.startswith("/tickets") and method == "GET":
            for caller in (Caller.VIEWER, Caller.ADMIN, Caller.AUDITOR):
                assert (await _ask(desk, method, path, caller, Whose.OTHER)).status_code == 200


async def _ask(desk: Desk, method: str, path: str, caller: Caller, whose: Whose) -> httpx2.Response:
    world = desk.world
    path = await desk.filled(path, caller, whose)
    world.http.cookies.clear()
    headers, form = {"origin": world.origin}, {"act": "none"}
    if caller in desk.tokens:
        headers |= bearer(desk.tokens[caller])
    if caller.role is not None:
        token = await desk.session_of(caller.role)
        headers["cookie"] = f"{cookie_name(world.origin)}={token}"
        form["form"] = form_token(token)
    is_form = method == "POST" and not path.startswith(("/api/", "/uploads/"))
    return await world.http.request(method, path, headers=headers, data=form if is_form else None)


#: As the door says it; a wrong password says something else.
_NOT_SIGNED_IN: Final = (
    "you are not signed in",
    "this needs a technician's sign-in",
    "this needs the organisation's sign-in",
)


def _read(done: httpx2.Response) -> Answer:
    """What happened, by what a person or a program sees. Anything but a refusal at the door is: let in."""
    match done.status_code:
        case 303 if done.headers["location"].startswith("/sign-in?next=") or done.headers["location"] == "/sign-in":
            return Answer.SIGN_IN
        case 401 if any(words in done.text.lower() for words in _NOT_SIGNED_IN):
            return Answer.UNKNOWN
        case 403:
            return Answer.FORBIDDEN
        case 404:
            return Answer.ABSENT
        case _:
            return Answer.LET_IN
