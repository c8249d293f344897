"""Witnesses: a certified device's line over our own tree counts; every other line does not."""

import pytest

from protocol.audit import AuditWord
from protocol.checkpoints import Checkpoint, LogKey, WitnessKey, open_checkpoint
from protocol.merkle import leaf_hash, root_of
from protocol.messages.api import AuditExport
from protocol.messages.documents import Cosigned, FetchCheckpoint, NewCheckpoint
from protocol.messages.login import Welcome
from server.audit import routes
from tests.making import NOW, seed
from tests.server.actors import AgentLink, DeviceActor, World, log_verifier, until_async


async def newest(desk: World, link: AgentLink) -> NewCheckpoint:
    await link.say(FetchCheckpoint(size=0))
    return await link.hear(NewCheckpoint)


async def cosign(desk: World, device: DeviceActor, link: AgentLink, witness: WitnessKey | None = None) -> Cosigned:
    verifier = log_verifier((await desk.get("/api/server")).json())
    note = (await newest(desk, link)).note
    line = (witness or device.witness).cosign(note, verifier, NOW)
    return Cosigned(size=open_checkpoint(note, verifier).size, line=line)


async def witnessed(desk: World) -> int:
    return len(await desk.office.witnesses.lines())


async def test_a_device_that_is_not_certified_is_no_witness(desk: World) -> None:
    device = await desk.enrolled()
    await desk.organisation_token()  # something stands in the log
    async with desk.link(device) as link:
        await link.hear(Welcome)
        await link.say(await cosign(desk, device, link))
        await newest(desk, link)  # answered after the line was handled
        assert await witnessed(desk) == 0


async def test_lines_of_other_keys_and_of_other_trees_end_the_link_and_count_nothing(desk: World) -> None:
    device = await desk.approved()
    verifier = log_verifier((await desk.get("/api/server")).json())
    other_tree = LogKey.from_raw(verifier.name, seed("forger")).sign(
        Checkpoint(verifier.name, desk.office.audit.size, b"r" * 32)
    )
    forger = LogKey.from_raw(verifier.name, seed("forger")).verifier
    for line in (
        device.witness.cosign(other_tree, forger, NOW),
        WitnessKey(device.device, seed("another")).cosign(desk.office.audit.note, verifier, NOW),
        "— nonsense",
        "",
    ):
        async with desk.link(device) as link:
            await link.hear(Welcome)
            await link.say(Cosigned(size=desk.office.audit.size, line=line))
            await link.socket.wait_closed()
            assert link.socket.close_code == 4400
    assert await witnessed(desk) == 0


async def test_a_size_the_log_never_had_counts_nothing(desk: World) -> None:
    device = await desk.approved()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        line = (await cosign(desk, device, link)).line
        await link.say(Cosigned(size=10**6, line=line))
        await newest(desk, link)
        assert await witnessed(desk) == 0


async def test_the_newest_line_of_each_certified_device_is_exported_with_its_size(desk: World) -> None:
    away, here = await desk.approved("away"), await desk.approved("here")
    async with desk.link(away) as link:
        await link.hear(Welcome)
        old = await cosign(desk, away, link)
        await link.say(old)
        await until_async(lambda: witnessed_by(desk, 1))
    token = await desk.technician_token()
    async with desk.link(here) as link:
        await link.hear(Welcome)
        new = await cosign(desk, here, link)
        await link.say(new)
        await until_async(lambda: witnessed_by(desk, 2))
        export = AuditExport.model_validate_json((await desk.get("/api/audit/export", token)).content)
    lines = {witness.device: (witness.size, witness.line) for witness in export.witnesses}
    assert lines == {away.device: (old.size, old.line), here.device: (new.size, new.line)}
    assert new.line in export.checkpoint
    assert old.line not in export.checkpoint
    assert len(export.entries) == new.size


async def witnessed_by(desk: World, count: int) -> bool:
    return await witnessed(desk) == count


async def test_a_long_log_is_exported_whole_and_in_order(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_PAGE_ENTRIES", 3)
    token = await desk.technician_token()
    for at in range(11):
        await desk.office.record(AuditWord.SIGN_IN, commitment=bytes([at]) * 32)
        export = AuditExport.model_validate_json((await desk.get("/api/audit/export", token)).content)
        assert list(export.entries) == await desk.office.audit.entries()
        checkpoint = open_checkpoint(export.checkpoint, log_verifier((await desk.get("/api/server")).json()))
        assert (checkpoint.size, checkpoint.root) == (len(export.entries), root_of(map(leaf_hash, export.entries)))
