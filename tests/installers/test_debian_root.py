"""The real package in a fresh Debian: installed, used against a real server, upgraded, removed, purged.

The root is made by debootstrap and is no booted system: no systemd runs in it, so that the unit is enabled is seen,
that systemd starts it is not. The agent runs in it by hand, as the unit would start it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from installers.deb import build as deb
from protocol.enrolment import EnrolmentTicket, print_token
from tests.making import DAY, Organisation, seed
from tests.running import PLAIN, RunningServer, start_server
from tests.server.actors import Clock, World

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1800),  # fetching and unpacking a Debian, and a build
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a Debian root needs root on Linux"),
    pytest.mark.skipif(shutil.which("debootstrap") is None, reason="debootstrap: apt-get install debootstrap"),
    pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb: apt-get install dpkg"),
]
STATE = "var/lib/bellpull"


class Debian:
    """A root folder that commands run in, each with /proc mounted in a mount namespace of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.running: list[subprocess.Popen[bytes]] = []

    def argv(self, *command: str) -> list[str]:
        into = 'mount -t proc proc "$1/proc" && exec chroot "$@"'
        return ["unshare", "--mount", "sh", "-c", into, "sh", str(self.root), *command]

    def run(self, *command: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.argv(*command), env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert not ok or done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done

    def json(self, *command: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*command, "--json").stdout)
        return found

    def status(self) -> dict[str, Any]:
        # Exit code 1 says that something needs attention, not that the answer is missing.
        found: dict[str, Any] = json.loads(self.run("bellpull-agent", "status", "--json", ok=False).stdout)
        return found

    def install(self, package: Path) -> str:
        shutil.copy(package, self.root / "root" / package.name)
        return self.run("dpkg", "--install", f"/root/{package.name}").stdout

    def start_agent(self) -> "subprocess.Popen[bytes]":
        """As the unit's ExecStart does."""
        unit = (self.root / "usr/lib/systemd/system/bellpull-agent.service").read_text()
        (line,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
        command = [word.strip('"') for word in line.removeprefix("ExecStart=").split()]
        process = subprocess.Popen(self.argv(*command), env=self.environment, start_new_session=True)
        self.running.append(process)
        self.until(lambda: '"enrolled"' in self.run("bellpull-agent", "status", "--json", ok=False).stdout)
        return process

    def stop_agent(self, process: "subprocess.Popen[bytes]", number: signal.Signals = signal.SIGTERM) -> None:
        process.send_signal(number)
        process.wait(30)

    def until(self, true: Callable[[], bool], within_s: float = 60) -> None:
        ends = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < ends
            time.sleep(0.2)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}

    def ours(self) -> set[str]:
        """Every path that carries our name, but for what dpkg keeps for itself."""
        found = {str(path.relative_to(self.root)) for path in self.root.rglob("*bellpull*")}
        return {path for path in found if not path.startswith(("root/", "proc/", "var/cache"))}


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    root = tmp_path_factory.mktemp("debian") / "root"
    # The mirror is the machine's own choice: debootstrap's default, or what DEBOOTSTRAP_MIRROR names.
    mirror = [os.environ["DEBOOTSTRAP_MIRROR"]] if "DEBOOTSTRAP_MIRROR" in os.environ else []
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", "bookworm", root, *mirror], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"no Debian can be fetched here: {made.stdout[-300:]}{made.stderr[-300:]}")
    debian = Debian(root)
    yield debian
    for process in debian.running:
        if process.poll() is None:
            process.kill()
            process.wait(30)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with start_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
async def token(server: RunningServer) -> AsyncIterator[str]:
    now = int(time.time())
    organisation = Organisation(not_before=now - 10 * DAY, not_after=now + 100 * DAY)
    async with httpx2.AsyncClient(verify=PLAIN, base_url=server.origin, trust_env=False) as http:
        world = World(server.origin, server.setup_code, http, Clock(now), organisation)
        assert (await world.pin()).status_code == 200
        yield print_token(EnrolmentTicket(chain=world.token("debian"), secret=seed("secret")))


def test_a_life_on_debian(debian: Debian, server: RunningServer, token: str, built_agent: Path, tmp_path: Path) -> None:
    old, new = (deb.build(built_agent, tmp_path / version, version) for version in ("0.1.0", "0.1.1"))
    keys = debian.root / STATE / "identity"

    # Install: nothing is missing, every file is as it was packed, the unit will be started at the next boot.
    assert "sudo bellpull-agent enrol TOKEN" in debian.install(old)
    assert debian.run("dpkg", "--verify", "bellpull-agent").stdout == ""
    assert (debian.root / "etc/systemd/system/multi-user.target.wants/bellpull-agent.service").is_symlink()
    assert debian.run("sh", "-c", "command -v python3", ok=False).returncode != 0, "this proves nothing with a Python"
    assert debian.run("bellpull-agent", "--version").stdout.startswith("bellpull-agent ")
    seen = json.loads(debian.run("bellpull-agent", "check", "--json", ok=False).stdout)
    assert [check for check in seen["checks"] if check["status"] == "failed"] == []

    # Use it against a real server.
    device = debian.json("bellpull-agent", "enrol", token)["device"]
    agent = debian.start_agent()
    assert (debian.root / STATE / "run/agent.sock").stat().st_mode & 0o777 == 0o666
    debian.until(lambda: debian.status()["link"]["state"] == "connected")
    debian.run("bellpull-agent", "ask", "The printer sings.", "--yes")
    debian.until(lambda: debian.status()["outbox"]["items"] == 0)

    # Something waits for the server, the agent dies by force, the new version comes.
    server.stop()
    debian.until(lambda: debian.status()["link"]["state"] != "connected")
    debian.run("bellpull-agent", "ask", "It still sings.", "--yes", "--no-bundle")
    assert debian.status()["outbox"]["items"] >= 1
    debian.stop_agent(agent, signal.SIGKILL)
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    said = debian.install(new)
    assert "sudo bellpull-agent enrol" not in said
    assert debian.run("dpkg-query", "-W", "-f", "${Version}", "bellpull-agent").stdout == "0.1.1"
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before

    # The same device, and what waited arrives.
    server.start_again()
    agent = debian.start_agent()
    assert debian.status()["membership"]["device"] == device
    debian.until(lambda: debian.status()["outbox"]["items"] == 0)
    assert len(debian.json("bellpull-agent", "tickets")["tickets"]) == 2
    debian.stop_agent(agent)
    assert agent.returncode == 0

    # Remove keeps the state: whoever installs again is the same device.
    debian.run("dpkg", "--remove", "bellpull-agent")
    assert not (debian.root / "usr/lib/bellpull-agent").exists()
    assert not (debian.root / "usr/bin/bellpull-agent").is_symlink()
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
    debian.install(new)
    agent = debian.start_agent()
    assert debian.status()["membership"]["device"] == device
    debian.stop_agent(agent)

    # Purge leaves nothing with our name on it.
    debian.run("dpkg", "--purge", "bellpull-agent")
    assert debian.ours() == set()


def test_a_purge_does_not_follow_a_link(debian: Debian, built_agent: Path, tmp_path: Path) -> None:
    package = deb.build(built_agent, tmp_path, "0.1.0")
    debian.install(package)
    (debian.root / "srv/photos/identity").mkdir(parents=True)
    (debian.root / STATE).symlink_to("/srv/photos")
    debian.run("dpkg", "--purge", "bellpull-agent")
    assert (debian.root / "srv/photos/identity").is_dir()
    assert not (debian.root / STATE).is_symlink()


def test_leave_then_purge(debian: Debian, built_agent: Path, tmp_path: Path) -> None:
    debian.install(deb.build(built_agent, tmp_path, "0.1.0"))
    agent = debian.start_agent()
    left = debian.json("bellpull-agent", "leave", "--yes")
    agent.wait(30)
    assert (left["told"], left["why_not_told"], left["not_ours"]) == (False, "this device is not enrolled", [])
    assert agent.returncode == 0, "systemd would start it again after a failure"
    assert not (debian.root / STATE).exists()
    debian.run("dpkg", "--purge", "bellpull-agent")
    assert debian.ours() == set()
