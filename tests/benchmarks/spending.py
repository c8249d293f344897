"""What a process costs: a whole program from start to end, and a running one looked at from outside. Linux only.

/proc/PID/smaps_rollup     Rss: …  Pss: …  Private_Dirty: …        what it holds, and its share of what is shared
the CPU clock of PID       nanoseconds of all its threads, also of those that ended
/proc/PID/stat             cutime, cstime: of its children that have ended and were waited for
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.contract import NotRun

if sys.platform != "linux":
    raise NotRun("processes are measured through /proc, which only Linux has")

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
#: linux/posix-timers.h: a process's scheduler clock is numbered ~pid << 3 | 2.
_CPUCLOCK_SCHED = 2


def environment() -> dict[str, str]:
    """Ours, but that compiled modules are kept, as where the programs are installed: else each start compiles anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True, slots=True)
class Spent:
    """One run of a program; `cpu_s` counts what it started, too."""

    wall_s: float
    cpu_s: float
    exit_code: int
    stdout: bytes


def run_whole(argv: Sequence[str], *, timeout_s: float = 120) -> Spent:
    """Start it, wait for its end, count everything between. NotRun when it takes longer than `timeout_s`."""
    began = time.perf_counter()
    # Programs here say at most a few lines: no pipe is full before the end.
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )
    # It and all that it started; harmless when it has ended by itself: it is not waited for before the timer is off.
    limit = threading.Timer(timeout_s, os.killpg, (process.pid, signal.SIGKILL))
    limit.start()
    try:
        assert process.stdout is not None  # asked for above
        stdout = process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall_s = time.perf_counter() - began
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        limit.cancel()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.stdout:
            process.stdout.close()
    if process.returncode == -signal.SIGKILL:
        raise NotRun(f"{Path(argv[0]).name} {argv[1]} was not done after {timeout_s:.0f} s")
    return Spent(wall_s, used.ru_utime + used.ru_stime, process.returncode, stdout)


@dataclass(frozen=True, slots=True)
class Held:
    """Memory of one process now. `pss_bytes` counts shared pages by their share; `private_bytes` are its alone."""

    rss_bytes: int
    pss_bytes: int
    private_bytes: int


def held(pid: int) -> Held:
    found: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()[1:]:
        name, _, rest = line.partition(":")
        found[name] = int(rest.split()[0]) * 1024
    return Held(found["Rss"], found["Pss"], found["Private_Dirty"] + found["Private_Clean"])


def own_cpu_s(pid: int) -> float:
    return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)


def children_cpu_s(pid: int) -> float:
    """Of its children that have ended, and of theirs."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    # proc(5): state is field 3 and the first after the name; cutime is 16, cstime 17.
    return (int(fields[13]) + int(fields[14])) / _TICKS_A_SECOND
