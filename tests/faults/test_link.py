"""The agent's link through every kind of bad network: nothing lost, nothing twice, nothing half."""

import random
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from agent.link.connection import PING_S, PONG_S
from protocol.limits import HALF_OPEN_S
from tests.faults.bench import Bench, bench_on
from tests.faults.messages import MessageProxy
from tests.faults.proxy import FINE, Weather


@pytest.mark.parametrize(
    "weather",
    [
        Weather(delay_s=0.05),
        Weather(delay_s=0.03, jitter_s=0.06),
        Weather(slice_bytes=1),
        Weather(slice_bytes=7, delay_s=0.01),
        Weather(bytes_per_s=60_000, slice_bytes=600),
    ],
    ids=["late", "jitter", "one byte at a time", "seven bytes, late", "slow line"],
)
async def test_a_poor_line_delivers_all_of_it_once(tmp_path: Path, weather: Weather) -> None:
    async with bench_on(tmp_path) as bench:
        bench.net.weather = weather
        bench.promise(20)
        await bench.all_kept()
        assert set(bench.server.arrivals.values()) == {1}, "a slow line is no reason to send anything twice"
        assert bench.server.logins == 1, "a slow line is no lost one"


@pytest.mark.parametrize("reset", [False, True], ids=["cut", "reset"])
async def test_cuts_at_random_bytes_lose_nothing_and_double_nothing(tmp_path: Path, reset: bool, soak: bool) -> None:
    chance = random.Random(9)
    async with bench_on(tmp_path) as bench:
        bench.net.weather = Weather(slice_bytes=200)
        for _ in range(50 if soak else 5):
            bench.promise(8)
            before, wanted = carried(bench), chance.randrange(10, 4000)
            await bench.until(lambda: carried(bench) >= before + wanted or not bench.outbox.numbers().items)  # noqa: B023
            bench.net.cut(reset=reset)
            await bench.until(lambda: bench.net.passages and bench.link.connected)
        await bench.all_kept()
        assert bench.server.logins > 5


def carried(bench: Bench) -> int:
    return sum(passage.from_client for passage in bench.net.passages)


async def test_half_open_tcp_is_noticed_by_the_links_own_pings_and_left(tmp_path: Path) -> None:
    """Nothing is reset and nothing is closed: only the pings can tell. In real time 42 s; here 0.4."""
    assert PING_S + PONG_S < HALF_OPEN_S
    async with bench_on(tmp_path, ping_s=0.2) as bench:
        bench.net.weather = Weather(silent=True)
        bench.promise(3)
        await bench.until(lambda: bench.troubles)
        assert bench.troubles == ["the connection ended: keepalive ping timeout"]
        assert len(bench.server.stored) == 0
        bench.net.cut()
        bench.net.weather = FINE
        await bench.all_kept()


async def test_an_answer_lost_in_a_silence_is_asked_for_again_and_stored_once(tmp_path: Path) -> None:
    """The server has it, and its word never arrives: the worst moment of an at-least-once queue."""
    async with bench_on(tmp_path, ping_s=0.2) as bench:
        bench.server.silent_about = {f"00000000-0000-7000-8000-{number:012x}" for number in range(1, 6)}
        bench.promise(5)
        await bench.until(lambda: len(bench.server.arrivals) == 5)
        bench.server.silent_about = set()
        bench.net.weather = Weather(silent=True)
        await bench.until(lambda: bench.troubles)
        bench.net.cut(reset=True)
        bench.net.weather = FINE
        await bench.all_kept()
        assert set(bench.server.arrivals.values()) == {2}


async def test_a_server_that_is_down_is_tried_again_and_gets_everything(tmp_path: Path) -> None:
    async with bench_on(tmp_path) as bench:
        bench.net.weather = Weather(refuse=True)
        bench.net.cut()
        bench.promise(30)
        await bench.until(lambda: bench.net.connections >= 4)
        assert bench.server.stored == {}
        bench.net.weather = FINE
        await bench.all_kept()


def twice(messages: Sequence[bytes], times: int) -> Sequence[bytes]:
    return [message for message in messages for _ in range(times)]


def shuffled(messages: Sequence[bytes], chance: random.Random) -> Sequence[bytes]:
    return chance.sample(list(messages), len(messages))


MEDDLES: dict[str, Callable[[random.Random], Callable[[Sequence[bytes]], Sequence[bytes]]]] = {
    "each twice": lambda chance: partial(twice, times=2),
    "each ten times": lambda chance: partial(twice, times=10),
    "another order": lambda chance: partial(shuffled, chance=chance),
    "another order, each thrice": lambda chance: lambda messages: shuffled(twice(messages, 3), chance),
}


@pytest.mark.parametrize("meddle", MEDDLES)
async def test_messages_twice_and_in_another_order_both_ways_are_one_item_each(tmp_path: Path, meddle: str) -> None:
    chance = random.Random(meddle)
    bent = MEDDLES[meddle](chance)
    async with bench_on(tmp_path, lambda origin: MessageProxy(origin, up=bent, down=bent)) as bench:
        bench.promise(20)
        await bench.all_kept()
        assert bench.server.logins == 1
        if "order" not in meddle or "thrice" in meddle:
            assert min(bench.server.arrivals.values()) >= 2, "nothing was doubled: this run proved nothing"


async def test_messages_that_vanish_on_a_live_link_are_sent_again(tmp_path: Path) -> None:
    chance = random.Random(4)

    def lossy(messages: Sequence[bytes]) -> Sequence[bytes]:
        return [message for message in messages if chance.random() > 0.3]

    async with bench_on(tmp_path, lambda origin: MessageProxy(origin, up=lossy, down=lossy)) as bench:
        bench.link._resend_s = 0.05
        bench.promise(40)
        await bench.all_kept()


async def test_the_net_between_is_what_it_says(tmp_path: Path) -> None:
    """A proxy that changes nothing would make every test above pass: it must cut, slice and hold back."""
    async with bench_on(tmp_path) as bench:
        (passage,) = bench.net.passages
        quick = carried(bench)
        bench.net.weather = Weather(silent=True)
        bench.promise(1)
        await bench.until(lambda: carried(bench) > quick)
        assert bench.server.arrivals == {}
        assert bench.net.cut(reset=True) == 1
        assert passage.outside.transport.is_closing()
        await bench.until(lambda: bench.troubles)
        bench.net.weather = FINE
        await bench.all_kept()
        raw: socket.socket = bench.net.passages[0].outside.get_extra_info("socket")
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
