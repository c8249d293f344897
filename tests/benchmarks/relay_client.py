"""A client that is faster than any relay here: both ends of many pairs in one process, on a core of its own.

    stdin   {"core": 1, "rooms": [{"a": {"url", "hello", "paired"}, "b": {…}}, …], "certificate": "/…/pem"}
    stdout  {"paired": 10}                                   all rooms are joined and both ends heard it
    stdin   {"flood": 4096, "seconds": 3, "window": 32}      → {"messages_s", "megabytes_s", "carried"}
    stdin   {"stop": 5, "size": 65535, "messages": 200}      → {"sent"}: the first rooms' b read nothing, a send on
    stdin   {"go_on": 5}                                     → {"arrived"}: they read again, and all of it arrives
    stdin   {"echo": 100, "times": 2000, "first": 0, "rooms": 1} → {"p50_ms", "p99_ms", "max_ms", "count"}

A flood goes one way in every room at once; each message that arrives lets the next one go, so that a room never has
more than `window` on the way: what is counted is what the relay carries, not what waits before it. An echo is one
message there and back, one at a time in one room, or in all of them together. Every message is checked at its arrival:
its size, and its number, so that a lost or overtaken one ends the measurement.
"""

import asyncio
import json
import os
import ssl
import sys
import time
from typing import Any

import picows
import uvloop

from tests.benchmarks.contract import percentile

_BINARY = picows.WSMsgType.BINARY
_NUMBER_BYTES = 8


class End(picows.WSListener):  # type: ignore[misc]
    """One end of a room."""

    def __init__(self, paired_word: bytes) -> None:
        self.paired = asyncio.get_running_loop().create_future()
        self._paired_word = paired_word
        self.transport: picows.WSTransport
        self.other: End
        self._expected_number = 0
        self._number = 0
        self._size = 0
        self._payload = b""
        self.arrived = 0
        self._sends_next = False
        self._echoes = False
        self.running = False
        self.echoed: asyncio.Future[None] | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        if not self.paired.done():
            self.paired.set_exception(ConnectionError(f"closed: {transport.close_handshake}"))

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type != _BINARY:
            if not self.paired.done() and frame.get_payload_as_bytes() == self._paired_word:
                self.paired.set_result(None)
            return
        payload = frame.get_payload_as_memoryview()
        number = int.from_bytes(payload[:_NUMBER_BYTES], "big")
        if number != self._expected_number or len(payload) != self.other._size:
            raise AssertionError(f"message {self._expected_number} of {self.other._size} bytes came as {number}")
        self._expected_number += 1
        self.arrived += 1
        if self._echoes:
            self.send()
        elif self._sends_next:
            if self.other.running:
                self.other.send()
        elif self.echoed is not None:
            self.echoed.set_result(None)

    def prepare(self, size: int, *, echoes: bool = False, sends_next: bool = False) -> None:
        self._size, self._payload = size, os.urandom(size - _NUMBER_BYTES)
        self._echoes, self._sends_next, self.arrived = echoes, sends_next, 0

    def send(self) -> None:
        self.transport.send(_BINARY, self._number.to_bytes(_NUMBER_BYTES, "big") + self._payload)
        self._number += 1

    @property
    def in_flight(self) -> int:
        return self._number - self.other._expected_number


async def join(plan: dict[str, str], context: ssl.SSLContext | None) -> End:
    end = End(plan["paired"].encode())
    headers = {"Sec-WebSocket-Protocol": plan["subprotocol"]} if plan.get("subprotocol") else None
    await picows.ws_connect(lambda: end, plan["url"], ssl_context=context, extra_headers=headers)
    if plan.get("hello"):
        end.transport.send(picows.WSMsgType.TEXT, plan["hello"].encode())
    return end


async def meet(rooms: list[dict[str, Any]], context: ssl.SSLContext | None) -> list[tuple[End, End]]:
    pairs = []
    for room in rooms:
        a = await join(room["a"], context)
        b = await join(room["b"], context)
        a.other, b.other = b, a
        async with asyncio.timeout(20):
            await asyncio.gather(a.paired, b.paired)
        pairs.append((a, b))
    return pairs


async def flood(pairs: list[tuple[End, End]], size: int, seconds: float, window: int) -> dict[str, float]:
    for a, b in pairs:
        a.prepare(size)
        b.prepare(size, sends_next=True)
        a.running = True
        for _ in range(window):
            a.send()
    await asyncio.sleep(min(0.5, seconds / 4))  # until all of it is under way
    before, began = sum(b.arrived for _, b in pairs), time.perf_counter()
    await asyncio.sleep(seconds)
    arrived, took_s = sum(b.arrived for _, b in pairs) - before, time.perf_counter() - began
    for a, _ in pairs:
        a.running = False
    async with asyncio.timeout(20):
        while any(a.in_flight for a, _ in pairs):  # noqa: ASYNC110 - many counts, once
            await asyncio.sleep(0.02)
    carried = sum(b.arrived for _, b in pairs)  # from the first to the last, for whoever counts what they cost
    return {"messages_s": arrived / took_s, "megabytes_s": arrived * size / took_s / 1e6, "carried": carried}


async def stop(pairs: list[tuple[End, End]], size: int, messages: int) -> dict[str, float]:
    """Far more than every buffer on the way holds, so that the relay's is full."""
    for a, b in pairs:
        a.prepare(size)
        b.prepare(size)
        b.transport.underlying_transport.pause_reading()
        for _ in range(messages):
            a.send()
    await asyncio.sleep(2)
    return {"sent": len(pairs) * messages}


async def go_on(pairs: list[tuple[End, End]]) -> dict[str, float]:
    for _, b in pairs:
        b.transport.underlying_transport.resume_reading()
    async with asyncio.timeout(60):
        while any(a.in_flight for a, _ in pairs):  # noqa: ASYNC110 - many counts, once
            await asyncio.sleep(0.02)
    return {"arrived": sum(b.arrived for _, b in pairs)}


async def echo(pairs: list[tuple[End, End]], size: int, times: int) -> dict[str, float]:
    taken_s: list[float] = []

    async def back_and_forth(a: End, b: End) -> None:
        a.prepare(size)
        b.prepare(size, echoes=True)
        for _ in range(times):
            a.echoed = asyncio.get_running_loop().create_future()
            began = time.perf_counter()
            a.send()
            await a.echoed
            taken_s.append(time.perf_counter() - began)
        a.echoed = None

    await asyncio.gather(*(back_and_forth(a, b) for a, b in pairs))
    return {
        "p50_ms": percentile(taken_s, 0.5) * 1000,
        "p99_ms": percentile(taken_s, 0.99) * 1000,
        "max_ms": max(taken_s) * 1000,
        "count": len(taken_s),
    }


async def main() -> None:
    plan = json.loads(await _line())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {plan["core"]})
    context = None
    if plan.get("certificate"):
        context = ssl.create_default_context(cafile=plan["certificate"])
        context.check_hostname = False  # MeshCentral's own certificate names no address; both are trusted by file
        if plan.get("trust_any"):
            context.verify_mode = ssl.CERT_NONE
    pairs = await meet(plan["rooms"], context)
    _say({"paired": len(pairs)})
    while line := await _line():
        asked = json.loads(line)
        if "flood" in asked:
            _say(await flood(pairs, asked["flood"], asked["seconds"], asked["window"]))
        elif "stop" in asked:
            _say(await stop(pairs[: asked["stop"]], asked["size"], asked["messages"]))
        elif "go_on" in asked:
            _say(await go_on(pairs[: asked["go_on"]]))
        else:
            chosen = pairs[asked["first"] : asked["first"] + asked["rooms"]]
            _say(await echo(chosen, asked["echo"], asked["times"]))


async def _line() -> str:
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def _say(value: dict[str, float]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
