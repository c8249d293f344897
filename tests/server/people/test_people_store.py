"""Accounts, sessions, links and failures as they are kept, on both databases."""

import asyncio

import pytest

from server.people.rules import HALF_S, IDLE_S, LINK_S, SEEN_EVERY_S, SESSION_S, HowSignedIn, Role
from server.people.store import PeopleStore
from server.people.token_rules import SHOWN_AFTER_END_S, USED_EVERY_S, TokenScope
from server.people.tokens import Wish
from server.refusal import Refusal
from server.storage.engine import Database
from tests.server.actors import Clock


@pytest.fixture
def people(database: Database, clock: Clock) -> PeopleStore:
    return PeopleStore(database, clock)


async def test_an_account_starts_without_a_password_and_a_name_is_taken_once(people: PeopleStore) -> None:
    made = await people.add("Anna", Role.VIEWER)
    assert (made.name, made.role, made.has_password) == ("anna", Role.VIEWER, False)
    with pytest.raises(Refusal) as refused:
        await people.add("ANNA", Role.ADMIN)
    assert refused.value.status == 409
    assert [one.role for one in await people.all()] == [Role.VIEWER]


async def test_the_last_admin_is_neither_removed_nor_made_something_else(people: PeopleStore) -> None:
    await people.add("admin", Role.ADMIN)
    for act in (people.remove("admin"), people.set_role("admin", Role.VIEWER)):
        with pytest.raises(Refusal) as refused:
            await act
        assert refused.value.status == 409
    await people.add("other", Role.ADMIN)
    await people.set_role("admin", Role.VIEWER)
    await people.remove("admin")
    assert [one.name for one in await people.all()] == ["other"]


async def test_removing_or_changing_nobody_is_refused(people: PeopleStore) -> None:
    for act in (
        people.remove("nobody"),
        people.set_role("nobody", Role.VIEWER),
        people.set_password("nobody", "x"),
        people.link_technician("nobody", None),
        people.new_link("nobody"),
    ):
        with pytest.raises(Refusal) as refused:
            await act
        assert refused.value.status == 404


# --- one-use links -------------------------------------------------------------------------------------------------


async def test_a_link_works_once(people: PeopleStore) -> None:
    await people.add("anna", Role.VIEWER)
    token = await people.new_link("anna")
    seen = await people.link_account(token)
    assert seen is not None
    assert seen.name == "anna"
    used = await people.use_link(token)
    assert used == seen
    assert await people.use_link(token) is None
    assert await people.link_account(token) is None


async def test_of_many_who_use_a_link_at_once_one_gets_in(people: PeopleStore) -> None:
    await people.add("anna", Role.VIEWER)
    token = await people.new_link("anna")
    used = await asyncio.gather(*(people.use_link(token) for _ in range(8)))
    assert sum(account is not None for account in used) == 1


async def test_a_link_ends_after_a_day_and_with_the_next_one(people: PeopleStore, clock: Clock) -> None:
    await people.add("anna", Role.VIEWER)
    first = await people.new_link("anna")
    second = await people.new_link("anna")
    assert await people.link_account(first) is None
    clock.now += LINK_S - 1
    assert await people.link_account(second) is not None
    clock.now += 1
    assert await people.link_account(second) is None
    assert await people.use_link(second) is None


async def test_a_new_password_ends_links_and_the_other_sessions(people: PeopleStore) -> None:
    await people.add("anna", Role.VIEWER)
    link, here, elsewhere = await people.new_link("anna"), await people.begin("anna"), await people.begin("anna")
    await people.set_password("anna", "phc", keep=here)
    assert await people.link_account(link) is None
    assert await people.visitor(elsewhere) is None
    assert (await people.visitor(here)) is not None
    assert await people.password_of("anna") == "phc"


# --- sessions ------------------------------------------------------------------------------------------------------


async def test_a_session_is_held_by_its_token_alone(people: PeopleStore) -> None:
    await people.add("anna", Role.AUDITOR)
    token = await people.begin("anna")
    account = await people.visitor(token)
    assert account is not None
    assert (account.name, account.role) == ("anna", Role.AUDITOR)
    assert await people.visitor("A" * 43) is None
    assert await people.visitor("") is None
    await people.end(token)
    assert await people.visitor(token) is None


async def test_a_session_ends_when_nobody_is_there(people: PeopleStore, clock: Clock) -> None:
    await people.add("anna", Role.VIEWER)
    token = await people.begin("anna")
    clock.now += IDLE_S - 1
    assert await people.visitor(token) is not None
    clock.now += IDLE_S - 1
    assert await people.visitor(token) is not None
    clock.now += IDLE_S
    assert await people.visitor(token) is None


async def test_a_page_that_refreshes_itself_does_not_keep_a_session_alive(people: PeopleStore, clock: Clock) -> None:
    await people.add("anna", Role.VIEWER)
    token = await people.begin("anna")
    for _ in range(IDLE_S // SEEN_EVERY_S - 1):
        clock.now += SEEN_EVERY_S
        assert await people.visitor(token, active=False) is not None
    clock.now += SEEN_EVERY_S
    assert await people.visitor(token, active=False) is None


async def test_a_session_ends_after_a_working_day_however_busy(people: PeopleStore, clock: Clock) -> None:
    await people.add("anna", Role.VIEWER)
    token = await people.begin("anna")
    for _ in range(SESSION_S // 1800 - 1):
        clock.now += 1800
        assert await people.visitor(token) is not None
    clock.now += 1800
    assert await people.visitor(token) is None


async def test_another_role_or_removal_ends_sessions_at_once(people: PeopleStore) -> None:
    await people.add("admin", Role.ADMIN)
    await people.add("anna", Role.TECHNICIAN)
    token = await people.begin("anna")
    await people.set_role("anna", Role.VIEWER)
    assert await people.visitor(token) is None
    token = await people.begin("anna")
    await people.remove("anna")
    assert await people.visitor(token) is None


async def test_signing_out_elsewhere_keeps_this_session(people: PeopleStore) -> None:
    await people.add("anna", Role.VIEWER)
    here, others = await people.begin("anna"), [await people.begin("anna") for _ in range(3)]
    assert len(await people.sessions_of("anna")) == 4
    assert await people.end_all("anna", keep=here) == 3
    assert await people.visitor(here) is not None
    assert [await people.visitor(other) for other in others] == [None] * 3


async def test_a_session_says_where_and_how_and_is_ended_by_its_handle(people: PeopleStore) -> None:
    await people.add("anna", Role.VIEWER)
    await people.add("bert", Role.VIEWER)
    token = await people.begin("anna", HowSignedIn.PASSKEY, "Firefox on Linux")
    (session,) = await people.sessions_of("anna")
    assert (session.how, session.browser, session.account.name) == (HowSignedIn.PASSKEY, "Firefox on Linux", "anna")
    assert token not in session.handle
    assert not await people.end_one("bert", session.handle)
    assert await people.end_one("anna", session.handle)
    assert await people.visitor(token) is None


async def test_half_a_sign_in_is_no_session_and_ends_by_itself_and_with_the_others(
    people: PeopleStore, clock: Clock
) -> None:
    await people.add("anna", Role.VIEWER)
    half = await people.begin_half("anna", HowSignedIn.LINK)
    assert await people.visitor(half) is None
    found = await people.half(half)
    assert found is not None
    assert (found[0].name, found[1]) == ("anna", HowSignedIn.LINK)
    clock.now += HALF_S
    assert await people.half(half) is None
    again = await people.begin_half("anna", HowSignedIn.PASSWORD)
    await people.set_password("anna", "phc")
    assert await people.half(again) is None


async def test_tokens_are_kept_found_used_and_swept(people: PeopleStore, clock: Clock) -> None:
    await people.add("anna", Role.VIEWER)
    wish = Wish("Überwachung", frozenset(TokenScope), frozenset({"Blå AB", "Acme"}), 2)
    made, token = await people.tokens.make("anna", wish)
    found = await people.tokens.find(token)
    assert found == made
    clock.now += USED_EVERY_S
    (shown,) = await people.tokens.of("anna")
    assert shown.last_used_at == clock.now - USED_EVERY_S
    clock.now += 2 * 86_400
    assert await people.tokens.find(token) is None
    assert len(await people.tokens.of("anna")) == 1
    clock.now += SHOWN_AFTER_END_S
    await people.sweep()
    await people.add("admin", Role.ADMIN)
    await people.remove("anna")


# --- failures ------------------------------------------------------------------------------------------------------


async def test_failures_of_one_account_make_it_wait_from_every_address(people: PeopleStore, clock: Clock) -> None:
    waits = [await people.attempts.attempt("anna", f"192.0.2.{at}") for at in range(7)]
    assert waits == [0, 0, 0, 0, 0, 1, 1]
    clock.now += 1
    assert await people.attempts.attempt("anna", "198.51.100.1") == 0
    assert await people.attempts.attempt("anna", "198.51.100.1") == 2
    assert await people.attempts.attempt("bert", "198.51.100.2") == 0


async def test_failures_of_one_address_make_it_wait_for_every_account(people: PeopleStore) -> None:
    waits = [await people.attempts.attempt(f"name{at}", "192.0.2.1") for at in range(22)]
    assert waits == [0] * 20 + [1, 1]
    assert await people.attempts.attempt("name99", "192.0.2.2") == 0


async def test_many_attempts_at_once_are_all_counted(people: PeopleStore) -> None:
    waits = await asyncio.gather(*(people.attempts.attempt("anna", "192.0.2.1") for _ in range(30)))
    assert sum(wait == 0 for wait in waits) == 5


async def test_the_right_password_forgives_the_account_and_one_failure_of_the_address(people: PeopleStore) -> None:
    for _ in range(4):
        assert await people.attempts.attempt("anna", "192.0.2.1") == 0
    assert await people.attempts.attempt("anna", "192.0.2.1") == 0
    await people.attempts.forgive("anna", "192.0.2.1")
    assert [await people.attempts.attempt("anna", "192.0.2.1") for _ in range(6)] == [0, 0, 0, 0, 0, 1]


async def test_failures_are_forgotten_after_a_day(people: PeopleStore, clock: Clock) -> None:
    for _ in range(40):
        await people.attempts.attempt("anna", "192.0.2.1")
        clock.now += 100
    clock.now += 24 * 3600 + 1
    assert [await people.attempts.attempt("anna", "192.0.2.1") for _ in range(6)] == [0, 0, 0, 0, 0, 1]


async def test_no_token_and_no_address_is_readable_in_the_database(people: PeopleStore, database: Database) -> None:
    from server.people.model import accounts, console_sessions, one_use_links, sign_in_attempts

    await people.add("anna", Role.VIEWER)
    secrets = [await people.begin("anna"), await people.new_link("anna"), "192.0.2.77"]
    await people.attempts.attempt("anna", "192.0.2.77")
    async with database.read() as connection:
        kept = [
            str(tuple(row))
            for table in (accounts, console_sessions, one_use_links, sign_in_attempts)
            for row in await connection.execute(table.select())
        ]
    assert kept
    assert not [text for text in kept for secret in secrets if secret in text]
