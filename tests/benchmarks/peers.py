"""Two agents of others that sit on machines all day, started and asked as their users do: what ours is set beside.

prometheus-node-exporter    scraped over HTTP every 15 s, Prometheus' usual interval
zabbix-agent2               asked for ten items a minute over its own protocol ("ZBXD" 0x01, length, key), as the
                            template for Linux asks; it collects all the time

Both from Debian's packages, with their own defaults, on loopback. One that is not installed is told of, with the line
that installs it.
"""

import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from technician.demo.programs import wait_until
from technician.demo.tap import LOOPBACK, free_port
from tests.benchmarks.contract import NotRun

_NODE_EXPORTER = "prometheus-node-exporter"
_ZABBIX = "zabbix-agent2"
#: Debian puts it where only root's PATH looks.
_PLACES = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"
_ZABBIX_ITEMS = (
    "agent.ping", "system.cpu.util", "system.cpu.load[all,avg1]", "vm.memory.size[available]", "vfs.fs.size[/,pused]",
    "vfs.fs.inode[/,pfree]", "system.uptime", "proc.num", "net.if.discovery", "system.swap.size[,pfree]",
)  # fmt: skip
_ZABBIX_HEAD = b"ZBXD\1"


@dataclass
class Peer:
    """`ask` once gets everything its server would ask for at once; it is asked every `every_s`."""

    name: str
    pid: int
    every_s: float
    ask: Callable[[], object]
    _next: float = 0.0

    def ask_when_due(self) -> None:
        if time.monotonic() >= self._next:
            self.ask()
            self._next = time.monotonic() + self.every_s


@dataclass(frozen=True)
class Absent:
    name: str
    install: str


@contextmanager
def peers() -> Iterator[Sequence[Peer | Absent]]:
    with ExitStack() as stack:
        yield [stack.enter_context(_node_exporter()), stack.enter_context(_zabbix())]


@contextmanager
def _node_exporter() -> Iterator[Peer | Absent]:
    program = shutil.which(_NODE_EXPORTER, path=_PLACES)
    if program is None:
        yield Absent(_NODE_EXPORTER, f"apt-get install {_NODE_EXPORTER}")
        return
    address = f"{LOOPBACK}:{free_port()}"

    def scrape() -> int:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            return len(answer.read())

    with _running([program, f"--web.listen-address={address}"]) as process:
        wait_until(f"{_NODE_EXPORTER} to answer", lambda: _answers(scrape), within_s=20)
        yield Peer(_NODE_EXPORTER, process.pid, 15.0, scrape)


@contextmanager
def _zabbix() -> Iterator[Peer | Absent]:
    program = shutil.which("zabbix_agent2", path=_PLACES)
    if program is None:
        yield Absent(_ZABBIX, f"apt-get install {_ZABBIX}")
        return
    port = _free_low_port()
    with tempfile.TemporaryDirectory(prefix="bellpull-bench-") as folder:
        settings = Path(folder, "agent.conf")
        settings.write_text(
            f"LogType=console\nServer={LOOPBACK}\nListenIP={LOOPBACK}\nListenPort={port}\nHostname=bench\n"
            f"ControlSocket={folder}/control.sock\nPluginSocket={folder}/plugin.sock\n"
        )

        def poll() -> int:
            return sum(len(_zabbix_item(port, key)) for key in _ZABBIX_ITEMS)

        with _running([program, "-f", "-c", str(settings)]) as process:
            wait_until(f"{_ZABBIX} to answer", lambda: _answers(poll), within_s=20)
            yield Peer(_ZABBIX, process.pid, 60.0, poll)


def _free_low_port() -> int:
    """Zabbix takes no port above 32767, where the system gives out its own."""
    for port in range(19050, 32768):
        with socket.socket() as tried:
            try:
                tried.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise NotRun("no port from 19050 to 32767 is free")


def _zabbix_item(port: int, key: str) -> bytes:
    with socket.create_connection((LOOPBACK, port), timeout=10) as connection:
        connection.sendall(_ZABBIX_HEAD + struct.pack("<Q", len(key)) + key.encode())
        answer = bytearray()
        while piece := connection.recv(65536):
            answer += piece
    if not answer.startswith(_ZABBIX_HEAD):
        raise ConnectionError(f"no answer to {key}")
    return bytes(answer[len(_ZABBIX_HEAD) + 8 :])


def _answers(ask: Callable[[], int]) -> bool | None:
    try:
        return ask() > 0
    except (urllib.error.URLError, OSError):
        return None


@contextmanager
def _running(argv: list[str]) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
