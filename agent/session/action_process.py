"""One action in its own process, forked off the warm session host: limits, then what it may touch, then the doing.

Rows go to the host as lines, up to the action's end. An action with a pipe of its own writes everything there instead,
as the technician's program will read it (pieces, or lines of rows), and says only its end to the host. Linux only.
"""

import fcntl as fcntl  # these three are for actions: when one needs them it may be another user, who cannot read them
import gc
import os
import pwd as pwd
import resource
import signal
import socket
import sys
import termios as termios
import traceback
from collections.abc import Callable
from typing import Final, NoReturn

from agent.session.actions.catalogue import DOING
from agent.session.actions.own_pipe import OwnPipe
from agent.session.actions.workbench import Row as GivenRow
from agent.session.actions.workbench import Workbench
from agent.session.host_wire import End, Row, RunAction
from agent.session.linux_process import become_person, die_with_parent
from diagnostics.machine.interface import Unreadable
from protocol import strict_json
from protocol.actions.catalogue import parse_arguments
from protocol.actions.spec import ActionSpec
from protocol.errors import ProtocolError
from protocol.journal import Outcome

# fork, prctl, rlimits: host.py says so elsewhere.
assert sys.platform == "linux"  # noqa: S101 - also tells the type checker

from agent.session.confinement import Reach, Reaches, reach_of  # noqa: E402 - nothing elsewhere

_DETAIL_MAX_CHARS: Final = 200
_OPEN_FILES_MAX: Final = 256


def become_action(
    request: RunAction,
    spec: ActionSpec,
    rows: int,
    own_pipe: int | None,
    bench: Workbench,
    reaches: Reaches,
    host: int,
) -> NoReturn:
    """In the fork: never returns; `_exit` without any of the parent's clean-up."""
    code = 1
    try:
        os.setpgid(0, 0)
        die_with_parent(signal.SIGKILL, host)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        reach = reach_of(spec)
        _limit_itself(spec, reach)
        if reach.of_person and bench.settings.person is not None:
            become_person(bench.settings.person)
            die_with_parent(signal.SIGKILL, host)  # forgotten by the kernel when the user changes
        reaches.enter(reach)
        os.set_inheritable(rows, False)
        _keep_open({rows} if own_pipe is None else {rows, own_pipe})
        gc.freeze()  # what came from the host is never looked at again: no copies of its pages
        if own_pipe is not None:
            os.set_inheritable(own_pipe, False)
            bench.pipe = OwnPipe(socket.socket(fileno=own_pipe), spec)
        end = _do(request, spec, rows, bench)
        if bench.pipe is not None:
            bench.pipe.close()
        _write(rows, strict_json.dump(end) + b"\n")
        code = 0
    except BrokenPipeError:
        code = 0  # the host was told to forget this action
    finally:
        os._exit(code)


def _limit_itself(spec: ActionSpec, reach: Reach) -> None:
    limits = [
        (resource.RLIMIT_DATA, spec.memory_bytes),
        (resource.RLIMIT_CORE, 0),
    ]
    if reach is not Reach.PERSON:
        limits.append((resource.RLIMIT_NOFILE, _OPEN_FILES_MAX))
    if not spec.lasting:
        limits.append((resource.RLIMIT_CPU, int(spec.timeout_s) + 1))
    if not reach.writes:
        limits.append((resource.RLIMIT_FSIZE, 0))
    for kind, limit in limits:
        resource.setrlimit(kind, (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a refused write is an error of its own, not a death


def _keep_open(wanted: set[int]) -> None:
    """Close all else: pipes of other actions, the host's socket. An action holds nothing but its own ends."""
    place = 3
    for number in sorted(wanted):
        os.closerange(place, number)
        place = number + 1
    os.closerange(place, os.sysconf("SC_OPEN_MAX"))


def _do(request: RunAction, spec: ActionSpec, rows: int, bench: Workbench) -> End:
    sequence = request.sequence
    say = _to_host(sequence, rows) if bench.pipe is None else bench.pipe.say
    try:
        arguments = parse_arguments(spec, request.arguments)
        if bench.failed:
            raise Unreadable(bench.failed)
        for said in DOING[spec.name](arguments, bench):
            say(said)
    except Unreadable as unreadable:
        detail = bench.redacted(unreadable.reason)
        return End(sequence=sequence, outcome=Outcome.FAILED, detail=detail[:_DETAIL_MAX_CHARS])
    except ProtocolError as error:
        return End(sequence=sequence, outcome=Outcome.REFUSED, detail=str(error)[:_DETAIL_MAX_CHARS])
    except MemoryError:
        return End(sequence=sequence, outcome=Outcome.FAILED, detail="it needed more memory than it may use")
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - an action's own defect ends that action, and says where it is
        place = traceback.extract_tb(error.__traceback__)[-1]
        detail = f"a defect of the agent: {type(error).__name__} in {os.path.basename(place.filename)}:{place.lineno}"
        return End(sequence=sequence, outcome=Outcome.FAILED, detail=detail[:_DETAIL_MAX_CHARS])
    return End(sequence=sequence, outcome=Outcome.DONE, detail=bench.last_word[:_DETAIL_MAX_CHARS])


def _to_host(sequence: int, rows: int) -> Callable[[GivenRow | bytes | memoryview], None]:
    def say(said: GivenRow | bytes | memoryview) -> None:
        if not isinstance(said, GivenRow):
            raise TypeError("an action without a pipe of its own gave bytes")
        _write(rows, strict_json.dump(Row(sequence=sequence, kind=said.kind, body=said.body)) + b"\n")

    return say


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]
