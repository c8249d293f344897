"""A machine that was written down: the same answers, from a folder.

    machine.toml       format, name, origin = recorded | composed, platform, clock, about
    files/…            what read_file and read_tail gave, under the path they were asked for
    answers.json       everything else, one list a question; also what could not be read, and why
    history.jsonl      optional metric series, one point a line, for checks that judge over time

A question that was never asked when the machine was recorded is `Unreadable`: a recorded machine never
makes up an answer. `recording.py` writes such folders; people compose them by editing one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from diagnostics.machine.interface import (
    FILE_MAX_BYTES,
    AgentNumbers,
    Clock,
    Command,
    CommandOutput,
    FolderEntry,
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
    UnreadableKind,
)
from diagnostics.machine.line_cut import cut_at_line
from diagnostics.machine.roots import Readable, is_listable
from diagnostics.strict_json import decode, load_json

FORMAT = 1
_FILE_MAX_BYTES = 16 * 1024 * 1024


class Origin(StrEnum):
    RECORDED = "recorded"  # as a real machine answered
    COMPOSED = "composed"  # written or changed by hand, after real output


class NotARecordedMachine(ValueError):
    """The folder does not hold a recorded machine; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class About:
    """`machine.toml`."""

    format: int
    name: str
    origin: Origin
    platform: Platform
    now_unix_s: int
    about: str
    boot_unix_s: int | None = None


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """`question` is `method:argument`, as `recording.py` names it."""

    question: str
    reason: str
    kind: UnreadableKind


@dataclass(frozen=True, slots=True)
class ResolverAnswer:
    """`reply` in hex, its first two bytes as asked; None for silence."""

    address: str
    elapsed_s: float
    reply: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Answers:
    """`answers.json`."""

    commands: tuple[CommandAnswer, ...] = ()
    spaces: Mapping[str, Space] | None = None
    places: Mapping[str, PlaceSize] | None = None
    snapshots: tuple[ProcessSnapshot, ...] = ()
    command_lines: Mapping[str, tuple[str, ...]] | None = None
    folders: Mapping[str, tuple[FolderEntry, ...]] | None = None
    kernel_ring: str | None = None
    resolvers: tuple[ResolverAnswer, ...] = ()
    users: Mapping[str, str] | None = None
    agent: AgentNumbers | None = None
    tail_sizes: Mapping[str, int] | None = None
    refused: tuple[Refusal, ...] = ()
    open_files: tuple[ProcessFiles, ...] | None = None


def kept_argv(command: Command) -> tuple[str, ...]:
    """As a recording keeps it. A script is kept by its name: its text is ours, long, and may be written better."""
    return (command.argv[0], command.name) if command.argv[0] == "powershell" else command.argv


def _never_asked(question: str) -> Unreadable:
    return Unreadable(f"not in this recording: {question}")


class RecordedMachine:
    """Implements `Machine` from a folder."""

    def __init__(self, folder: Path, watched: Collection[str] = ()) -> None:
        self.folder = folder
        self._readable = Readable(watched)
        self.about = _load_about(folder)
        path = folder / "answers.json"
        try:
            self._answers = decode(Answers, load_json(path.read_bytes()))
        except FileNotFoundError:
            self._answers = Answers()
        except ValueError as error:
            raise NotARecordedMachine(f"{path}: {error}") from error
        self._refused = {item.question: item for item in self._answers.refused}
        self._snapshots_given = 0

    @property
    def platform(self) -> Platform:
        return self.about.platform

    def clock(self) -> Clock:
        return Clock(self.about.now_unix_s, self.about.boot_unix_s)

    def pause(self, seconds: float) -> None:
        """Recorded time does not pass."""

    def read_file(self, path: str, *, max_bytes: int = FILE_MAX_BYTES) -> bytes:
        self._refuse(f"read_file:{path}")
        return self._file(path)[:max_bytes]

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        self._refuse(f"read_tail:{path}")
        content = self._file(path)
        size = (self._answers.tail_sizes or {}).get(path, len(content))
        if len(content) <= max_bytes:
            return Tail(content, size, size > len(content))
        return Tail(cut_at_line(content[-max_bytes:]), size, True)

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        if not is_listable(path):
            raise Unreadable(f"{path} is not on the list of folders this program looks into", UnreadableKind.REFUSED)
        self._refuse(f"list_folder:{path}")
        entries = (self._answers.folders or {}).get(path)
        if entries is None:
            raise _never_asked(f"folder {path}")
        return entries

    def run(self, command: Command) -> CommandOutput:
        argv = kept_argv(command)
        self._refuse("run:" + " ".join(argv))
        for answer in self._answers.commands:
            if answer.argv == argv:
                return CommandOutput(answer.exit_code, answer.stdout.encode(), answer.stderr.encode(), answer.truncated)
        raise _never_asked(" ".join(argv))

    def space(self, mount: str) -> Space:
        self._refuse(f"space:{mount}")
        space = (self._answers.spaces or {}).get(mount)
        if space is None:
            raise _never_asked(f"space of {mount}")
        return space

    def measure(self, place: Place) -> PlaceSize:
        self._refuse(f"measure:{place}")
        size = (self._answers.places or {}).get(place)
        if size is None:
            raise _never_asked(f"size of {place}")
        return size

    def process_snapshot(self) -> ProcessSnapshot:
        self._refuse("process_snapshot:")
        if not self._answers.snapshots:
            raise _never_asked("processes")
        index = min(self._snapshots_given, len(self._answers.snapshots) - 1)
        self._snapshots_given += 1
        return self._answers.snapshots[index]

    def open_files(self) -> tuple[ProcessFiles, ...]:
        self._refuse("open_files:")
        if self._answers.open_files is None:
            raise _never_asked("open files")
        return self._answers.open_files

    def command_line(self, pid: int) -> tuple[str, ...]:
        line = (self._answers.command_lines or {}).get(str(pid))
        if line is None:
            raise _never_asked(f"command line of {pid}")
        return line

    def kernel_ring(self) -> bytes:
        self._refuse("kernel_ring:")
        if self._answers.kernel_ring is None:
            raise _never_asked("kernel log")
        return self._answers.kernel_ring.encode()

    def ask_resolvers(self, addresses: Sequence[str], query: bytes, *, timeout_s: float) -> tuple[ResolverReply, ...]:
        known = {answer.address: answer for answer in self._answers.resolvers}
        replies = []
        for address in addresses:
            answer = known.get(address)
            if answer is None:
                raise _never_asked(f"resolver {address}")
            reply = None if answer.reply is None else query[:2] + bytes.fromhex(answer.reply)[2:]
            replies.append(ResolverReply(address, reply, answer.elapsed_s, answer.error))
        return tuple(replies)

    def user_names(self) -> Mapping[int, str]:
        if self._answers.users is None:
            raise _never_asked("users")
        return {int(uid): name for uid, name in self._answers.users.items()}

    def native(self, subject: Native) -> object:
        self._refuse(f"native:{subject}")
        path = self.folder / "native" / f"{subject}.json"
        try:
            return load_json(path.read_bytes())
        except FileNotFoundError:
            raise _never_asked(subject) from None

    def agent(self) -> AgentNumbers:
        self._refuse("agent:")
        if self._answers.agent is None:
            raise _never_asked("the agent's own numbers")
        return self._answers.agent

    def _refuse(self, question: str) -> None:
        refusal = self._refused.get(question)
        if refusal is not None:
            raise Unreadable(refusal.reason, refusal.kind)

    def _file(self, path: str) -> bytes:
        if not self._readable(path):
            raise Unreadable(f"{path} is not on the list of files this program reads", UnreadableKind.REFUSED)
        inside = self.folder / "files" / path[1:]
        if inside.is_symlink() or not inside.is_file():
            raise _never_asked(path)
        with inside.open("rb") as file:
            return file.read(_FILE_MAX_BYTES)


def _load_about(folder: Path) -> About:
    path = folder / "machine.toml"
    try:
        about = decode(About, tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise NotARecordedMachine(f"{folder}: expected a machine.toml, found none") from None
    except ValueError as error:
        raise NotARecordedMachine(f"{path}: {error}") from error
    if about.format != FORMAT:
        raise NotARecordedMachine(f"{path}: expected format {FORMAT}, got {about.format}")
    return about
