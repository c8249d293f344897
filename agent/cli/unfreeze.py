"""`bellpull-agent unfreeze`: after a report of abuse, technicians may ask again. For an administrator here."""

import argparse

from agent.cli.command import Command, Exit, folder_of, print_json
from agent.local.client import call


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    done = call(folder_of(arguments).root, "abuse-lift")
    if arguments.json:
        print_json(done)
    elif done["lifted"]:
        print("Lifted. Technicians can ask again; nobody comes in unless somebody here says yes.")
        print("What was reported stays: bellpull-agent report-abuse --list")
    else:
        print("Nothing was frozen.")
    return Exit.FINE


COMMAND = Command(
    name="unfreeze",
    help="After a report of abuse: make visits possible again. For an administrator of this computer.",
    example="bellpull-agent unfreeze",
    add_arguments=add_arguments,
    run=run,
)
