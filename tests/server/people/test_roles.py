"""Every route of the console × every role, over HTTP: what the table allows is let through, and nothing else."""

from typing import Final

import pytest

from server.access import CONSOLE_DOORS, may
from server.people.rules import Role
from tests.server.actors import World, uuid
from tests.server.console.browsing import People

EXAMPLES: Final = {
    "{token}": "A" * 43,
    "{ticket}": uuid("none"),
    "{device}": "d-" + "a" * 26,
    "{index:int}": "999999",
    "{name}": "nobody",
    "{figure}": "load",
}


def filled(path: str) -> str:
    for name, value in EXAMPLES.items():
        path = path.replace(name, value)
    assert "{" not in path, f"give {path} an example"
    return path


@pytest.mark.parametrize("role", [None, *Role])
async def test_each_page_opens_for_the_roles_of_the_table_only(desk: World, people: People, role: Role | None) -> None:
    browser = people.browser() if role is None else await people.signed_in(role)
    browser.http.follow_redirects = False
    cookies = dict(browser.http.cookies)
    for method, path in sorted(
        (one for one in CONSOLE_DOORS if CONSOLE_DOORS[one].roles), key=lambda route: route == ("POST", "/sign-out")
    ):
        browser.http.cookies.update(cookies)
        fields = {"form": browser.form_token} if browser.form_token else {"act": "none"}
        done = await browser.http.request(
            method, filled(path), data=fields if method == "POST" else None, headers={"origin": desk.origin}
        )
        to_sign_in = done.status_code == 303 and done.headers["location"].startswith("/sign-in?next=")
        at_root = path == "/" and done.headers.get("location") == "/sign-in"
        refused = done.status_code == 403 or to_sign_in or at_root or "you are not signed in" in done.text.lower()
        assert refused is not may(method, path, role), (method, path, role, done.status_code)
        assert done.status_code < 500, (method, path, done.text)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR, Role.TECHNICIAN])
async def test_navigation_offers_what_the_role_may_open(people: People, role: Role) -> None:
    browser = await people.signed_in(role)
    shown = (await browser.get("/")).text
    for path in ("/tickets", "/devices", "/audit", "/people"):
        assert (f'<li><a href="{path}"' in shown) is may("GET", path, role)


async def test_a_role_changed_by_another_admin_counts_at_the_next_request(people: People) -> None:
    admin, other = await people.signed_in(Role.ADMIN, "anna"), await people.signed_in(Role.ADMIN, "bert")
    done = await admin.post("/people/bert/role", {"role": "viewer"})
    assert "Saved." in done.text
    assert "/sign-in" in str((await other.get("/people")).url)
    await other.sign_in("bert")
    assert (await other.get("/people")).status_code == 403
