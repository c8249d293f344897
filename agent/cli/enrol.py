"""`bellpull-agent enrol TOKEN`: meet the support organisation, once."""

import argparse
import contextlib
import sys
import time

from agent.cli.command import Command, Exit, folder_of, print_json, say
from agent.clocks import BUILT_AT_UNIX_S
from agent.identity.enrol import TOKEN_TEXT_MAX_CHARS, enrol
from agent.identity.identity import Identity
from agent.local.client import ServiceAbsent, call
from agent.paths import StateFolder
from agent.refusal import Refusal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("token", metavar="TOKEN|-", help="the printed token, or - to read it from stdin")
    parser.add_argument("--label", default="", help="a name for this device that the desk may read (default: none)")
    parser.add_argument("--new-keys", action="store_true", help="on an enrolled device: make its keys anew")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    given: str = arguments.token
    printed = sys.stdin.read(TOKEN_TEXT_MAX_CHARS + 1) if given == "-" else given
    folder = folder_of(arguments)
    before = may_enrol(folder)
    if before is not None:
        kept = "Its keys are made anew: it becomes another device." if arguments.new_keys else "It keeps its keys."
        say(f"This replaces the enrolment of {before.device} at {before.organisation}. {kept}")
    done = enrol(
        folder,
        printed,
        label=arguments.label,
        now=max(int(time.time()), BUILT_AT_UNIX_S),
        new_keys=arguments.new_keys,
    )
    try:
        call(folder.root, "enrolled")
        running = True
    except ServiceAbsent:
        running = False
    except Refusal as error:
        # A service from before this version, or one that cannot read the new files: a restart cures both.
        say(f"The running service did not take the enrolment up ({error}). Restart it.")
        running = False
    if arguments.json:
        print_json(
            {
                "device": done.device,
                "organisation": done.organisation,
                "customer": done.customer,
                "origin": done.origin,
                "root_fingerprint": done.root_fingerprint,
                "service_running": running,
                "replaced": done.replaced,
            }
        )
    else:
        print(f"This device is {done.device}.")
        if done.replaced is not None:
            print(f"It was {done.replaced}; the organisation is told, and retires that one.")
        print(f"It answers to {done.organisation} ({done.origin}) and to nobody else.")
        print(f"Their root key: {done.root_fingerprint}")
        print("They approve the device on their side; until then they see it as not verified.")
        if not running:
            print("Next: bellpull-agent run")
    return Exit.FINE


def may_enrol(folder: StateFolder) -> Identity | None:
    """The identity that would be replaced, once whoever runs this may: an administrator, and no session's process.

    A running service knows who asks. Without one there is no session, and the state folder opens to its owner alone.
    """
    before = Identity.load(folder.identity)
    if before is not None:
        with contextlib.suppress(ServiceAbsent):
            call(folder.root, "may-enrol")
    return before


COMMAND = Command(
    name="enrol",
    help="Meet your support organisation, once, with the token it gave you. The keys are made here and stay here.",
    example="bellpull-agent enrol bellpull1.eyJjaGFpbiI6…",
    add_arguments=add_arguments,
    run=run,
)
