"""`bellpull-agent run`: the service in the foreground, until Ctrl-C or SIGTERM."""

import argparse
import os

from agent.cli.command import Command, Exit, folder_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verbose", action="store_true", help="also write the log to stderr")


def run(arguments: argparse.Namespace) -> int:
    from agent.heap import give_back_what_is_freed
    from agent.link.system_proxy import proxy_may_be_set
    from agent.on_demand import leave_for_later

    # Both before the imports, which allocate and free the most.
    give_back_what_is_freed()
    leave_for_later(proxy_may_be_set=proxy_may_be_set(os.environ))
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
