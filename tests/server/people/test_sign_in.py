"""Signing in over HTTP: passwords, one-use links, cookies, limits, other sites."""

import re
from typing import Final

import httpx2
import pytest

from protocol.audit import AuditWord
from server.audit.reading import AuditReading
from server.people.door import cookie_name, give_cookie
from server.people.rules import IDLE_S, LINK_S, Role
from tests.server.actors import World
from tests.server.console.browsing import PASSWORD, People

NEW_PASSWORD: Final = "four random words here"


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_then_where_they_wanted(people: People) -> None:
    await people.account("anna", Role.VIEWER)
    browser = people.browser()
    asked = await browser.get("/tickets?state=new")
    assert str(asked.url).endswith("/sign-in?next=%2Ftickets%3Fstate%3Dnew")
    then = re.search(r'name="next" value="([^"]*)"', asked.text)
    assert then is not None
    done = await browser.sign_in("anna", next=then[1])
    assert str(done.url).endswith("/tickets?state=new")
    assert "Your account" in (await browser.get("/account")).text


async def test_the_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(people: People) -> None:
    await people.account("anna", Role.VIEWER)
    browser = people.browser()
    browser.http.follow_redirects = False
    done = await browser.sign_in("anna")
    assert done.status_code == 303
    name, *rest = done.headers["set-cookie"].split("; ")
    assert name.startswith(f"bellpull-console-{people.world.origin.rsplit(':', 1)[1]}=")
    assert {part.lower() for part in rest} == {"httponly", "path=/", "samesite=lax"}


def test_over_https_the_cookie_is_secure_and_bound_to_the_host() -> None:
    from starlette.responses import Response

    answer = Response()
    give_cookie(answer, "https://desk.example.org", "token")
    name, *rest = answer.headers["set-cookie"].split("; ")
    assert name == "__Host-bellpull=token"
    assert {part.lower() for part in rest} == {"httponly", "path=/", "samesite=lax", "secure"}
    assert cookie_name("https://desk.example.org:8443") == "__Host-bellpull"


async def test_a_wrong_name_and_a_wrong_password_look_the_same(people: People) -> None:
    await people.account("anna", Role.VIEWER)
    await people.account("bert", Role.VIEWER, password=None)
    browser = people.browser()
    pages = [
        (await browser.sign_in(name, password)).text.replace(name, "NAME")
        for name, password in (("anna", "wrong password"), ("nobody", "wrong password"), ("bert", ""))
    ]
    assert pages[0] == pages[1] == pages[2]
    assert "The name or the password is not right." in pages[0]


async def test_after_five_failures_even_the_right_password_waits(desk: World, people: People) -> None:
    await people.account("anna", Role.VIEWER)
    browser = people.browser()
    answers = [(await browser.sign_in("anna", "wrong password")).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    waiting = await browser.sign_in("anna")
    assert (waiting.status_code, waiting.headers["retry-after"]) == (429, "1")
    desk.clock.now += 1
    assert (await browser.sign_in("anna")).status_code == 200


async def test_a_sign_in_is_in_the_audit_log_and_names_nobody(desk: World, people: People) -> None:
    await people.signed_in(Role.VIEWER, "anna")
    newest = (await AuditReading(desk.office.database).page()).entries[0]
    assert (newest.entry.word, newest.entry.author) == (AuditWord.SIGN_IN, "server")
    assert newest.entry.commitment is not None
    assert b"anna" not in newest.leaf


async def test_an_old_session_is_not_taken_over_by_the_new_one(desk: World, people: People) -> None:
    browser = await people.signed_in(Role.VIEWER, "anna")
    before = dict(browser.http.cookies)
    await people.account("bert", Role.VIEWER)
    await browser.sign_in("bert")
    assert dict(browser.http.cookies) != before
    assert await desk.office.people.visitor(next(iter(before.values()))) is None


async def test_signing_out_ends_the_session_on_the_server(desk: World, people: People) -> None:
    browser = await people.signed_in(Role.VIEWER, "anna")
    token = next(iter(dict(browser.http.cookies).values()))
    done = await browser.post("/sign-out")
    assert "You are signed out." in done.text
    assert await desk.office.people.visitor(token) is None
    assert not browser.http.cookies


async def test_an_idle_session_ends_and_a_part_that_refreshes_itself_says_so(desk: World, people: People) -> None:
    browser = await people.signed_in(Role.VIEWER, "anna")
    desk.clock.now += IDLE_S
    part = await browser.get("/tickets", **{"hx-request": "true", "hx-request-type": "partial"})
    assert part.status_code == 401
    assert "You are signed out." in part.text
    assert "<html" not in part.text
    assert "/sign-in" in str((await browser.get("/tickets")).url)


# --- one-use links -------------------------------------------------------------------------------------------------


async def link_for(people: People, name: str) -> str:
    return f"/sign-in/link/{await people.world.office.people.new_link(name)}"


async def test_opening_a_link_does_not_use_it_and_the_button_does_once(people: People) -> None:
    await people.account("anna", Role.VIEWER, password=None)
    link, browser = await link_for(people, "anna"), people.browser()
    for _ in range(3):
        assert (await browser.get(link)).status_code == 200
    done = await browser.post(link, {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
    assert (done.status_code, str(done.url)) == (200, f"{people.world.origin}/")
    stranger = people.browser()
    assert (await stranger.get(link)).status_code == 404
    assert (await stranger.post(link, {"password": NEW_PASSWORD, "again": NEW_PASSWORD})).status_code == 404
    assert (await stranger.sign_in("anna", NEW_PASSWORD)).status_code == 200


async def test_a_link_signs_in_once_without_a_password(people: People) -> None:
    await people.account("anna", Role.VIEWER, password=None)
    link, browser = await link_for(people, "anna"), people.browser()
    done = await browser.post(link, {"act": "sign-in"})
    assert str(done.url) == f"{people.world.origin}/"
    assert not (await people.world.office.people.require("anna")).has_password
    assert (await people.browser().get(link)).status_code == 404


@pytest.mark.parametrize(
    ("password", "again", "says"),
    [("short", "short", "12 characters"), (NEW_PASSWORD, "another one, surely", "not the same"), ("", "", "12")],
)
async def test_a_bad_password_leaves_the_link_alive(people: People, password: str, again: str, says: str) -> None:
    await people.account("anna", Role.VIEWER, password=None)
    link, browser = await link_for(people, "anna"), people.browser()
    refused = await browser.post(link, {"password": password, "again": again})
    assert refused.status_code == 422
    assert says in refused.text
    assert (await browser.get(link)).status_code == 200


async def test_a_link_ends_after_a_day(desk: World, people: People) -> None:
    await people.account("anna", Role.VIEWER, password=None)
    link = await link_for(people, "anna")
    desk.clock.now += LINK_S
    answer = await people.browser().get(link)
    assert answer.status_code == 404
    assert "bellpull-server user link NAME" in answer.text


# --- the own account -----------------------------------------------------------------------------------------------


async def test_a_new_password_needs_the_present_one_and_ends_other_sessions(people: People) -> None:
    browser = await people.signed_in(Role.VIEWER, "anna")
    other = people.browser()
    await other.sign_in("anna")
    new = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
    refused = await browser.post("/account/password", {"current": "wrong password", **new})
    assert (refused.status_code, "present password is not right" in refused.text) == (422, True)
    done = await browser.post("/account/password", {"current": PASSWORD, **new})
    assert "The new password is set." in done.text
    assert "/sign-in" in str((await other.get("/account")).url)
    assert (await other.sign_in("anna", PASSWORD)).status_code == 401
    assert (await other.sign_in("anna", NEW_PASSWORD)).status_code == 200


async def test_guessing_the_present_password_is_slowed_like_any_other_guess(people: People) -> None:
    browser = await people.signed_in(Role.VIEWER, "anna")
    guess = {"current": "wrong password", "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    answers = [(await browser.post("/account/password", guess)).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


# --- other sites, other hosts, forged forms ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    ["null", "https://evil.example", "{origin}.evil.example", "http://127.0.0.1", "https://{host}", "{origin}/", ""],
)
async def test_a_form_of_another_site_is_refused(people: People, origin: str) -> None:
    browser = await people.signed_in(Role.ADMIN, "anna")
    own = people.world.origin
    named = origin.replace("{origin}", own).replace("{host}", own.removeprefix("http://"))
    headers = {"origin": named} if named else {}
    done = await browser.http.post("/sign-out", data={"form": browser.form_token}, headers=headers)
    assert done.status_code == 403
    assert (await browser.get("/account")).status_code == 200


async def test_a_form_without_its_token_or_with_another_sessions_is_refused(people: People) -> None:
    browser, other = await people.signed_in(Role.ADMIN, "anna"), await people.signed_in(Role.ADMIN, "bert")
    for token in ("", "0" * 64, other.form_token, browser.form_token.upper()):
        refused = await browser.post("/people", {"form": token, "name": "mallory", "role": "admin"})
        assert refused.status_code == 403
    assert len(await people.world.office.people.all()) == 2


async def test_a_page_for_another_host_name_is_refused(people: People) -> None:
    browser = await people.signed_in(Role.ADMIN, "anna")
    for host in ("evil.example", "127.0.0.1", "localhost:80", ""):
        assert (await browser.get("/tickets", host=host)).status_code in (400, 403)


async def test_another_sites_page_may_link_to_us_and_nothing_more(people: People) -> None:
    browser = await people.signed_in(Role.ADMIN, "anna")
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert (await browser.get("/tickets", **link)).status_code == 200
    assert (await browser.get("/tickets", **(link | {"sec-fetch-dest": "iframe"}))).status_code == 403
    assert (await browser.get("/tickets", **(link | {"sec-fetch-mode": "cors"}))).status_code == 403


@pytest.mark.parametrize(
    "then",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "\\\\evil.example",
     "/%0d%0aset-cookie:x=y\r\nx", "tickets", ""],
)  # fmt: skip
async def test_signing_in_leads_to_our_own_pages_only(people: People, then: str) -> None:
    await people.account("anna", Role.VIEWER)
    browser = people.browser()
    browser.http.follow_redirects = False
    done = await browser.sign_in("anna", next=then)
    assert (done.status_code, done.headers["location"]) in ((303, "/"), (400, done.headers.get("location", "")))


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"name=anna&name=bert&password=x", "application/x-www-form-urlencoded", 400),
        (b"name=%ff%fe&password=x", "application/x-www-form-urlencoded", 400),
        (b"name=a%00b&password=x", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"f%d=1" % at for at in range(65)), "application/x-www-form-urlencoded", 400),
        (b'{"name":"anna"}', "application/json", 415),
        (b"--x--", "multipart/form-data; boundary=x", 415),
        (b"x" * (64 * 1024 + 1), "application/x-www-form-urlencoded", 413),
        (b"", "", 415),
    ],
)
async def test_what_no_form_of_ours_sends_is_refused_in_words(
    people: People, body: bytes, kind: str, status: int
) -> None:
    headers = {"origin": people.world.origin, **({"content-type": kind} if kind else {})}
    done = await people.browser().http.post("/sign-in", content=body, headers=headers)
    assert done.status_code == status


# --- no way in besides ---------------------------------------------------------------------------------------------

WIZARDS: Final = (
    "/setup", "/setup/", "/setup.php", "/setupwizard", "/SetupWizard.aspx", "/SetupWizard.aspx/", "/setup.aspx/x",
    "/setup-wizard", "/wizard", "/install", "/install/", "/install.php", "/installer", "/admin", "/admin/",
    "/admin/setup",
    "/admin/new", "/first-run", "/firstrun", "/first", "/welcome", "/init", "/initialize", "/bootstrap", "/onboarding",
    "/register", "/signup", "/sign-up", "/users", "/users/new", "/user/add", "/account/new", "/accounts", "/people/new",
    "/sign-in/setup", "/sign-in/link", "/sign-in/link/", "/sign-in/link/x", "/sign-in/link/../setup",
    "/sign-in/../setup",
    "/%73etup", "/./setup", "//setup", "/setup%00", "/setup;x", "/setup?step=1", "/console/setup", "/api/setup",
    "/api/admin", "/api/users", "/api/organisation/reset", "/reset", "/password/reset",
)  # fmt: skip


@pytest.mark.parametrize("role", ["nobody", Role.ADMIN])
async def test_there_is_no_set_up_page_under_any_name(people: People, role: str) -> None:
    assert len(set(WIZARDS)) >= 50
    browser = people.browser() if role == "nobody" else await people.signed_in(Role.ADMIN)
    before = await people.world.office.people.all()
    for path in WIZARDS:
        for method in ("GET", "POST"):
            url = httpx2.URL(people.world.origin).copy_with(raw_path=path.encode())
            headers = {"origin": people.world.origin}
            data = {"form": browser.form_token, "name": "mallory", "role": "admin"} if method == "POST" else None
            done = await browser.http.request(method, url, data=data, headers=headers)
            assert done.status_code in (404, 405) or done.url.path == "/sign-in", (method, path, done.status_code)
            if method == "POST":
                assert done.status_code in (401, 404, 405), (path, done.status_code)
    assert await people.world.office.people.all() == before
