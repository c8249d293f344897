"""What follows from new keys and large papers: rotations reach devices, packs arrive in parts, technicians renew."""

import itertools

from protocol import strict_json
from protocol.certificates import Document, KnownIssuePack, PackedIssue, RootRotation
from protocol.enrolment import TechnicianLogin, enrolment_proof
from protocol.fields import sha256
from protocol.limits import CONTROL_MESSAGE_MAX_BYTES
from protocol.messages.api import CertificatePush, DeviceList, DocumentsPush, EnrolmentList, Renewal, RenewalAsk
from protocol.messages.documents import (
    DocumentPart,
    Documents,
    FetchDocumentPart,
    FetchDocuments,
    LargeDocuments,
)
from protocol.messages.login import LoginRefused, Welcome
from protocol.statements import Envelope, parse_payload
from tests.making import DAY, Organisation, rotation, seed, serial, signing_key
from tests.server.actors import AgentLink, World, until_async


def roots(desk: World, count: int) -> list[Organisation]:
    """The organisation of now, and those that follow it; each certifies with keys of its own."""
    return [desk.organisation, *(Organisation(f"{desk.organisation.name}, root {number}") for number in range(count))]


async def publish(desk: World, token: str, *documents: Document, rotations: tuple[Envelope, ...] = ()) -> int:
    push = DocumentsPush(documents=documents, rotations=rotations)
    return (await desk.post("/api/organisation/documents", push, token)).status_code


async def test_a_connected_device_hears_of_a_rotation_before_what_is_signed_under_it(desk: World) -> None:
    device, token = await desk.approved(), await desk.organisation_token()
    _, new = roots(desk, 1)
    turned = rotation(desk.organisation, new, 1, desk.clock.now)
    size = desk.office.audit.size
    async with desk.link(device) as link:
        await link.hear(Welcome)
        assert await publish(desk, token, new.revocations(9), rotations=(turned,)) == 200
        assert desk.office.audit.size >= size + 2, "the rotation stands in the log like the list beside it"
        assert (await link.hear(Documents)).rotations == (turned,)
        assert (await link.hear(Documents)).documents == (new.revocations(9),)


async def test_a_device_that_was_away_for_twenty_rotations_gets_them_all_in_order(desk: World) -> None:
    device = await desk.approved()
    every = roots(desk, 20)
    turned = [rotation(old, new, at, desk.clock.now) for at, (old, new) in enumerate(itertools.pairwise(every), 1)]
    token = await desk.organisation_token()
    assert await publish(desk, token, rotations=tuple(turned[:16])) == 200
    desk.organisation = every[16]
    assert await publish(desk, await desk.organisation_token(), rotations=tuple(turned[16:])) == 200
    async with desk.link(device, root=every[0].root_hash) as link:
        await link.hear(Welcome)
        await link.say(FetchDocuments(have={}, root=every[0].root_hash))
        first = await link.hear(Documents)
        assert (first.rotations, first.more) == (tuple(turned[:16]), True)
        await link.say(FetchDocuments(have={}, root=every[16].root_hash))
        rest = await link.hear(Documents)
        assert (rest.rotations, rest.more) == (tuple(turned[16:]), False)


async def test_a_token_of_a_root_that_was_left_says_so(desk: World) -> None:
    request, token = desk.enrolment(desk.device()), await desk.organisation_token()
    _, new = roots(desk, 1)
    assert await publish(desk, token, rotations=(rotation(desk.organisation, new, 1, desk.clock.now),)) == 200
    refused = await desk.post("/api/enrol", request)
    assert refused.status_code == 400
    assert (
        refused.json()["error"]["what"] == "this enrolment token was made before the organisation changed its root key"
    )


async def test_floors_of_the_new_root_hold_at_the_server_over_a_restart(desk: World) -> None:
    token = await desk.organisation_token()
    assert await publish(desk, token, desk.organisation.revocations(1 << 53)) == 200
    _, new = roots(desk, 1)
    body = parse_payload(rotation(desk.organisation, new, 1, desk.clock.now), RootRotation)
    body = body.model_copy(update={"floors": {"revocations-leaves": 7}})
    turned = new.root.add_signature(desk.organisation.root.sign(body))
    assert await publish(desk, token, new.revocations(8), rotations=(turned,)) == 200
    await desk.office.organisation.load()
    assert desk.office.organisation.versions == {"revocations-leaves": 8}


# --- large papers ----------------------------------------------------------------------------------------


def pack(organisation: Organisation, version: int, issues: int, now: int) -> Document:
    packed = tuple(PackedIssue(id=f"issue-{number}", toml="x" * 32_000) for number in range(issues))
    return organisation.publish(
        KnownIssuePack(root=organisation.root_hash, version=version, issued_at=now, not_after=now + DAY, issues=packed)
    )


async def fetched(link: AgentLink, offered: LargeDocuments) -> bytes:
    data = b""
    (large,) = offered.documents
    while len(data) < large.size_bytes:
        await link.say(FetchDocumentPart(sha256=large.sha256, offset=len(data)))
        part = await link.hear(DocumentPart)
        assert part.offset == len(data)
        assert part.data
        data += part.data
    return data


async def test_a_pack_of_a_mebibyte_is_offered_and_served_in_parts(desk: World) -> None:
    token, device = await desk.organisation_token(), await desk.approved()
    document = pack(desk.organisation, 1, 32, desk.clock.now)
    data = strict_json.dump(document)
    assert len(data) > 5 * CONTROL_MESSAGE_MAX_BYTES
    async with desk.link(device) as link:
        await link.hear(Welcome)
        assert await publish(desk, token, document, desk.organisation.revocations(1)) == 200
        pushed = await link.hear(LargeDocuments)
        assert await fetched(link, pushed) == data
        await link.say(FetchDocuments(have={}))
        assert (await link.hear(Documents)).documents == (desk.organisation.revocations(1),)
        asked = await link.hear(LargeDocuments)
        assert asked == pushed
        assert asked.documents[0].sha256 == sha256(data)
        await link.say(FetchDocumentPart(sha256=bytes(32), offset=0))
        assert (await link.hear(DocumentPart)).data == b"", "nothing is published under that hash"


async def test_a_statement_beyond_the_limit_of_packs_is_refused(desk: World) -> None:
    token = await desk.organisation_token()
    whole = pack(desk.organisation, 1, 32, desk.clock.now)
    grown = whole.statement.model_copy(update={"payload": whole.statement.payload + b" " * (1 << 20)})
    assert await publish(desk, token, whole.model_copy(update={"statement": grown})) == 400


# --- what devices trust ----------------------------------------------------------------------------------


async def test_the_organisation_reads_what_each_device_said_it_trusts(desk: World) -> None:
    token, device = await desk.organisation_token(), await desk.approved()
    root = desk.organisation.root_hash
    async with desk.link(device) as link:
        await link.hear(Welcome)
        await link.say(FetchDocuments(have={"revocations-leaves": 3}, root=root))

        async def told() -> bool:
            listed = DeviceList.model_validate_json((await desk.get("/api/organisation/devices", token)).content)
            (row,) = listed.devices
            return row.trust is not None and (row.trust.root, row.trust.versions) == (root, {"revocations-leaves": 3})

        await until_async(told)
    assert (await desk.get("/api/organisation/devices")).status_code == 401
    assert (await desk.get("/api/organisation/devices", await desk.technician_token())).status_code == 401


async def test_a_machine_with_new_keys_is_marked_on_both_devices(desk: World) -> None:
    old, new = await desk.approved("old"), desk.device("new")
    proof = enrolment_proof(seed("secret"), new.keys, desk.organisation.root_hash, "Acme", replaces=old.device)
    request = desk.enrolment(new).model_copy(update={"replaces": old.device, "proof": proof})
    assert (await desk.post("/api/enrol", request)).status_code == 202
    token = await desk.organisation_token()
    waiting = await desk.get("/api/organisation/enrolments?state=pending", token)
    assert [row.request.replaces for row in EnrolmentList.model_validate_json(waiting.content).enrolments] == [
        old.device
    ]

    async def marks() -> dict[str, tuple[str | None, str | None]]:
        found = await desk.get("/api/devices", await desk.technician_token())
        rows = DeviceList.model_validate_json(found.content).devices
        return {row.label: (row.replaces, row.replaced_by) for row in rows}

    assert (await marks())["old"] == (None, None), "not before the organisation has approved it"
    chain = desk.certificate(new)
    assert (await desk.post("/api/organisation/certificates", CertificatePush(chain=chain), token)).status_code == 200
    assert await marks() == {"old": (None, new.device), "new": (old.device, None)}
    retired = desk.organisation.revocations(1, serials=(serial(f"{desk.organisation.name} old"),))
    assert await publish(desk, token, retired) == 200
    async with desk.link(old) as link:
        assert "revoked" in (await link.hear(LoginRefused)).reason


# --- technicians -----------------------------------------------------------------------------------------


async def renewal(
    desk: World, name: str = "Ada Tech", *, key: str = "", root: bytes = b""
) -> tuple[int, Renewal | None]:
    body = TechnicianLogin(
        serial=serial(f"{desk.organisation.name} {name}"),
        root=root or desk.organisation.root_hash,
        origin=desk.origin,
        nonce=await desk.nonce(),
        issued_at=desk.clock.now,
    )
    statement = signing_key(key or f"{desk.organisation.name} {name}").sign(body)
    answer = await desk.post("/api/technician/renewal", RenewalAsk(statement=statement))
    return answer.status_code, Renewal.model_validate_json(answer.content) if answer.status_code == 200 else None


async def test_a_technician_gets_the_newest_certificate_for_their_own_key_and_nobody_elses(desk: World) -> None:
    await desk.technician_token()
    first = desk.technician_chain()
    assert await renewal(desk) == (200, Renewal(chain=first, rotations=()))
    longer = desk.technician_chain(serial=serial("longer"), not_after=desk.clock.now + 20 * DAY)
    token = await desk.organisation_token()
    desk.clock.now += 1
    assert (await desk.post("/api/organisation/certificates", CertificatePush(chain=longer), token)).status_code == 200
    assert await renewal(desk) == (200, Renewal(chain=longer, rotations=()))
    desk.clock.now += 2 * DAY
    assert await renewal(desk) == (200, Renewal(chain=longer, rotations=())), "the one they hold is over"
    assert (await renewal(desk, key="thief"))[0] == 401
    assert (await renewal(desk, "Never Seen"))[0] == 401
    assert (await renewal(desk, root=bytes(32)))[0] == 401


async def test_a_revoked_technician_gets_no_certificate(desk: World) -> None:
    await desk.technician_token()
    revoked = desk.organisation.revocations(1, serials=(serial(f"{desk.organisation.name} Ada Tech"),))
    assert await publish(desk, await desk.organisation_token(), revoked) == 200
    assert await renewal(desk) == (200, Renewal(chain=None, rotations=()))


async def test_a_technician_of_the_root_that_was_left_gets_the_rotation_and_the_new_certificate(desk: World) -> None:
    await desk.technician_token()
    old, new = roots(desk, 1)
    turned = rotation(old, new, 1, desk.clock.now)
    assert await publish(desk, await desk.organisation_token(), rotations=(turned,)) == 200
    assert await renewal(desk) == (200, Renewal(chain=None, rotations=(turned,)))
    body = new.technician_body(
        not_before=desk.clock.now - DAY,
        not_after=desk.clock.now + DAY,
        signing_key=signing_key(f"{old.name} Ada Tech").public,
    )
    chain = new.technician().model_copy(update={"leaf": new.certifying.sign(body)})
    desk.organisation = new
    pushed = await desk.post(
        "/api/organisation/certificates", CertificatePush(chain=chain), await desk.organisation_token()
    )
    assert pushed.status_code == 200
    desk.organisation = old
    assert await renewal(desk) == (200, Renewal(chain=chain, rotations=(turned,)))
