"""Who may what, and how long somebody who failed waits: pure rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.access import CONSOLE_DOORS, may
from server.console import routes as console
from server.people.rules import (
    ACCOUNT_LIMIT,
    ADDRESS_LIMIT,
    HOW_WORDS,
    IDLE_S,
    SECOND_LIMIT,
    SESSION_S,
    HowSignedIn,
    Limit,
    Role,
    account_name,
    address_key,
    browser_words,
    form_token,
    session_holds,
)

#: Without the folders of static files, which everybody may read.
ROUTES = {route for route in CONSOLE_DOORS if CONSOLE_DOORS[route].roles}


def test_the_table_and_the_console_know_the_same_routes() -> None:
    routed = {
        (method, route.path)
        for route in console.routes
        for method in getattr(route, "methods", None) or ()
        if method != "HEAD"
    }
    assert routed == ROUTES


def test_what_is_not_in_the_table_is_for_nobody() -> None:
    for role in (None, *Role):
        assert not may("GET", "/setup", role)
        assert not may("DELETE", "/tickets/{ticket}", role)
        assert not may("POST", "/tickets", role)


def test_who_is_not_signed_in_can_sign_in_and_nothing_else() -> None:
    open_to_all = {route for route in ROUTES if may(*route, None)}
    # The articles that are published are for everybody, and so is saying whether one helped.
    assert open_to_all == {
        ("GET", "/help"), ("GET", "/help/{slug}"), ("POST", "/help/{slug}/helped"),
        ("GET", "/sign-in"), ("POST", "/sign-in"),
        ("GET", "/sign-in/link/{token}"), ("POST", "/sign-in/link/{token}"),
        ("GET", "/sign-in/second"), ("POST", "/sign-in/second"),
        ("POST", "/sign-in/passkey"), ("POST", "/sign-in/passkey/options"),
    }  # fmt: skip


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_who_only_reads_changes_nothing_but_their_own_account(role: Role) -> None:
    changes = {path for method, path in ROUTES if method == "POST" and may(method, path, role)}
    own = ("/account/", "/sign-in", "/notices/", "/help/")
    assert {path for path in changes if not path.startswith(own)} == {"/sign-out", "/tickets/{ticket}/watch"}


def test_the_audit_log_is_for_auditors_and_admins_and_people_for_admins() -> None:
    for method, path in ROUTES:
        who = {role for role in Role if may(method, path, role)}
        if path.startswith("/audit"):
            assert who == {Role.AUDITOR, Role.ADMIN}
        if path.startswith("/people"):
            assert who == {Role.ADMIN}
        if path in ("/tickets/{ticket}/facts", "/tickets/{ticket}/words"):
            assert who == {Role.TECHNICIAN, Role.ADMIN}


def test_head_counts_as_get() -> None:
    assert may("HEAD", "/tickets", Role.VIEWER)
    assert not may("HEAD", "/people", Role.VIEWER)


# --- limits --------------------------------------------------------------------------------------------------------

limits = st.sampled_from([ACCOUNT_LIMIT, ADDRESS_LIMIT, SECOND_LIMIT])


@given(limit=limits, failures=st.integers(0, 10_000), last_at=st.integers(0, 1 << 40), now=st.integers(0, 1 << 40))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_nobody_waits_longer_than_the_limit_whatever_the_clock_does(
    limit: Limit, failures: int, last_at: int, now: int
) -> None:
    wait_s = limit.wait_s(failures, last_at, now)
    assert 0 <= wait_s <= limit.longest_s
    assert wait_s == 0 or failures >= limit.free
    assert limit.wait_s(failures, last_at, max(now, last_at) + limit.longest_s) == 0


def test_each_further_failure_doubles_the_wait() -> None:
    waits = [ACCOUNT_LIMIT.wait_s(failures, 1000, 1000) for failures in range(14)]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_an_ipv6_user_is_one_address_and_an_ipv4_one_is_itself_in_both_spellings() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff:2")
    assert address_key("2001:db8::1") != address_key("2001:db8:0:1::1")
    assert address_key("192.0.2.1") == address_key("::ffff:192.0.2.1")
    assert address_key("192.0.2.1") != address_key("192.0.2.2")
    assert address_key("unknown") == address_key("unknown")


# --- names, tokens, sessions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Anna", "anna"), (" anna@example.org ", "anna@example.org"), ("a", "a"), ("x" * 40, "x" * 40),
        ("", None), ("x" * 41, None), (".anna", None), ("an na", None), ("anna\n", "anna"), ("änna", None),
        ("../anna", None), ("anna/role", None), ("<b>", None), ("anna\x00", None),
    ],
)  # fmt: skip
def test_a_sign_in_name_is_short_plain_and_in_lower_case(typed: str, kept: str | None) -> None:
    assert account_name(typed) == kept


def test_a_form_token_belongs_to_one_session() -> None:
    assert form_token("one") == form_token("one") != form_token("two")
    assert "one" not in form_token("one")


def test_a_session_ends_when_idle_and_at_the_end_of_the_day() -> None:
    assert session_holds(0, SESSION_S, IDLE_S - 1)
    assert not session_holds(0, SESSION_S, IDLE_S)
    assert session_holds(SESSION_S - 1, SESSION_S, SESSION_S - 1)
    assert not session_holds(SESSION_S - 1, SESSION_S, SESSION_S)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.0", "a program"),
        ("<script>", "a program"),
        ("", "a program"),
    ],
)
def test_a_browser_is_kept_as_a_name_its_owner_knows(header: str, words: str) -> None:
    assert browser_words(header) == words


def test_every_way_of_signing_in_has_words_and_a_second_half() -> None:
    assert set(HOW_WORDS) == set(HowSignedIn)
    assert HowSignedIn.PASSWORD.with_second(recovery=False) is HowSignedIn.PASSWORD_AND_CODE
    assert HowSignedIn.LINK.with_second(recovery=True) is HowSignedIn.LINK_AND_RECOVERY
