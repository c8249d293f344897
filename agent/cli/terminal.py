"""`bellpull-agent terminal`: whether technicians may ask for a terminal at all. For an administrator of the machine."""

import argparse

from agent.cli.command import Command, Exit, folder_of, print_json
from agent.local.client import call


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", choices=("status", "enable", "disable"), nargs="?", default="status", help="default: status"
    )
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    if arguments.what == "status":
        answer = call(state, "session-settings")
    else:
        answer = call(state, "terminal-set", enabled=arguments.what == "enable")
    if arguments.json:
        print_json({"terminal": answer["terminal"]})
    elif answer["terminal"]:
        print("Enabled: a technician may ask for a terminal. Each time, somebody here must say yes to it.")
        print("Never again: bellpull-agent terminal disable")
    else:
        print("Disabled: no technician can be given a terminal, whatever anybody here answers.")
    return Exit.FINE


COMMAND = Command(
    name="terminal",
    help="Whether technicians may ask for a terminal on this computer: off until an administrator enables it.",
    example="bellpull-agent terminal enable",
    add_arguments=add_arguments,
    run=run,
)
