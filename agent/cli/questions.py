"""`bellpull-agent questions [yes|no ID]`: what a connected technician asks you to agree to besides the visit itself."""

import argparse
from typing import Any

from agent.cli.command import Command, Exit, WrongUse, ask_yes_no, folder_of, print_json, say
from agent.local.client import call
from agent.refusal import Refusal
from diagnostics.plain_text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", nargs="?", choices=("list", "yes", "no"), default="list")
    parser.add_argument("id", nargs="?", help="the number of the question")
    parser.add_argument(
        "--leave-out", metavar="WHAT", action="append", default=[], help="a subject or file of a bundle"
    )
    parser.add_argument("--sure", action="store_true", help="agree without being asked again")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    questions = call(state, "question-list")["questions"]
    if arguments.act == "list":
        if arguments.json:
            print_json({"questions": questions})
        elif not questions:
            print("Nothing is asked now.")
        else:
            print("\n\n".join(_words(question) for question in questions))
        return Exit.FINE
    if arguments.id is None:
        raise WrongUse("which question?", expected=f"bellpull-agent questions {arguments.act} ID", got="no number")
    question = next((each for each in questions if each["id"] == arguments.id), None)
    if question is None:
        raise Refusal("there is no such open question", expected="one that `questions` lists", got=arguments.id[:20])
    yes = arguments.act == "yes"
    if yes and not arguments.sure:
        say(_words(question))
        yes = ask_yes_no("Agree to exactly this?")
    answered = call(state, "question-answer", **_answer(question, yes, arguments.leave_out))
    if arguments.json:
        print_json(answered)
    else:
        print("Agreed." if answered["answered"] else "Refused; nothing happens.")
    return Exit.FINE


def _answer(question: dict[str, Any], yes: bool, leave_out: list[str]) -> dict[str, Any]:
    """What is left out names a subject of the bundle, or else a file in it."""
    subjects = set() if question["preview"] is None else set(question["preview"].get("categories", {}))
    return {
        "id": question["id"],
        "yes": yes,
        "text_sha256": question["text_sha256"] if yes else None,
        "untick_categories": [what for what in leave_out if what in subjects],
        "untick_paths": [what for what in leave_out if what not in subjects],
    }


def _words(question: dict[str, Any]) -> str:
    lines = [f"Question {question['id']} (answer within {question['expires_in_s']} s):"]
    lines += [f"  {printable(each, 400)}" for each in question["text"].split("\n")]
    if question["preview"] is not None:
        sizes = question["preview"].get("categories", {})
        lines += [f"    {printable(name, 60)}: {size} bytes" for name, size in sizes.items()]
        lines.append("  Leave something out with --leave-out NAME; nothing is sent before you agree.")
    return "\n".join(lines)


COMMAND = Command(
    name="questions",
    help="What a connected technician asks you to agree to: a fix, its undoing, a bundle. Silence is a no.",
    example="bellpull-agent questions yes 3",
    add_arguments=add_arguments,
    run=run,
)
