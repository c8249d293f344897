"""The Windows service, by pywin32: between the service control manager and `serve`. Proven with fakes, not on Windows.

    SCM ── starts ─► bellpull-agent.exe --child agent.service.windows_service --state DIR
        ── SvcDoRun ─► DIR is closed to others ─► a token that was laid into it is taken up ─► serve(DIR), until
        ── SvcStop or SvcShutdown, from a thread of the SCM's ─► serve ends its visits and returns

It makes seven calls of pywin32 and no others; tests/agent/test_windows_service.py plays them. pywin32 comes with the
build for Windows alone (requirements-build.lock), so it is imported by name when the service starts.
"""

import argparse
import contextlib
import importlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from agent.clocks import BUILT_AT_UNIX_S
from agent.event_log import EventLog, StructuredLog
from agent.identity.enrol import TOKEN_TEXT_MAX_CHARS, Enrolled, enrol
from agent.identity.identity import Identity
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal
from agent.service.windows import DESCRIPTION, DISPLAY_NAME, DROPPED_FILE, SERVICE_NAME, close_command
from protocol.errors import ProtocolError

#: What the SCM is told that stopping may take: as long as systemd waits (TimeoutStopSec).
_STOP_WAIT_MS: Final = 15_000

Serve = Callable[[StateFolder, Callable[[Callable[[], object]], None]], None]
Enrol = Callable[[StateFolder, str], Enrolled]


class Stop:
    """Asked for from the SCM's thread, before or after the service can hear it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._stop: Callable[[], object] | None = None

    def ask(self) -> None:
        with self._lock:
            self._asked = True
            stop = self._stop
        if stop is not None:
            # RuntimeError: its loop has closed, it is ending by itself.
            with contextlib.suppress(RuntimeError):
                stop()

    def stoppable(self, stop: Callable[[], object]) -> None:
        with self._lock:
            self._stop = stop
            asked = self._asked
        if asked:
            stop()


def take_up_token(folder: StateFolder, *, log: EventLog, enrol: Enrol) -> bool:
    """Enrol with the token that lies in the state folder. The file goes when that worked; else the next start tries.

    The folder is writable for administrators alone (the installer sees to it): who can write there may enrol.
    """
    token = folder.root / DROPPED_FILE
    if not token.is_file():
        return False
    if Identity.load(folder.identity) is not None:
        log.warning("dropped-token-ignored", reason="this device is enrolled")
        return False
    try:
        with token.open(encoding="utf-8-sig") as file:  # Windows' editors and shells begin files with a mark
            printed = file.read(TOKEN_TEXT_MAX_CHARS + 1)
        enrol(folder, printed.strip())
        token.unlink()
    except (Refusal, ProtocolError) as error:
        log.warning("dropped-token-refused", reason=error.what)
        return False
    except (OSError, UnicodeDecodeError) as error:
        log.warning("dropped-token-unreadable", reason=type(error).__name__)
        return False
    log.info("enrolled-by-dropped-token")
    return True


def close_folder(root: Path) -> None:
    """Before a key lies in it, at every start. Raises when it cannot be done: a service with open keys does not run."""
    root.mkdir(parents=True, exist_ok=True)
    subprocess.run(close_command(root), check=True, capture_output=True, stdin=subprocess.DEVNULL)


def service_class(folder: StateFolder, *, serve: Serve, enrol: Enrol, close: Callable[[Path], None]) -> type[Any]:
    """The class that pywin32 asks for. It makes one object of it, in the service's main thread."""
    framework = importlib.import_module("win32serviceutil").ServiceFramework
    win32service = importlib.import_module("win32service")

    class BellpullService(framework):  # type: ignore[misc, valid-type]
        _svc_name_ = SERVICE_NAME
        _svc_display_name_ = DISPLAY_NAME
        _svc_description_ = DESCRIPTION

        def __init__(self, arguments: object) -> None:
            super().__init__(arguments)
            self._stop = Stop()

        def SvcStop(self) -> None:  # noqa: N802 - pywin32 calls it so
            self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING, waitHint=_STOP_WAIT_MS)
            self._stop.ask()

        def SvcShutdown(self) -> None:  # noqa: N802 - pywin32 calls it so
            self.SvcStop()

        def SvcDoRun(self) -> None:  # noqa: N802 - pywin32 calls it so
            """Returns when it was stopped. What it raises, pywin32 tells the SCM, which starts it again."""
            close(folder.root)
            folder.make()
            log = StructuredLog(folder.log)
            take_up_token(folder, log=log, enrol=enrol)
            try:
                serve(folder, self._stop.stoppable)
            except SystemExit as error:
                # It wants to begin anew (staying_small.py): that is the SCM's to do, after an end that was not well.
                raise RuntimeError(f"the service ended itself with {error.code}") from error

    return BellpullService


def _serve(folder: StateFolder, stoppable: Callable[[Callable[[], object]], None]) -> None:
    from agent.app import serve

    serve(folder, stoppable=stoppable)


def _enrol(folder: StateFolder, printed: str) -> Enrolled:
    return enrol(folder, printed, label="", now=max(int(time.time()), BUILT_AT_UNIX_S))


def main() -> int:
    parser = argparse.ArgumentParser(prog="agent.service.windows_service", allow_abbrev=False)
    parser.add_argument("--state", type=Path, required=True)
    state: Path = parser.parse_args().state
    if sys.platform != "win32" and "servicemanager" not in sys.modules:
        print("this is the service of Windows; here: bellpull-agent run", file=sys.stderr)
        return 2
    manager = importlib.import_module("servicemanager")
    manager.Initialize()
    folder = StateFolder(state, Mode.MACHINE)
    manager.PrepareToHostSingle(service_class(folder, serve=_serve, enrol=_enrol, close=close_folder))
    manager.StartServiceCtrlDispatcher()
    return 0


if __name__ == "__main__":
    sys.exit(main())
