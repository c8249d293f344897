"""The Windows service against stand-ins of the few calls of pywin32 that it makes, in the order Windows makes them."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from types import ModuleType
from typing import Any

import pytest

from agent.app import serve as real_serve
from agent.event_log import StructuredLog
from agent.identity.enrol import Enrolled
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal
from agent.service import windows, windows_service
from agent.service.windows_service import service_class, take_up_token
from tests.agent.doubles import MemoryLog

ENROLLED = Enrolled("d-1", "Example", "Anna", "https://support.example.org", "SHA256:x")


class Pywin32:
    """servicemanager's loop: one object, SvcRun in its thread, controls from another; remembers what was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[str] = []
        self.raised: BaseException | None = None
        self.service: Any = None
        self._class: type[Any] | None = None
        outer = self

        class ServiceFramework:
            def __init__(self, arguments: object) -> None:
                self.arguments = arguments

            def ReportServiceStatus(self, status: str, waitHint: int = 5000) -> None:  # noqa: N802, N803 - so it is there
                outer.told.append(f"{status} {waitHint}")

        stand_ins: dict[str, dict[str, object]] = {
            "win32serviceutil": {"ServiceFramework": ServiceFramework},
            "win32service": {"SERVICE_STOP_PENDING": "stop-pending"},
            "servicemanager": {
                "Initialize": lambda: self.told.append("initialised"),
                "PrepareToHostSingle": self._host,
                "StartServiceCtrlDispatcher": self._dispatch,
            },
        }
        for name, parts in stand_ins.items():
            module = ModuleType(name)
            vars(module).update(parts)
            monkeypatch.setitem(sys.modules, name, module)

    def _host(self, service: type[Any]) -> None:
        self._class = service

    def _dispatch(self) -> None:
        assert self._class is not None
        self.service = self._class(["BellpullAgent"])
        try:
            self.service.SvcDoRun()
            self.told.append("stopped")
        except Exception as error:  # noqa: BLE001 - pywin32 tells the SCM of any
            self.raised = error


@pytest.fixture
def pywin32(monkeypatch: pytest.MonkeyPatch) -> Pywin32:
    return Pywin32(monkeypatch)


def test_the_real_agent_runs_in_it_and_stops_when_asked(
    pywin32: Pywin32, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked from another thread, as the SCM does. Signals belong to the main thread, which a service has not."""
    running = threading.Event()

    def serve(folder: StateFolder, stoppable: Callable[[Callable[[], object]], None]) -> None:
        def told(stop: Callable[[], object]) -> None:
            stoppable(stop)
            running.set()

        real_serve(folder, stoppable=told)

    monkeypatch.setattr(windows_service, "_serve", serve)
    closed: list[Path] = []
    monkeypatch.setattr(windows_service, "close_folder", closed.append)
    monkeypatch.setattr(sys, "argv", ["agent.service.windows_service", "--state", str(tmp_path / "s")])

    def control() -> None:
        assert running.wait(60)
        pywin32.service.SvcStop()

    stopping = threading.Thread(target=control)
    stopping.start()
    assert windows_service.main() == 0
    stopping.join(60)
    assert closed == [tmp_path / "s"]
    assert (pywin32.raised, pywin32.told) == (None, ["initialised", "stop-pending 15000", "stopped"])


def test_a_stop_that_comes_before_the_service_can_hear_it_is_not_lost(tmp_path: Path, pywin32: Pywin32) -> None:
    ended: list[str] = []
    closed: list[Path] = []

    def serve(folder: StateFolder, stoppable: Callable[[Callable[[], object]], None]) -> None:
        service.SvcShutdown()
        stoppable(lambda: ended.append("at once"))

    service = service_class(
        StateFolder(tmp_path / "s", Mode.MACHINE), serve=serve, enrol=lambda *_: ENROLLED, close=closed.append
    )([])
    service.SvcDoRun()
    assert (ended, closed) == (["at once"], [tmp_path / "s"])


def test_an_end_of_its_own_is_told_as_a_failure_so_that_it_is_started_again(tmp_path: Path, pywin32: Pywin32) -> None:
    def serve(folder: StateFolder, stoppable: object) -> None:
        raise SystemExit(75)

    closed: list[Path] = []
    service = service_class(
        StateFolder(tmp_path / "s", Mode.MACHINE), serve=serve, enrol=lambda *_: ENROLLED, close=closed.append
    )([])
    with pytest.raises(RuntimeError, match="75"):
        service.SvcDoRun()


def test_a_dropped_token_is_taken_up_once_and_goes(tmp_path: Path) -> None:
    folder, log, given = StateFolder(tmp_path, Mode.MACHINE), MemoryLog(), []

    def enrol(folder: StateFolder, printed: str) -> Enrolled:
        given.append(printed)
        return ENROLLED

    assert not take_up_token(folder, log=log, enrol=enrol)
    (tmp_path / windows.DROPPED_FILE).write_bytes(b"\xef\xbb\xbfbellpull1.token\r\n")
    assert take_up_token(folder, log=log, enrol=enrol)
    assert given == ["bellpull1.token"]
    assert not (tmp_path / windows.DROPPED_FILE).exists()


def test_a_token_that_is_refused_waits_for_the_next_start_and_is_not_in_the_log(tmp_path: Path) -> None:
    def enrol(folder: StateFolder, printed: str) -> Enrolled:
        raise Refusal("the server cannot be reached", expected="an answer", got=printed)

    (tmp_path / windows.DROPPED_FILE).write_text("bellpull1.secret")
    folder = StateFolder(tmp_path, Mode.MACHINE)
    folder.make()
    assert not take_up_token(folder, log=StructuredLog(folder.log), enrol=enrol)
    assert (tmp_path / windows.DROPPED_FILE).exists()
    assert "dropped-token-refused" in folder.log.read_text()
    assert "bellpull1.secret" not in folder.log.read_text()
    (tmp_path / windows.DROPPED_FILE).write_bytes(b"\xff\xfe\x00")
    assert not take_up_token(folder, log=MemoryLog(), enrol=enrol)


def test_the_state_folder_inherits_nothing() -> None:
    command = windows.close_command(windows.STATE)
    assert command[1:4] == [r"C:\ProgramData\bellpull", "/inheritance:r", "/grant:r"]
    assert command[4:] == ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F"]


def test_the_service_is_made_known_with_quoted_paths() -> None:
    program = PureWindowsPath("C:/Program Files/Bellpull/bellpull-agent.exe")
    create, *_ = windows.create_commands(program=program, state=windows.STATE)
    assert create[-1] == (
        '"C:\\Program Files\\Bellpull\\bellpull-agent.exe" --child agent.service.windows_service '
        '--state "C:\\ProgramData\\bellpull"'
    )
    with pytest.raises(ValueError, match="quotation mark"):
        windows.image_path(program=program, state=PureWindowsPath('C:/a" --mode user "b'))


def test_a_folder_that_cannot_be_closed_to_others_gets_no_keys(tmp_path: Path, pywin32: Pywin32) -> None:
    def close(root: Path) -> None:
        raise subprocess.CalledProcessError(5, "icacls")

    def serve(folder: StateFolder, stoppable: object) -> None:
        raise AssertionError("it ran")

    folder = StateFolder(tmp_path / "s", Mode.MACHINE)
    with pytest.raises(subprocess.CalledProcessError):
        service_class(folder, serve=serve, enrol=lambda *_: ENROLLED, close=close)([]).SvcDoRun()
    assert not folder.identity.exists()
