"""What a session's processes cannot reach, whatever runs in them: Linux's Landlock, put on once and never taken off.

In user mode they run as the same person as the service, so file modes alone keep nothing from them. Two layers:

    the host and all below it   nothing of the agent's state folder is read or written: keys, database, log
    each action, on top of it   what its scope is for, and no more (`Reach`)

        look      read what this user may read; write nothing anywhere but `/dev/null`
        read      read the folders that the owner allows, and the programs and libraries of the system
        write     as read; files may be made, changed and replaced in those folders
        person    read and write what this user may, but never the agent's folder

No action touches a process outside the session: no signals (from Linux 6.12), no memory, no open files of theirs.

Landlock allows and never forbids, so everything but the folder is listed: at each level above it, all that stands
beside the way down. What is made at those levels later cannot be read in this session, and nothing new can be made at
them. Not covered: modes and owners of this user's files, names in folders, command lines and environments of other
processes. A kernel without Landlock (before 5.13, or without it at boot) confines nothing: the caller is told.
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec

# host.py starts on Linux only; this also tells the type checker.
assert sys.platform == "linux"  # noqa: S101

# Numbers are the same on every architecture.
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1
_PATH_BENEATH: Final = 1

# linux/landlock.h
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_REMOVE_AND_MAKE: Final = sum(1 << bit for bit in range(4, 13))
_REFER: Final = 1 << 13  # ABI 2: moving between folders
_TRUNCATE: Final = 1 << 14  # ABI 3
_SCOPE_SIGNAL: Final = 1 << 1  # ABI 6
#: What may be allowed on a file; the rest means folders, and the kernel refuses it for anything else.
_OF_FILES: Final = _WRITE_FILE | _READ_FILE | _TRUNCATE
_FOLDERS_MADE: Final = 1 << 7  # MAKE_DIR
_REMOVE_FILE: Final = 1 << 5
_MAKE_REG: Final = 1 << 8

#: A folder with more entries than this is listed no further: what comes later in it cannot be read.
_BESIDE_MAX: Final = 20_000
#: What every program needs to go on: its libraries, names of users, the time zone.
_SYSTEM_FOLDERS: Final = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc",
    "/proc",
    "/sys",
    "/dev/null",
    "/dev/urandom",
)


class Reach(StrEnum):
    """What an action may touch."""

    LOOK = "look"
    READ_FOLDERS = "read"
    WRITE_FOLDERS = "write"
    PERSON = "person"

    @property
    def of_person(self) -> bool:
        """Files and terminals are the person's: where the service is root, the action becomes the person first."""
        return self in (Reach.READ_FOLDERS, Reach.WRITE_FOLDERS, Reach.PERSON)

    @property
    def writes(self) -> bool:
        """Files may be written at all."""
        return self in (Reach.WRITE_FOLDERS, Reach.PERSON)


_REACH_OF_SCOPE: Final = {
    Scope.FILES_READ: Reach.READ_FOLDERS,
    Scope.FILES_WRITE: Reach.WRITE_FOLDERS,
    Scope.TERMINAL: Reach.PERSON,
}


def reach_of(spec: ActionSpec) -> Reach:
    """By the scope that the customer allowed."""
    return _REACH_OF_SCOPE.get(spec.scope, Reach.LOOK)


@dataclass(frozen=True)
class Reaches:
    """The rule sets of one host, made while it warms up. `confined`: the kernel holds all of it."""

    rule_sets: dict[Reach, int]
    confined: bool

    def enter(self, reach: Reach) -> None:
        """This process and all it starts from now on. An action that cannot be confined does not run."""
        if not self.confined:
            return
        if _call(_RESTRICT_SELF, self.rule_sets[reach], 0) != 0:
            raise OSError(f"the kernel refused to confine this action to {reach.value}")


def confine(keep_out: Path | None, folders: Sequence[str] = ()) -> Reaches:
    """Confine this process, and prepare what each action gets on top. Needs `no_new_privileges` before."""
    version = _call(_CREATE_RULESET, None, 0, _VERSION)
    if keep_out is None or version < 1:
        return Reaches({}, confined=False)
    everything = list(_beside(keep_out.resolve()))
    writing = _all_writing(version)
    outer = _rule_set(version)
    if outer is None:
        return Reaches({}, confined=False)
    for path in everything:
        _allow(outer, path, _READ_FILE | writing)
    if _call(_RESTRICT_SELF, outer, 0) != 0:
        return Reaches({}, confined=False)
    os.close(outer)
    sets: dict[Reach, int] = {}
    for reach in Reach:
        made = _rule_set(version)
        if made is None:
            raise OSError("the kernel makes one set of rules and not the next")
        sets[reach] = made
        _fill(made, reach, everything, folders, writing)
    return Reaches(sets, confined=True)


def _fill(rules: int, reach: Reach, everything: Sequence[Path], folders: Sequence[str], writing: int) -> None:
    match reach:
        case Reach.LOOK:
            for path in everything:
                _allow(rules, path, _READ_FILE)
        case Reach.PERSON:
            for path in everything:
                _allow(rules, path, _READ_FILE | writing)
        case Reach.READ_FOLDERS | Reach.WRITE_FOLDERS:
            own = _READ_FILE
            if reach is Reach.WRITE_FOLDERS:
                own |= writing & (_WRITE_FILE | _TRUNCATE | _MAKE_REG | _REMOVE_FILE | _FOLDERS_MADE)
            for folder in (*_SYSTEM_FOLDERS, sys.prefix, sys.base_prefix, *_program_folders()):
                _allow(rules, Path(folder), _READ_FILE)
            for allowed in folders:
                _allow(rules, Path(allowed), own)
    _allow(rules, Path(os.devnull), _READ_FILE | _WRITE_FILE)


def _program_folders() -> Iterator[str]:
    """Where our own modules are: an import may come late."""
    yield from (path for path in sys.path if path and os.path.isdir(path))
    yield os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _all_writing(version: int) -> int:
    return _WRITE_FILE | _REMOVE_AND_MAKE | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)


def _rule_set(version: int) -> int | None:
    """A set that forbids reading and writing files, and signals to whom it does not hold."""
    scoped = _SCOPE_SIGNAL if version >= 6 else 0
    attributes = struct.pack("=QQQ", _READ_FILE | _all_writing(version), 0, scoped)[: 24 if version >= 6 else 8]
    made = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    return made if made >= 0 else None


def _beside(folder: Path) -> Iterator[Path]:
    """Everything but `folder`: what stands beside it, beside the folder above it, and so on up to the root."""
    for here in (folder, *folder.parents[:-1]):
        for number, entry in enumerate(os.scandir(here.parent)):
            if number >= _BESIDE_MAX:
                break
            if entry.name != here.name:
                yield Path(entry.path)


def _allow(rules: int, path: Path, access: int) -> None:
    """A link is left out: what it leads to is allowed, or not, by where that is."""
    try:
        beneath = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return  # it has gone, or this user may not go there either
    try:
        mode = os.fstat(beneath).st_mode
        if not stat.S_ISLNK(mode):
            fitting = access if stat.S_ISDIR(mode) else access & _OF_FILES
            _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", fitting, beneath), 0)
    finally:
        os.close(beneath)


def _call(number: int, *arguments: "int | bytes | None") -> int:
    """The system call's result; -1 when the kernel says no."""
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(ctypes.c_long(number), *(_word(argument) for argument in arguments)))


def _word(argument: "int | bytes | None") -> "ctypes.c_long | ctypes.c_char_p":
    return ctypes.c_long(argument) if isinstance(argument, int) else ctypes.c_char_p(argument)
