"""The organisation: pinned once for ever, its documents above their floors, its sign-in proven."""

import pytest

from protocol.certificates import Chain, IssuerRole, RootRotation
from protocol.enrolment import OrganisationLogin
from protocol.fields import encode_base64, root_hash
from protocol.messages.api import CertificatePush, DocumentsPush, OrganisationSignIn, PinRequest
from protocol.messages.documents import Documents, FetchDocuments
from protocol.messages.login import Closing, Welcome
from protocol.statements import Envelope
from tests.making import NOW, Organisation, serial, signing_key
from tests.server.actors import World


def pin_request(world: World, **changes: object) -> PinRequest:
    organisation = world.organisation
    body = PinRequest(
        setup_code=world.setup_code,
        root_key=organisation.root.public,
        issuer=organisation.issuer(),
        organisation=organisation.name,
    )
    return body.model_copy(update=changes)


async def test_a_root_is_pinned_once_and_then_never_again(world: World) -> None:
    assert (await world.get("/api/server")).json()["root_key"] is None
    assert (await world.pin()).status_code == 200
    facts = (await world.get("/api/server")).json()
    other = Organisation("Other Ltd")
    again = pin_request(world, root_key=other.root.public, issuer=other.issuer(), organisation=other.name)
    assert (await world.post("/api/organisation/pin", again)).status_code == 409
    assert (await world.pin()).status_code == 409
    assert (await world.get("/api/server")).json() == facts


async def test_a_wrong_code_pins_nothing_and_does_not_use_up_the_right_one(world: World) -> None:
    refused = await world.post("/api/organisation/pin", pin_request(world, setup_code="aaaa-bbbb-cccc-dddd"))
    assert refused.status_code == 403
    assert (await world.pin()).status_code == 200


async def test_a_new_code_ends_the_old_one(world: World) -> None:
    fresh = await world.office.organisation.new_setup_code()
    assert (await world.pin()).status_code == 403
    assert (await world.post("/api/organisation/pin", pin_request(world, setup_code=fresh))).status_code == 200


@pytest.mark.parametrize("fault", ["issuer of another root", "content issuer", "another name"])
async def test_a_root_without_its_own_certifying_issuer_is_not_pinned(world: World, fault: str) -> None:
    changes: dict[str, dict[str, object]] = {
        "issuer of another root": {"issuer": Organisation("Other Ltd").issuer()},
        "content issuer": {"issuer": world.organisation.issuer(IssuerRole.CONTENT)},
        "another name": {"organisation": "Somebody Else"},
    }
    assert (await world.post("/api/organisation/pin", pin_request(world, **changes[fault]))).status_code == 400
    assert world.office.organisation.trust is None


async def test_a_login_needs_a_certifying_issuer_a_fresh_nonce_and_this_server(desk: World) -> None:
    organisation = desk.organisation

    def body(nonce: bytes, **changes: object) -> OrganisationLogin:
        made = OrganisationLogin(root=organisation.root_hash, origin=desk.origin, nonce=nonce, issued_at=NOW)
        return made.model_copy(update=changes)

    async def login(statement: Envelope, issuer: Envelope | None = None) -> int:
        sign_in = OrganisationSignIn(issuer=issuer or organisation.issuer(), statement=statement)
        return (await desk.post("/api/organisation/login", sign_in)).status_code

    key = organisation.certifying
    used = key.sign(body(await desk.nonce()))
    assert await login(used) == 200
    assert await login(used) == 401, "a nonce is good once"
    assert await login(key.sign(body(b"n" * 32))) == 401
    assert await login(key.sign(body(await desk.nonce(), origin="https://elsewhere.example"))) == 401
    assert await login(organisation.content.sign(body(await desk.nonce()))) == 401
    content = organisation.issuer(IssuerRole.CONTENT)
    assert await login(organisation.content.sign(body(await desk.nonce())), content) == 401
    assert await login(organisation.root.sign(body(await desk.nonce()))) == 401
    late = key.sign(body(await desk.nonce()))
    desk.clock.now += 61
    assert await login(late) == 401, "a nonce is good for a minute"


async def test_documents_rise_and_never_fall_and_a_restart_remembers(desk: World) -> None:
    token = await desk.organisation_token()

    async def publish(*documents) -> int:  # type: ignore[no-untyped-def]
        return (await desk.post("/api/organisation/documents", DocumentsPush(documents=documents), token)).status_code

    two = desk.organisation.revocations(2)
    assert await publish(two) == 200
    assert await publish(two) == 200, "the same again is fine"
    assert await publish(desk.organisation.revocations(1)) == 400
    assert await publish(desk.organisation.revocations(2, serials=(serial("x"),))) == 400, "a fork"
    await desk.office.organisation.load()
    assert desk.office.organisation.versions == {"revocations-leaves": 2}
    assert await publish(desk.organisation.revocations(1)) == 400


async def test_a_batch_with_one_bad_document_publishes_nothing_and_logs_nothing(desk: World) -> None:
    token = await desk.organisation_token()
    size = desk.office.audit.size
    push = DocumentsPush(documents=(desk.organisation.revocations(1), Organisation("Other Ltd").revocations(2)))
    assert (await desk.post("/api/organisation/documents", push, token)).status_code == 400
    assert (desk.office.organisation.versions, desk.office.audit.size) == ({}, size)


async def test_agents_fetch_what_is_newer_and_hear_of_what_comes(desk: World) -> None:
    token = await desk.organisation_token()
    one, two = desk.organisation.revocations(1), desk.organisation.revocations(2)
    await desk.post("/api/organisation/documents", DocumentsPush(documents=(one,)), token)
    device = await desk.approved()
    async with desk.link(device) as link:
        assert (await link.hear(Welcome)).versions == {"revocations-leaves": 1}
        await link.say(FetchDocuments(have={}))
        assert await link.hear(Documents) == Documents(documents=(one,))
        await link.say(FetchDocuments(have={"revocations-leaves": 1}))
        assert await link.hear(Documents) == Documents(documents=())
        await desk.post("/api/organisation/documents", DocumentsPush(documents=(two,)), token)
        assert await link.hear(Documents) == Documents(documents=(two,))


async def test_a_rotated_root_is_followed_and_devices_of_the_old_root_hear_of_it(desk: World) -> None:
    device = await desk.approved()
    token = await desk.organisation_token()
    old, new = desk.organisation.root, signing_key("new root")
    body = RootRotation(
        old_root=desk.organisation.root_hash,
        new_root=root_hash(new.public),
        new_root_key=new.public,
        sequence=1,
        issued_at=NOW,
    )
    rotation = new.add_signature(old.sign(body))
    push = DocumentsPush(documents=(), rotations=(rotation,))
    assert (await desk.post("/api/organisation/documents", push, token)).status_code == 200
    assert (await desk.get("/api/server")).json()["root_key"] == encode_base64(new.public)
    await desk.office.organisation.load()
    assert desk.office.organisation.trust.root == new.verify_key
    async with desk.link(device) as link:  # still with the old root pinned
        await link.hear(Welcome)
        await link.say(FetchDocuments(have={}))
        assert (await link.hear(Documents)).rotations == (rotation,)
    assert (await desk.post("/api/organisation/documents", push, token)).status_code in (400, 401)


async def test_a_revoked_technician_is_out_at_once_and_a_revoked_device_too(desk: World) -> None:
    device = await desk.approved()
    organisation_token, token = await desk.organisation_token(), await desk.technician_token()
    technician_serial = serial(f"{desk.organisation.name} Ada Tech")
    device_serial = serial(f"{desk.organisation.name} laptop")
    assert (await desk.get("/api/devices", token)).status_code == 200
    async with desk.link(device) as link:
        await link.hear(Welcome)
        revoked = desk.organisation.revocations(1, serials=(technician_serial, device_serial))
        await desk.post("/api/organisation/documents", DocumentsPush(documents=(revoked,)), organisation_token)
        assert "revoked" in (await link.hear(Closing)).reason
    assert (await desk.get("/api/devices", token)).status_code == 401
    assert (await desk.technician_login()).status_code == 401
    assert (
        await desk.post("/api/organisation/certificates", CertificatePush(chain=device.chain), organisation_token)
    ).status_code == 400


async def test_technician_certificates_are_kept_only_when_they_hold(desk: World) -> None:
    token = await desk.organisation_token()

    async def push(chain: Chain) -> int:
        return (await desk.post("/api/organisation/certificates", CertificatePush(chain=chain), token)).status_code

    good = desk.technician_chain()
    assert await push(good) == 200
    assert await push(Chain(issuer=good.issuer, leaf=Organisation("Other Ltd").technician().leaf)) == 400
    assert await push(Chain(issuer=good.issuer, leaf=desk.organisation.revocations(1).statement)) == 400
    assert await desk.office.technicians.certificates() == (good,)
