"""The other programs, run as a user runs them: commands that answer with JSON, and services that stay.

Every service gets a process group of its own, so that Ctrl-C in the terminal reaches the demo alone and the demo ends
them in its own order; and the leash (leash.py), so that they end even when the demo is killed.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from technician.problems import Problem

_COMMAND_TIMEOUT_S: Final = 60
_STOP_WAIT_S: Final = 8
_LOG_TAIL_CHARS: Final = 600


def program(name: str) -> str:
    """`bellpull-server` and the like: beside this Python, else on the PATH."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=beside) or shutil.which(name)
    if found is None:
        raise Problem(
            f"{name} is not installed",
            expected=f"{name} beside {sys.executable} or on the PATH",
            hint="Install all of it: pip install 'bellpull[server,technician]', or use `make demo` in the repository.",
        )
    return found


@dataclass
class Service:
    """A program that stays. `log` holds what it says."""

    name: str
    process: "subprocess.Popen[str]"
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def tail(self) -> str:
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return text[-_LOG_TAIL_CHARS:].strip()

    def read_line(self) -> str:
        """The next line of its stdout; empty when it has ended. For services started with `speaks`."""
        if self.process.stdout is None:
            raise Problem(f"{self.name} was not started to be read from")
        return self.process.stdout.readline()

    def say(self, line: str) -> None:
        if self.process.stdin is None:
            raise Problem(f"{self.name} was not started to be spoken to")
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


@dataclass
class Programs:
    """All that the demo started. Leaving the block stops it, last first."""

    logs: Path
    environment: Mapping[str, str]
    services: list[Service] = field(default_factory=list)

    def __enter__(self) -> "Programs":
        return self

    def __exit__(self, *_: object) -> None:
        for service in reversed(self.services):
            stop(service)

    def run(self, name: str, *arguments: object, ok: tuple[int, ...] = (0,), stdin: str = "") -> Any:
        """A command that answers with one JSON text on stdout; Problem with its own words when it fails."""
        argv = [program(name), *map(str, arguments)]
        try:
            done = subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=_COMMAND_TIMEOUT_S,
                env=dict(self.environment),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Problem(f"{_shown(argv)} took longer than {_COMMAND_TIMEOUT_S} s") from None
        answer = _last_json(done.stdout)
        if done.returncode in ok and answer is not None:
            return answer
        raise _failure(argv, done.returncode, answer, done.stderr)

    def start(self, name: str, *arguments: object, speaks: bool = False, label: str = "") -> Service:
        """A service. `speaks`: its stdin and stdout are ours; else both go to its log."""
        label = label or name
        log = self.logs / f"{label}.log"
        argv = [*_leash(), program(name), *map(str, arguments)]
        with log.open("ab") as file:
            service = Service(label, self._spawn(argv, file, speaks=speaks), log)
        self.services.append(service)
        return service

    def start_plain(self, path: Path, *arguments: str) -> "subprocess.Popen[str]":
        """Any other program of this machine, ended with the rest. Its output goes nowhere."""
        argv = [*_leash(), str(path), *arguments]
        with (self.logs / "others.log").open("ab") as file:
            service = Service(path.name, self._spawn(argv, file, speaks=False), self.logs / "others.log")
        self.services.append(service)
        return service.process

    def _spawn(self, argv: list[str], log: IO[bytes], *, speaks: bool) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if speaks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if speaks else log,
            stderr=log,
            text=True,
            env=dict(self.environment),
            start_new_session=True,
        )


def _leash() -> list[str]:
    if sys.platform != "linux":
        return []
    return [sys.executable, str(Path(__file__).with_name("leash.py")), str(os.getpid())]


def stop(service: Service) -> None:
    """Politely, then not: SIGTERM to its group, and SIGKILL when it stays."""
    for pipe in (service.process.stdin, service.process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    if service.alive:
        _signal(service, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.process.wait(_STOP_WAIT_S)
    if sys.platform != "win32":
        # Also when it has ended: nothing of its group may stay behind.
        _signal(service, signal.SIGKILL)
    elif service.alive:
        service.process.kill()
    service.process.wait()


def _signal(service: Service, number: signal.Signals) -> None:
    if sys.platform == "win32":
        service.process.terminate()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(service.process.pid, number)


def wait_until(what: str, ready: Callable[[], Any], *, within_s: float, service: Service | None = None) -> Any:
    """Ask again until there is an answer other than None; Problem when it takes too long or the service has died."""
    until = time.monotonic() + within_s
    while True:
        answer = ready()
        if answer is not None:
            return answer
        if service is not None and not service.alive:
            raise Problem(f"{service.name} has ended", expected=what, got=service.tail(), hint=f"See {service.log}")
        if time.monotonic() > until:
            got = service.tail() if service else "nothing"
            raise Problem(f"{what} did not happen", expected=f"within {within_s:.0f} s", got=got)
        time.sleep(0.1)


def _last_json(text: str) -> Any:
    """The last line that is JSON: some commands say more than one."""
    for line in reversed(text.splitlines()):
        try:
            return json.loads(line)
        except ValueError:
            continue
    return None


def _failure(argv: list[str], code: int, answer: Any, stderr: str) -> Problem:
    facts = answer.get("error", answer) if isinstance(answer, dict) else {}
    facts = facts if isinstance(facts, dict) else {"what": str(facts)}
    said = stderr.strip().splitlines()
    what = str(facts.get("what") or (said[-1] if said else f"exit code {code}"))
    got = str(facts.get("got") or f"exit code {code}")
    return Problem(f"{_shown(argv)}: {what}", str(facts.get("expected", "")), got, str(facts.get("hint", "")))


def _shown(argv: list[str]) -> str:
    """The command without its arguments' values: tokens and paths do not belong into an error line."""
    words = [word for word in argv[1:3] if word.replace("-", "").isalpha() and not word.startswith("-")]
    return " ".join([Path(argv[0]).name, *words])
