"""A visit to a booted machine: a real service under systemd, a real server outside on loopback, `bellpull connect`.

The technician looks at services, reads one's last lines, restarts it; the customer says yes at the machine's terminal.
What became of it is asked of systemd, without us.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from technician.demo.beginning import create_organisation
from technician.demo.folder import DemoFolder
from technician.demo.programs import Programs
from technician.demo.stage import CUSTOMER, Stage
from technician.demo.steps import Telling
from technician.demo.visit import DemoVisit
from tests.booted import Booted, booted, our_sources, programs
from tests.running import start_server
from tests.systemd.conftest import install_service

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]  # the first run fetches a Debian
PRESS = """\
[Unit]
Description=The printing press
[Service]
ExecStart=/bin/sh -c 'echo "the press runs, says carol@example.org"; exec sleep 1000'
"""


@pytest.fixture(scope="module")
def debian(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """It shares this machine's network: the server listens on its loopback."""
    with booted(base, tmp_path_factory.mktemp("booted") / "machine", binds=our_sources()) as machine:
        programs(machine)
        yield machine


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A server, an organisation and a technician, as the demo makes them."""
    with tempfile.TemporaryDirectory(prefix="bp-") as place, start_server(Path(place)) as server:
        folder = DemoFolder(Path(place) / "demo")
        folder.path.mkdir(mode=0o700)
        folder.logs.mkdir()
        (folder.path / "setup-code").write_text(server.setup_code)
        with Programs(folder.logs, os.environ | {"NO_COLOR": "1"}) as started:
            made = Stage(folder, started, cast(Telling, None), record=False, origin=server.origin)
            create_organisation(made)
            yield made


def enrol(debian: Booted, stage: Stage) -> None:
    token = stage.org("enrol-token", "--customer", CUSTOMER)["token"]
    stage.device = debian.json("bellpull-agent", "enrol", token, "--label", "press", "--json")["device"]
    debian.run("systemctl", "restart", "bellpull-agent")
    assert stage.org("approve")["approved"]

    def certified() -> bool:
        rows = stage.bellpull("devices", *stage.secret)["devices"]
        return any(row["device"] == stage.device and row["certified"] and row["connected"] for row in rows)

    debian.until(certified)


def visit(debian: Booted, stage: Stage, *scopes: str) -> DemoVisit:
    """Asked for by the technician, granted by the customer at the machine."""
    ticket = debian.json("bellpull-agent", "ask", "The press stands still.", "--yes", "--no-bundle", "--json")["ticket"]
    debian.until(lambda: any(each["ticket"] == ticket for each in stage.bellpull("inbox", *stage.secret)["tickets"]))
    wanted = [word for scope in scopes for word in ("--scope", scope)]
    connect = stage.programs.start(
        "bellpull", "connect", stage.device, "--ticket", ticket, *wanted, "--minutes", 15, "--reason", "The press",
        "--home", stage.folder.technician, *stage.secret, "--json", speaks=True, label="bellpull-connect",
    )  # fmt: skip
    begun = DemoVisit(connect)
    # What hangs is cut off, and then told: the program's events are waited for without a limit.
    watchdog = threading.Timer(180, connect.process.kill)
    watchdog.daemon = True
    watchdog.start()
    asked: list[dict[str, Any]] = []

    def question() -> bool:
        asked[:] = debian.json("bellpull-agent", "consent", "list", "--json")["pending"]
        return bool(asked)

    debian.until(question)
    assert [each["scope"] for each in asked[0]["scopes"]] == list(scopes)
    assert debian.json("bellpull-agent", "consent", "approve", asked[0]["id"], "--json")["approved"]
    begun.until("granted")
    return begun


def changed(here: DemoVisit, command: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A change, with the second yes that the technician's program wants; its rows and its result."""
    here.connect.say(command)
    here.until("confirm")
    return here.act("yes")


def bodies(rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [row["item"]["body"] for row in rows if row["item"]["kind"] == kind]


def test_services_are_seen_and_restarted_with_the_customers_consent(debian: Booted, stage: Stage) -> None:
    debian.unit("press.service", PRESS)
    debian.unit("idle.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    debian.unit("broken.service", "[Service]\nExecStart=/bin/false\n")
    debian.run("systemctl", "start", "press")
    debian.run("systemctl", "start", "broken", ok=False)
    install_service(debian)
    enrol(debian, stage)
    here = visit(debian, stage, "services", "services.control")

    # List, as systemd has it.
    rows, result = here.act("services failed")
    assert result["outcome"] == "done", result
    assert {service["name"] for service in bodies(rows, "service")} == {"broken.service"}
    rows, _ = here.act("services running")
    running = {service["name"] for service in bodies(rows, "service")}
    assert {"press.service", "bellpull-agent.service", "dbus.service", "systemd-journald.service"} <= running

    # Status and last lines, redacted.
    rows, result = here.act("service press 10")
    (press,) = bodies(rows, "service")
    pid = int(debian.shown("press", "MainPID")["MainPID"])
    assert (press["active_state"], press["sub_state"], press["main_pid"]) == ("active", "running", pid)
    lines = [line["text"] for line in bodies(rows, "log-line")]
    assert any(line.startswith("the press runs, says ") for line in lines), rows
    assert not any("carol@example.org" in line for line in lines)

    # One that is switched off is not in systemd's list, and is there all the same.
    assert "idle" not in debian.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "idle.service").stdout
    rows, result = here.act("service idle")
    assert [(each["name"], each["active_state"]) for each in bodies(rows, "service")] == [("idle.service", "inactive")]
    _, result = here.act("service nothing-like-it")
    assert (result["outcome"], "there is no service" in result["detail"]) == ("failed", True), result

    # Restart: another process, and the row says how it is now.
    rows, result = changed(here, "restart press")
    assert result["outcome"] == "done", result
    after = int(debian.shown("press", "MainPID")["MainPID"])
    assert after not in (0, pid)
    assert bodies(rows, "service")[-1]["main_pid"] == after
    _, result = changed(here, "stop press")
    assert debian.shown("press", "ActiveState") == {"ActiveState": "inactive"}
    _, result = changed(here, "start press")
    assert debian.shown("press", "ActiveState") == {"ActiveState": "active"}

    # What is refused, by whom: systemd its own words, the agent itself and its own scope.
    _, result = changed(here, "restart broken")
    assert result["outcome"] in ("done", "failed")
    _, result = changed(here, "restart no-such-thing")
    assert (result["outcome"], "there is no service no-such-thing.service" in result["detail"]) == ("failed", True)
    _, result = changed(here, "stop bellpull-agent")
    assert (result["outcome"], "does not control itself" in result["detail"]) == ("failed", True)
    _, result = here.act("ps")
    assert result["outcome"] == "refused"
    here.connect.say("end")
    assert here.until("ended")["receipt"]
    told = debian.json("bellpull-agent", "receipts", "verify", "--json")
    assert told["verified"], told
