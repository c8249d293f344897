"""Second factors as they are kept, on both databases: codes once, recovery codes once, nothing readable."""

import asyncio
from pathlib import Path

import pytest

from protocol import strict_json
from protocol.errors import RemoteProtocolError
from server.config import Config, Settings
from server.people.factors import FactorStore
from server.people.model import app_codes, recovery_codes
from server.people.passkeys import PasskeyStore, passkey_host
from server.people.rules import Role
from server.people.sealing import Sealer
from server.people.store import PeopleStore
from server.people.totp import STEP_S, code_of, step_at
from server.refusal import Refusal
from server.storage.engine import Database
from tests.server.actors import Clock


@pytest.fixture
async def factors(database: Database, clock: Clock) -> FactorStore:
    await PeopleStore(database, clock).add("anna", Role.TECHNICIAN)
    return FactorStore(database, clock, Sealer(b"k" * 32))


async def with_codes(factors: FactorStore, clock: Clock) -> bytes:
    secret = await factors.begin_codes("anna")
    assert await factors.confirm_codes("anna", code_of(secret, step_at(clock.now)))
    clock.now += STEP_S
    return secret


async def test_codes_count_from_the_first_right_one(factors: FactorStore, clock: Clock) -> None:
    secret = await factors.begin_codes("anna")
    assert not (await factors.of("anna")).any
    code = code_of(secret, step_at(clock.now))
    assert not await factors.use_code("anna", code)
    assert not await factors.confirm_codes("anna", "000000" if code != "000000" else "000001")
    assert await factors.confirm_codes("anna", code)
    assert (await factors.of("anna")).codes_since == clock.now
    assert await factors.waiting_secret("anna") is None


async def test_a_code_is_used_once_also_by_two_at_once(factors: FactorStore, clock: Clock) -> None:
    secret = await with_codes(factors, clock)
    code = code_of(secret, step_at(clock.now))
    assert sum(await asyncio.gather(*(factors.use_code("anna", code) for _ in range(6)))) == 1
    clock.now += STEP_S
    assert not await factors.use_code("anna", code)
    assert await factors.use_code("anna", code_of(secret, step_at(clock.now)))


async def test_beginning_again_forgets_the_secret_nobody_confirmed(factors: FactorStore, clock: Clock) -> None:
    first = await factors.begin_codes("anna")
    second = await factors.begin_codes("anna")
    assert not await factors.confirm_codes("anna", code_of(first, step_at(clock.now)))
    assert await factors.confirm_codes("anna", code_of(second, step_at(clock.now)))
    with pytest.raises(Refusal) as refused:
        await factors.begin_codes("anna")
    assert refused.value.status == 409


async def test_ten_recovery_codes_each_once_whatever_the_typing(factors: FactorStore, clock: Clock) -> None:
    assert await factors.new_recovery_codes("anna") == ()
    await with_codes(factors, clock)
    first = await factors.new_recovery_codes("anna")
    assert len(set(first)) == 10
    used = await asyncio.gather(*(factors.use_recovery_code("anna", first[0]) for _ in range(4)))
    assert sum(used) == 1
    assert await factors.use_recovery_code("anna", first[1].upper().replace("-", " "))
    assert not await factors.use_recovery_code("bert", first[2])
    assert (await factors.of("anna")).recovery_codes == 8
    second = await factors.new_recovery_codes("anna")
    assert not await factors.use_recovery_code("anna", first[3])
    assert await factors.use_recovery_code("anna", second[0])


async def test_recovery_codes_go_with_the_last_factor_and_a_reset_takes_all(
    factors: FactorStore, database: Database, clock: Clock
) -> None:
    await with_codes(factors, clock)
    await factors.new_recovery_codes("anna")
    await factors.remove_codes("anna")
    assert (await factors.of("anna")).recovery_codes == 0
    await with_codes(factors, clock)
    await factors.new_recovery_codes("anna")
    people = PeopleStore(database, clock)
    session = await people.begin("anna")
    had = await people.reset_second_factor("anna")
    assert (had.codes_since is not None, had.recovery_codes) == (True, 10)
    assert not (await factors.of("anna")).any
    assert await people.visitor(session) is None
    await people.add("admin", Role.ADMIN)
    await people.remove("anna")


async def test_no_secret_and_no_recovery_code_is_readable_in_the_database(
    factors: FactorStore, database: Database, clock: Clock
) -> None:
    secret = await with_codes(factors, clock)
    codes = await factors.new_recovery_codes("anna")
    async with database.read() as connection:
        kept = [
            str(tuple(row)) + repr(bytes(row[0 if table is recovery_codes else 1]))
            for table in (app_codes, recovery_codes)
            for row in await connection.execute(table.select())
        ]
    assert len(kept) == 11
    shown = [repr(secret)[2:-1], *codes, *(code.replace("-", "") for code in codes)]
    assert not [text for text in kept for one in shown if one in text]


async def test_codes_of_another_server_key_are_no_codes_at_all(
    factors: FactorStore, database: Database, clock: Clock
) -> None:
    secret = await with_codes(factors, clock)
    elsewhere = FactorStore(database, clock, Sealer(b"another".ljust(32)))
    assert not await elsewhere.use_code("anna", code_of(secret, step_at(clock.now)))


@pytest.mark.parametrize(
    ("origin", "setting", "must"),
    [
        ("https://desk.example.org", None, {Role.TECHNICIAN, Role.ADMIN}),
        ("http://127.0.0.1:8443", None, set()),
        ("https://desk.example.org", (), set()),
        ("http://127.0.0.1:8443", (Role.AUDITOR,), {Role.AUDITOR}),
    ],
)
def test_who_must_have_a_second_factor(origin: str, setting: tuple[Role, ...] | None, must: set[Role]) -> None:
    config = Config(Path("/nowhere"), Settings(second_factor=setting), origin)
    assert config.second_factor_roles == must


def test_the_setting_is_read_from_the_file_and_an_unknown_role_is_refused() -> None:
    read = strict_json.parse(b'{"second_factor":["viewer","admin"]}', Settings)
    assert read.second_factor == (Role.VIEWER, Role.ADMIN)
    with pytest.raises(RemoteProtocolError):
        strict_json.parse(b'{"second_factor":["king"]}', Settings)


# --- passkeys: what needs no authenticator; the rest is tried with a browser's ----------------------------------------


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://desk.example.org", "desk.example.org"), ("https://desk.example.org:8443", "desk.example.org"),
        ("http://localhost:8443", "localhost"), ("http://127.0.0.1:8443", None), ("https://[2001:db8::1]:8443", None),
    ],
)  # fmt: skip
def test_passkeys_are_bound_to_a_name_never_to_a_number(origin: str, host: str | None) -> None:
    assert passkey_host(origin) == host


@pytest.mark.parametrize(
    "credential",
    [
        "", "{", "null", "[]", "{}", "x" * 40_000, '{"id":1}', '{"id":"a","rawId":"a","type":"public-key"}',
        '{"id":"a","rawId":"a","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA",'
        '"signature":"AA","attestationObject":"AA"}}',
        '{"id":"a","rawId":"a","type":"public-key","response":{"clientDataJSON":"eyJ0eXBlIjoxLCJjaGFsbGVuZ2UiOjEsIm9ya'
        'WdpbiI6MX0","authenticatorData":"AA","signature":"AA","attestationObject":"oA"}}',
    ],
)  # fmt: skip
async def test_what_is_no_credential_is_refused_in_one_way(
    factors: FactorStore, database: Database, clock: Clock, credential: str
) -> None:
    store = PasskeyStore(database, clock, "https://desk.example.org")
    with pytest.raises(Refusal) as refused:
        await store.sign_in(credential)
    assert (refused.value.status, refused.value.facts.what) == (401, "this passkey does not sign in here")
    with pytest.raises(Refusal) as refused:
        await store.add("anna", "key", credential)
    assert refused.value.status == 422


async def test_options_name_the_host_ask_who_is_there_and_challenge_anew(
    factors: FactorStore, database: Database, clock: Clock
) -> None:
    store = PasskeyStore(database, clock, "https://desk.example.org:8443")
    first, second = await store.options_to_sign_in(), await store.options_to_sign_in()
    assert first["challenge"] != second["challenge"]
    assert (first["rpId"], first["userVerification"]) == ("desk.example.org", "required")
    assert not first.get("allowCredentials")
    made = await store.options_to_add("anna")
    assert made["authenticatorSelection"]["residentKey"] == "required"
    assert made["authenticatorSelection"]["userVerification"] == "required"
    assert "anna" not in made["user"]["id"]
    with pytest.raises(Refusal):
        await PasskeyStore(database, clock, "http://127.0.0.1:1").options_to_sign_in()
