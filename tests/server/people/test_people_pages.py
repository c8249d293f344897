"""The pages on which admins decide who may sign in."""

from protocol.audit import AuditWord
from server.audit.reading import AuditReading
from server.people.rules import Role
from tests.making import signing_key
from tests.server.actors import World
from tests.server.console.browsing import People


async def test_an_admin_adds_somebody_and_gets_their_link_once(people: People) -> None:
    admin = await people.signed_in(Role.ADMIN)
    made = await admin.post("/people", {"name": "Carla", "role": "technician"})
    assert f"{people.world.origin}/sign-in/link/" in made.text
    link = made.text.split(f"{people.world.origin}/sign-in/link/")[1][:43]
    assert link not in (await admin.get("/people/carla")).text
    carla = people.browser()
    assert "Welcome, carla" in (await carla.get(f"/sign-in/link/{link}")).text
    assert str((await carla.post(f"/sign-in/link/{link}", {"act": "sign-in"})).url) == f"{people.world.origin}/"


async def test_what_cannot_be_added_says_why_beside_the_field(people: People) -> None:
    admin = await people.signed_in(Role.ADMIN)
    taken = await admin.post("/people", {"name": "admin", "role": "viewer"})
    assert (taken.status_code, "There is an account admin already." in taken.text) == (409, True)
    hostile = await admin.post("/people", {"name": "<script>alert(1)</script>", "role": "viewer"})
    assert hostile.status_code == 422
    assert "<script>alert" not in hostile.text
    assert (await admin.post("/people", {"name": "bert", "role": "king"})).status_code == 422


async def test_an_account_linked_to_a_certificate_sees_its_customers(desk: World, people: People) -> None:
    await desk.approved("laptop", customer="Acme")
    await desk.approved("scanner", customer="Bluebird")
    await desk.technician_token("Ada Tech", customers=("Acme",))
    ada = await people.signed_in(Role.TECHNICIAN, "ada")
    unlinked = (await ada.get("/devices")).text
    assert "is not linked to a certificate yet" in unlinked
    assert "laptop" not in unlinked
    admin = await people.signed_in(Role.ADMIN)
    key = signing_key("Helpful Ltd Ada Tech").public.hex()
    assert "Saved." in (await admin.post("/people/ada/technician", {"technician": key})).text
    assert "Verified now" in (await admin.get("/people/ada")).text
    linked = (await ada.get("/devices")).text
    assert "laptop" in linked
    assert "scanner" not in linked


async def test_nobody_links_to_a_technician_who_is_not_known(people: People) -> None:
    admin = await people.signed_in(Role.ADMIN)
    assert (await admin.post("/people/admin/technician", {"technician": "00" * 32})).status_code == 422


async def test_every_change_of_an_account_is_in_the_audit_log_and_names_nobody(desk: World, people: People) -> None:
    admin = await people.signed_in(Role.ADMIN)
    before = desk.office.audit.size
    await admin.post("/people", {"name": "carla", "role": "viewer"})
    for path, fields in (
        ("role", {"role": "auditor"}), ("technician", {"technician": ""}), ("link", {}), ("remove", {}),
    ):  # fmt: skip
        assert (await admin.post(f"/people/carla/{path}", fields)).status_code == 200
    assert (await admin.post("/people/nobody/role", {"role": "viewer"})).status_code == 404
    assert (await admin.post("/people", {"name": "two words", "role": "viewer"})).status_code == 422
    page = await AuditReading(desk.office.database).page(word=AuditWord.ACCOUNT_CHANGE)
    assert [one.index for one in page.entries] == list(range(before + 4, before - 1, -1))
    assert not [one for one in page.entries if b"carla" in one.leaf or b"admin" in one.leaf]


async def test_an_admin_cannot_remove_their_own_account(people: People) -> None:
    admin = await people.signed_in(Role.ADMIN, "anna")
    await people.account("bert", Role.VIEWER)
    assert (await admin.post("/people/anna/remove")).status_code == 409
    assert "The account is removed." in (await admin.post("/people/bert/remove")).text
    assert [one.name for one in await people.world.office.people.all()] == ["anna"]


async def test_the_only_admin_cannot_stop_being_one(people: People) -> None:
    admin = await people.signed_in(Role.ADMIN, "anna")
    done = await admin.post("/people/anna/role", {"role": "viewer"})
    assert (done.status_code, "anna is the only admin" in done.text.lower()) == (409, True)
