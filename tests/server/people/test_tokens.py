"""API tokens: scoped, ending, never above their maker, also when the maker shrinks."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.audit import AuditWord
from server.access import DOORS
from server.audit.reading import AuditReading
from server.people.model import api_tokens
from server.people.rules import FRESH_S, Role
from server.people.token_rules import PREFIX, SCOPES, TOKENS_MAX, TokenScope, holder, scopes_of
from server.people.tokens import Wish
from server.refusal import Refusal
from tests.making import DAY, signing_key
from tests.server.actors import Clock, World
from tests.server.console.browsing import People
from tests.server.in_process import in_process, open_ticket


@pytest.fixture
async def people(tmp_path: Path, clock: Clock) -> AsyncIterator[People]:
    async with in_process(tmp_path, clock) as made:
        yield made


@pytest.fixture
def desk(people: People) -> World:
    return people.world


ALL = frozenset(TokenScope)


async def made(desk: World, name: str, scopes: frozenset[TokenScope] = ALL, customers: str = "Acme") -> str:
    wish = Wish("test", scopes, frozenset(customers.split(",")), 30)
    token: str = (await desk.office.people.tokens.make(name, wish))[1]
    return token


# --- what is left of a token ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("lacks_factor", [True, False])
@pytest.mark.parametrize("reach", [None, frozenset({"Acme"}), frozenset[str]()])
def test_a_token_is_never_above_its_maker(role: Role, lacks_factor: bool, reach: frozenset[str] | None) -> None:
    named = frozenset({"Acme", "Bluebird"})
    left = holder("1", "anna", made=ALL, named=named, role=role, reach=reach, lacks_factor=lacks_factor)
    assert left.scopes == (frozenset() if lacks_factor else scopes_of(role))
    assert left.customers == (named if reach is None else named & reach)
    assert left.scopes <= ALL


def test_every_scope_opens_something_and_says_what() -> None:
    assert set(SCOPES) == set(TokenScope)
    assert {door.scope for door in DOORS.values() if door.scope is not None} == set(TokenScope)
    assert {method for (method, _), door in DOORS.items() if door.scope is not None} == {"GET"}


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        (Wish("", ALL, frozenset({"Acme"}), 30), 422), (Wish("x" * 61, ALL, frozenset({"Acme"}), 30), 422),
        (Wish("a\u202eb", ALL, frozenset({"Acme"}), 30), 422), (Wish("a", frozenset(), frozenset({"Acme"}), 30), 422),
        (Wish("a", ALL, frozenset(), 30), 422), (Wish("a", ALL, frozenset({"Acme"}), 0), 422),
        (Wish("a", ALL, frozenset({"Acme"}), 366), 422), (Wish("a", ALL, frozenset(map(str, range(101))), 30), 422),
        (Wish("a", ALL, frozenset({"Acme"}), 30), 403),
    ],
)  # fmt: skip
def test_what_is_no_token_or_more_than_a_viewer_may_is_refused(wish: Wish, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        wish.checked(Role.VIEWER)
    assert refused.value.status == status


# --- over HTTP -----------------------------------------------------------------------------------------------------


async def test_each_scope_opens_its_own_doors_and_no_other(desk: World) -> None:
    await desk.office.people.add("admin", Role.ADMIN)
    ticket = await open_ticket(desk, await desk.approved("laptop"), "help")
    doors = [(path, door.scope) for (_, path), door in DOORS.items() if door.scope is not None and "{d" not in path]
    for scope in TokenScope:
        token = await made(desk, "admin", frozenset({scope}))
        for path, needed in doors:
            done = await desk.get(path.replace("{ticket}", ticket), token)
            assert done.status_code == (200 if needed is scope else 403), (path, scope)
            assert done.status_code == 200 or done.json()["error"]["expected"] == needed


async def test_a_token_sees_the_customers_it_names_and_no_others(desk: World) -> None:
    await desk.office.people.add("anna", Role.VIEWER)
    own = await open_ticket(desk, await desk.approved("laptop", customer="Acme"), "own")
    other = await open_ticket(desk, await desk.approved("scanner", customer="Bluebird"), "other")
    token = await made(desk, "anna")
    listed = (await desk.get("/api/tickets", token)).json()["tickets"]
    assert [one["ticket"] for one in listed] == [own]
    assert (await desk.get(f"/api/tickets/{own}", token)).status_code == 200
    assert (await desk.get(f"/api/tickets/{other}", token)).status_code == 404
    assert [one["label"] for one in (await desk.get("/api/devices", token)).json()["devices"]] == ["laptop"]


async def test_a_token_shrinks_and_grows_with_its_makers_role(desk: World) -> None:
    await desk.office.people.add("admin", Role.ADMIN)
    await desk.office.people.add("anna", Role.AUDITOR)
    token = await made(desk, "anna")
    assert (await desk.get("/api/audit/export", token)).status_code == 200
    await desk.office.people.set_role("anna", Role.VIEWER)
    refused = await desk.get("/api/audit/export", token)
    assert (refused.status_code, "audit:read" in refused.json()["error"]["got"]) == (403, False)
    assert (await desk.get("/api/tickets", token)).status_code == 200
    await desk.office.people.remove("anna")
    assert (await desk.get("/api/tickets", token)).status_code == 401


async def test_a_technicians_token_sees_what_their_certificate_says_at_this_moment(desk: World) -> None:
    await desk.office.people.add("ada", Role.TECHNICIAN)
    await desk.approved("laptop", customer="Acme")
    token = await made(desk, "ada", customers="Acme,Bluebird")
    assert (await desk.get("/api/devices", token)).json()["devices"] == []
    await desk.technician_token("Ada Tech", customers=("Acme",))
    key = signing_key(f"{desk.organisation.name} Ada Tech").public
    await desk.office.people.link_technician("ada", key)
    assert len((await desk.get("/api/devices", token)).json()["devices"]) == 1
    desk.clock.now += 2 * DAY  # the certificate is over, the token is not
    assert (await desk.get("/api/devices", token)).json()["devices"] == []


async def test_a_token_ends_is_revoked_and_is_no_sign_in_for_people(desk: World, people: People) -> None:
    await desk.office.people.add("anna", Role.VIEWER)
    token = await made(desk, "anna")
    used = (await desk.office.people.tokens.of("anna"))[0]
    assert used.last_used_at is None
    assert (await desk.get("/api/devices", token)).status_code == 200
    assert (await desk.office.people.tokens.of("anna"))[0].last_used_at == desk.clock.now
    assert str((await people.browser().get("/tickets", authorization=f"Bearer {token}")).url).endswith(
        "/sign-in?next=%2Ftickets"
    )
    assert (await desk.get("/api/devices", token + "x")).status_code == 401
    assert (await desk.get("/api/devices", PREFIX)).status_code == 401
    desk.clock.now += 30 * DAY
    assert (await desk.get("/api/devices", token)).status_code == 401
    again = await made(desk, "anna")
    newest = (await desk.office.people.tokens.of("anna"))[0]
    await desk.office.people.tokens.revoke("anna", newest.id)
    assert (await desk.get("/api/devices", again)).status_code == 401


async def test_a_role_that_lacks_its_second_factor_has_tokens_that_sleep(desk: World) -> None:
    from dataclasses import replace

    await desk.office.people.add("anna", Role.VIEWER)
    token = await made(desk, "anna")
    config = desk.office.config
    must = config.settings.model_copy(update={"second_factor": (Role.VIEWER,)})
    desk.office.config = replace(config, settings=must)
    assert (await desk.get("/api/devices", token)).status_code == 403


async def test_the_database_holds_no_token_and_an_account_no_more_than_fifty(desk: World) -> None:
    await desk.office.people.add("anna", Role.VIEWER)
    token = await made(desk, "anna")
    async with desk.office.database.read() as connection:
        kept = [tuple(row) for row in await connection.execute(api_tokens.select())]
    assert token not in str(kept)
    assert token.removeprefix(PREFIX) not in str(kept)
    for _ in range(TOKENS_MAX - 1):
        await made(desk, "anna")
    with pytest.raises(Refusal) as refused:
        await made(desk, "anna")
    assert refused.value.status == 409


# --- the pages -------------------------------------------------------------------------------------------------------


async def test_a_token_is_made_on_its_page_shown_once_noted_and_revoked(desk: World, people: People) -> None:
    await desk.approved("laptop")
    anna = await people.signed_in(Role.VIEWER, "anna")
    page = (await anna.get("/account/tokens")).text
    assert "tickets:read" in page
    assert "audit:read" not in page
    size = desk.office.audit.size
    fields = {"name": "Monitoring", "scope.devices:read": "yes", "customer.1": "Acme", "days": "30"}
    shown = (await anna.post("/account/tokens", fields)).text
    token = re.search(rf"{PREFIX}[\w-]{{43}}", shown)
    assert token is not None
    assert token[0] not in (await anna.get("/account/tokens")).text
    assert (await desk.get("/api/devices", token[0])).status_code == 200
    log = await AuditReading(desk.office.database).page(word=AuditWord.ACCOUNT_CHANGE)
    assert [one.index for one in log.entries] == [size]
    held = (await desk.office.people.tokens.of("anna"))[0]
    bert = await people.signed_in(Role.VIEWER, "bert")
    assert (await bert.post(f"/account/tokens/{held.id}/revoke")).status_code == 404
    assert "The token is revoked." in (await anna.post(f"/account/tokens/{held.id}/revoke")).text
    assert (await desk.get("/api/devices", token[0])).status_code == 401


async def test_a_form_that_asks_for_too_much_or_too_little_makes_no_token(desk: World, people: People) -> None:
    await desk.approved("laptop")
    anna = await people.signed_in(Role.VIEWER, "anna")
    await anna.get("/account/tokens")
    fields = {"name": "x", "scope.devices:read": "yes", "customer.1": "Acme", "days": "30"}
    for changes, status in (
        ({"scope.audit:read": "yes"}, 403), ({"scope.everything": "yes"}, 422), ({"days": "366"}, 422),
        ({"days": "soon"}, 422), ({"name": ""}, 422),
    ):  # fmt: skip
        assert (await anna.post("/account/tokens", {**fields, **changes})).status_code == status, changes
    ada = await people.signed_in(Role.TECHNICIAN, "ada")
    await ada.get("/account/tokens")
    assert (await ada.post("/account/tokens", fields)).status_code == 403  # no certificate, no customers
    desk.clock.now += FRESH_S
    await anna.get("/account/tokens")
    assert "again=1" in str((await anna.post("/account/tokens", fields)).url)
    assert await desk.office.people.tokens.of("anna") == ()


async def test_an_admin_sees_and_revokes_the_tokens_of_others(desk: World, people: People) -> None:
    await people.account("anna", Role.VIEWER)
    await made(desk, "anna")
    held = (await desk.office.people.tokens.of("anna"))[0]
    admin = await people.signed_in(Role.ADMIN)
    assert "asleep: not for this role" in (await admin.get("/people/anna")).text
    assert "The token is revoked." in (await admin.post(f"/people/anna/tokens/{held.id}/revoke")).text
    assert await desk.office.people.tokens.of("anna") == ()
