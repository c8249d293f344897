"""The drill: root and both issuers replaced by commands, with real programs, one device away meanwhile.

A server and agents in processes of their own; the technician and the organisation at the command line. Everything that
a thief could use (key files' bytes, the passphrase) is then looked for in every log, database and command line.
"""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main as agent_main
from agent.local.client import ServiceAbsent, call
from agent.refusal import Refusal
from protocol.fields import root_hash
from technician.keys.key_file import open_key
from tests.running import RunningServer, start_server
from tests.technician.conftest import PASSPHRASE, Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and the agent's local socket")
PATIENCE_S = 20


def until(what: str, holds: Callable[[], object]) -> None:
    """Other processes tell nobody when they are done: looked at until they are."""
    give_up = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up, what
        time.sleep(0.02)


class Device:
    """A customer's computer: a state folder, and the service when it is on."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.process: subprocess.Popen[bytes] | None = None

    def enrol(self, token: str) -> int:
        return agent_main(["enrol", token, "--label", self.state.name, "--state", str(self.state)])

    def turn_on(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent", "run", "--state", str(self.state)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until("the service starts", lambda: self.membership() is not None)

    def turn_off(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def membership(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = call(self.state, "status")["membership"]
        except (ServiceAbsent, Refusal):
            return None
        return found

    def follows(self, root_key: bytes) -> bool:
        """It has the root of now, a certificate under it, and every document."""
        told = self.membership()
        return bool(
            told
            and told["root"] == root_hash(root_key).hex()
            and told["approved"]
            and told["recipients"]
            and told["revocations_fresh"]
        )


@dataclass
class Drill:
    """One organisation at its server. `org` and `tech`: commands, in this process."""

    folder: Path
    server: RunningServer
    run: Run
    passphrase: Path

    def org(self, *arguments: object, code: int = 0) -> Any:
        ran = self.run("org", *arguments, "--keys", self.folder / "org", "--passphrase-file", self.passphrase, "--json")
        assert ran.code == code, ran.text
        return ran.json

    def tech(self, *arguments: object, code: int = 0) -> Any:
        ran = self.run(*arguments, "--home", self.folder / "tom", "--passphrase-file", self.passphrase, "--json")
        assert ran.code == code, ran.text
        return ran.json

    def token(self) -> str:
        return str(self.org("enrol-token", "--customer", "Anna Berg")["token"])

    @property
    def root_key(self) -> bytes:
        return base64.b64decode(json.loads((self.folder / "org" / "root.json").read_text())["root_key"])


@pytest.fixture
def drill(tmp_path: Path, private: Path, run: Run, passphrase_file: Path) -> Iterator[Drill]:
    with start_server(tmp_path) as server:
        made = Drill(private, server, run, passphrase_file)
        made.org("init", "--name", "Helpful Ltd")
        ran = run("org", "pin", server.origin, "--setup-code", server.setup_code, "--keys", private / "org")
        assert ran.code == 0, ran.text
        made.tech("keys", "init", "--name", "Tom Vale")
        certificate = private / "tom.json"
        made.org("certify", private / "tom" / "request.json", "--customer", "Anna Berg", "--out", certificate)
        installed = run("keys", "install", certificate, "--home", private / "tom")
        assert installed.code == 0, installed.text
        made.org("publish")
        yield made


@pytest.mark.soak
def test_root_and_issuers_are_replaced_and_who_was_away_catches_up(drill: Drill, tmp_path: Path) -> None:
    with ExitStack() as stack:
        awake, away = Device(tmp_path / "awake"), Device(tmp_path / "away")
        for device in (awake, away):
            stack.callback(device.turn_off)
            assert device.enrol(drill.token()) == 0
        assert drill.org("approve")["approved"]
        drill.tech("login")
        awake.turn_on()
        away.turn_on()
        first_root, old_token = drill.root_key, drill.token()
        until("both devices are approved", lambda: awake.follows(first_root) and away.follows(first_root))
        away.turn_off()

        # The root is replaced while one device is away; the other follows while it is connected.
        turned = drill.org("rotate-root")
        assert (turned["sequence"], turned["failed"]) == (1, {})
        assert sorted(turned["recertified"])[0] == "Tom Vale"
        assert len(turned["recertified"]) == 3
        until("the device that is on follows", lambda: awake.follows(drill.root_key))
        assert Device(tmp_path / "late").enrol(old_token) == 1
        assert len(drill.tech("devices")["devices"]) == 2, "the technician's program has followed by itself"

        # A stolen certifying key and a stolen content key.
        for role in ("certifying", "content"):
            assert drill.org("rotate-issuer", role, "--revoke")["failed"] == {}
        drill.org("rotate-root")
        until("the device that is on follows twice", lambda: awake.follows(drill.root_key))
        away.turn_on()
        until("the device that was away follows all of it", lambda: away.follows(drill.root_key))
        assert len(drill.tech("devices")["devices"]) == 2
        assert [device.membership()["rotations"] for device in (awake, away)] == [2, 2]  # type: ignore[index]

        # A certificate for longer, for the same keys: the organisation signs, the technician fetches.
        assert drill.org("recertify", "Tom Vale", "--days", "30")["recertified"] == ["Tom Vale"]
        renewed = drill.tech("keys", "renew")
        assert renewed["renewed"] is True
        assert abs(renewed["until"] - time.time() - 30 * 86_400) < 600
        assert drill.tech("keys", "renew")["renewed"] is False
        assert drill.org("publish", "--check")["fresh"] is True

        doctor_finds(drill, awake, away)
        nothing_leaked(drill, [awake, away])


def doctor_finds(drill: Drill, *devices: Device) -> None:
    """Everything in order but the root keys, old and new, that lie where they should not; then nothing at all."""

    def look(code: int, *more: str) -> dict[str, Any]:
        ran = drill.run(
            "doctor", "--home", drill.folder / "tom", "--keys", drill.folder / "org",
            "--passphrase-file", drill.passphrase, "--json", *more,
        )  # fmt: skip
        assert ran.code == code, ran.text
        found: dict[str, Any] = ran.json
        return found

    todo = [each["what"].partition(",")[0].partition(" lies")[0] for each in look(1, "--offline")["todo"]]
    assert todo == ["root.key", "root.left-1.key", "root.left-2.key"]
    drawer = drill.folder / "drawer"
    drawer.mkdir(mode=0o700)
    for path in (drill.folder / "org").glob("root*.key"):
        path.rename(drawer / path.name)
    found = look(0)
    assert {row["device"]: row["root_current"] for row in found["devices"]} == dict.fromkeys(
        (device.membership()["device"] for device in devices),  # type: ignore[index]
        True,
    )
    assert all(count <= 0 for row in found["devices"] for count in row["behind"].values())
    assert found["own"]["root"] == found["organisation"]["root"] == found["server"]["root"]
    assert {paper["where"] for paper in found["documents"]} == {"own", "organisation"}


def nothing_leaked(drill: Drill, devices: list[Device]) -> None:
    """No key and no passphrase in a log, a database, an answer of the server's, or a command line of now."""
    secrets = {"the passphrase": PASSPHRASE.encode()}
    for path in [*(drill.folder / "org").glob("*.key"), drill.folder / "tom" / "keys" / "technician.key"]:
        secrets[path.name] = open_key(path.read_bytes(), PASSPHRASE, where=path.name).secret[:32]
    for device in devices:
        for name in ("signing", "noise", "secret"):
            secrets[f"{device.state.name}/{name}"] = (device.state / "identity" / f"{name}.key").read_bytes()
    looked_in = {
        "the server's log": drill.server.log().encode(),
        "the server's database": (drill.server.data / "bellpull.db").read_bytes(),
    }
    for device in devices:
        for path in (*(device.state / "log").iterdir(), device.state / "agent.db"):
            looked_in[f"{device.state.name}/{path.name}"] = path.read_bytes()
    running = [drill.server.process.pid, *(device.process.pid for device in devices if device.process)]
    for pid in running:
        looked_in[f"command line of {pid}"] = Path(f"/proc/{pid}/cmdline").read_bytes()
        looked_in[f"environment of {pid}"] = Path(f"/proc/{pid}/environ").read_bytes()
    assert os.fsencode(str(drill.server.data)) in looked_in[f"command line of {running[0]}"], "the search works"
    for name, secret in secrets.items():
        for form in (secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret)):
            for where, data in looked_in.items():
                assert form.rstrip(b"=") not in data, f"{name} in {where}"
