"""Asking name servers: real UDP on loopback, alive, dead, forging, forgetting."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from diagnostics.collectors.dns import build_root_query, response_code
from diagnostics.machine.read.resolvers import ask_resolvers

Answer = Callable[[bytes, int], list[bytes]]


class Server:
    """A name server on 127.0.0.1 that answers as told."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(512)
            if not query:
                return
            self.asked.append(query)
            for reply in self._answer(query, len(self.asked)):
                self._socket.sendto(reply, client)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closing:
            closing.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


def alive(query: bytes, _: int) -> list[bytes]:
    return [query[:2] + struct.pack("!5H", 0x8180, 1, 0, 0, 0) + query[12:]]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Server]]:
    servers: list[Server] = []

    def start(answer: Answer) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def ask(port: int, *addresses: str, timeout_s: float = 2.0):  # type: ignore[no-untyped-def]
    return ask_resolvers(addresses, build_root_query(0x0102), timeout_s, port=port)


def test_an_answer_comes_back_under_our_own_number(serve: Callable[[Answer], Server]) -> None:
    server = serve(alive)
    (reply,) = ask(server.port, "127.0.0.1")
    assert reply.reply is not None
    assert reply.reply[:2] == b"\x01\x02"
    assert response_code(reply.reply, number=0x0102) == "NOERROR"
    assert 0 < reply.elapsed_s < 2
    assert server.asked[0][2:] == build_root_query()[2:]


def test_the_number_on_the_wire_cannot_be_guessed(serve: Callable[[Answer], Server]) -> None:
    server = serve(alive)
    for _ in range(8):
        ask(server.port, "127.0.0.1")
    assert len({query[:2] for query in server.asked}) > 4


def test_an_answer_to_another_question_is_passed_over(serve: Callable[[Answer], Server]) -> None:
    def forging(query: bytes, count: int) -> list[bytes]:
        wrong = bytes([query[0] ^ 1, query[1]])
        failure = struct.pack("!5H", 0x8182, 1, 0, 0, 0) + query[12:]
        return [wrong + failure, b"", b"x", *alive(query, count)]

    (reply,) = ask(serve(forging).port, "127.0.0.1")
    assert response_code(reply.reply, number=0x0102) == "NOERROR"


def test_a_lost_packet_is_asked_again(serve: Callable[[Answer], Server]) -> None:
    server = serve(lambda query, count: [] if count == 1 else alive(query, count))
    (reply,) = ask(server.port, "127.0.0.1", timeout_s=1.0)
    assert reply.reply is not None
    assert len(server.asked) == 2
    assert reply.elapsed_s >= 0.4


def test_silence_ends_at_the_limit_and_does_not_hide_the_others(serve: Callable[[Answer], Server]) -> None:
    server = serve(lambda query, count: [])
    (reply,) = ask(server.port, "127.0.0.1", timeout_s=0.2)
    assert (reply.reply, reply.error) == (None, "no answer within 0.2 s")


def test_dead_and_impossible_addresses_say_why() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    refused, nonsense = ask(port, "127.0.0.1", "not an address")
    assert (refused.reply, refused.error) == (None, "connection refused")
    assert nonsense.reply is None
    assert nonsense.error


def test_nobody_to_ask_is_no_answers() -> None:
    assert ask(53) == ()


def test_one_address_twice_is_asked_once(serve: Callable[[Answer], Server]) -> None:
    server = serve(alive)
    first, second = ask(server.port, "127.0.0.1", "127.0.0.1")
    assert first == second
    assert len(server.asked) == 1
