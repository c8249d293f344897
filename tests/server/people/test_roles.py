"""Roles as people meet them: what navigation offers, and a role that is taken away. Every route: ../test_routes.py."""

import pytest

from server.access import may
from server.people.rules import Role
from tests.server.console.browsing import People


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
