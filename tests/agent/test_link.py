"""The link against a server that keeps its promises, and against one that does not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from agent.identity.identity import Identity
from agent.link.connection import PING_S, PONG_S, open_connection
from agent.link.link import Link, LinkState
from agent.link.outbox import Outbox
from agent.refusal import Refusal
from protocol import strict_json
from protocol.messages.desk import CustomerText, DeskText, TicketUpdate
from protocol.messages.documents import FetchCheckpoint, NewCheckpoint
from protocol.messages.items import Heartbeat, Refused, Stored
from protocol.messages.login import Closing, LoginRefused, Unsupported, Welcome
from protocol.strict_json import WireModel
from tests.agent.desk_server import DeskServer
from tests.agent.doubles import HandClocks, MemoryLog, item_id, report_item
from tests.making import NOW


class Bench:
    """One link on one server, with what a test turns."""

    def __init__(self, server: DeskServer, identity: Identity, outbox: Outbox, log: MemoryLog) -> None:
        self.server = server
        server.device_key = identity.signing.public
        self.identity = replace(identity, origin=server.origin)
        self.outbox = outbox
        self.clocks = HandClocks()
        self.log = log
        self.link = self.make()

    def make(self, **changes: Any) -> Link:
        return Link(self.identity, self.outbox, self.clocks, log=self.log, uniform=lambda: 0.0, **changes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Link]:
        task = asyncio.create_task(self.link.run())
        try:
            yield self.link
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, true: Callable[[], bool], timeout_s: float = 20.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not true():  # noqa: ASYNC110 - the link has no event for tests; this only yields
                await asyncio.sleep(0)


@pytest.fixture
def bench(desk_server: DeskServer, identity: Identity, outbox: Outbox, log: MemoryLog) -> Bench:
    return Bench(desk_server, identity, outbox, log)


def enqueue_many(link: Link) -> None:
    for number in range(10, 500):
        link.enqueue(words(number, "x" * 4000))


def words(number: int, text: str = "help") -> CustomerText:
    return CustomerText(id=item_id(number), ticket=item_id(999), text=text, at=NOW)


async def test_a_login_over_the_servers_own_nonce_is_taken(bench: Bench) -> None:
    async with bench.running() as link:
        await bench.server.until(lambda: bench.server.logins == 1)
        await bench.until(lambda: link.connected)
        assert link.view().state is LinkState.CONNECTED
    assert not link.connected


async def test_what_waited_while_offline_is_sent_at_once(bench: Bench) -> None:
    for number in range(100):
        bench.outbox.put(words(number), NOW)
    async with bench.running():
        await bench.server.until(lambda: len(bench.server.stored) == 100)
        await bench.until(lambda: bench.outbox.numbers().items == 0)
    assert set(bench.server.arrivals.values()) == {1}


async def test_store_waits_for_the_servers_answer(bench: Bench) -> None:
    async with bench.running() as link:
        assert await link.store(words(1)) == Stored(id=item_id(1))
        bench.server.refuse = lambda _id: "too old"
        assert await link.store(words(2)) == Refused(id=item_id(2), reason="too old")
    assert [letter.reason for letter in bench.outbox.dead_letters()] == ["too old"]


async def test_a_cancelled_wait_leaves_the_item_in_the_outbox(bench: Bench) -> None:
    bench.server.silent_about = {item_id(1)}
    async with bench.running() as link:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await link.store(words(1))
    assert bench.outbox.holds(item_id(1))


async def test_an_unanswered_item_is_sent_again_and_stored_once(bench: Bench) -> None:
    bench.link = bench.make(resend_s=0.05)
    bench.server.silent_about = {item_id(1)}
    bench.clocks.mono = asyncio.get_running_loop().time  # type: ignore[method-assign]
    async with bench.running() as link:
        link.enqueue(words(1))
        await bench.server.until(lambda: bench.server.arrivals.get(item_id(1), 0) >= 3)
        bench.server.silent_about = set()
        await bench.server.until(lambda: item_id(1) in bench.server.stored)
        await bench.until(lambda: bench.outbox.numbers().items == 0)
    assert list(bench.server.stored) == [item_id(1)]


async def test_at_most_32_items_are_unanswered_but_a_waiting_session_goes_through(bench: Bench) -> None:
    bench.server.silent_about = {item_id(number) for number in range(200)}
    for number in range(100):
        bench.outbox.put(report_item(number), NOW)
    async with bench.running() as link:
        await bench.server.until(lambda: len(bench.server.arrivals) == 32)
        assert await link.store(words(500)) == Stored(id=item_id(500))
        assert len(bench.server.arrivals) == 33


async def test_a_server_that_restarts_gets_what_it_had_not_stored(bench: Bench) -> None:
    bench.server.silent_about = {item_id(1)}
    async with bench.running() as link:
        link.enqueue(words(1))
        await bench.server.until(lambda: item_id(1) in bench.server.arrivals)
        await bench.server.close()
        bench.server.silent_about = set()
        await bench.until(lambda: not link.connected)
        await bench.server.listen()
        link.hurry()
        await bench.server.until(lambda: item_id(1) in bench.server.stored)
    assert bench.server.logins == 2


async def test_an_unknown_type_is_answered_unsupported_and_the_link_stays(bench: Bench) -> None:
    async with bench.running() as link:
        await bench.server.until(lambda: bool(bench.server.connections))
        await bench.server.connections[0].send('{"type":"run-this-script","script":"rm -rf /"}')
        await bench.server.until(lambda: Unsupported(named="run-this-script") in bench.server.received)
        assert await link.store(words(1)) == Stored(id=item_id(1))
    assert bench.server.logins == 1


@pytest.mark.parametrize(
    "hostile",
    [
        "not json",
        '{"type":"stored"}',
        '{"type":"stored","id":"' + item_id(1) + '","id":"' + item_id(2) + '"}',
        '{"type":"closing","reason":"x","retry_after_s":"900"}',
        "[" * 2000,
        '{"type":"desk-text","ticket":"' + item_id(1) + '","text":"' + "x" * 5000 + '","at":1}',
        '{"type":"stored","id":"' + "x" * 300_000 + '"}',
        '{"type":"challenge","nonce":"' + "A" * 43 + '="}',
        '{"type":"login-refused","reason":"now"}',
        b"binary",
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_malformed_message_ends_the_link_and_changes_nothing(bench: Bench, hostile: str | bytes) -> None:
    bench.server.silent_about = {item_id(1)}
    heard: list[WireModel] = []

    async def hear(message: WireModel) -> None:
        heard.append(message)

    bench.link.on(DeskText, hear)
    async with bench.running() as link:
        link.enqueue(words(1))
        await bench.server.until(lambda: item_id(1) in bench.server.arrivals)
        await bench.server.connections[0].send(hostile)
        await bench.until(lambda: "link-ended" in bench.log.events("warning"))
    assert bench.outbox.holds(item_id(1))
    assert heard == []


async def test_an_answer_about_an_item_that_never_was_is_ignored(bench: Bench) -> None:
    async with bench.running() as link:
        await bench.server.until(lambda: bool(bench.server.connections))
        for _ in range(3):
            await bench.server.send(Stored(id=item_id(77)))
            await bench.server.send(Refused(id=item_id(78), reason="no"))
        assert await link.store(words(1)) == Stored(id=item_id(1))
    assert bench.outbox.dead_letters() == []


async def test_a_handler_that_raises_is_logged_and_the_link_stays(bench: Bench) -> None:
    async def broken(message: TicketUpdate | DeskText) -> None:
        raise ZeroDivisionError

    bench.link.on(DeskText, broken)
    async with bench.running() as link:
        await bench.server.until(lambda: bool(bench.server.connections))
        await bench.server.send(DeskText(ticket=item_id(1), text="hello", at=NOW))
        await bench.until(lambda: "handler-raised" in bench.log.events("defect"))
        assert link.connected


async def test_a_server_that_floods_is_closed(bench: Bench) -> None:
    stuck = asyncio.Event()

    async def slow(message: DeskText) -> None:
        await stuck.wait()

    bench.link.on(DeskText, slow)
    async with bench.running() as link:
        await bench.server.until(lambda: bool(bench.server.connections))
        for number in range(70):
            await bench.server.send(DeskText(ticket=item_id(1), text=f"{number}", at=NOW))
        await bench.until(lambda: "more messages than can be answered" in link.view().trouble or not link.connected)
        stuck.set()


async def test_a_question_gets_the_answer_that_matches(bench: Bench) -> None:
    async def answer(connection: ServerConnection, message: WireModel) -> bool:
        assert isinstance(message, FetchCheckpoint)
        for size in (3, message.size):
            reply = NewCheckpoint(note=f"note of {size}", from_size=size, consistency=())
            await connection.send(strict_json.dump(reply), text=True)
        return True

    bench.server.answer = answer
    async with bench.running() as link:
        await bench.until(lambda: link.connected)
        reply = await link.ask(FetchCheckpoint(size=7), NewCheckpoint, lambda note: note.from_size == 7, 10)
    assert reply.note == "note of 7"


async def test_a_question_without_a_connection_is_refused_with_the_reason(bench: Bench) -> None:
    with pytest.raises(Refusal, match="cannot be reached"):
        await bench.link.ask(FetchCheckpoint(size=1), NewCheckpoint, lambda _: True, 1)


async def test_a_question_is_refused_when_the_connection_ends(bench: Bench) -> None:
    async with bench.running() as link:
        await bench.until(lambda: link.connected)
        asking = asyncio.create_task(link.ask(FetchCheckpoint(size=1), NewCheckpoint, lambda _: True, 30))
        await bench.server.until(lambda: any(isinstance(m, FetchCheckpoint) for m in bench.server.received))
        await bench.server.connections[0].close()
        with pytest.raises(Refusal, match="connection to the server ended"):
            await asking


async def test_a_silent_question_ends_at_its_own_time(bench: Bench) -> None:
    async with bench.running() as link:
        await bench.until(lambda: link.connected)
        with pytest.raises(Refusal, match="did not answer in time"):
            await link.ask(FetchCheckpoint(size=1), NewCheckpoint, lambda _: True, 0.05)


async def test_heartbeats_say_how_much_waits(bench: Bench) -> None:
    bench.link = bench.make(heartbeat_s=0.05)
    bench.server.silent_about = {item_id(1)}
    bench.outbox.put(words(1), NOW)
    async with bench.running():
        await bench.server.until(lambda: Heartbeat(queued=1) in bench.server.received)


async def test_a_closing_server_is_left_alone_for_as_long_as_it_asks(bench: Bench) -> None:
    async with bench.running() as link:
        await bench.server.until(lambda: bool(bench.server.connections))
        await bench.server.send(Closing(reason="restarting\x1b[2J", retry_after_s=86_400))
        await bench.until(lambda: link.view().state is LinkState.WAITING)
        view = link.view()
    assert view.next_attempt_s == 900.0
    assert view.trouble == "the server closed the connection: restarting·[2J"


async def test_a_refused_login_is_shown_and_not_hammered(bench: Bench) -> None:
    async def refuse(connection: ServerConnection) -> None:
        from protocol.messages.login import Challenge

        await connection.send(strict_json.dump(Challenge(nonce=bytes(32))), text=True)
        await connection.recv()
        await connection.send(strict_json.dump(LoginRefused(reason="unknown device")), text=True)
        await connection.close()

    bench.server.before_login = refuse
    bench.link = Link(bench.identity, bench.outbox, bench.clocks, log=bench.log, uniform=lambda: 0.999)
    async with bench.running() as link:
        await bench.until(lambda: link.view().state is LinkState.WAITING)
        view = link.view()
    assert "unknown device" in view.trouble
    assert view.next_attempt_s is not None
    assert view.next_attempt_s > 60


async def test_a_welcome_before_the_challenge_is_no_login(bench: Bench) -> None:
    async def eager(connection: ServerConnection) -> None:
        await connection.send(strict_json.dump(Welcome(certificate=None, versions={})), text=True)
        await connection.wait_closed()

    bench.server.before_login = eager
    async with bench.running() as link:
        await bench.until(lambda: bool(link.view().trouble))
        assert "unexpected message" in link.view().trouble
        assert not link.connected


async def test_a_server_that_says_nothing_is_left_after_five_seconds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.link.link.LOGIN_TIMEOUT_S", 0.05)

    async def silent(connection: ServerConnection) -> None:
        await connection.wait_closed()

    bench.server.before_login = silent
    async with bench.running() as link:
        await bench.until(lambda: "did not complete the login" in link.view().trouble)


async def test_a_peer_that_answers_no_ping_is_gone_in_time(bench: Bench) -> None:
    """Half-open TCP: nothing is reset, nothing comes. With the real figures this takes 42 s of the 45 allowed."""
    assert PING_S + PONG_S <= 45
    bench.link = bench.make(open_connection=partial(open_connection, ping_s=0.1, pong_s=0.1))
    async with bench.running() as link:
        await bench.until(lambda: link.connected)
        bench.server.connections[0].transport.pause_reading()
        await bench.until(lambda: "keepalive ping timeout" in link.view().trouble)
        bench.server.connections[0].transport.abort()


@pytest.mark.parametrize(
    ("wish", "waited_s"), [("7", 7.0), ("86400", 900.0), ("soon", 0.0), ("-3", 0.0), ("9" * 40, 0.0)]
)
async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks_within_reason(
    bench: Bench, wish: str, waited_s: float
) -> None:
    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 503 Busy\r\nRetry-After: {wish}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(busy, "127.0.0.1", 0)
    bench.identity = replace(bench.identity, origin=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    bench.link = bench.make()
    async with bench.running() as link:
        await bench.until(lambda: "is busy (503)" in link.view().trouble)
        if waited_s:
            await bench.until(lambda: link.view().state is LinkState.WAITING)
            assert link.view().next_attempt_s == waited_s
    server.close()


async def test_a_redirect_to_another_place_is_not_followed(bench: Bench) -> None:
    asked: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        location = f"{bench.server.origin}/link".encode()
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(redirect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bench.identity = replace(bench.identity, origin=f"http://127.0.0.1:{port}")
    bench.link = bench.make()
    async with bench.running() as link:
        await bench.until(lambda: "answered 302" in link.view().trouble)
    server.close()
    assert bench.server.logins == 0
    assert b"origin:" not in asked[0].lower()
    assert b"permessage-deflate" not in asked[0].lower()


async def test_an_unencrypted_server_elsewhere_is_never_contacted(bench: Bench) -> None:
    bench.identity = replace(bench.identity, origin="http://192.0.2.1:8443")
    bench.link = bench.make()
    async with bench.running() as link:
        await bench.until(lambda: "not encrypted" in link.view().trouble)


async def test_a_full_disk_at_enqueue_reaches_the_caller(bench: Bench) -> None:
    from agent.store.database import NotWritten

    async with bench.running() as link:
        for number in range(3):
            await link.store(words(number, "x" * 4000))
        database = bench.outbox._database
        database.query(f"PRAGMA max_page_count={database.query('PRAGMA page_count')[0][0]}")
        with pytest.raises(NotWritten):
            enqueue_many(link)
