"""Signing in with a second factor, and the pages that set one up, over HTTP."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.audit import AuditWord
from server.audit.reading import AuditReading
from server.people.model import passkeys
from server.people.rules import FRESH_S, HALF_S, Role
from server.people.totp import STEP_S, code_of, step_at
from tests.server.actors import Clock, World
from tests.server.console.browsing import Browser, People
from tests.server.in_process import in_process


@pytest.fixture
async def people(tmp_path: Path, clock: Clock) -> AsyncIterator[People]:
    async with in_process(tmp_path, clock) as made:
        yield made


@pytest.fixture
def desk(people: People) -> World:
    return people.world


async def set_up(people: People, name: str = "anna", role: Role = Role.VIEWER) -> tuple[Browser, bytes, list[str]]:
    """Signed in, with codes just turned on: the browser, the secret, the recovery codes."""
    browser = await people.signed_in(role, name)
    shown = await browser.post("/account/codes")
    assert 'src="data:image/svg+xml' in shown.text
    secret = await people.world.office.factors.waiting_secret(name)
    assert secret is not None
    done = await browser.post("/account/codes/confirm", {"code": code_of(secret, step_at(people.world.clock.now))})
    codes = re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", done.text)
    assert (done.status_code, len(codes)) == (200, 10), done.text
    people.world.clock.now += STEP_S
    return browser, secret, codes


def code_now(people: People, secret: bytes) -> str:
    return code_of(secret, step_at(people.world.clock.now))


async def test_the_right_password_alone_opens_nothing_and_the_code_opens_what_was_wanted(people: People) -> None:
    _, secret, _ = await set_up(people)
    browser = people.browser()
    asked = await browser.sign_in("anna", next="/tickets?state=new")
    assert "/sign-in/second?next=" in str(asked.url)
    assert "One more step, anna" in asked.text
    assert "/sign-in" in str((await browser.get("/tickets")).url)
    done = await browser.post("/sign-in/second", {"code": code_now(people, secret), "next": "/tickets?state=new"})
    assert str(done.url).endswith("/tickets?state=new")
    assert "password and code" in (await browser.get("/account")).text


async def test_a_code_signs_in_once(people: People) -> None:
    _, secret, _ = await set_up(people)
    code = code_now(people, secret)
    first, second = people.browser(), people.browser()
    for browser in (first, second):
        await browser.sign_in("anna")
    assert (await first.post("/sign-in/second", {"code": code})).status_code == 200
    again = await second.post("/sign-in/second", {"code": code})
    assert (again.status_code, "was used already" in again.text) == (401, True)


async def test_a_recovery_code_signs_in_once_and_says_so(people: People) -> None:
    _, _, codes = await set_up(people)
    browser = people.browser()
    await browser.sign_in("anna")
    done = await browser.post("/sign-in/second", {"code": codes[0].upper().replace("-", "")})
    assert str(done.url).endswith("/account?done=recovered")
    assert "9 left" in done.text
    other = people.browser()
    await other.sign_in("anna")
    assert (await other.post("/sign-in/second", {"code": codes[0]})).status_code == 401


async def test_guessing_codes_waits_and_the_right_password_does_not_set_that_back(people: People) -> None:
    _, secret, _ = await set_up(people)
    browser = people.browser()
    await browser.sign_in("anna")
    answers = [(await browser.post("/sign-in/second", {"code": "000000"})).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    await browser.sign_in("anna")
    waiting = await browser.post("/sign-in/second", {"code": code_now(people, secret)})
    assert (waiting.status_code, "Too many wrong codes." in waiting.text) == (429, True)
    people.world.clock.now += int(waiting.headers["retry-after"])
    assert (await browser.post("/sign-in/second", {"code": code_now(people, secret)})).status_code == 200


async def test_half_a_sign_in_is_over_after_ten_minutes_and_elsewhere_is_none(people: People) -> None:
    _, secret, _ = await set_up(people)
    browser = people.browser()
    await browser.sign_in("anna")
    people.world.clock.now += HALF_S
    late = await browser.post("/sign-in/second", {"code": code_now(people, secret)})
    assert "That took too long." in late.text
    stranger = await people.browser().get("/sign-in/second")
    assert "That took too long." in stranger.text


async def test_a_one_use_link_asks_for_the_second_factor_too(people: People) -> None:
    _, secret, _ = await set_up(people)
    link = f"/sign-in/link/{await people.world.office.people.new_link('anna')}"
    browser = people.browser()
    asked = await browser.post(link, {"act": "sign-in"})
    assert "/sign-in/second" in str(asked.url)
    assert (await browser.post("/sign-in/second", {"code": code_now(people, secret)})).status_code == 200
    assert "one-use link and code" in (await browser.get("/account")).text


async def test_turning_codes_on_signs_out_everywhere_else_and_stands_in_the_log(desk: World, people: People) -> None:
    before = await people.signed_in(Role.VIEWER, "anna")
    browser = people.browser()
    await browser.sign_in("anna")
    await browser.post("/account/codes")
    secret = await desk.office.factors.waiting_secret("anna")
    size = desk.office.audit.size
    wrong = await browser.post("/account/codes/confirm", {"code": "12345"})
    assert (wrong.status_code, "That code is not right." in wrong.text) == (422, True)
    await browser.post("/account/codes/confirm", {"code": code_of(secret, step_at(desk.clock.now))})
    assert "/sign-in" in str((await before.get("/tickets")).url)
    page = await AuditReading(desk.office.database).page(word=AuditWord.ACCOUNT_CHANGE)
    assert [one.index for one in page.entries] == [size]
    off = await browser.post("/account/codes/remove")
    assert "Codes are off." in off.text
    assert not (await desk.office.factors.of("anna")).any


async def test_an_hour_after_signing_in_nothing_that_guards_the_account_is_changed(desk: World, people: People) -> None:
    browser, _, _ = await set_up(people)
    desk.clock.now += FRESH_S
    for path in ("/account/codes", "/account/codes/remove", "/account/recovery-codes"):
        sent = await browser.post(path)
        assert str(sent.url).endswith("/sign-in?again=1&next=%2Faccount"), path
        assert "Sign in once more" in sent.text
    assert (await desk.office.factors.of("anna")).any
    assert (await browser.post("/account/passkeys/options")).status_code == 403


async def test_a_further_factor_leaves_the_recovery_codes_as_they_are(desk: World, people: People) -> None:
    browser, _, codes = await set_up(people)
    row = {"id": "k", "credential": b"c", "account": "anna", "name": "key", "public_key": b"", "sign_count": 0}
    async with desk.office.database.write() as connection:
        await connection.execute(passkeys.insert().values(**row, made_at=1))
    assert "Codes are off." in (await browser.post("/account/codes/remove")).text
    await browser.post("/account/codes")
    secret = await desk.office.factors.waiting_secret("anna")
    done = await browser.post("/account/codes/confirm", {"code": code_of(secret, step_at(desk.clock.now))})
    assert "Codes are on. Everywhere else you are signed out." in done.text
    assert codes[0] not in done.text
    assert (await desk.office.factors.of("anna")).recovery_codes == 10
    assert "The passkey is removed." in (await browser.post("/account/passkeys/k/remove")).text
    assert (await browser.post("/account/passkeys/k/remove")).status_code == 404


async def test_signing_in_again_makes_the_session_fresh_and_ends_the_old_one(desk: World, people: People) -> None:
    browser, secret, _ = await set_up(people)
    desk.clock.now += FRESH_S
    old = dict(browser.http.cookies)
    asked = await browser.get("/sign-in?again=1&next=%2Faccount")
    assert 'name="password"' in asked.text
    await browser.sign_in("anna", next="/account")
    done = await browser.post("/sign-in/second", {"code": code_now(people, secret), "next": "/account"})
    assert str(done.url).endswith("/account")
    assert await desk.office.people.visitor(next(iter(old.values()))) is None
    assert "Codes are off." in (await browser.post("/account/codes/remove")).text


async def test_each_session_is_shown_with_its_browser_and_ended_alone(people: People) -> None:
    here = await people.signed_in(Role.VIEWER, "anna")
    there = people.browser()
    there.http.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    await there.sign_in("anna")
    shown = (await here.get("/account")).text
    assert "Firefox on Linux" in shown
    handles = re.findall(r'action="/account/sessions/([0-9a-f]{24})/end"', shown)
    assert len(handles) == 1
    assert "That session is ended." in (await here.post(f"/account/sessions/{handles[0]}/end")).text
    assert "/sign-in" in str((await there.get("/account")).url)
    assert (await here.post(f"/account/sessions/{handles[0]}/end")).status_code == 404
    other = await people.signed_in(Role.VIEWER, "bert")
    own = (await people.world.office.people.sessions_of("anna"))[0].handle
    assert (await other.post(f"/account/sessions/{own}/end")).status_code == 404


async def test_a_role_that_must_have_a_second_factor_sees_nothing_before(desk: World, people: People) -> None:
    desk.office.config = _with_roles(desk, Role.TECHNICIAN)
    browser = await people.signed_in(Role.TECHNICIAN, "anna")
    for path in ("/", "/tickets", "/devices", "/reports"):
        sent = await browser.get(path)
        assert str(sent.url).endswith("/account"), path
        assert "Add a second factor." in sent.text
    assert '<li><a href="/tickets"' not in (await browser.get("/account")).text
    assert (await browser.post("/tickets/x/words", {"words": "hello"})).status_code == 403
    await browser.post("/account/codes")
    secret = await desk.office.factors.waiting_secret("anna")
    await browser.post("/account/codes/confirm", {"code": code_of(secret, step_at(desk.clock.now))})
    assert str((await browser.get("/tickets")).url).endswith("/tickets")
    viewer = await people.signed_in(Role.VIEWER, "bert")
    assert str((await viewer.get("/tickets")).url).endswith("/tickets")


def _with_roles(desk: World, *roles: Role) -> object:
    from dataclasses import replace

    config = desk.office.config
    return replace(config, settings=config.settings.model_copy(update={"second_factor": roles}))


async def test_an_admin_resets_the_factors_of_others_and_signs_them_out(desk: World, people: People) -> None:
    anna, _, _ = await set_up(people)
    admin = await people.signed_in(Role.ADMIN)
    shown = (await admin.get("/people/anna")).text
    assert "codes, 10 recovery codes left" in shown
    assert "Their second factors are gone" in (await admin.post("/people/anna/reset-second-factor")).text
    assert "/sign-in" in str((await anna.get("/account")).url)
    again = people.browser()
    await again.sign_in("anna")
    assert (await again.get("/tickets")).status_code == 200
    assert "signed out everywhere" in (await admin.post("/people/anna/sign-out")).text
    assert "/sign-in" in str((await again.get("/tickets")).url)
    assert (await admin.post("/people/admin/reset-second-factor")).status_code == 409
