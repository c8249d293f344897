"""The demo's one directory: made here, marked as ours, locked while it is used, and removed only if it is ours."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import platformdirs

from technician.problems import Problem

MARKER: Final = ".bellpull-demo"
_LOCK: Final = "demo.lock"
#: A unix socket's address holds 108 bytes; the agent's stands at DIR/agent/run/agent.sock.
_PATH_MAX_CHARS: Final = 80


@dataclass(frozen=True)
class DemoFolder:
    path: Path

    @property
    def server(self) -> Path:
        return self.path / "server"

    @property
    def organisation(self) -> Path:
        return self.path / "organisation"

    @property
    def technician(self) -> Path:
        return self.path / "technician"

    @property
    def agent(self) -> Path:
        return self.path / "agent"

    @property
    def machine(self) -> Path:
        """Things of this machine that the demo made, to be found by nobody."""
        return self.path / "machine"

    @property
    def documents(self) -> Path:
        """The one folder whose files a technician may be allowed to see."""
        return self.machine / "Documents"

    @property
    def tap(self) -> Path:
        return self.path / "tap"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def audit(self) -> Path:
        return self.path / "audit"

    @property
    def passphrase(self) -> Path:
        return self.path / "passphrase"


def default_folder() -> Path:
    return platformdirs.user_state_path("bellpull", appauthor=False) / "demo"


@contextmanager
def fresh_folder(path: Path) -> Iterator[DemoFolder]:
    """An empty demo folder, locked until the end. What an earlier demo left there is removed."""
    path = path.expanduser().absolute()
    if len(str(path)) > _PATH_MAX_CHARS:
        raise Problem(
            "the demo's folder has too long a name",
            expected=f"at most {_PATH_MAX_CHARS} characters (the agent's socket lies in it)",
            got=str(len(str(path))),
            hint="Name a shorter one: --state /tmp/bellpull-demo",
        )
    _check_ours(path)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    (path / MARKER).touch(mode=0o600)
    with _locked(path):
        for child in path.iterdir():
            if child.name not in (MARKER, _LOCK):
                _remove(child)
        folder = DemoFolder(path)
        for needed in (folder.machine, folder.tap, folder.logs):
            needed.mkdir(mode=0o700)
        yield folder


def remove_folder(path: Path) -> bool:
    """Remove a demo's folder; False when there is none. Refused while a demo runs there, or if it is not a demo's."""
    path = path.expanduser().absolute()
    if not path.exists():
        return False
    _check_ours(path)
    if (path / MARKER).exists():
        with _locked(path):
            for child in path.iterdir():
                if child.name != _LOCK:
                    _remove(child)
    shutil.rmtree(path)
    return True


def _check_ours(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise Problem("the demo's folder is no folder", got=str(path))
    if path.exists() and any(path.iterdir()) and not (path / MARKER).is_file():
        raise Problem(
            "this folder is not empty and was not made by the demo",
            expected="an empty or new folder",
            got=str(path),
            hint="Nothing was touched. Name another with --state.",
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with (path / _LOCK).open("a+b") as file:
        try:
            _take(file)
        except OSError:
            raise Problem(
                "a demo is running in this folder already",
                got=str(path),
                hint="End it with Ctrl-C where it runs, or name another folder with --state.",
            ) from None
        yield


def _take(file: IO[bytes]) -> None:
    """An exclusive lock that the system gives back when the process ends."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
