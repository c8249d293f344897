"""Second factors in a real browser: a passkey of Chromium's virtual authenticator, and the pages around it."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from server.people.rules import Role
from tests.browser.conftest import Complaints
from tests.server.console.lived import lived_server

PASSWORD = "four random words here"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_added_signs_in_without_a_name_and_is_refused_where_nobody_proves_to_be_there(
    page: Page, tmp_path: Path, complaints: Complaints, reaching_past: Callable[[Page], list[str]]
) -> None:
    with lived_server(tmp_path, host="localhost", filled=False) as desk:
        desk.call(desk.world.office.people.add("anna", Role.VIEWER))
        page.goto(desk.link("anna"))
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        page.get_by_role("button", name="Set it and sign in").click()

        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        key = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]

        page.goto(f"{desk.origin}/account")
        page.get_by_label("Name of the passkey").fill("Blue key")
        page.get_by_role("button", name="Add a passkey").press("Enter")
        expect(page.get_by_role("heading", name="The passkey is added.")).to_be_visible()
        assert len((page.locator(".command code").text_content() or "").split()) == 10

        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("link", name="anna")).to_be_visible()
        page.goto(f"{desk.origin}/account")
        expect(page.get_by_role("listitem").filter(has_text="Blue key")).to_be_visible()
        expect(page.get_by_text("with passkey")).to_be_visible()
        assert reaching_past(page) == []

        page.get_by_role("button", name="Sign out").click()
        devtools.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_text("Nothing was chosen, or it took too long.")).to_be_visible()

        # The password alone is half of it now, and the passkey is the other half.
        devtools.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": True})
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="One more step, anna")).to_be_visible()
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_role("link", name="anna").click()

        # A passkey that was removed here is in the authenticator still: it signs nobody in.
        page.get_by_role("button", name="Remove the passkey Blue key").click()
        expect(page.get_by_text("The passkey is removed.")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        complaints.allow(r"401")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_text("This passkey does not sign in here.")).to_be_visible()
