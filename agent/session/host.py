"""The session host: runs authorised actions, holds no keys, dies with all its children. `python -m agent.session.host`

Started by the service for one visit while the customer still reads the question, so that it is warm. It has no
socket, no database and no secret but the one under which names become pseudonyms; it reads requests from stdin and
writes rows to stdout (host_wire.py). Each action runs in a fork of this warm process with limits of its own:

    wall clock 60 s · memory of all it started 256 MB · rows 8 MiB · no files written · no core dumps

or what its line of the catalogue says instead: a terminal lasts as long as the grant, an upload writes a file.

Subreaper: whatever an action starts stays below this process, also after `setsid`. No new privileges: set-uid
programs run as ourselves. Confined (confinement.py): nothing below can read or write anything of the agent's, and each
action only what its scope is for. When the service dies, so does this, and takes everything below along.
Linux only: `fork`, the subreaper and the limits have no equal elsewhere in this version.
"""

import os
import signal
import socket
import sys
from pathlib import Path

from agent.session.descendants import kill_below
from agent.session.host_wire import LINE_MAX_BYTES, Begin
from protocol import strict_json


def main() -> int:
    if sys.platform == "linux":
        return _serve()
    sys.stderr.write(f"visits run on Linux only in this version; this is {sys.platform}\n")
    return 1


if sys.platform == "linux":

    def _serve() -> int:
        from agent.session.linux_process import become_subreaper, die_with_parent, no_new_privileges

        become_subreaper()
        no_new_privileges()
        signal.signal(signal.SIGTERM, lambda *_: _end())
        begin, rest = _first_line()
        die_with_parent(signal.SIGTERM, begin.parent)
        os.nice(5)  # the person at the machine comes first
        from agent.session.confinement import confine
        from agent.session.host_loop import Host
        from agent.session.own_names import names_of
        from diagnostics.machine.local import local_machine
        from diagnostics.redaction import Redactor

        keep_out = None if begin.keep_out is None else Path(begin.keep_out)
        reaches = confine(keep_out, begin.settings.folders)
        pipes = None if begin.pipes is None else socket.socket(fileno=begin.pipes)
        machine = local_machine()
        redactor = Redactor(names_of(machine), begin.secret)
        redactor.text("warm up: 10.1.2.3 user@example.org")
        try:
            Host(machine, redactor, rest, reaches=reaches, settings=begin.settings, pipes=pipes).run()
        finally:
            kill_below(os.getpid())
        return 0


def _first_line() -> tuple[Begin, bytes]:
    """The service's first word, and what came behind it."""
    received = bytearray()
    while b"\n" not in received:
        piece = os.read(0, 65_536)
        if not piece or len(received) > LINE_MAX_BYTES:
            sys.exit("the service went away before it said anything")
        received += piece
    line, _, rest = bytes(received).partition(b"\n")
    return strict_json.parse(line, Begin), rest


def _end() -> None:
    kill_below(os.getpid())
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
