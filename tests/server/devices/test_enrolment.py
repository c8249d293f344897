"""Enrolling: one token, one device; everything else is refused and leaves nothing behind."""

import pytest

from protocol.certificates import Chain
from protocol.messages.api import CertificatePush, DeviceList, EnrolmentList, EnrolmentRefusal, EnrolmentState
from protocol.messages.login import LoginRefused, Welcome
from tests.making import DAY, Organisation
from tests.server.actors import World


async def pending(desk: World) -> list[str]:
    listed = await desk.get("/api/organisation/enrolments", await desk.organisation_token())
    return [row.request.label for row in EnrolmentList.model_validate_json(listed.content).enrolments]


async def test_the_same_request_twice_is_one_enrolment(desk: World) -> None:
    device = desk.device()
    for _ in range(2):
        done = await desk.post("/api/enrol", desk.enrolment(device))
        assert (done.status_code, done.json()) == (202, {"device": device.device})
    assert await pending(desk) == ["laptop"]


async def test_a_used_token_is_refused_to_another_device_and_to_other_keys_of_the_same(desk: World) -> None:
    token = desk.token()
    first, second = desk.device("first"), desk.device("second")
    assert (await desk.post("/api/enrol", desk.enrolment(first, token=token))).status_code == 202
    assert (await desk.post("/api/enrol", desk.enrolment(second, token=token))).status_code == 409
    swapped = desk.enrolment(first, token=token)
    swapped = swapped.model_copy(update={"keys": swapped.keys.model_copy(update={"noise": b"n" * 32})})
    assert (await desk.post("/api/enrol", swapped)).status_code == 409
    assert await pending(desk) == ["first"]


async def test_a_stranger_with_a_fresh_token_cannot_replace_the_keys_of_an_enrolled_device(desk: World) -> None:
    device = await desk.approved()
    hostile = desk.enrolment(device, token=desk.token("another"))
    hostile = hostile.model_copy(update={"keys": hostile.keys.model_copy(update={"witness": b"w" * 32})})
    assert (await desk.post("/api/enrol", hostile)).status_code == 409
    kept = await desk.office.devices.get(device.device)
    assert (kept.request.keys, kept.state) == (device.keys, EnrolmentState.APPROVED)


async def test_an_expired_token_is_refused(desk: World) -> None:
    request = desk.enrolment(desk.device())
    desk.clock.now += 2 * DAY
    done = await desk.post("/api/enrol", request)
    assert (done.status_code, done.json()["error"]["what"]) == (400, "the enrolment token has expired")


async def test_a_token_of_another_organisations_root_is_refused(desk: World) -> None:
    other = World(desk.origin, "", desk.http, desk.clock, Organisation("Other Ltd"))
    done = await desk.post("/api/enrol", other.enrolment(other.device()))
    assert done.status_code == 400
    assert await pending(desk) == []


async def test_a_token_for_another_server_is_refused(desk: World) -> None:
    token = desk.token(server_origin="https://elsewhere.example")
    done = await desk.post("/api/enrol", desk.enrolment(desk.device(), token=token))
    assert (done.status_code, done.json()["error"]["expected"]) == (400, desk.origin)


async def test_a_token_signed_by_an_issuer_that_may_not_is_refused(desk: World) -> None:
    good = desk.token()
    for signer in (desk.organisation.content, desk.organisation.root):
        body = desk.enrolment(desk.device()).token.leaf
        forged = Chain(issuer=good.issuer, leaf=signer.sign(_token_body(body)))
        assert (await desk.post("/api/enrol", desk.enrolment(desk.device(), token=forged))).status_code == 400


def _token_body(envelope):  # type: ignore[no-untyped-def]
    from protocol.enrolment import EnrolmentToken
    from protocol.statements import parse_payload

    return parse_payload(envelope, EnrolmentToken)


async def test_before_an_organisation_is_pinned_nothing_enrols_and_the_answer_says_why(world: World) -> None:
    done = await world.post("/api/enrol", world.enrolment(world.device()))
    assert done.status_code == 503
    assert "organisation" in done.json()["error"]["what"]


async def test_a_certificate_for_other_keys_or_an_unknown_device_is_not_kept(desk: World) -> None:
    device = await desk.enrolled()
    token = await desk.organisation_token()
    wrong_keys = desk.certificate(device, witness_key=b"w" * 32)
    unknown = desk.certificate(desk.device("unknown"))
    answers = [
        (await desk.post("/api/organisation/certificates", CertificatePush(chain=chain), token)).status_code
        for chain in (wrong_keys, unknown)
    ]
    assert answers == [409, 404]
    size = desk.office.audit.size
    kept = await desk.office.devices.get(device.device)
    assert (kept.state, kept.certificate) == (EnrolmentState.PENDING, None)
    # What was refused is not in the log either: only the sign-in is.
    assert size == 1


@pytest.mark.parametrize("fault", ["expired", "other root", "other signer"])
async def test_a_certificate_that_does_not_hold_under_the_pinned_root_is_refused(desk: World, fault: str) -> None:
    device = await desk.enrolled()
    token = await desk.organisation_token()
    now = desk.clock.now
    chain = {
        "expired": lambda: desk.certificate(device, not_before=now - 2 * DAY, not_after=now - DAY),
        "other root": lambda: World(desk.origin, "", desk.http, desk.clock, Organisation("Other Ltd")).certificate(
            device
        ),
        "other signer": lambda: Chain(
            issuer=desk.organisation.issuer(),
            leaf=Organisation("Other Ltd").device(device.name).leaf,
        ),
    }[fault]()
    done = await desk.post("/api/organisation/certificates", CertificatePush(chain=chain), token)
    assert done.status_code == 400, done.text
    assert (await desk.office.devices.get(device.device)).certificate is None


async def test_a_refused_device_is_let_go_and_not_let_in_again(desk: World) -> None:
    device = await desk.enrolled()
    token = await desk.organisation_token()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        done = await desk.post("/api/organisation/refusals", EnrolmentRefusal(device=device.device), token)
        assert done.status_code == 200
        await link.socket.wait_closed()
    async with desk.link(device) as link:
        assert "refused" in (await link.hear(LoginRefused)).reason
    assert (await desk.get("/api/devices", await desk.technician_token())).json() == {"devices": []}


async def test_technicians_see_their_customers_devices_and_of_others_nothing(desk: World) -> None:
    await desk.approved("of acme", customer="Acme")
    await desk.approved("of zenith", customer="Zenith")
    await desk.enrolled("not yet approved", customer="Acme")
    seen = {}
    for name, customers in (("Ada", ("Acme",)), ("Zoe", ("Zenith", "Void")), ("Nobody", ())):
        token = await desk.technician_token(name, customers=customers)
        listed = DeviceList.model_validate_json((await desk.get("/api/devices", token)).content)
        seen[name] = {row.label: row.customer for row in listed.devices}
    assert seen == {
        # Before approval the server knows no customer, and says so.
        "Ada": {"of acme": "Acme", "not yet approved": None},
        "Zoe": {"of zenith": "Zenith"},
        "Nobody": {},
    }
