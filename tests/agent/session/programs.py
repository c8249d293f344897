"""All four programs as their users start them: server, organisation, technician, agent. For tests of the whole way."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.local.client import call
from agent.refusal import Refusal
from tests.running import RunningServer, start_server

WORDS = "My computer is slow since Monday"
_PATIENCE_S = 60.0


def command(program: str, *arguments: str, check: bool = True) -> Any:
    """Run one command with --json; its last JSON object."""
    argv = [sys.executable, "-c", f"from {program} import main; import sys; sys.exit(main())", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_PATIENCE_S, env=_environment())
    if check and done.returncode != 0:
        raise AssertionError(
            f"{program} {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}"
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else None


def _environment() -> dict[str, str]:
    return {**os.environ, "BELLPULL_NO_WINDOW": "1"}


class World:
    """A server, an organisation with a technician, and this machine enrolled and approved, with an open ticket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: RunningServer = start_server(folder)
        self.organisation = folder / "org"
        self.home = folder / "tech"
        self.state = folder / "a"
        org = ("--keys", str(self.organisation), "--json")
        command("technician.cli", "org", "init", "--name", "Example Support", "--no-passphrase", *org)
        command("technician.cli", "org", "pin", self.server.origin, "--setup-code", self.server.setup_code, *org)
        home = ("--home", str(self.home), "--json")
        made = command("technician.cli", "keys", "init", "--name", "Tom Vale", "--no-passphrase", *home)
        certificate = str(folder / "tom.json")
        certified = command(
            "technician.cli", "org", "certify", made["request"], "--customer", "Anna", "--out", certificate, *org
        )
        self.serial: str = certified["serial"]
        command("technician.cli", "keys", "install", certificate, *home)
        command("technician.cli", "org", "publish", *org)
        token = command("technician.cli", "org", "enrol-token", "--customer", "Anna", *org)["token"]
        self.device = self.agent("enrol", token, "--label", "laptop")["device"]
        command("technician.cli", "org", "approve", *org)
        command("technician.cli", "login", *home)
        self.documents = folder / "Documents"
        self.documents.mkdir()
        (self.state / "config.toml").write_text(f'[files]\nfolders = ["{self.documents}"]\n')
        self.service = self._start()
        self.ticket = self.agent("ask", WORDS, "--no-bundle", "--yes")["ticket"]

    def agent(self, *arguments: str, check: bool = True) -> Any:
        return command("agent.cli", *arguments, "--state", str(self.state), "--json", check=check)

    def asks(self, verb: str) -> Any:
        """What the command of that name asks the service; waiting with commands would start hundreds of programs."""
        return call(self.state, verb)

    def _start(self) -> "subprocess.Popen[bytes]":
        argv = [sys.executable, "-m", "agent.cli.main", "run", "--state", str(self.state)]
        service = subprocess.Popen(argv, env=_environment(), start_new_session=True, stderr=subprocess.DEVNULL)
        wait_for(lambda: (self.state / "run" / "agent.sock").exists() and self._connected())
        return service

    def _connected(self) -> bool:
        try:
            status = self.asks("status")
        except Refusal:
            return False  # it has made its door and does not answer yet
        return bool(status["link"]) and status["link"]["state"] == "connected"

    def start_again(self) -> None:
        self.service = self._start()

    def kill_service(self) -> None:
        self.service.send_signal(signal.SIGKILL)
        self.service.wait(10)
        (self.state / "run" / "agent.sock").unlink(missing_ok=True)

    def connect(self, *scopes: str, minutes: int = 10, home: Path | None = None, takes_over: bool = False) -> "Connect":
        """`home`: another technician's, who may take over."""
        return Connect(self, scopes, minutes, home or self.home, takes_over=takes_over)

    def another_technician(self, name: str) -> Path:
        """With keys of their own, certified, signed in; their home folder."""
        home = self.folder / name.split()[0].lower()
        org, own = ("--keys", str(self.organisation), "--json"), ("--home", str(home), "--json")
        made = command("technician.cli", "keys", "init", "--name", name, "--no-passphrase", *own)
        certificate = str(self.folder / f"{home.name}.json")
        certified = ("org", "certify", made["request"], "--customer", "Anna", "--out", certificate)
        command("technician.cli", *certified, *org)
        command("technician.cli", "keys", "install", certificate, *own)
        return home

    def approve(self, *arguments: str) -> Any:
        wait_for(lambda: bool(self.asks("consent-list")["pending"]))
        (prompt,) = self.agent("consent", "list")["pending"]
        return prompt, self.agent("consent", "approve", prompt["id"], *arguments)

    def revoke(self) -> None:
        """The organisation takes the technician's certificate back."""
        org = ("--keys", str(self.organisation), "--json")
        command("technician.cli", "org", "revoke", self.serial, *org)
        command("technician.cli", "org", "publish", *org)

    def receipts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.asks("receipts")["receipts"]
        return found

    def close(self) -> None:
        if self.service.poll() is None:
            self.service.terminate()
            self.service.wait(15)
        self.server.kill()


class Connect:
    """`bellpull connect … --json`, with its events as they come."""

    def __init__(
        self, world: World, scopes: tuple[str, ...], minutes: int, home: Path, *, takes_over: bool = False
    ) -> None:
        argv = [
            sys.executable,
            "-c",
            "from technician.cli import main; import sys; sys.exit(main())",
            "connect",
            world.device,
            "--home",
            str(home),
            "--ticket",
            world.ticket,
            *(word for scope in scopes for word in ("--scope", scope)),
            "--minutes",
            str(minutes),
            "--reason",
            "Looking at what is slow",
            "--json",
            *(["--handover"] if takes_over else []),
        ]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.events: list[dict[str, Any]] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self.events.append({"event": "gone"})
            self._news.notify_all()

    def until(self, event: str, count: int = 1) -> dict[str, Any]:
        """The `count`-th event of that name; fails when the program ends first."""

        def found() -> list[dict[str, Any]]:
            return [each for each in self.events if each["event"] == event]

        with self._news:
            ready = self._news.wait_for(
                lambda: len(found()) >= count or (self.events and self.events[-1]["event"] == "gone"), _PATIENCE_S
            )
        assert ready, f"no {event} in time: {self.events[-5:]}"
        assert len(found()) >= count, f"no {event}: {self.events[-5:]}"
        return found()[count - 1]

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def rows(self, action: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == "row" and each["action"] == action]

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def wait_for(true: Callable[[], bool], timeout_s: float = 30.0) -> None:
    give_up = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.05)


def log_of_tests() -> Path:
    """A log that this user may write and the agent lists; none: as an ordinary user, this test needs one."""
    log = Path("/var/log") / f"bellpull-test-{os.getpid()}.log"
    try:
        log.touch()
    except PermissionError:
        pytest.skip("only who may write to /var/log has a log to follow here")
    return log
