"""A real server in a process of its own, for tests that want the whole thing: started, asked, stopped, killed.

with start_server(tmp_path) as server: ... server.origin, server.data, server.process
"""

import json
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

START_S = 30
#: For HTTP clients of tests, which speak plain http to this machine: reading the system's certificates for each of
#: thousands of clients would take a good part of the run.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class RunningServer:
    """`setup_code`: one use, for pinning an organisation. `first`: everything `init` printed."""

    origin: str
    data: Path
    process: "subprocess.Popen[str]"
    setup_code: str
    first: dict[str, str] = field(default_factory=dict)
    database: str | None = None

    @property
    def websocket(self) -> str:
        return self.origin.replace("http", "ws", 1)

    def stop(self, timeout_s: float = 10) -> int:
        """Ask it to stop, as an operator does. Returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout_s)
        self._close_pipes()
        return code

    def kill(self) -> None:
        """As a power cut does to a process."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._close_pipes()

    def start_again(self) -> None:
        """The same data and address, a new process."""
        self.process = _run(self.data, self.origin, self.database)

    def log(self) -> str:
        return (self.data.parent / f"{self.data.name}.log").read_text(encoding="utf-8")

    def _close_pipes(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()


def start_server(directory: Path, *, database: str | None = None) -> RunningServer:
    """A fresh server below `directory`, listening on a free port of 127.0.0.1."""
    data, origin = directory / "server", f"http://127.0.0.1:{_free_port()}"
    argv = [sys.executable, "-m", "server.cli", "init", "--data", str(data), "--origin", origin, "--json"]
    if database is not None:
        argv += ["--database", database]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"bellpull-server init failed: {done.stderr}")
    first = json.loads(done.stdout)
    process = _run(data, origin, database)
    return RunningServer(origin, data, process, first["setup_code"], first, database)


def _run(data: Path, origin: str, database: str | None) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "server.cli", "run", "--data", str(data), "--json"]
    argv += ["--listen", origin.removeprefix("http://")]
    if database is not None:
        argv += ["--database", database]
    log = (data.parent / f"{data.name}.log").open("a", encoding="utf-8")
    with log:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
    _wait_until_well(origin, process, data)
    return process


def _wait_until_well(origin: str, process: "subprocess.Popen[str]", data: Path) -> None:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{origin}/healthz", timeout=1) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    process.kill()
    process.wait(10)
    log = (data.parent / f"{data.name}.log").read_text(encoding="utf-8")
    raise RuntimeError(f"the server did not start (exit code {process.returncode}):\n{log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
