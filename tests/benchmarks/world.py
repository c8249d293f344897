"""A small world for measuring: server, organisation, technician and one enrolled agent, each a process of its own.

    with world() as w:        w.technician, w.state, w.agent.process.pid …
        w.local("check-now")  the agent's unix socket, as its own commands use it

Everything is made by the programs' own commands, in one temporary folder, on loopback, with TLS before the server where
that is asked for, else with nothing between. The server's quotas are widened: they count what people do in an hour, and
a benchmark does it in minutes. Leaving the block stops every process, last first; a killed benchmark takes them along
(Linux).
"""

import json
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.local.client import ServiceAbsent, call
from technician.demo.programs import Programs, Service, program, stop, wait_until
from technician.demo.tap import LOOPBACK, free_port
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.private_files import write_private
from technician.sign_in import Technician
from tests.benchmarks.spending import environment
from tests.benchmarks.tls_front import tls_front

CUSTOMER = "Benchmark Customer"
#: Quotas of `server.json`, far beyond anything that happens here.
WIDE = dict.fromkeys(
    (
        "links_a_minute",
        "requests_a_minute",
        "items_a_minute",
        "audit_entries_an_hour",
        "metric_rows_a_minute",
        "metric_rows_burst",
        "tickets_a_day_per_device",
        "open_tickets_per_device",
        "offers_an_hour_per_device",
        "offers_an_hour_per_technician",
    ),
    1_000_000,
)


@dataclass
class World:
    folder: Path
    programs: Programs
    origin: str
    server: Service
    agent: Service
    device: str
    ticket: str = ""

    @property
    def state(self) -> Path:
        return self.folder / "agent"

    @property
    def passphrase(self) -> Path:
        return self.folder / "passphrase"

    def technician(self) -> Technician:
        """The technician's own code in this process: a client without the start-up time of a program."""
        return Technician.open(Home.at(self.folder / "technician"), Passphrases(self.passphrase))

    def local(self, verb: str, **arguments: object) -> Any:
        return call(self.state, verb, **arguments)

    def ask_for_help(self) -> str:
        """The customer opens a ticket: for the next ten minutes any number of questions may be put to them."""
        asked = self.local("ask-send", words="Please look at this computer.", preview=None)
        self.ticket = str(asked["ticket"])
        self.settle()
        return self.ticket

    def settle(self) -> None:
        """Until the server has all that the agent had to say."""
        wait_until("the outbox to be empty", lambda: _nothing_waits(self), within_s=30, service=self.agent)


@contextmanager
def world(*, before_agent: Sequence[str] = (), tls: bool = False) -> Iterator[World]:
    """`before_agent`: a program and its arguments that in the end become `bellpull-agent run …` (its argv follows)."""
    with (
        tempfile.TemporaryDirectory(prefix="bellpull-bench-", ignore_cleanup_errors=True) as name,
        ExitStack() as stack,
    ):
        folder, port, variables = Path(name), free_port(), environment()
        (folder / "logs").mkdir()
        origin = f"http://{LOOPBACK}:{port}"
        if tls:
            front = stack.enter_context(tls_front(folder, behind=port))
            origin, variables = front.origin, variables | front.environment
        programs = stack.enter_context(Programs(folder / "logs", variables))
        server = _start_server(folder, programs, origin, port)
        yield _build(folder, programs, origin, server, before_agent)


def _build(folder: Path, programs: Programs, origin: str, server: Service, before_agent: Sequence[str]) -> World:
    passphrase = folder / "passphrase"
    write_private(passphrase, secrets.token_urlsafe(24).encode())
    secret = ("--passphrase-file", passphrase)

    def org(*arguments: object, key: bool = True) -> Any:
        more = secret if key else ()
        return programs.run("bellpull", "org", *arguments, "--keys", folder / "organisation", *more, "--json")

    def bellpull(*arguments: object) -> Any:
        return programs.run("bellpull", *arguments, "--home", folder / "technician", "--json")

    first = json.loads((folder / "first.json").read_bytes())
    org("init", "--name", "Benchmark Support")
    org("pin", origin, "--setup-code", first["setup_code"], key=False)
    bellpull("keys", "init", "--name", "Ben Mark", *secret)
    request, certificate = folder / "technician" / "request.json", folder / "certificate.json"
    org("certify", request, "--customer", CUSTOMER, "--tier", "2", "--out", certificate)
    org("publish")
    bellpull("keys", "install", certificate)
    bellpull("login", *secret)
    token = org("enrol-token", "--customer", CUSTOMER)["token"]
    enrolled = programs.run(
        "bellpull-agent", "enrol", "-", "--label", "bench", "--state", folder / "agent", "--json", stdin=token
    )
    argv = [*map(str, before_agent), program("bellpull-agent"), "run", "--state", folder / "agent"]

    def agent() -> Service:
        return programs.start(str(argv[0]), *argv[1:], label="bellpull-agent")

    made = World(folder, programs, origin, server, agent(), enrolled["device"])
    org("approve")
    _wait_for_member(made)
    # Anew, as after any boot since the approval: what only the first day needs is not measured as every day's.
    stop(made.agent)
    made.agent = agent()
    _wait_for_member(made)
    return made


def _start_server(folder: Path, programs: Programs, origin: str, port: int) -> Service:
    data = folder / "server"
    first = programs.run("bellpull-server", "init", "--data", data, "--origin", origin, "--json")
    write_private(folder / "first.json", json.dumps(first).encode())
    settings_file = data / "server.json"
    settings = json.loads(settings_file.read_bytes())
    settings["caps"] |= WIDE
    settings_file.write_text(json.dumps(settings), "utf-8")
    server = programs.start("bellpull-server", "run", "--data", data, "--listen", f"{LOOPBACK}:{port}")
    address = data / "address"
    wait_until("the server to listen", lambda: address.exists() or None, within_s=30, service=server)
    return server


def start_agent_again(made: World) -> None:
    """With other settings of its owner, for instance."""
    stop(made.agent)
    argv = [program("bellpull-agent"), "run", "--state", str(made.state)]
    made.agent = made.programs.start(argv[0], *argv[1:], label="bellpull-agent")
    _wait_for_member(made)


def _wait_for_member(made: World) -> None:
    wait_until("the agent to be connected and certified", lambda: _is_member(made), within_s=30, service=made.agent)


def _is_member(made: World) -> bool | None:
    try:
        status = made.local("status")
    except ServiceAbsent:
        return None
    return True if status["link"]["state"] == "connected" and status["membership"]["approved"] else None


def _nothing_waits(made: World) -> bool | None:
    return True if not made.local("status")["outbox"]["items"] else None
