"""A device's login: its own key, this nonce, this server, this organisation; and nothing said twice counts."""

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from protocol import strict_json
from protocol.enrolment import TechnicianLogin
from protocol.messages.documents import FetchCheckpoint, NewCheckpoint
from protocol.messages.login import Challenge, Closing, Login, LoginRefused, Unsupported, Welcome
from protocol.statements import SigningKey
from server.patience import Patience
from tests.making import NOW, seed, serial
from tests.server.actors import AgentLink, Clock, World
from tests.server.conftest import running_world

SUBPROTOCOLS = ["bellpull.v1"]


async def test_an_enrolled_device_is_welcomed_before_and_after_approval(desk: World) -> None:
    device = await desk.enrolled()
    async with desk.link(device) as link:
        assert (await link.hear(Welcome)).certificate is None
    approved = await desk.approved("approved")
    async with desk.link(approved) as link:
        assert (await link.hear(Welcome)).certificate == approved.chain


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"origin": "https://evil.example"}, "another server"),
        ({"root": b"r" * 32}, "another organisation"),
        ({"nonce": b"n" * 32}, "another challenge"),
        ({"device": "d-" + "a" * 26}, "not enrolled"),
    ],
)
async def test_a_login_that_names_something_else_is_refused_with_its_reason(
    desk: World, change: dict[str, object], why: str
) -> None:
    device = await desk.enrolled()
    async with desk.link(device, **change) as link:
        assert why in (await link.hear(LoginRefused)).reason
        await link.socket.wait_closed()
        assert link.socket.close_code == 4403


async def test_a_login_signed_by_another_key_or_of_another_statement_type_is_refused(desk: World) -> None:
    device = await desk.enrolled()
    other = SigningKey(seed("another key"))
    for make in (
        lambda nonce: other.sign(_body(desk, device, nonce)),
        lambda nonce: device.key.sign(
            TechnicianLogin(
                serial=serial("x"), root=desk.organisation.root_hash, origin=desk.origin, nonce=nonce, issued_at=NOW
            )
        ),
    ):
        async with connect(f"{desk.websocket}/link", subprotocols=SUBPROTOCOLS) as socket:  # type: ignore[arg-type]
            link = AgentLink(socket)
            await link.say(Login(statement=make((await link.hear(Challenge)).nonce)))
            await link.hear(LoginRefused)


def _body(desk, device, nonce):  # type: ignore[no-untyped-def]
    from protocol.enrolment import DeviceLogin

    return DeviceLogin(
        device=device.device, root=desk.organisation.root_hash, origin=desk.origin, nonce=nonce, issued_at=NOW
    )


async def test_a_login_recorded_on_one_connection_opens_no_other(desk: World) -> None:
    device = await desk.enrolled()
    async with connect(f"{desk.websocket}/link", subprotocols=SUBPROTOCOLS) as first:  # type: ignore[arg-type]
        recorded = device.login((await AgentLink(first).hear(Challenge)).nonce)
        async with connect(f"{desk.websocket}/link", subprotocols=SUBPROTOCOLS) as second:  # type: ignore[arg-type]
            replayed = AgentLink(second)
            await replayed.hear(Challenge)
            await replayed.say(recorded)
            assert "another challenge" in (await replayed.hear(LoginRefused)).reason


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1", "file://", ""])
async def test_a_browser_is_refused_whatever_origin_it_names(desk: World, origin: str) -> None:
    with pytest.raises(InvalidStatus):
        await connect(
            f"{desk.websocket}/link",
            subprotocols=SUBPROTOCOLS,  # type: ignore[arg-type]
            additional_headers={"Origin": origin},
        )


async def test_silence_and_a_login_that_is_too_long_end_the_connection(tmp_path: Path) -> None:
    async with running_world(tmp_path, Clock(), patience=Patience(login_s=0.3)) as desk:
        await desk.pin()
        for words in (None, "x" * 5000, "{}", '{"type":"heartbeat"}', '{"type":"login","statement":1}'):
            async with connect(f"{desk.websocket}/link", subprotocols=SUBPROTOCOLS) as socket:  # type: ignore[arg-type]
                link = AgentLink(socket)
                await link.hear(Challenge)
                if words is not None:
                    await socket.send(words)
                await link.hear(LoginRefused)
                async with asyncio.timeout(5):
                    await socket.wait_closed()


async def test_an_agent_that_falls_silent_is_let_go(tmp_path: Path) -> None:
    async with running_world(tmp_path, Clock(), patience=Patience(silence_s=0.3)) as desk:
        await desk.pin()
        device = await desk.enrolled()
        async with desk.link(device) as link:
            await link.hear(Welcome)
            async with asyncio.timeout(5):
                await link.socket.wait_closed()
            assert link.socket.close_code == 4408


async def test_a_second_connection_of_a_device_replaces_the_first_and_says_so(desk: World) -> None:
    device = await desk.enrolled()
    async with desk.link(device) as first:
        await first.hear(Welcome)
        async with desk.link(device) as second:
            await second.hear(Welcome)
            assert "anew" in (await first.hear(Closing)).reason
            await first.socket.wait_closed()
            await second.say(FetchCheckpoint(size=0))
            assert (await second.hear(NewCheckpoint)).from_size == 0
            assert desk.office.hub.connected(device.device)


async def test_an_unknown_message_type_is_answered_and_the_link_stays(desk: World) -> None:
    device = await desk.enrolled()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        await link.socket.send(json.dumps({"type": "from-the-future", "anything": [1, 2]}))
        assert (await link.hear(Unsupported)).named == "from-the-future"
        await link.say(FetchCheckpoint(size=0))
        await link.hear(NewCheckpoint)


@pytest.mark.parametrize(
    "words",
    [
        b"\x00\x01",
        "not json",
        "[]",
        '{"type":"heartbeat","queued":"1"}',
        '{"type":"heartbeat","queued":1,"queued":2}',
        '{"type":"heartbeat","more":1}',
        '{"type":"report","id":"x"}',
        '{"type":"login","statement":{}}',
        "[" * 1000,
    ],
)
async def test_malformed_messages_end_the_link_and_harm_nobody_else(desk: World, words: str | bytes) -> None:
    hostile, other = await desk.enrolled("hostile"), await desk.enrolled("other")
    async with desk.link(hostile) as link, desk.link(other) as calm:
        await asyncio.gather(link.hear(Welcome), calm.hear(Welcome))
        await link.socket.send(words)
        async with asyncio.timeout(5):
            await link.socket.wait_closed()
        assert link.socket.close_code == 4400
        await calm.say(FetchCheckpoint(size=0))
        await calm.hear(NewCheckpoint)


async def test_a_second_login_on_an_open_link_ends_it(desk: World) -> None:
    device = await desk.enrolled()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        await link.say(device.login(b"n" * 32))
        async with asyncio.timeout(5):
            await link.socket.wait_closed()
        assert link.socket.close_code == 4400


async def test_messages_larger_than_the_link_allows_end_it(desk: World) -> None:
    device = await desk.enrolled()
    async with desk.link(device) as link:
        await link.hear(Welcome)
        await link.socket.send(strict_json.dump(Unsupported(named="x")).decode() + " " * 300_000)
        async with asyncio.timeout(5):
            await link.socket.wait_closed()
        assert link.socket.close_code in (1009, 4400)
