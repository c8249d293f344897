"""What a session's processes cannot reach, whatever runs in them: Linux's Landlock, put on once and never taken off.

In user mode they run as the same person as the service, so file modes alone keep nothing from them. Confined, they

    read     everything that this user may read, but nothing of the agent's state folder: keys, database, log
    write    nothing: no file is made, changed, cut off, moved or removed anywhere; `/dev/null` may be written
    touch    no process but those of the session: no signals (from Linux 6.12), no memory, no open files of others

Landlock allows and never forbids, so everything but the folder is listed: at each level above it, all that stands
beside the way down. What is made at those levels later cannot be read in this session. Not covered: modes and owners
of this user's files, names in folders, command lines and environments of other processes. A kernel without Landlock
(before 5.13, or without it at boot) confines nothing: the caller is told.
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

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

#: A folder with more entries than this is listed no further: what comes later in it cannot be read.
_BESIDE_MAX: Final = 20_000


def confine(keep_out: Path) -> bool:
    """This process and all it starts from now on. False where the kernel cannot. Needs `no_new_privileges` before."""
    version = _call(_CREATE_RULESET, None, 0, _VERSION)
    if version < 1:
        return False
    handled = _READ_FILE | _WRITE_FILE | _REMOVE_AND_MAKE
    handled |= _REFER if version >= 2 else 0
    handled |= _TRUNCATE if version >= 3 else 0
    scoped = _SCOPE_SIGNAL if version >= 6 else 0
    attributes = struct.pack("=QQQ", handled, 0, scoped)[: 24 if version >= 6 else 8]
    rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    try:
        for path in _beside(keep_out.resolve()):
            _allow(rules, path, _READ_FILE)
        _allow(rules, Path(os.devnull), _READ_FILE | _WRITE_FILE)
        return _call(_RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


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
        if not stat.S_ISLNK(os.fstat(beneath).st_mode):
            _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", access, beneath), 0)
    finally:
        os.close(beneath)


def _call(number: int, *arguments: "int | bytes | None") -> int:
    """The system call's result; -1 when the kernel says no."""
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(ctypes.c_long(number), *(_word(argument) for argument in arguments)))


def _word(argument: "int | bytes | None") -> "ctypes.c_long | ctypes.c_char_p":
    return ctypes.c_long(argument) if isinstance(argument, int) else ctypes.c_char_p(argument)
