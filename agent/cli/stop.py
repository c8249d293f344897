"""`bellpull-agent stop`: end every visit at once, or with --keep allow less from now on."""

import argparse
import threading
import time
from pathlib import Path
from typing import Any, Final

from agent.cli.command import Command, Exit, folder_of, print_json
from agent.consent.telling import scope_sentences
from agent.local.client import ServiceAbsent, call
from agent.refusal import Refusal
from protocol.actions.scopes import Scope

# A service that is alive answers in milliseconds. One that does not must not stand between a person and Stop.
_PATIENCE_S: Final = 0.7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep",
        action="append",
        choices=[scope.value for scope in Scope],
        help="do not end it: from now on allow only this (may be repeated)",
    )
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    state = folder_of(arguments).root
    if arguments.keep:
        return _less(state, arguments.keep, wants_json=arguments.json)
    answer = _ask_in_time(state)
    if answer is None:
        # No service, or one that does not answer: end what it started ourselves. It books the end when it is back.
        from agent.session.host_process import kill_marked, mark_of

        answer = {"stopped": 0, "processes_killed": kill_marked(mark_of(state)), "service_answered": False}
    else:
        answer = {**answer, "processes_killed": 0, "service_answered": True}
    answer["seconds"] = round(time.monotonic() - began, 3)
    if arguments.json:
        print_json(answer)
    else:
        print(_words(answer))
    return Exit.FINE


def _less(state: Path, keep: list[str], *, wants_json: bool) -> int:
    left = call(state, "session-narrow", scopes=keep)["scopes"]
    if wants_json:
        print_json({"scopes": left})
    elif left:
        print("From now on they may only:")
        for sentence in scope_sentences(left):
            print(f"  {sentence}")
    else:
        print("Nothing of it is allowed, so nobody is connected any more.")
    return Exit.FINE


def _words(answer: dict[str, Any]) -> str:
    if answer["stopped"]:
        return (
            f"Stopped. Nothing of the visit runs any more ({answer['seconds']:.2f} s).\n"
            "What was done is in the receipt: bellpull-agent receipts"
        )
    if answer["processes_killed"]:
        return "The service did not answer, so what ran for a visit was ended directly; its receipt is made later."
    return "Nobody was connected."


def _ask_in_time(state: Path) -> dict[str, Any] | None:
    """The service's answer; None when there is none, or it does not answer in time."""
    found: list[dict[str, Any] | Refusal] = []

    def ask() -> None:
        try:
            found.append(call(state, "session-stop"))
        except Refusal as error:
            found.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE_S)
    if not found or isinstance(found[0], ServiceAbsent):
        return None
    if isinstance(found[0], Refusal):
        raise found[0]
    return found[0]


COMMAND = Command(
    name="stop",
    help="End every visit at once. Works without a network; nothing of a visit runs afterwards.",
    example="bellpull-agent stop\n  bellpull-agent stop --keep diagnose --keep chat",
    add_arguments=add_arguments,
    run=run,
)
