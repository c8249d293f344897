"""The real session host with an action that tries every protected path, as if the worst had happened inside one.

python -m tests.hostile.prying_host SERVICE_PID    the action's `text` names a file: one path a line
"""

import ctypes
import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

from agent.session import action_process, host
from agent.session.actions.workbench import Row, Workbench
from diagnostics.strict_json import dump_json

SERVICE = int(sys.argv[1])
_PTRACE_ATTACH = 16


def read(path: str) -> object:
    with open(path, "rb") as file:
        return file.read(64).hex()


def read_through(way: str) -> Callable[[str], object]:
    return lambda path: read(way + path)


def read_from_its_folder(path: str) -> object:
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    return os.read(os.open(os.path.basename(path), os.O_RDONLY, dir_fd=folder), 64).hex()


def overwrite(path: str) -> object:
    return os.close(os.open(path, os.O_WRONLY))


def cut_off(path: str) -> object:
    return os.truncate(path, 0)


def remove(path: str) -> object:
    return os.unlink(path)


def move_away(path: str) -> object:
    return os.rename(path, f"/tmp/stolen-{os.getpid()}")


def link_away(path: str) -> object:
    return os.link(path, f"/tmp/stolen-{os.getpid()}")


def put_beside(path: str) -> object:
    return os.close(os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT, 0o600))


def put_a_link_beside(path: str) -> object:
    return os.symlink("/etc/passwd", f"{path}.new")


#: Each is tried at each path; what succeeds is reported as such.
WAYS: dict[str, Callable[[str], object]] = {
    "read": read,
    "read through /proc/self/root": read_through("/proc/self/root"),
    "read through the service's root": read_through(f"/proc/{SERVICE}/root"),
    "read from its folder": read_from_its_folder,
    "overwrite": overwrite,
    "cut off": cut_off,
    "move away": move_away,
    "link away": link_away,
    "put a file beside": put_beside,
    "put a link beside": put_a_link_beside,
    "remove": remove,
}


def attach() -> object:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(_PTRACE_ATTACH, SERVICE, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "attached"


def open_files() -> object:
    for number in os.listdir(f"/proc/{SERVICE}/fd"):
        os.readlink(f"/proc/{SERVICE}/fd/{number}")
        return os.close(os.open(f"/proc/{SERVICE}/fd/{number}", os.O_RDONLY))
    raise OSError(errno.ENOENT, "none")


#: At the service itself.
ACTS: dict[str, Callable[[], object]] = {
    "memory": lambda: open(f"/proc/{SERVICE}/mem", "rb").close(),
    "open files": open_files,
    "debugger": attach,
    "is it there": lambda: os.kill(SERVICE, 0),
    "stop": lambda: os.kill(SERVICE, signal.SIGCONT),
}


def tried(how: str, path: str, act: Callable[[], object]) -> Row:
    try:
        got = act()
    except OSError as error:
        return Row("try", dump_json({"how": how, "path": path, "got": errno.errorcode.get(error.errno or 0, "?")}))
    return Row("try", dump_json({"how": how, "path": path, "got": f"ok {got}"}))


def pry(paths: list[str]) -> Iterator[Row]:
    for path in paths:
        for how, way in WAYS.items():
            yield tried(how, path, lambda way=way, path=path: way(path))  # type: ignore[misc]
    for how, act in ACTS.items():
        yield tried(how, "the service", act)


def as_a_daemon(paths: list[str]) -> Iterator[Row]:
    """The same from a process that has left its parents, its session and its group."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(0.1)
            for row in pry(paths):
                os.write(writing, row.body.encode() + b"\n")
        os._exit(0)
    os.wait()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        for line in pipe:
            yield Row("try", line.decode().strip())


def do(arguments: Any, bench: Workbench) -> Iterator[Row]:
    """`logs`, whose `unit` says whether to become a daemon first."""
    with open(arguments.text, encoding="utf-8") as file:
        paths = file.read().splitlines()
    return as_a_daemon(paths) if arguments.unit == "daemon" else pry(paths)


if __name__ == "__main__":
    action_process.DOING = MappingProxyType({"logs": do})  # type: ignore[misc]
    sys.exit(host.main())
