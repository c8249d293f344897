"""`bellpull-agent run`: the service in the foreground, until Ctrl-C or SIGTERM."""

import argparse

from agent.cli.command import Command, Exit, folder_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verbose", action="store_true", help="also write the log to stderr")


def run(arguments: argparse.Namespace) -> int:
    from agent.heap import give_back_what_is_freed

    give_back_what_is_freed()  # before the imports, which allocate and free the most
    from agent.app import serve

    serve(folder_of(arguments), also_stderr=arguments.verbose)
    return Exit.FINE


COMMAND = Command(
    name="run",
    help="Run the service in the foreground: it watches this machine, keeps the line to the desk, and holds the door.",
    example="bellpull-agent run --verbose",
    add_arguments=add_arguments,
    run=run,
)
