"""`bellpull-agent stop`: end every visit at once."""

import argparse
import threading
import time
from pathlib import Path
from typing import Any, Final

from agent.cli.command import Command, Exit, folder_of, print_json, say
from agent.local.client import ServiceAbsent, call
from agent.refusal import Refusal

# A service that is alive answers in milliseconds. One that does not must not stand between a person and Stop.
_PATIENCE_S: Final = 0.7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    answer = _ask_in_time(folder_of(arguments).root)
    if answer is None:
        # The service does not answer: end what it started ourselves. It books the end when it comes back.
        from agent.session.host_process import kill_marked

        answer = {"stopped": 0, "processes_killed": kill_marked(None), "service_answered": False}
    else:
        answer = {**answer, "service_answered": True}
    answer["seconds"] = round(time.monotonic() - began, 3)
    if arguments.json:
        print_json(answer)
    elif answer["stopped"]:
        print(f"Stopped. Nothing of the visit runs any more ({answer['seconds']:.2f} s).")
        print("What was done is in the receipt: bellpull-agent receipts")
    elif not answer["service_answered"]:
        print(f"The service did not answer; {answer['processes_killed']} processes of visits were ended directly.")
    else:
        print("Nobody was connected.")
    return Exit.FINE


def _ask_in_time(state: Path) -> dict[str, Any] | None:
    """The service's answer; None when it is there and does not answer in time. ServiceAbsent: there is none."""
    found: list[dict[str, Any] | Refusal] = []

    def ask() -> None:
        try:
            found.append(call(state, "session-stop"))
        except Refusal as error:
            found.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE_S)
    if not found:
        return None
    answer = found[0]
    if isinstance(answer, ServiceAbsent):
        say("The service is not running, so nobody is connected through it.")
        return None
    if isinstance(answer, Refusal):
        raise answer
    return answer


COMMAND = Command(
    name="stop",
    help="End every visit at once. Works without a network; nothing of a visit runs afterwards.",
    example="bellpull-agent stop",
    add_arguments=add_arguments,
    run=run,
)
