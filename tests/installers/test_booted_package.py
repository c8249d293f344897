"""The real package on a Debian with a real systemd: started, killed, stopped, upgraded, removed, purged by dpkg itself.

Beside test_debian_root.py, whose root is not booted: here systemd starts and stops the service, and nobody else does.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from installers.deb import build as deb
from installers.rpm import build as rpm
from protocol.enrolment import EnrolmentTicket, print_token
from tests.booted import Booted, booted, debian_base, exposure
from tests.making import DAY, Organisation, seed
from tests.running import PLAIN, RunningServer, start_server
from tests.server.actors import Clock, World

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]  # a build, and the first run fetches a Debian
UNIT = "bellpull-agent.service"
STATE = "var/lib/bellpull"


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """It shares this machine's network: the server listens on its loopback."""
    with booted(debian_base(), tmp_path_factory.mktemp("booted") / "machine") as machine:
        yield machine


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with start_server(tmp_path_factory.mktemp("server")) as running:
        yield running


async def enrolment_token(server: RunningServer) -> str:
    import httpx2

    now = int(time.time())
    organisation = Organisation(not_before=now - 10 * DAY, not_after=now + 100 * DAY)
    async with httpx2.AsyncClient(verify=PLAIN, base_url=server.origin, trust_env=False) as http:
        world = World(server.origin, server.setup_code, http, Clock(now), organisation)
        assert (await world.pin()).status_code == 200
        return print_token(EnrolmentTicket(chain=world.token("debian"), secret=seed("secret")))


def install(debian: Booted, package: Path) -> str:
    (debian.root / "root" / package.name).write_bytes(package.read_bytes())
    return debian.run("dpkg", "--install", f"/root/{package.name}").stdout


def state_of(debian: Booted) -> str:
    return debian.run("systemctl", "is-active", UNIT, ok=False).stdout.strip()


def pid_of(debian: Booted) -> int:
    return int(debian.shown(UNIT, "MainPID")["MainPID"])


def connected(debian: Booted) -> bool:
    return '"connected"' in debian.run("bellpull-agent", "status", "--json", ok=False).stdout


async def test_a_life_under_systemd(debian: Booted, server: RunningServer, built_agent: Path, tmp_path: Path) -> None:
    old, new = (deb.build(built_agent, tmp_path / version, version) for version in ("0.1.0", "0.1.1"))
    keys = debian.root / STATE / "identity"

    # Installed: it runs at once, and after a restart of the machine.
    install(debian, old)
    debian.until(lambda: state_of(debian) == "active")
    status = debian.run("systemctl", "status", "--no-pager", UNIT).stdout
    assert "Active: active (running)" in status
    assert "enabled" in status
    score = exposure(debian.run("systemd-analyze", "security", UNIT).stdout)
    print(f"systemd-analyze security {UNIT}: {score}")
    assert score <= 5.0
    warnings = debian.run("systemd-analyze", "verify", "--man=no", UNIT)
    assert warnings.stdout + warnings.stderr == ""
    device = debian.json("bellpull-agent", "enrol", await enrolment_token(server), "--json")["device"]
    debian.until(lambda: connected(debian))
    debian.stop()
    debian.boot()
    debian.until(lambda: connected(debian))

    # Killed: systemd starts it again, with the same identity.
    before, pid = {path.name: path.read_bytes() for path in keys.iterdir()}, pid_of(debian)
    debian.run("systemctl", "kill", "--signal=KILL", UNIT)
    debian.until(lambda: pid_of(debian) not in (0, pid))
    assert debian.shown(UNIT, "NRestarts")["NRestarts"] == "1"
    debian.until(lambda: connected(debian))

    # Stopped: within its time, by itself, and it says that all was well.
    debian.run("bellpull-agent", "ask", "The printer sings.", "--yes", "--no-bundle")
    began = time.monotonic()
    debian.run("systemctl", "stop", UNIT)
    assert time.monotonic() - began < 15
    assert debian.shown(UNIT, "Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    debian.run("systemctl", "start", UNIT)
    debian.until(lambda: connected(debian))

    # Upgraded with something in the outbox: another process, the same device, and what waited arrives.
    server.stop()
    debian.until(lambda: not connected(debian))
    debian.run("bellpull-agent", "ask", "It still sings.", "--yes", "--no-bundle")
    assert debian.json("bellpull-agent", "status", "--json", ok=False)["outbox"]["items"] >= 1
    pid = pid_of(debian)
    install(debian, new)
    debian.until(lambda: state_of(debian) == "active" and pid_of(debian) not in (0, pid))
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
    server.start_again()
    debian.until(lambda: connected(debian))
    told = debian.json("bellpull-agent", "status", "--json", ok=False)
    assert told["membership"]["device"] == device
    debian.until(lambda: debian.json("bellpull-agent", "status", "--json", ok=False)["outbox"]["items"] == 0)

    # Removed: nothing of it runs, the state stays. Installed again: the same device. What an administrator switched
    # off stays off.
    debian.run("dpkg", "--remove", "bellpull-agent")
    assert state_of(debian) == "inactive"
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
    install(debian, new)
    debian.until(lambda: connected(debian))
    debian.run("systemctl", "disable", "--now", UNIT)
    install(debian, old)
    assert debian.run("systemctl", "is-enabled", UNIT, ok=False).stdout.strip() == "disabled"

    # The helper of desktop sessions starts by itself at a login, is in the program, and has nothing to do without one.
    entry = (debian.root / "etc/xdg/autostart/bellpull-helper.desktop").read_text()
    command = next(line.removeprefix("Exec=") for line in entry.splitlines() if line.startswith("Exec="))
    assert "no-desktop" in debian.run(*command.split()).stderr

    # Purged: no file, no unit, no process with our name.
    debian.run("dpkg", "--purge", "bellpull-agent")
    assert debian.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "bellpull*").stdout == ""
    assert debian.run("pgrep", "-f", "bellpull-agent", ok=False).stdout == ""
    left = debian.run("find", "/etc", "/usr", "/var/lib", "/run", "-name", "*bellpull*").stdout.split()
    assert left == []


def rpm_says(debian: Booted, *words: str) -> str:
    """--nodeps: the glibc of a Debian is in no database of rpm's."""
    return debian.run("rpm", "--nodeps", *words).stdout


async def test_the_rpm_and_a_dropped_token(
    debian: Booted, server: RunningServer, built_agent: Path, tmp_path: Path
) -> None:
    """The .rpm by rpm itself, on a system of another family, with a real systemd: its scriptlets ask for no more."""
    if shutil.which("rpmbuild") is None:
        pytest.skip("rpmbuild: apt-get install rpm")
    debian.run("apt-get", "update", "--quiet")
    fetched = debian.run("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "rpm", ok=False)
    if fetched.returncode != 0:
        pytest.skip(f"rpm cannot be fetched into the Debian: {fetched.stderr[-300:]}")
    keys = debian.root / STATE / "identity"
    for version in ("0.1.0", "0.1.1"):
        package = rpm.build(built_agent, tmp_path, version)
        (debian.root / "root" / package.name).write_bytes(package.read_bytes())
    old, new = sorted(f"/root/{path.name}" for path in (debian.root / "root").glob("*.rpm"))

    # Installed: enabled and running; every file as it was packed. A token laid into its folder enrols the machine.
    assert "enrol TOKEN" in rpm_says(debian, "--install", old)
    assert rpm_says(debian, "--verify", "bellpull-agent") == ""
    debian.until(lambda: state_of(debian) == "active")
    for unit in (UNIT, "bellpull-enrol.path"):
        assert debian.run("systemctl", "is-enabled", unit).stdout.strip() == "enabled"
    token = debian.root / STATE / "enrolment-token"
    debian.until(token.parent.is_dir)
    token.write_text(await enrolment_token(server))
    debian.until(lambda: connected(debian))
    debian.until(lambda: not token.exists())
    assert debian.shown("bellpull-enrol.service", "Result") == {"Result": "success"}
    before, pid = {path.name: path.read_bytes() for path in keys.iterdir()}, pid_of(debian)

    # Upgraded: another process, the same device; a changed autostart entry is kept; switched off stays off.
    entry = debian.root / "etc/xdg/autostart/bellpull-helper.desktop"
    entry.write_text(entry.read_text() + "Hidden=true\n")
    rpm_says(debian, "--upgrade", new)
    debian.until(lambda: pid_of(debian) not in (0, pid) and connected(debian))
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
    assert "Hidden=true" in entry.read_text()
    debian.run("systemctl", "disable", "--now", UNIT)
    rpm_says(debian, "--upgrade", "--oldpackage", old)
    assert debian.run("systemctl", "is-enabled", UNIT, ok=False).stdout.strip() == "disabled"
    assert state_of(debian) == "inactive"

    # Erased: the program and its units go, the state stays; installed again it is the same device.
    assert "/var/lib/bellpull" in rpm_says(debian, "--erase", "bellpull-agent")
    assert debian.run("pgrep", "-f", "bellpull-agent", ok=False).stdout == ""
    found = debian.run("find", "/etc", "/usr", "/run", "-name", "*bellpull*").stdout.split()
    assert found == ["/etc/xdg/autostart/bellpull-helper.desktop.rpmsave"], "what a person changed"
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
    rpm_says(debian, "--install", new)
    debian.until(lambda: connected(debian))
    debian.run("bellpull-agent", "leave", "--yes")
    rpm_says(debian, "--erase", "bellpull-agent")
    assert not (debian.root / STATE).exists()
