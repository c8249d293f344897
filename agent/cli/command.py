"""What a command is, and how it speaks: results on stdout, people's words on stderr when stdout is JSON.

Exit codes: 0 fine · 1 a problem found, or refused · 2 wrong use.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from agent.paths import Mode, StateFolder, state_folder
from agent.refusal import Refusal, as_error
from diagnostics.plain_text import printable
from protocol.errors import ProtocolError


class Exit(IntEnum):
    FINE = 0
    PROBLEM = 1
    WRONG_USE = 2


class WrongUse(Refusal):
    """The command was called with arguments that cannot be meant: exit code 2."""


@dataclass(frozen=True)
class Command:
    """One command of `bellpull-agent`. `run` gets the parsed arguments and returns an exit code."""

    name: str
    help: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def parser_for(command: Command) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"bellpull-agent {command.name}",
        description=command.help,
        epilog=f"example:\n  {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="the agent's state folder (default: this user's, or the machine's)"
    )
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], help=argparse.SUPPRESS)
    command.add_arguments(parser)
    return parser


def folder_of(arguments: argparse.Namespace) -> StateFolder:
    return state_folder(arguments.state, None if arguments.mode is None else Mode(arguments.mode))


def run_command(command: Command, argv: list[str]) -> int:
    # Intermixed: `consent approve --state DIR 3` is as good as `consent approve 3 --state DIR`.
    arguments = parser_for(command).parse_intermixed_args(argv)
    wants_json = bool(getattr(arguments, "json", False))
    try:
        return int(command.run(arguments))
    except (Refusal, ProtocolError) as error:
        tell_error(error, wants_json=wants_json)
        return Exit.WRONG_USE if isinstance(error, WrongUse) else Exit.PROBLEM
    except BrokenPipeError:
        # The reader (head, less) went away: nothing more to say to it.
        sys.stderr.close()
        return Exit.PROBLEM
    except KeyboardInterrupt:
        say("Stopped.")
        return Exit.PROBLEM


def say(text: str) -> None:
    """A line for the person, on stderr."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)


def tell_error(error: Refusal | ProtocolError, *, wants_json: bool) -> None:
    if wants_json:
        print_json({"error": as_error(error)})
    say(f"{printable(error.what, 400)[:1].upper()}{printable(error.what, 400)[1:]}.")
    for label, value in (("  expected: ", error.expected), ("  got:      ", error.got)):
        if value:
            say(label + printable(value, 600))
    if error.hint:
        say("  " + printable(error.hint, 600))


def ask_yes_no(question: str) -> bool:
    """A question at the terminal; anything but a clear yes is no, and so is a terminal that is not there."""
    if not sys.stdin.isatty():
        say("Nobody can be asked here (no terminal); taken as no.")
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes", "д", "да")
