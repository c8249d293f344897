"""`bellpull-agent service`: the text that this system's supervisor needs. Prints; installs nothing by itself."""

import argparse
import shutil
import sys
from pathlib import Path

from agent.cli.command import Command, Exit, folder_of, say
from agent.paths import default_mode
from agent.refusal import Refusal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--program", type=Path, help="the installed bellpull-agent (default: this one)")


def run(arguments: argparse.Namespace) -> int:
    folder = folder_of(arguments)
    mode = folder.mode if arguments.mode else default_mode()
    program = arguments.program or Path(shutil.which("bellpull-agent") or sys.argv[0])
    if sys.platform == "linux":
        from agent.service import systemd

        print(systemd.unit(program=program.absolute(), state=folder.root, mode=mode), end="")
        say(f"Write this to {systemd.where(mode)}, then: {systemd.how(mode)}")
    elif sys.platform == "darwin":
        from agent.service import launchd

        print(launchd.property_list(program=program.absolute(), state=folder.root, mode=mode).decode(), end="")
        say(f"Not proven on a Mac yet. Write this to {launchd.where(mode)}, then: {launchd.how(mode)}")
    else:
        raise Refusal(
            "the service is not supported on Windows in this version",
            expected="Linux, or macOS (not proven)",
            got=sys.platform,
            hint="The offline commands work: bellpull-agent check, bundle, redact.",
        )
    return Exit.FINE


COMMAND = Command(
    name="service",
    help="Print the service definition for this system: a systemd unit, or a launchd property list.",
    example="bellpull-agent service > ~/.config/systemd/user/bellpull-agent.service",
    add_arguments=add_arguments,
    run=run,
)
