"""The real session host with actions that misbehave, as if the worst had happened inside one of ours.

python -m tests.agent.session.mischief_host PATH    PATH: where escaped processes write their pid; or a socket's folder
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agent.session import action_process, host, host_loop
from agent.session.actions.workbench import Row, Workbench
from protocol.actions.catalogue import find_action

PLACE = Path(sys.argv[1])


def escape(arguments: Any, bench: Workbench) -> Iterator[Row]:
    """A daemon as old books teach: fork, setsid, fork, the parents end. Then a second, deaf to everything it can be."""
    for number in range(2):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    signal.signal(each, signal.SIG_IGN)
                write = os.memfd_create("pid")  # files may not be written: tell by a pipe instead
                os.close(write)
                while True:
                    time.sleep(60)
            os._exit(0)
        os.wait()
        yield Row("escaped", f'{{"number":{number}}}')


def hang(arguments: Any, bench: Workbench) -> Iterator[Row]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield Row("hanging", "{}")
    while True:
        time.sleep(60)


def flood(arguments: Any, bench: Workbench) -> Iterator[Row]:
    while True:
        yield Row("flood", '"' + "x" * 50_000 + '"')


def gobble(arguments: Any, bench: Workbench) -> Iterator[Row]:
    yield Row("hungry", "{}")
    hoard = []
    while True:
        hoard.append(bytearray(b"x") * (16 << 20))


def write_a_file(arguments: Any, bench: Workbench) -> Iterator[Row]:
    try:
        (PLACE / "written").write_text("by a session")
    except OSError as error:
        yield Row("refused", f'{{"errno":{error.errno}}}')
    else:
        yield Row("wrote", "{}")


def try_every_verb(arguments: Any, bench: Workbench) -> Iterator[Row]:
    """From a process of the session, by the same door that the customer uses."""
    from agent.local.client import call
    from agent.refusal import Refusal
    from diagnostics.strict_json import dump_json

    verbs = (PLACE / "verbs").read_text().splitlines()
    for verb in verbs:
        name, _, given = verb.partition("=")
        import json

        try:
            call(PLACE, name, **json.loads(given or "{}"))
        except Refusal as refusal:
            answer = refusal.what
        else:
            answer = "ok"
        yield Row("verb", dump_json({"verb": name, "answer": answer}))


def daemon_tries(arguments: Any, bench: Workbench) -> Iterator[Row]:
    """The same from a daemon that has left its parents, its session and its process group."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(0.2)  # until the parent is really gone
            for row in try_every_verb(arguments, bench):
                os.write(writing, row.body.encode() + b"\n")
            os._exit(0)
        os._exit(0)
    os.wait()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        for line in pipe:
            yield Row("verb", line.decode().strip())


def show_environment(arguments: Any, bench: Workbench) -> Iterator[Row]:
    """What is there to steal: open files, environment, privileges."""
    from diagnostics.strict_json import dump_json

    files = []
    for number in os.listdir("/proc/self/fd"):
        try:
            files.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    status = Path("/proc/self/status").read_text()
    yield Row("files", dump_json(files))
    yield Row("environment", dump_json(sorted(os.environ)))
    yield Row("no-new-privileges", dump_json("NoNewPrivs:\t1" in status))


MISCHIEF = {
    "escape": escape,
    "hang": hang,
    "flood": flood,
    "gobble": gobble,
    "write": write_a_file,
    "verbs": try_every_verb,
    "daemon": daemon_tries,
    "environment": show_environment,
}


def do(arguments: Any, bench: Workbench) -> Iterator[Row]:
    """`logs` with a `text` that names the mischief."""
    return MISCHIEF[arguments.text](arguments, bench)


if __name__ == "__main__":
    action_process.DOING = MappingProxyType({"logs": do})  # type: ignore[misc]
    timeout_s = float(os.environ.get("MISCHIEF_TIMEOUT_S", "60"))
    host_loop.find_action = lambda name: replace(find_action(name), timeout_s=timeout_s)
    sys.exit(host.main())
