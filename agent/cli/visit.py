"""`bellpull-agent visit CODE [WORDS]`: a technician on the telephone gave you a code; let them ask to connect."""

import argparse
from typing import Any

from agent.cli.command import Command, Exit, folder_of, print_json
from agent.local.client import call


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", help="the nine digits that they read to you")
    parser.add_argument("words", nargs="?", default="", help="what it is about, when you have no open request for help")
    parser.add_argument("--ticket", metavar="ID", help="the open request it is about (default: the newest)")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    typed: dict[str, Any] = {"code": arguments.code, "words": arguments.words}
    if arguments.ticket is not None:
        typed["ticket"] = arguments.ticket
    found = call(folder_of(arguments).root, "visit-code", **typed)
    if arguments.json:
        print_json(found)
    else:
        print("Found. In a moment they ask to connect; nobody is let in before you have read it and said yes.")
        print("The question opens in a window; at a terminal: bellpull-agent consent watch")
    return Exit.FINE


COMMAND = Command(
    name="visit",
    help="A technician gave you a code: it finds them and lets them ask. It does not let them in.",
    example='bellpull-agent visit "123 456 789" "My printer is not found"',
    add_arguments=add_arguments,
    run=run,
)
