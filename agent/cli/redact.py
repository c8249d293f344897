"""`bellpull-agent redact`: a filter. Text in on stdin, the same text without secrets and names out on stdout.

Streams in bounded memory. The report goes to stderr, so that stdout stays exactly the redacted text. With a state
folder the marks are the same as in this device's bundles; without one they are this run's own.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Final

from agent.cli.command import Command, Exit, folder_of, say
from agent.identity.key_files import read_key
from agent.refusal import Refusal
from diagnostics.strict_json import dump_json

_CHUNK_BYTES: Final = 256 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the report on stderr as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    from agent.session.own_names import names_of
    from diagnostics.machine.local import local_machine
    from diagnostics.redaction import Redactor, WithheldError

    secret = read_key(folder_of(arguments).identity / "secret.key") or os.urandom(32)
    redactor = Redactor(names_of(local_machine()), secret)
    try:
        for piece in redactor.stream(_chunks(), path="stdin"):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except WithheldError as error:
        raise Refusal(
            "this input must not leave the machine; throw away what came out before",
            expected="text that can be redacted",
            got=error.detail,
        ) from None
    counts = redactor.report.by_kind()
    if arguments.json:
        say(dump_json({"redactions": counts, "total": sum(counts.values())}))
    else:
        told = ", ".join(f"{kind} {count}" for kind, count in counts.items()) or "nothing"
        say(f"Taken out: {told}.")
    return Exit.FINE


def _chunks() -> Iterator[bytes]:
    while chunk := os.read(sys.stdin.fileno(), _CHUNK_BYTES):
        yield chunk


COMMAND = Command(
    name="redact",
    help="Take secrets and personal names out of a text: stdin to stdout, the report on stderr. Sends nothing.",
    example="journalctl -b | bellpull-agent redact > clean.log",
    add_arguments=add_arguments,
    run=run,
)
