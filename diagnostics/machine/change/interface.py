"""What remedies may do besides moving files: change one small file, change rights, run one command of a closed list.

Each act names what was seen before, so that something else in its place is left alone, and each may be asked for again
after a crash: what is done already is not an error. `linux.py` moves files, `files.py` and `programs.py` do these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from diagnostics.machine.interface import ProcessNumbers

#: Settings are small; a larger file in their place is no setting.
SETTING_MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class SmallFile:
    """One regular file as it is now. `mode` are the permission bits."""

    content: bytes
    mode: int
    modified_unix_s: int


@dataclass(frozen=True, slots=True)
class Ran:
    """`stdout` and `stderr` are cut at 64 and 8 KiB."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class ChangingProcesses(Protocol):
    """Ending one program, and what must be known for it."""

    def running(self) -> tuple[ProcessNumbers, ...]:
        """Raises ActRefused where programs cannot be read."""

    def boot_unix_s(self) -> int: ...

    def why_not(self, process: ProcessNumbers) -> str:
        """Why this one must not be ended; empty when it may be."""

    def end(self, pid: int, started_ms: int) -> str:
        """End it; how, in words. Raises ActRefused: it is another one now, or must not be ended."""


class ChangingFiles(Protocol):
    """`root` is an allowed folder, `relative` a plain path below it; no link is ever followed, and a file with a
    second name is refused. Raises ActRefused; a broken or full disk stays an OSError."""

    def read(self, root: str, relative: str) -> SmallFile | None:
        """None: there is nothing."""

    def keep_copy(self, root: str, relative: str, sha256: str, into: str) -> None:
        """A synced copy at `into/relative`, read back. Refused when the file is not the one of `sha256`."""

    def put_back(self, root: str, relative: str, sha256: str, out_of: str, instead_of: str) -> None:
        """The copy's content again, if the file is now the one of `instead_of`."""

    def write(self, root: str, relative: str, content: bytes, *, instead_of: str | None, mode: int) -> None:
        """Atomically, by a rename. `instead_of`: sha256 of what stands there now; None: nothing may stand there."""

    def remove(self, root: str, relative: str, sha256: str) -> None:
        """Delete the file of exactly this content."""

    def drop_copy(self, relative: str, out_of: str) -> None:
        """Forget a kept copy; one that is gone already is no error."""

    def mode(self, root: str, relative: str) -> tuple[int, int, int]:
        """(inode, permission bits, owner) of one file or folder."""

    def set_mode(self, root: str, relative: str, inode: int, mode: int) -> None:
        """Permission bits of exactly this file or folder."""


class ChangingPrograms(Protocol):
    """Commands by their name in the closed list of `programs.LINES`, each with at most one checked argument."""

    @property
    def is_proven(self) -> bool:
        """False where the commands were written after manuals and have run on no such system."""

    def run(self, line: str, argument: str = "") -> Ran:
        """Raises ActRefused: not on the list, not installed, no such command on this system, over its time."""

    def shown(self, line: str, argument: str = "") -> str:
        """The command as people read it. Raises ActRefused like `run`, but for what only running tells."""

    def begun(self, line: str) -> bool:
        """Whether this command was begun since the last `forget`, by this worker or one before it."""

    def forget(self) -> None:
        """The run is over: what was begun does not matter any more."""

    def wait_for_orphan(self) -> None:
        """A command that outlived a killed worker has ended when this returns. Raises OSError when it goes on."""
