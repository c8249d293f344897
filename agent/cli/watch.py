"""`bellpull-agent watch list|add|remove`: applications beside this program that it looks after too."""

import argparse
import re
import time
from pathlib import Path
from typing import Any

from agent.cli.command import Command, Exit, WrongUse, ask_yes_no, folder_of, print_json, say
from agent.local.client import call
from agent.refusal import Refusal
from diagnostics.plain_text import printable
from diagnostics.strict_json import decode
from diagnostics.vendors.application import Application, WrongApplication, parse_application, text_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", nargs="?", choices=("list", "add", "remove"), default="list")
    parser.add_argument("what", nargs="?", metavar="NAME|FILE", help="one that ships or is offered, or a file")
    parser.add_argument("--yes", action="store_true", help="do not ask again")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    if arguments.act == "list":
        if arguments.what is not None:
            raise WrongUse("list takes no name", expected="bellpull-agent watch list", got=arguments.what)
        return _list(call(state, "watches"), wants_json=arguments.json)
    if arguments.what is None:
        raise WrongUse(f"{arguments.act} what?", expected="a name or a file", got="nothing")
    if arguments.act == "add":
        return _add(state, arguments)
    removed = call(state, "watch-remove", name=arguments.what[:64])
    if arguments.json:
        print_json(removed)
    else:
        print(f"{printable(removed['application']['title'])} is not watched any more, whoever asks for it.")
    return Exit.FINE


def _add(state: Path, arguments: argparse.Namespace) -> int:
    text = _file_text(arguments.what) if is_file(arguments.what) else _text_named(state, arguments.what)
    wanted = _parsed(text)
    say("This computer's owner lets this program look after:")
    for line in lines_of(wanted):
        say(f"  {line}")
    say("Logs and settings go to nobody by this. A bundle may hold them, redacted; you see each file before it goes.")
    if not arguments.yes and not ask_yes_no("Watch it?"):
        say("Nothing was changed.")
        return Exit.PROBLEM
    done = call(state, "watch-add", text=text)  # word for word what was shown
    if arguments.json:
        print_json(done)
    else:
        print(f"{printable(wanted.title)} is watched. Take it back: bellpull-agent watch remove {wanted.application}")
    return Exit.FINE


def applications_here(state: Path) -> tuple[Application, ...]:
    """What is watched, as the running service says; nothing where none runs."""
    try:
        return tuple(decode(Application, each["application"]) for each in call(state, "watches")["watched"])
    except Refusal:
        return ()


def is_file(what: str) -> bool:
    """A name has no dot and no slash."""
    return "/" in what or "." in what or "\\" in what


def _text_named(state: Path, name: str) -> str:
    if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) is None:
        raise WrongUse("this is no name of a watch", expected="a name like nginx, or ./file.toml", got=name)
    return str(call(state, "watch-text", name=name)["text"])


def _parsed(text: str) -> Application:
    try:
        return parse_application(text)
    except WrongApplication as error:
        raise WrongUse(
            "this cannot be watched",
            expected="a TOML file of one application's own files, services and programs",
            got=str(error),
        ) from None


def _file_text(what: str) -> str:
    try:
        return text_of(what)
    except WrongApplication as error:
        raise WrongUse("this file cannot be read", expected="a watch as TOML", got=str(error)) from None


def _list(found: dict[str, Any], *, wants_json: bool) -> int:
    if wants_json:
        print_json(found)
        return Exit.PROBLEM if found["unused"] else Exit.FINE
    if not found["watched"]:
        print("No application is watched here.")
    for each in found["watched"]:
        application = decode(Application, each["application"])
        print(f"{printable(application.title)} ({application.application}), {whose(each, found['organisation'])}:")
        for line in lines_of(application):
            print(f"  {line}")
        if each["settings_offered"]:
            print(f"  settings not read: bellpull-agent watch add {application.application} would allow it")
    for name in found["refused"]:
        print(f"Not watched, by the owner's word: {printable(name)}")
    for reason in found["unused"]:
        print(f"NOT USED {printable(reason, 300)}")
    print("To be added by name: " + ", ".join(printable(name) for name in found["shipped"]))
    return Exit.PROBLEM if found["unused"] else Exit.FINE


def whose(watched: dict[str, Any], organisation: str) -> str:
    if watched["wish"] == "owner":
        return f"by the owner's wish since {time.strftime('%Y-%m-%d', time.localtime(watched['since']))}"
    return f"by the wish of {printable(organisation)}"


def lines_of(application: Application) -> list[str]:
    """What is read and looked at, one subject a line."""
    lines = []
    for word, names in (
        ("logs", application.log_files),
        ("settings", application.config_files),
        ("services", application.services),
        ("programs", application.processes),
        ("versions of", application.packages),
    ):
        lines += [f"{word}: {', '.join(printable(name, 120) for name in names)}"] if names else []
    return lines


COMMAND = Command(
    name="watch",
    help="Applications beside this program that it looks after too: their logs, settings, services and programs.\n"
    "A watch names single files (logs below /var/log, .conf files in the application's own folder below /etc), never\n"
    "a pattern, and never keys or passwords. Adding one is for an administrator of this computer.",
    example="bellpull-agent watch add nginx\n  bellpull-agent watch add ./my-application.toml\n"
    "  bellpull-agent watch remove nginx",
    add_arguments=add_arguments,
    run=run,
)
