"""Messages through the relay, both ends on one other core; beside it MeshCentral 1.1.55, same client, same machine.

    tests/benchmarks/relay.py --tls --pairs 10 --sizes 100,4096,65536 --json
    python -m tests.benchmarks relay

The server is the real one (`bellpull-server run`) on one core, the client on another. For each size: messages and
megabytes a second one way in all rooms at once, with at most `--window` messages of a room on the way; then the echo of
one small message in a quiet server; what a paired room costs the server in memory; 100 rooms that echo at once; and
rooms whose readers stop. A message of 65 536 is one of 65 535 bytes here: more does not fit into a room.

Ratios are of one run only; the two servers are measured in turns. On a machine with other work the figures a second say
little, so each is told once more by the processor time it took: messages for each second the server really had.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

if __package__ in (None, ""):  # started as a file: what it imports lies two folders up
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from protocol.limits import RELAY_MESSAGE_MAX_BYTES
from tests.benchmarks.contract import Better, NotRun, Row
from tests.benchmarks.machine_facts import machine_facts
from tests.benchmarks.relay_servers import Relay, meshcentral, own_server
from tests.benchmarks.spending import held, own_cpu_s
from tests.benchmarks.table import as_text, as_value

SIZES: Final = (100, 4096, 65_536)
#: What is aimed at, as multiples of MeshCentral on the same machine.
AIMS: Final = {100: 1.0, 4096: 2.0, 65_536: 2.3}
_CROWD_PAIRS: Final = 100
_CROWD_P99_MS: Final = 150.0
#: What a slow reader may cost the relay.
_STOPPED_KIB: Final = 1536.0


@dataclass
class Plan:
    tls: bool = True
    pairs: int = 10
    sizes: Sequence[int] = SIZES
    seconds: float = 3.0
    #: Messages of a room on the way; of large ones fewer, so that no room holds more than a mebibyte.
    window: int = 32
    #: Turns of both servers; the best of each counts, as noise only ever slows.
    turns: int = 2
    echoes: int = 3000


@dataclass
class Figures:
    """Of one server, by size, the best of all turns. `messages_cpu_s`: for a second of its own processor time."""

    messages_s: dict[int, float] = field(default_factory=dict)
    messages_cpu_s: dict[int, float] = field(default_factory=dict)
    megabytes_s: dict[int, float] = field(default_factory=dict)
    echo: dict[str, float] = field(default_factory=dict)
    room_bytes: float = 0.0


class Client:
    """relay_client.py on a core of its own."""

    def __init__(self, relay: Relay, core: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.relay_client"],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        certificate = str(relay.certificate) if relay.certificate else None
        self.ask(core=core, rooms=relay.rooms, certificate=certificate, trust_any=relay.trust_any)

    def ask(self, **values: Any) -> dict[str, float]:
        print(json.dumps(values), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise NotRun(f"the client ended with {self._process.wait()}; its words are above")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def _client(relay: Relay, core: int) -> Iterator[Client]:
    client = Client(relay, core)
    try:
        yield client
    finally:
        client.close()


def _cores() -> tuple[int, int]:
    """One for the server, one for the client."""
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2:
        raise NotRun("a server and a client need a core each")
    return ours[0], ours[1]


def _measure(relay: Relay, plan: Plan, core: int, figures: Figures) -> None:
    before = held(relay.pid).rss_bytes
    with _client(relay, core) as client:
        figures.room_bytes = (held(relay.pid).rss_bytes - before) / plan.pairs
        for size in plan.sizes:
            sent = min(size, RELAY_MESSAGE_MAX_BYTES)
            window = max(4, min(plan.window, (1 << 20) // sent))
            spent_s = own_cpu_s(relay.pid)
            done = client.ask(flood=sent, seconds=plan.seconds, window=window)
            spent_s = own_cpu_s(relay.pid) - spent_s
            figures.messages_cpu_s[size] = max(figures.messages_cpu_s.get(size, 0.0), done["carried"] / spent_s)
            if done["messages_s"] > figures.messages_s.get(size, 0.0):
                figures.messages_s[size], figures.megabytes_s[size] = done["messages_s"], done["megabytes_s"]
        echo = client.ask(echo=100, times=plan.echoes, first=0, rooms=1)
        if not figures.echo or echo["p99_ms"] < figures.echo["p99_ms"]:
            figures.echo = echo


def compare(plan: Plan) -> list[Row]:
    """Both servers in turns. Where the other one cannot be had, its rows say why."""
    own, peer, absent = Figures(), Figures(), ""
    server_core, client_core = _cores()
    for _ in range(plan.turns):
        with own_server(tls=plan.tls, pairs=plan.pairs, core=server_core) as relay:
            _measure(relay, plan, client_core, own)
        if not absent:
            try:
                with meshcentral(tls=plan.tls, pairs=plan.pairs, core=server_core) as relay:
                    _measure(relay, plan, client_core, peer)
            except NotRun as why:
                absent = str(why)
    return [
        *_rows(own, peer, plan, absent),
        *_crowd(plan, server_core, client_core),
        *_stopped(plan, server_core, client_core),
    ]


def _rows(own: Figures, peer: Figures, plan: Plan, absent: str) -> Iterator[Row]:
    more = Better.MORE
    for size in plan.sizes:
        messages = f"{size} bytes, {plan.pairs} rooms"
        detail = f"{own.megabytes_s[size]:.1f} MB/s"
        yield Row(messages, own.messages_s[size], "messages/s", None, more, detail)
        yield Row(f"{messages}, by processor", own.messages_cpu_s[size], "messages/s", None, more)
        if absent:
            yield Row(f"{messages}: of MeshCentral", None, "×", AIMS.get(size), more, absent)
            continue
        detail = f"MeshCentral 1.1.55: {peer.messages_s[size]:.0f} messages/s, {peer.megabytes_s[size]:.1f} MB/s"
        ratio = own.messages_s[size] / peer.messages_s[size]
        yield Row(f"{messages}: of MeshCentral", ratio, "×", AIMS.get(size), more, detail)
        detail = f"MeshCentral 1.1.55: {peer.messages_cpu_s[size]:.0f} messages for a second of processor time"
        ratio = own.messages_cpu_s[size] / peer.messages_cpu_s[size]
        yield Row(f"{messages}: of MeshCentral, by processor", ratio, "×", AIMS.get(size), more, detail)
    beside = f"MeshCentral {peer.echo['p50_ms']:.3f} and {peer.echo['p99_ms']:.3f} ms" if peer.echo else ""
    yield Row("echo of 100 bytes, median", own.echo["p50_ms"], "ms", detail=f"of {own.echo['count']:.0f}")
    yield Row("echo of 100 bytes, p99", own.echo["p99_ms"], "ms", detail=beside)
    beside = f"MeshCentral {peer.room_bytes / 1024:.0f} KiB" if peer.room_bytes else ""
    yield Row("server memory a paired room", own.room_bytes / 1024, "KiB", detail=beside)


def _crowd(plan: Plan, server_core: int, client_core: int) -> Iterator[Row]:
    with (
        own_server(tls=plan.tls, pairs=_CROWD_PAIRS, core=server_core) as relay,
        _client(relay, client_core) as client,
    ):
        done = client.ask(echo=1024, times=max(20, plan.echoes // 50), first=0, rooms=_CROWD_PAIRS)
    detail = f"median {done['p50_ms']:.1f}, longest {done['max_ms']:.1f} ms of {done['count']:.0f}"
    yield Row(f"echo of 1 KiB in {_CROWD_PAIRS} rooms at once, p99", done["p99_ms"], "ms", _CROWD_P99_MS, detail=detail)


def _stopped(plan: Plan, server_core: int, client_core: int) -> Iterator[Row]:
    """Half of the rooms have a reader that stopped, in front of a sender who does not; the others talk meanwhile."""
    stopped = 5
    with (
        own_server(tls=plan.tls, pairs=2 * stopped, core=server_core) as relay,
        _client(relay, client_core) as client,
    ):
        before = held(relay.pid).rss_bytes
        sent = client.ask(stop=stopped, size=RELAY_MESSAGE_MAX_BYTES, messages=300)["sent"]
        grown = (held(relay.pid).rss_bytes - before) / stopped
        echo = client.ask(echo=1024, times=max(20, plan.echoes // 20), first=stopped, rooms=stopped)
        arrived = client.ask(go_on=stopped)["arrived"]
    detail = f"of {sent:.0f} messages sent meanwhile {arrived:.0f} arrived afterwards, in order"
    yield Row("server memory a room whose reader stopped", grown / 1024, "KiB", _STOPPED_KIB, detail=detail)
    yield Row("echo of 1 KiB in the rooms beside, p99", echo["p99_ms"], "ms", detail=f"median {echo['p50_ms']:.2f} ms")


def run(quick: bool) -> list[Row]:
    return compare(Plan(seconds=1.0, turns=1, echoes=500) if quick else Plan())


def main() -> int:
    parser = argparse.ArgumentParser(description="Messages through the relay, beside MeshCentral's.")
    parser.add_argument("--tls", action="store_true", help="with TLS in the server; MeshCentral has no other way")
    parser.add_argument("--pairs", type=int, default=Plan.pairs, metavar="N")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="bytes of a message, comma between")
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="for each size")
    parser.add_argument("--window", type=int, default=Plan.window, help="messages of a room on the way")
    parser.add_argument("--turns", type=int, default=Plan.turns, help="the best of this many counts")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    sizes = tuple(int(size) for size in asked.sizes.split(","))
    if not all(8 < size <= RELAY_MESSAGE_MAX_BYTES + 1 for size in sizes) or asked.pairs < 1:
        parser.error(f"sizes are from 9 to {RELAY_MESSAGE_MAX_BYTES + 1}, pairs at least 1")
    plan = Plan(asked.tls, asked.pairs, sizes, asked.seconds, asked.window, asked.turns)
    facts = machine_facts()
    try:
        rows = [("relay", row) for row in compare(plan)]
    except NotRun as why:
        print(f"did not run: {why}", file=sys.stderr)
        return 1
    print(json.dumps(as_value(rows, {}, facts), ensure_ascii=False, indent=2) if asked.json else as_text(rows, facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
