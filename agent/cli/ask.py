"""`bellpull-agent ask "words"`: ask for help. Shows what would be sent, asks, then sends."""

import argparse
from pathlib import Path
from typing import Any

from agent.cli.command import Command, Exit, WrongUse, ask_yes_no, folder_of, print_json, say
from agent.local.client import call
from diagnostics.plain_text import printable

_LISTED_MAX = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="?", default="", help="what is wrong, in your own words; the desk reads them")
    parser.add_argument("--ticket", metavar="TICKET", help="send a bundle for this ticket, which is open already")
    parser.add_argument("--finding", metavar="FP", help="the fingerprint of the finding it is about (from status)")
    parser.add_argument("--no-bundle", action="store_true", help="send the words without a bundle of evidence")
    parser.add_argument(
        "--leave-out", action="append", default=[], metavar="WHAT", help="leave out this category or file; repeat it"
    )
    parser.add_argument("--yes", action="store_true", help="send without asking (you know what a bundle holds)")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    if arguments.ticket is not None:
        return _add(state, arguments)
    if not arguments.words and arguments.finding is None:
        raise WrongUse("there is nothing to ask", expected="some words, --finding, or --ticket", got="nothing")
    answer = call(state, "ask-answer")["answer"]
    if answer is not None:
        for line in answer_lines(answer):
            say(line)
        if not arguments.yes and ask_yes_no("Does this answer it, so that nothing needs to be sent?"):
            say("Nothing was sent.")
            if arguments.json:
                print_json({"sent": False, "answered_by": answer["issue"]})
            return Exit.FINE
    preview = None
    if not arguments.no_bundle:
        say("Collecting and redacting what may help. Nothing is sent yet.")
        preview = call(state, "ask-preview")
        if not preview["recipients"]:
            call(state, "ask-drop", preview=preview["preview"])
            say("The organisation has not published to whom a bundle is sealed: only your words will go.")
            preview = None
    categories, paths = _left_out(preview, arguments.leave_out)
    if preview is not None:
        _show(preview, categories, paths)
    say(f"Your words, which the desk reads: {printable(arguments.words, 4000)}")
    if not arguments.yes and not ask_yes_no("Send this?"):
        if preview is not None:
            call(state, "ask-drop", preview=preview["preview"])
        say("Nothing was sent.")
        if arguments.json:
            print_json({"sent": False})
        return Exit.PROBLEM
    done = call(
        state,
        "ask-send",
        words=arguments.words,
        preview=None if preview is None else preview["preview"],
        untick_categories=categories,
        untick_paths=paths,
        finding=arguments.finding,
    )
    if arguments.json:
        print_json({"sent": True, **done})
    else:
        print(f"Ticket {done['ticket']} is open.")
        if done["bundle"] is not None:
            bundle = done["bundle"]
            print(f"Its bundle is sealed ({bundle['files']} files, {_size(bundle['bytes'])}) and on its way.")
        print("What happens next: bellpull-agent tickets")
    return Exit.FINE


def _add(state: Path, arguments: argparse.Namespace) -> int:
    """A bundle for an open ticket: seen first, like every other."""
    if arguments.words or arguments.no_bundle or arguments.finding is not None:
        raise WrongUse("--ticket sends a bundle and nothing else", expected="--ticket TICKET", got="more")
    ticket = call(state, "ticket", ticket=arguments.ticket)
    if ticket["evidence_asked_by"]:
        say(f"{printable(ticket['evidence_asked_by'], 120)} (verified) asks for evidence. You decide what goes.")
    say("Collecting and redacting what may help. Nothing is sent yet.")
    preview = call(state, "ask-preview")
    categories, paths = _left_out(preview, arguments.leave_out)
    _show(preview, categories, paths)
    if not arguments.yes and not ask_yes_no("Send this?"):
        call(state, "ask-drop", preview=preview["preview"])
        say("Nothing was sent.")
        if arguments.json:
            print_json({"sent": False})
        return Exit.PROBLEM
    done = call(
        state,
        "ask-add",
        ticket=arguments.ticket,
        preview=preview["preview"],
        untick_categories=categories,
        untick_paths=paths,
    )
    if arguments.json:
        print_json({"sent": True, **done})
    else:
        bundle = done["bundle"]
        print(f"The bundle is sealed ({bundle['files']} files, {_size(bundle['bytes'])}) and on its way.")
    return Exit.FINE


def answer_lines(answer: dict[str, Any]) -> list[str]:
    """What the organisation has written for such a case, in its own signed words."""
    words = answer["words"]["en"]
    lines = [
        "",
        f"Your organisation may know this already ({printable(answer['certainty'], 20)}):",
        f"  {printable(words['title'], 200)}",
        f"  {printable(words['text'], 2000)}",
    ]
    lines += [f"  {printable(answer['article'], 500)}"] if answer["article"] else []
    lines += [f"  see {printable(link, 300)}" for link in answer["links"]]
    lines += [f"  may help: bellpull-agent mend preview {printable(remedy, 64)}" for remedy in answer["remedies"]]
    return [*lines, ""]


def _left_out(preview: dict[str, Any] | None, wanted: list[str]) -> tuple[list[str], list[str]]:
    if preview is None:
        return [], []
    categories = [name for name in wanted if name in preview["categories"]]
    return categories, [name for name in wanted if name not in preview["categories"]]


def _show(preview: dict[str, Any], categories: list[str], paths: list[str]) -> None:
    say("")
    say(f"The bundle would be sealed to {', '.join(printable(name, 80) for name in preview['recipients'])}:")
    shown = 0
    for file in preview["files"]:
        left_out = file["category"] in categories or file["path"] in paths
        if file["status"] == "ok" and shown < _LISTED_MAX:
            shown += 1
            mark = "left out" if left_out and file["can_untick"] else _size(file["bytes"])
            say(f"  {mark:>9}  {printable(file['path'], 90):<44} {printable(file['why'], 80)}")
    present = [file for file in preview["files"] if file["status"] == "ok"]
    if len(present) > shown:
        say(f"  … and {len(present) - shown} more")
    missing = len(preview["files"]) - len(present)
    if missing:
        say(f"  {missing} more could not be read or were withheld; the bundle says why.")
    taken = ", ".join(f"{kind} {count}" for kind, count in preview["redactions"].items()) or "nothing"
    say(f"Taken out before: {taken}.")
    say(f"About {_size(preview['estimated_bytes'])} to send. Leave something out with --leave-out CATEGORY:")
    say("  " + ", ".join(f"{name} {_size(size)}" for name, size in preview["categories"].items()))
    say("")


def _size(count: int) -> str:
    if count >= 1_000_000:
        return f"{count / 1e6:.1f} MB"
    return f"{count / 1e3:.1f} kB" if count >= 1000 else f"{count} B"


COMMAND = Command(
    name="ask",
    help="Ask for help: opens a ticket with your words and, if you agree, a sealed bundle that you see first.",
    example='bellpull-agent ask "The printer prints only hearts since this morning."',
    add_arguments=add_arguments,
    run=run,
)
