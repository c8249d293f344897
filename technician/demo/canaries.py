"""Words that must not reach the server: some of this very machine, some made for this run and planted on it.

    name of the machine, its users, hardware addresses, machine id, processor      taken as they are
    a running program, a folder in the cache, both with a random name             planted by the demo

A word that is short or says something to everybody ("root") would be found anywhere and prove nothing: it is left out.
"""

import getpass
import os
import platform
import re
import secrets
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Shorter words are found by chance in megabytes of base64.
_CANARY_MIN_CHARS: Final = 6
_EVERYDAY: Final = frozenset(
    {"localhost", "administrator", "ubuntu", "debian", "fedora", "runner", "docker", "container", "builder", "server"}
)
#: What a process may be called on Linux.
_PROCESS_NAME_CHARS: Final = 15


@dataclass(frozen=True)
class Canary:
    """`what` it is, for the report; `word` is never printed but for planted ones."""

    what: str
    word: str


@dataclass(frozen=True)
class Planted:
    """`process`: the program's file, whose name is the canary; none where that cannot be done."""

    process: Path | None
    canaries: tuple[Canary, ...]


def plant(machine: Path) -> Planted:
    """Make a cache folder and a program with random names below `machine`."""
    mark = "bp" + secrets.token_hex(6)
    cache = machine / "cache" / f"canary-{mark}"
    cache.mkdir(parents=True)
    (cache / "notes.txt").write_text(f"{mark} in a file\n", encoding="utf-8")
    found = [Canary("a folder in the cache", f"canary-{mark}")]
    program: Path | None = None
    sleep = shutil.which("sleep")
    if sys.platform != "win32" and sleep:
        program = machine / ("z" + secrets.token_hex(6))[:_PROCESS_NAME_CHARS]
        program.symlink_to(sleep)
        found.append(Canary("a running program", program.name))
    return Planted(program, tuple(found))


def of_this_machine() -> list[Canary]:
    """What an agent may read here and a server must not."""
    found = [
        Canary("the machine's name", socket.gethostname()),
        Canary("the user's name", getpass.getuser()),
        Canary("the user's home", str(Path.home())),
        Canary("the machine's id", _text("/etc/machine-id")),
        Canary("the processor", _processor()),
        Canary("the kernel", platform.release()),
    ]
    net = Path("/sys/class/net")
    for interface in sorted(net.iterdir()) if net.is_dir() else []:
        if interface.name != "lo":
            found.append(Canary("a hardware address", _text(str(interface / "address"))))
    return [canary for canary in found if is_telling(canary.word)]


def is_telling(word: str) -> bool:
    """Long and odd enough that finding it means something."""
    return len(word) >= _CANARY_MIN_CHARS and word.lower() not in _EVERYDAY and len(set(word)) > 3


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return found[1].strip() if found else platform.processor()


def environment(machine: Path) -> dict[str, str]:
    """What the agent's world looks like: this machine's, with the planted cache for its own."""
    return {**os.environ, "XDG_CACHE_HOME": str(machine / "cache")}
