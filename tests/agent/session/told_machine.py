"""A recorded machine whose log folder a test writes, and whose time passes while it is followed."""

from collections.abc import Callable
from pathlib import Path

from diagnostics.machine.interface import (
    Clock,
    Command,
    CommandOutput,
    EntryKind,
    FolderEntry,
    Tail,
    Unreadable,
)
from diagnostics.machine.recorded import RecordedMachine

MACHINES = Path(__file__).parents[2] / "machines"


class Over(Exception):
    """The test has seen enough."""


class ToldMachine(RecordedMachine):
    """`logs`: file name → content of /var/log. `journal`: answers of journalctl by its arguments."""

    def __init__(self, logs: dict[str, bytes] | None = None) -> None:
        super().__init__(MACHINES / "laptop-healthy")
        self.logs = logs or {}
        self.journal: Callable[[tuple[str, ...]], bytes] | None = None
        self.asked: list[tuple[str, ...]] = []
        self.now = self.about.now_unix_s
        self.pauses: list[Callable[[], None]] = []  # what happens in each pause; when they are used up: Over

    def clock(self) -> Clock:
        return Clock(self.now, self.about.boot_unix_s)

    def pause(self, seconds: float) -> None:
        if not self.pauses:
            raise Over
        self.now += round(seconds)
        self.pauses.pop(0)()

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        if path != "/var/log":
            raise Unreadable(f"nothing at {path} here")
        return tuple(
            FolderEntry(name, EntryKind.FILE, len(content), 4096, self.now, 0, 1, 1, number)
            for number, (name, content) in enumerate(self.logs.items())
        )

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        content = self.logs[path.removeprefix("/var/log/")]
        return Tail(content[-max_bytes:], len(content), len(content) > max_bytes)

    def run(self, command: Command) -> CommandOutput:
        if command.argv[0] == "journalctl" and self.journal is not None:
            self.asked.append(command.argv)
            return CommandOutput(0, self.journal(command.argv), b"", False)
        return super().run(command)
