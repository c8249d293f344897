"""`bellpull-agent chat [TEXT] [--watch]`: read what the technician writes during a visit, and answer."""

import argparse
import time
from typing import Any, Final

from agent.cli.command import Command, Exit, folder_of, print_json
from agent.local.client import call
from diagnostics.plain_text import printable

_LOOK_S: Final = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", help="what you want to say; without it, the messages so far are shown")
    parser.add_argument("--watch", action="store_true", help="stay, and show new messages until the visit is over")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    if arguments.text:
        said = call(state, "chat-say", text=" ".join(arguments.text))
        if arguments.json:
            print_json(said)
    chat = call(state, "chat-list")
    if arguments.json:
        if not arguments.text:
            print_json(chat)
        return Exit.FINE
    shown = _show(chat, 0)
    if not chat["messages"] and not arguments.watch:
        print("Nothing was said yet." if chat["open"] else "Nobody is connected who could be written to.")
    while arguments.watch and chat["open"]:
        time.sleep(_LOOK_S)
        chat = call(state, "chat-list")
        shown = _show(chat, shown)
    return Exit.FINE


def _show(chat: dict[str, Any], after: int) -> int:
    """The lines that are new; the number of the last."""
    for message in chat["messages"]:
        if message["number"] > after:
            print(line(message), flush=True)
            after = message["number"]
    return after


def line(message: dict[str, Any]) -> str:
    """One message on one line, whatever is in it."""
    when = time.strftime("%H:%M", time.localtime(message["at"]))
    who = "you" if message["by"] == "customer" else f"{printable(message['name'], 120)}, verified"
    return f"{when} {who}: {printable(message['text'], 4000)}"


COMMAND = Command(
    name="chat",
    help="Talk with the technician who is connected. Only the two of you can read it.",
    example='bellpull-agent chat "It began on Monday."',
    add_arguments=add_arguments,
    run=run,
)
