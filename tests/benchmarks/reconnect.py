"""A thousand agents cut at once, and a visit that goes on: how soon all are back, and what they cost the server.

    python -m tests.benchmarks reconnect            1 000 agents (--quick: 200)
    python -m tests.benchmarks.reconnect --agents 5000

The server is the real one in a process of its own; the agents are the real client code, a few processes of many each.
Two agents that are not cut carry a room of the relay: one message on its way at any moment, all through the storm. Then
the server is killed and started again on the same data, and everybody comes back once more.

All agents share this machine's one address here, which the server would take for one customer's gateway: its count of
links for each address is widened as for such a customer, and told once with the default.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from protocol.messages.api import SessionAsk, SessionRoom
from protocol.messages.login import Welcome
from protocol.messages.sessions import SessionOffer
from tests.benchmarks.contract import NotRun, Row, percentile
from tests.benchmarks.crowd import organisation_of
from tests.benchmarks.machine_facts import machine_facts
from tests.benchmarks.spending import held, own_cpu_s
from tests.benchmarks.table import as_text
from tests.benchmarks.world import WIDE
from tests.running import PLAIN, RunningServer, start_server
from tests.server.actors import Clock, World, paired

BACK_AIM_S: Final = 90.0
_KIB_AIM: Final = 40.0
#: Agents of one client process: each has a database of three files.
_A_PROCESS: Final = 1250
_ECHO_S: Final = 0.02
_ROOM_P99_MS: Final = 500.0


class Client:
    """crowd.py in a process of its own."""

    def __init__(self, origin: str, folder: Path, count: int, now: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.crowd"],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.count = count
        self._tell(origin=origin, folder=str(folder), count=count, now=now)

    def _tell(self, **values: Any) -> None:
        print(json.dumps(values), file=self._process.stdin, flush=True)

    def heard(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise NotRun(f"a client ended with {self._process.wait()}; its words are above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def ask(self, **values: Any) -> dict[str, Any]:
        self._tell(**values)
        return await asyncio.to_thread(self.heard)

    def close(self) -> None:
        try:
            self._process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass
class LiveRoom:
    """Two ends of a room that talk without a pause. `echoes_ms`: each way there and back."""

    echoes_ms: list[float] = field(default_factory=list)
    lost: str = ""
    _over: bool = False

    async def talk(self, world: World) -> None:
        token, device = await world.technician_token(), await world.approved("the one that is not cut")
        async with world.link(device) as link:
            await link.hear(Welcome)
            done = await world.post("/api/sessions", SessionAsk(device=device.device, ticket=None), token)
            room, offer = SessionRoom.model_validate_json(done.content), await link.hear(SessionOffer)
            async with (
                world.relay(room.room, room.join_token) as technician,
                world.relay(offer.room, offer.join_token) as agent,
            ):
                await asyncio.gather(paired(technician), paired(agent))
                await self._talk(technician, agent)

    async def _talk(self, technician: Any, agent: Any) -> None:
        try:
            while not self._over:
                began, said = time.perf_counter(), len(self.echoes_ms).to_bytes(8, "big") * 16
                await technician.send(said)
                assert await agent.recv() == said
                await agent.send(said)
                assert await technician.recv() == said
                self.echoes_ms.append(1000 * (time.perf_counter() - began))
                await asyncio.sleep(_ECHO_S)
        except Exception as error:  # noqa: BLE001 - whatever it was, the session is lost, and that is the figure
            self.lost = f"{type(error).__name__}: {error}"

    def end(self) -> None:
        self._over = True


@dataclass
class Measured:
    agents: int
    connect_s: float = 0.0
    server_bytes: float = 0.0
    client_bytes: float = 0.0
    after_cut_s: list[float] = field(default_factory=list)
    after_kill_s: list[float] = field(default_factory=list)
    server_cpu_s: float = 0.0
    room: LiveRoom = field(default_factory=LiveRoom)


@contextmanager
def _server(folder: Path, caps: dict[str, int]) -> Iterator[RunningServer]:
    with start_server(folder) as server:
        server.stop()
        settings = server.data / "server.json"
        told = json.loads(settings.read_text())
        told["caps"] |= caps
        settings.write_text(json.dumps(told))
        server.start_again()
        yield server


async def measure(agents: int, *, links_a_minute: int | None = None, kill: bool = True) -> Measured:
    """The whole of it once. `links_a_minute`: what the server lets in from one address; None: as many as come."""
    caps = WIDE | {"enrolments_a_minute": 1_000_000, "logins_a_minute": 1_000_000, "pending_enrolments": 1_000_000}
    if links_a_minute is not None:
        caps["links_a_minute"] = links_a_minute
    measured, now = Measured(agents), int(time.time())
    with tempfile.TemporaryDirectory(prefix="bellpull-crowd-") as name, ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(_server(folder, caps))
        async with httpx2.AsyncClient(verify=PLAIN, base_url=server.origin, timeout=60, trust_env=False) as http:
            world = World(server.origin, server.setup_code, http, Clock(now), organisation_of(now), server.data)
            assert (await world.pin()).status_code == 200
            clients = []
            for at in range(0, agents, _A_PROCESS):
                client = Client(server.origin, folder / f"agents-{at}", min(_A_PROCESS, agents - at), now)
                stack.callback(client.close)
                clients.append(client)
            await asyncio.gather(*(asyncio.to_thread(client.heard) for client in clients))
            before = held(server.process.pid).private_bytes
            began = time.monotonic()
            connected = await asyncio.gather(*(client.ask(connect=True) for client in clients))
            measured.connect_s = time.monotonic() - began
            measured.client_bytes = sum(each["bytes"] for each in connected) / agents
            await asyncio.sleep(2)
            measured.server_bytes = (held(server.process.pid).private_bytes - before) / agents

            talking = asyncio.create_task(measured.room.talk(world))
            while not measured.room.echoes_ms and not talking.done():  # noqa: ASYNC110 - it has no event for us
                await asyncio.sleep(0.05)
            spent = own_cpu_s(server.process.pid)
            measured.after_cut_s = await _all(clients, cut=True)
            measured.server_cpu_s = own_cpu_s(server.process.pid) - spent
            measured.room.end()
            await talking
            if kill:
                waiting = asyncio.create_task(_all(clients, wait=True))
                await asyncio.sleep(0.5)
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start_again)
                measured.after_kill_s = await waiting
    return measured


async def _all(clients: list[Client], **command: bool) -> list[float]:
    answers = await asyncio.gather(*(client.ask(**command) for client in clients))
    return sorted(second for answer in answers for second in answer["back_s"])


def rows_of(measured: Measured) -> list[Row]:
    count, cut = measured.agents, measured.after_cut_s
    back = f"median {percentile(cut, 0.5):.1f} s, 99 % after {percentile(cut, 0.99):.1f} s"
    echoes = measured.room.echoes_ms
    lived = measured.room.lost or f"median {percentile(echoes, 0.5):.1f} ms, longest {max(echoes):.0f} ms"
    rows = [
        Row(f"{count} agents cut at once: the last is back after", cut[-1], "s", BACK_AIM_S, detail=back),
        Row("processor of the server meanwhile", measured.server_cpu_s, "s", detail=f"{count} logins and reports"),
        Row(
            "echo in a visit meanwhile, p99",
            None if measured.room.lost else percentile(echoes, 0.99),
            "ms",
            _ROOM_P99_MS,
            detail=f"{len(echoes)} messages each way; {lived}",
        ),
        Row("server memory an agent", measured.server_bytes / 1024, "KiB", _KIB_AIM, detail="private, connected, idle"),
        Row("client memory an agent", measured.client_bytes / 1024, "KiB", detail="many in one process"),
        Row(f"{count} agents connected for the first time", measured.connect_s, "s", detail="all begin at once"),
    ]
    if kill := measured.after_kill_s:
        detail = f"median {percentile(kill, 0.5):.1f} s; counted from the first lost link, the start included"
        rows.append(Row(f"{count} agents, server killed and started: the last is back", kill[-1], "s", detail=detail))
    return rows


def run(quick: bool) -> list[Row]:
    count = 200 if quick else 1000
    rows = rows_of(asyncio.run(measure(count)))
    crowded = asyncio.run(measure(count, links_a_minute=600, kill=False)).after_cut_s
    what = f"{count} agents behind one address, default quota: the last is back after"
    return [*rows, Row(what, crowded[-1], "s", BACK_AIM_S, detail=f"median {percentile(crowded, 0.5):.1f} s")]


def main() -> int:
    parser = argparse.ArgumentParser(description="Agents cut at once, and back.")
    parser.add_argument("--agents", type=int, default=1000, metavar="N")
    asked = parser.parse_args()
    rows = rows_of(asyncio.run(measure(asked.agents)))
    print(as_text([("reconnect", row) for row in rows], machine_facts()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
