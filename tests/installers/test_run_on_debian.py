"""Plays docs/run-on-debian.md on a freshly booted Debian: its commands, in its order, taken from the page itself.

The machine has a network of its own with nothing in it; nginx is fetched before it boots. The server runs from these
sources, lent to the root, because a checkout's packages cannot be fetched in there.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.paths import Mode
from agent.service import systemd
from tests.booted import ROOT, Booted, debian_base, exposure, our_sources, programs

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]
PAGE = ROOT / "docs" / "run-on-debian.md"
UNIT = ROOT / "installers" / "server" / "bellpull-server.service"
DATA = "/var/lib/bellpull-server"


def blocks() -> list[tuple[str, str]]:
    """(what the fence says of it, the commands), in the page's order."""
    return re.findall(r"^```sh ?([a-z ]*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    machine = Booted(debian_base(), tmp_path_factory.mktemp("booted") / "machine", alone=True, binds=our_sources())
    try:
        (packages,) = [text for kind, text in blocks() if kind == "packages"]
        fetched = subprocess.run(
            ["chroot", machine.root, "sh", "-ec", f"apt-get update -q\n{packages}"],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        if fetched.returncode != 0:
            pytest.skip(f"nginx cannot be fetched here: {fetched.stderr[-300:]}")
        lend(machine)
        machine.boot()
        yield machine
    finally:
        machine.remove()


def lend(machine: Booted) -> None:
    """What step 1 and the .deb would have put there."""
    programs(machine)
    for place, module in (("/opt/bellpull/bin/bellpull-server", "server"), ("/usr/local/bin/bellpull", "technician")):
        text = (
            f"#!/bin/sh\nexport PYTHONPATH={ROOT} PYTHONDONTWRITEBYTECODE=1\n"
            f'exec {sys.executable} -c "import sys; from {module}.cli import main; sys.exit(main())" "$@"\n'
        )
        machine.write(place, text, 0o755)
    machine.unit("bellpull-server.service", UNIT.read_text())
    # This Python may lie in root's home, where neither the server's user nor ProtectHome= lets it be read.
    (machine.root / "root").chmod(0o755)
    machine.unit("bellpull-server.service.d/lent.conf", "[Service]\nProtectHome=no\n")
    machine.write("/etc/hosts", "127.0.0.1 localhost support.example.org\n")
    machine.write("/root/passphrase", "the door is held by whoever lives there\n", 0o600)
    agent = systemd.unit(
        program=Path("/usr/local/bin/bellpull-agent"), state=Path("/var/lib/bellpull"), mode=Mode.MACHINE
    )
    machine.unit("bellpull-agent.service", agent)


def play(debian: Booted, kind: str, text: str) -> None:
    done = debian.run("sh", "-e", "-c", text, ok=False)
    if done.returncode != 0:
        journal = debian.run("journalctl", "--no-pager", "--unit=bellpull-server.service", "--lines=30").stdout
        pytest.fail(f"{kind}: {text}\n{done.stdout}\n{done.stderr}\n{journal}")


def connected(debian: Booted) -> bool:
    return '"connected"' in debian.run("bellpull-agent", "status", "--json", ok=False).stdout


def test_the_page_from_its_first_command_to_its_last(debian: Booted) -> None:
    debian.run("systemctl", "start", "bellpull-agent")
    played = []
    for kind, text in blocks():
        if kind in ("not played", "packages"):
            continue
        if kind == "backup":
            debian.until(lambda: connected(debian))
            debian.run("bellpull-agent", "ask", "The printer sings.", "--yes", "--no-bundle")
            debian.until(lambda: debian.json("bellpull-agent", "status", "--json", ok=False)["outbox"]["items"] == 0)
        if kind == "restore":
            # The machine is lost: no data, no service.
            debian.run("systemctl", "stop", "bellpull-server")
            debian.run("rm", "-r", DATA)
            debian.until(lambda: not connected(debian))
        play(debian, kind, text)
        played.append(kind)
    assert played.count("") >= 4
    assert {"organisation", "device", "backup", "restore"} <= set(played)
    debian.until(lambda: connected(debian), 120)
    tickets = debian.json("bellpull-agent", "tickets", "--json")["tickets"]
    assert len(tickets) == 1, "it is there from before the loss"


def test_the_unit_is_closed_in_and_systemd_has_nothing_to_complain_about(debian: Booted) -> None:
    """After the page was played."""
    shown = debian.shown("bellpull-server.service", "ActiveState", "User", "NRestarts")
    assert shown == {"ActiveState": "active", "User": "bellpull-server", "NRestarts": "0"}
    score = exposure(debian.run("systemd-analyze", "security", "bellpull-server.service").stdout)
    print(f"systemd-analyze security bellpull-server.service: {score}")
    assert score <= 2.5
    warnings = debian.run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/bellpull-server.service")
    assert warnings.stdout + warnings.stderr == ""


def test_a_damaged_backup_is_not_called_a_servers_data(debian: Booted) -> None:
    """The audit log is held against its checkpoint: one bit of another key, and nothing is restored."""
    debian.run("cp", "-r", "/var/backups/bellpull/today", "/var/backups/bellpull/damaged")
    key = debian.root / "var/backups/bellpull/damaged/log-key"
    content = key.read_bytes()
    key.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    done = debian.run(
        "/opt/bellpull/bin/bellpull-server", "restore", "--from", "/var/backups/bellpull/damaged",
        "--data", "/srv/again", ok=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "audit log" in done.stderr or "checkpoint" in done.stderr
    assert not list((debian.root / "srv/again").glob(".bellpull*"))
    shutil.rmtree(debian.root / "srv/again", ignore_errors=True)
