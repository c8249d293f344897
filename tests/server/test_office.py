"""The office as a whole: it says when it is not well, and stops rather than limp on."""

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from protocol.messages.documents import NewCheckpoint
from protocol.messages.login import Welcome
from server.audit.announcer import COALESCE_S
from tests.server.actors import World, until


async def test_a_background_task_that_dies_makes_the_server_unwell_and_asks_it_to_stop(desk: World) -> None:
    assert (await desk.get("/healthz")).json()["ok"] is True
    asked: list[str] = []
    desk.office.on_failure = lambda: asked.append("stop")

    async def dies() -> None:
        raise RuntimeError("the disk is gone")

    desk.office._start("test", dies())
    await until(lambda: asked)
    health = await desk.get("/healthz")
    assert (health.status_code, health.json()["ok"], asked) == (503, False, ["stop"])


async def test_a_database_that_is_away_is_said_with_503_and_nothing_of_its_inside(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await desk.technician_token()

    def away(*_arguments: object, **_named: object) -> object:
        raise OperationalError("SELECT secret", {"p": "canary"}, Exception("connection refused to 10.0.0.5"))

    with monkeypatch.context() as broken:
        broken.setattr(desk.office.devices, "visible", away)
        answer = await desk.get("/api/devices", token)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert not {"canary", "10.0.0.5", "SELECT"} & set(answer.text.split())
    assert "canary" not in answer.text
    assert (await desk.get("/api/devices", token)).status_code == 200


async def test_a_fault_of_ours_is_said_with_500_and_nothing_of_its_inside(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await desk.technician_token()

    def broken(*_arguments: object, **_named: object) -> object:
        raise KeyError("canary")

    monkeypatch.setattr(desk.office.devices, "visible", broken)
    answer = await desk.get("/api/devices", token)
    assert (answer.status_code, answer.json()["error"]["what"]) == (500, "the server failed")
    assert "canary" not in answer.text


async def test_a_burst_of_entries_is_announced_to_witnesses_as_few_checkpoints(desk: World) -> None:
    from protocol.audit import AuditWord

    device = await desk.approved()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        await asyncio.gather(*(desk.office.record(AuditWord.SIGN_IN) for _ in range(100)))
        heard = [await link.hear(NewCheckpoint)]
        while f"\n{desk.office.audit.size}\n" not in heard[-1].note:
            heard.append(await link.hear(NewCheckpoint))
        assert len(heard) <= 3
    assert COALESCE_S >= 1


async def test_entries_and_agents_are_counted_for_the_operator(desk: World) -> None:
    device = await desk.approved()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        text = (await desk.get("/metrics")).text
    assert "bellpull_agents_connected 1.0" in text
    assert f"bellpull_audit_entries {desk.office.audit.size}.0" in text
    assert device.device not in text
