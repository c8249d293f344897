"""Devices in the console over HTTP: the list, one device with plots, and what it lacks."""

import asyncio
import html
import json
import re

from protocol.messages.api import CertificatePush
from server.people.rules import Role
from tests.server.actors import World
from tests.server.console.browsing import People
from tests.server.console.lived import Lived, fill


async def test_an_empty_desk_teaches_what_to_do_next(desk: World, people: People) -> None:
    admin = await people.signed_in(Role.ADMIN)
    assert "bellpull org enrol-token --customer NAME" in (await admin.get("/")).text
    assert "bellpull-agent enrol TOKEN" in (await admin.get("/devices")).text
    assert "bellpull-agent ask" in (await admin.get("/tickets")).text


async def test_before_an_organisation_is_pinned_the_first_step_is_to_make_one(world: World, people: People) -> None:
    # `people` stands on a pinned desk; here the same server is asked as if it were not.
    world.office.organisation.trust = None
    admin = await people.signed_in(Role.ADMIN)
    assert f"bellpull org pin {world.origin} --setup-code CODE" in (await admin.get("/")).text


async def test_a_device_that_waits_for_approval_is_named_with_the_command(desk: World, people: People) -> None:
    await desk.enrolled("reception")
    admin = await people.signed_in(Role.ADMIN)
    home = (await admin.get("/")).text
    assert "bellpull org approve" in home
    assert "reception" in home
    assert "reception" in (await admin.get("/devices?show=waiting")).text
    assert "reception" not in (await admin.get("/devices?show=away")).text


async def test_a_machine_with_new_keys_is_marked_in_the_list_and_on_both_pages(desk: World, people: People) -> None:
    old, new = await desk.approved("reception"), desk.device("reception, set up anew")
    request = desk.enrolment(new).model_copy(update={"replaces": old.device})
    assert (await desk.post("/api/enrol", request)).status_code == 202
    push = CertificatePush(chain=desk.certificate(new))
    assert (await desk.post("/api/organisation/certificates", push, await desk.organisation_token())).status_code == 200
    admin = await people.signed_in(Role.ADMIN)
    listed = (await admin.get("/devices")).text
    assert listed.count("Retired: new keys since") == 1
    assert f"was <code>{old.device[:12]}" in listed
    assert "this device is retired" in (await admin.get(f"/devices/{old.device}")).text
    assert f"This machine was {old.device} before" in (await admin.get(f"/devices/{new.device}")).text


async def test_connected_devices_are_shown_as_such_while_they_are(desk: World, people: People) -> None:
    from protocol.messages.login import Welcome

    device = await desk.approved()
    admin = await people.signed_in(Role.ADMIN)
    async with desk.link(device) as link:
        await link.hear(Welcome)
        while not desk.office.hub.connected(device.device):  # noqa: ASYNC110 - added a moment after the welcome
            await asyncio.sleep(0.01)
        assert "Connected</span>" in (await admin.get(f"/devices/{device.device}")).text
        assert "laptop" in (await admin.get("/devices?show=connected")).text
    while desk.office.hub.connected(device.device):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert "Away</span>" in (await admin.get(f"/devices/{device.device}")).text


async def test_a_devices_numbers_are_drawn_and_listed(desk: World, people: People) -> None:
    lived = Lived(desk, asyncio.get_running_loop())
    await fill(lived)
    auditor = await people.browser_for("olga")
    answer = await auditor.get(f"/devices/{lived.device}")
    assert len(answer.content) < 150_000
    titles = re.findall(r'class="plot-title">([^<]+)<', answer.text)
    assert titles[:4] == ["Disk used", "Memory available", "Processor used", "Load"]
    data = json.loads(html.unescape(re.findall(r'<script type="application/json">(.*?)</script>', answer.text)[0]))
    assert [line["label"] for line in data["series"]] == ["Volume 3f2a", "Volume 91c0"]
    assert max(value for value in data["series"][0]["values"] if value is not None) > 0.9
    assert None in data["series"][0]["values"]  # the night it was switched off
    for expected in ("disk-space-low", "Kernel events", "Skipped", "agent.rss-bytes"):
        assert expected in answer.text
    hour = await auditor.get(f"/devices/{lived.device}?range=hour")
    assert '<a href="/devices/' in hour.text
    assert "Disk used" in hour.text


async def test_a_device_that_reported_nothing_says_so(desk: World, people: People) -> None:
    device = await desk.approved()
    admin = await people.signed_in(Role.ADMIN)
    page = (await admin.get(f"/devices/{device.device}")).text
    for expected in ("has not reported its health yet", "No numbers reported", "Nobody has been on this device"):
        assert expected in page


async def test_odd_addresses_are_answered_in_words(desk: World, people: People) -> None:
    admin = await people.signed_in(Role.ADMIN)
    for path in (
        "/devices?page=0", "/devices?page=-1", "/devices?page=9999999", "/devices?page=²", "/devices?show=x",
        "/tickets?page=x&state=y&severity=z", "/audit?below=x", "/audit?below=99999999999999999999",
    ):  # fmt: skip
        assert (await admin.get(path)).status_code == 200, path
    for path in ("/devices/none", "/audit/12345", "/audit/99999999999999999999999"):
        assert (await admin.get(path)).status_code == 404, path
