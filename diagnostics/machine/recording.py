"""Write a machine down while it is being asked.

`RecordingMachine` passes every question on and notes the answer, or the refusal; `write_recording` makes
the folder that `recorded.py` answers from. So a recording holds exactly what the collectors asked for and
nothing else. It is raw: it holds names, addresses and log text of that machine, and must be read through
before it is given away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from diagnostics.machine.interface import (
    FILE_MAX_BYTES,
    AgentNumbers,
    Clock,
    Command,
    CommandOutput,
    FolderEntry,
    Machine,
    Native,
    Place,
    PlaceSize,
    Platform,
    ProcessFiles,
    ProcessSnapshot,
    ResolverReply,
    Space,
    Tail,
    Unreadable,
)
from diagnostics.machine.recorded import (
    FORMAT,
    Answers,
    CommandAnswer,
    Origin,
    Refusal,
    ResolverAnswer,
    kept_argv,
)
from diagnostics.strict_json import dump_json, encode

Answer = TypeVar("Answer")
# A recording is meant to be read and kept in a repository: tails are shortened.
TAIL_KEPT_BYTES = 256 * 1024


class RecordingMachine:
    """Implements `Machine` around another one, and notes what it said."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._clock: Clock | None = None
        self.files: dict[str, bytes] = {}
        self.commands: dict[tuple[str, ...], CommandAnswer] = {}
        self.spaces: dict[str, Space] = {}
        self.places: dict[str, PlaceSize] = {}
        self.snapshots: list[ProcessSnapshot] = []
        self.files_open: tuple[ProcessFiles, ...] | None = None
        self.command_lines: dict[str, tuple[str, ...]] = {}
        self.folders: dict[str, tuple[FolderEntry, ...]] = {}
        self.ring: bytes | None = None
        self.resolvers: dict[str, ResolverAnswer] = {}
        self.users: dict[str, str] | None = None
        self.agent_numbers: AgentNumbers | None = None
        self.natives: dict[str, object] = {}
        self.tail_sizes: dict[str, int] = {}
        self.refused: dict[str, Refusal] = {}

    @property
    def platform(self) -> Platform:
        return self._machine.platform

    def clock(self) -> Clock:
        """The same all the while, as the recording will answer: `since an hour ago` must be the same question there."""
        if self._clock is None:
            self._clock = self._machine.clock()
        return self._clock

    def pause(self, seconds: float) -> None:
        self._machine.pause(seconds)

    def _ask(self, question: str, ask: Callable[[], Answer]) -> Answer:
        try:
            return ask()
        except Unreadable as unreadable:
            self.refused[question] = Refusal(question, unreadable.reason, unreadable.kind)
            raise

    def read_file(self, path: str, *, max_bytes: int = FILE_MAX_BYTES) -> bytes:
        # Asked again, the first answer holds: a recording is one moment.
        if path not in self.files:
            self.files[path] = self._ask(
                f"read_file:{path}", lambda: self._machine.read_file(path, max_bytes=max_bytes)
            )
        return self.files[path][:max_bytes]

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        kept = min(max_bytes, TAIL_KEPT_BYTES)
        tail = self._ask(f"read_tail:{path}", lambda: self._machine.read_tail(path, max_bytes=kept))
        self.files[path] = tail.content
        self.tail_sizes[path] = tail.size_bytes
        return tail

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        entries = self._ask(f"list_folder:{path}", lambda: self._machine.list_folder(path))
        self.folders[path] = entries
        return entries

    def run(self, command: Command) -> CommandOutput:
        argv = kept_argv(command)
        known = self.commands.get(argv)
        if known is not None:
            return CommandOutput(known.exit_code, known.stdout.encode(), known.stderr.encode(), known.truncated)
        output = self._ask("run:" + " ".join(argv), lambda: self._machine.run(command))
        self.commands[argv] = CommandAnswer(
            argv=argv,
            exit_code=output.exit_code,
            stdout=output.stdout.decode("utf-8", "replace"),
            stderr=output.stderr.decode("utf-8", "replace"),
            truncated=output.truncated,
        )
        return output

    def space(self, mount: str) -> Space:
        space = self._ask(f"space:{mount}", lambda: self._machine.space(mount))
        self.spaces[mount] = space
        return space

    def measure(self, place: Place) -> PlaceSize:
        size = self._ask(f"measure:{place}", lambda: self._machine.measure(place))
        self.places[place] = size
        return size

    def process_snapshot(self) -> ProcessSnapshot:
        snapshot = self._ask("process_snapshot:", self._machine.process_snapshot)
        self.snapshots.append(snapshot)
        return snapshot

    def open_files(self) -> tuple[ProcessFiles, ...]:
        self.files_open = self._ask("open_files:", self._machine.open_files)
        return self.files_open

    def command_line(self, pid: int) -> tuple[str, ...]:
        line = self._ask(f"command_line:{pid}", lambda: self._machine.command_line(pid))
        self.command_lines[str(pid)] = line
        return line

    def kernel_ring(self) -> bytes:
        self.ring = self._ask("kernel_ring:", self._machine.kernel_ring)
        return self.ring

    def ask_resolvers(self, addresses: Sequence[str], query: bytes, *, timeout_s: float) -> tuple[ResolverReply, ...]:
        replies = self._machine.ask_resolvers(addresses, query, timeout_s=timeout_s)
        for reply in replies:
            shown = None if reply.reply is None else reply.reply.hex()
            self.resolvers[reply.address] = ResolverAnswer(reply.address, reply.elapsed_s, shown, reply.error)
        return replies

    def user_names(self) -> Mapping[int, str]:
        names = self._ask("user_names:", self._machine.user_names)
        self.users = {str(uid): name for uid, name in names.items()}
        return names

    def native(self, subject: Native) -> object:
        value = self._ask(f"native:{subject}", lambda: self._machine.native(subject))
        self.natives[subject] = value
        return value

    def agent(self) -> AgentNumbers:
        self.agent_numbers = self._ask("agent:", self._machine.agent)
        return self.agent_numbers


def write_recording(noted: RecordingMachine, folder: Path, *, name: str, about: str) -> None:
    """Write what was noted. The folder must be new or empty: a recording is never mixed with another one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    clock = noted.clock()
    lines = [
        f"format = {FORMAT}",
        f"name = {dump_json(name)}",
        f'origin = "{Origin.RECORDED}"',
        f'platform = "{noted.platform}"',
        f"now_unix_s = {clock.unix_s}",
    ]
    if clock.boot_unix_s is not None:
        lines.append(f"boot_unix_s = {clock.boot_unix_s}")
    lines.append(f"about = {dump_json(about)}")
    (folder / "machine.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for path, content in noted.files.items():
        inside = folder / "files" / path[1:]
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.write_bytes(content)
    for subject, value in noted.natives.items():
        inside = folder / "native" / f"{subject}.json"
        inside.parent.mkdir(exist_ok=True)
        inside.write_text(dump_json(value, indent=1) + "\n", encoding="utf-8")
    answers = Answers(
        commands=tuple(noted.commands.values()),
        spaces=noted.spaces,
        places=noted.places,
        snapshots=tuple(noted.snapshots),
        command_lines=noted.command_lines,
        folders=noted.folders,
        kernel_ring=None if noted.ring is None else noted.ring.decode("utf-8", "replace"),
        resolvers=tuple(noted.resolvers.values()),
        users=noted.users,
        agent=noted.agent_numbers,
        tail_sizes=noted.tail_sizes,
        refused=tuple(noted.refused.values()),
        open_files=noted.files_open,
    )
    text = dump_json(encode(answers), indent=1)
    (folder / "answers.json").write_text(text + "\n", encoding="utf-8")
