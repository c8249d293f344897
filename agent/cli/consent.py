"""`bellpull-agent consent list|show|approve|refuse|watch`: answer a technician who asks to connect."""

import argparse
import select
import sys
import time
from pathlib import Path
from typing import Any, Final

from agent.cli.command import Command, Exit, folder_of, print_json, say
from agent.consent.prompt_text import scope_line
from agent.local.client import call
from agent.refusal import Refusal
from diagnostics.plain_text import printable
from protocol.actions.scopes import Scope
from protocol.grants import ConsentMethod
from protocol.limits import RISK3_WAIT_S, SESSION_MINUTES_MAX

_LOOK_S: Final = 1.0
_ACTS: Final = ("list", "show", "approve", "refuse", "watch", "page")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "act",
        choices=_ACTS,
        help="list: who asks now · show ID: the whole question · approve ID · refuse ID · "
        "watch: wait here and answer at this terminal · page: answer in a browser window of its own",
    )
    parser.add_argument("id", nargs="?", help="the number of the question")
    parser.add_argument(
        "--scope", action="append", choices=[scope.value for scope in Scope], help="allow only this (may be repeated)"
    )
    parser.add_argument("--minutes", type=int, help=f"allow this long at most (1–{SESSION_MINUTES_MAX})")
    parser.add_argument("--no-browser", action="store_true", help="with page: print the address, open nothing")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    match arguments.act:
        case "list":
            return _list(state, wants_json=arguments.json)
        case "watch":
            return _watch(state)
        case "page":
            from agent.consent.approval_page import open_page

            return open_page(state, browser=not arguments.no_browser, wants_json=arguments.json)
        case act:
            if arguments.id is None:
                raise Refusal(
                    f"which question do you mean to {act}?",
                    expected=f"bellpull-agent consent {act} ID",
                    got="no ID",
                    hint="See who asks now: bellpull-agent consent list",
                )
            shown = call(state, "consent-show", id=arguments.id)
            return _answer(state, shown, arguments)


def _list(state: Path, *, wants_json: bool) -> int:
    found = call(state, "consent-list")
    if wants_json:
        print_json(found)
        return Exit.FINE
    if not found["pending"]:
        print("Nobody asks to connect now.")
        if found["quiet_until"] is not None:
            until = time.strftime("%H:%M", time.localtime(found["quiet_until"]))
            print(f"Until {until} nobody can ask, because {found['quiet_why']}.")
    for prompt in found["pending"]:
        print(f"{prompt['id']}: {printable(prompt['headline'])} ({prompt['expires_in_s']} s left to answer)")
        print(f"   bellpull-agent consent show {prompt['id']}")
    return Exit.FINE


def _answer(state: Path, shown: dict[str, Any], arguments: argparse.Namespace) -> int:
    if arguments.act == "show":
        if arguments.json:
            print_json(shown)
        else:
            print(shown["text"], end="")
            print(f"\nYes: bellpull-agent consent approve {shown['id']}")
            print(f"No:  bellpull-agent consent refuse {shown['id']}   (or wait: no answer means no)")
        return Exit.FINE
    if arguments.act == "refuse":
        call(state, "consent-decide", id=shown["id"], approve=False)
        return _told({"approved": False}, wants_json=arguments.json)
    say(shown["text"])
    _let_read(shown)
    answer = call(
        state,
        "consent-decide",
        id=shown["id"],
        approve=True,
        text_sha256=shown["text_sha256"],
        scopes=arguments.scope,
        minutes=arguments.minutes,
        method=ConsentMethod.COMMAND.value,
    )
    return _told(answer, wants_json=arguments.json)


def _told(answer: dict[str, Any], *, wants_json: bool) -> int:
    if wants_json:
        print_json(answer)
    elif answer["approved"]:
        print(f"You said yes for {answer['minutes']} minutes to: {', '.join(answer['scopes'])}.")
        print("Stop at any time: bellpull-agent stop")
    else:
        print("You said no. Nobody was let in, and nobody can ask again for half an hour unless you ask for help.")
    return Exit.FINE


def _let_read(shown: dict[str, Any]) -> None:
    if shown["risk"] >= 3:
        say(f"Please read the warning above. Going on in {RISK3_WAIT_S} seconds; Ctrl-C means no.")
        time.sleep(RISK3_WAIT_S + 0.2)


def _watch(state: Path) -> int:
    """Wait at the terminal; show each question and take its answer. Enter alone is no."""
    if not sys.stdin.isatty():
        raise Refusal(
            "nobody can be asked here",
            expected="a terminal with a person at it",
            got="no terminal",
            hint="Use: bellpull-agent consent list, then consent approve ID",
        )
    say("Waiting for somebody who asks to connect. Ctrl-C ends the waiting, not the service.")
    seen: set[str] = set()
    while True:
        for prompt in call(state, "consent-list")["pending"]:
            if prompt["id"] not in seen:
                seen.add(prompt["id"])
                _ask_here(state, prompt["id"])
        time.sleep(_LOOK_S)


def _ask_here(state: Path, prompt_id: str) -> None:
    shown = call(state, "consent-show", id=prompt_id)
    print("\n" + "─" * 72 + "\n" + shown["text"])
    offered = [Scope(each["scope"]) for each in shown["scopes"]]
    for number, scope in enumerate(offered, start=1):
        print(f"  {number}. {scope_line(scope)}")
    _let_read(shown)
    print(
        f"\nType  yes  to allow all of this for {shown['minutes']} minutes, numbers (1 3) to allow only these,\n"
        "yes for 5  or  1 3 for 5  to allow it for 5 minutes, or press Enter for no: ",
        end="",
    )
    sys.stdout.flush()
    ready, _, _ = select.select([sys.stdin], [], [], shown["expires_in_s"])
    if not ready:
        print("\nNo answer: that was a no.")
        return
    scopes, minutes = chosen(sys.stdin.readline(), offered, shown["minutes"])
    try:
        if not scopes:
            call(state, "consent-decide", id=prompt_id, approve=False)
            print("You said no. Nobody was let in.")
            return
        answer = call(
            state,
            "consent-decide",
            id=prompt_id,
            approve=True,
            text_sha256=shown["text_sha256"],
            scopes=[scope.value for scope in scopes],
            minutes=minutes,
            method=ConsentMethod.TERMINAL.value,
        )
    except Refusal as error:
        print(f"{error}")
        return
    _told(answer, wants_json=False)


def chosen(typed: str, offered: list[Scope], minutes: int) -> tuple[list[Scope], int]:
    """What a typed line allows, and for how long. Only `yes` is everything; anything that is not clear is nothing.

    `yes` · `yes for 5` · `1 3` · `1,3 for 10`. `minutes`: what was asked, and the most.
    """
    words = typed.strip().lower().replace(",", " ").split()
    if len(words) > 2 and words[-2] in ("for", "на"):
        if not _is_number(words[-1], minutes):
            return [], minutes
        minutes = int(words[-1])
        words = words[:-2]
    if words in (["yes"], ["да"]):
        return offered, minutes
    if not words or not all(_is_number(word, len(offered)) for word in words):
        return [], minutes
    return [offered[number - 1] for number in sorted({int(word) for word in words})], minutes


def _is_number(word: str, most: int) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 5 and 1 <= int(word) <= most


COMMAND = Command(
    name="consent",
    help="Answer a technician who asks to connect. No answer is a no, and so is anything unclear.",
    example="bellpull-agent consent list\n  bellpull-agent consent approve 3 --scope diagnose --minutes 15",
    add_arguments=add_arguments,
    run=run,
)
