"""`bellpull-agent report-abuse`: something about a visit was wrong. Ends it, and lets nobody in from now on."""

import argparse
import os
import time
from pathlib import Path
from typing import Any

from agent.cli.command import Command, Exit, ask_yes_no, folder_of, print_json, say
from agent.local.client import ServiceAbsent, call
from agent.refusal import Refusal
from diagnostics.plain_text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="?", default="", help="what happened, in your own words; kept on this computer")
    parser.add_argument(
        "--tell-organisation", action="store_true", help="also send these words (nothing else) to your organisation"
    )
    parser.add_argument("--receipt", metavar="ID", help="the visit it is about, when it is over")
    parser.add_argument("--list", action="store_true", help="what was reported on this computer, and whether it holds")
    parser.add_argument(
        "--export", nargs=2, metavar=("NUMBER", "FILE"), help="one report with its receipt and journal, as a file"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask again")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    if arguments.list:
        return _list(call(state, "abuse-list"), wants_json=arguments.json)
    if arguments.export is not None:
        number, file = arguments.export
        return _export(state, number, Path(file), wants_json=arguments.json)
    if arguments.tell_organisation and not arguments.words.strip():
        raise Refusal(
            "there are no words to send",
            expected='bellpull-agent report-abuse "what happened" --tell-organisation',
            got="no words",
        )
    say("This ends every visit now. Nobody can connect again until an administrator of this computer lifts it.")
    if not arguments.yes and not ask_yes_no("Report abuse?"):
        return Exit.PROBLEM
    return _report(state, arguments)


def _report(state: Path, arguments: argparse.Namespace) -> int:
    told: dict[str, Any] = {"words": arguments.words.strip(), "tell_desk": arguments.tell_organisation}
    if arguments.receipt is not None:
        told["grant"] = arguments.receipt.lower()
    try:
        done = call(state, "abuse-report", **told)
    except ServiceAbsent:
        # No service, no door: but what it may have left running is ended, and the person told the truth.
        from agent.session.host_process import kill_marked, mark_of

        kill_marked(mark_of(state))
        raise
    if arguments.json:
        print_json(done)
        return Exit.FINE
    print("Nobody is connected to this computer, and nobody can connect.")
    if done["technician"]:
        print(f"The report is about {printable(done['technician'])} of {printable(done['organisation'])}.")
    print(f"It is kept here as number {done['number']}: bellpull-agent report-abuse --export {done['number']} FILE")
    if done["told_desk"]:
        print("Your words are on their way to your organisation; nothing else of the report is.")
    elif done["problem"]:
        print(f"Your words could not be sent: {printable(done['problem'])}. They are kept here.")
    print("When all is well again, an administrator of this computer lifts it: bellpull-agent unfreeze")
    return Exit.FINE


def _list(found: dict[str, Any], *, wants_json: bool) -> int:
    if wants_json:
        print_json(found)
        return Exit.FINE
    print("Nobody can connect: abuse was reported." if found["frozen"] else "No report is open; visits are possible.")
    for report in found["reports"]:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(report["reported_at"]))
        about = f" about {printable(report['technician'])}" if report["technician"] else ""
        lifted = "" if report["lifted_at"] is None else f"; lifted by {printable(report['lifted_by'] or '')}"
        print(f"{report['number']}: {when}, by {printable(report['reported_by'])}{about}{lifted}")
        if report["words"]:
            print(f"   {printable(report['words'], 400)}")
    return Exit.FINE


def _export(state: Path, number: str, target: Path, *, wants_json: bool) -> int:
    if not (number.isascii() and number.isdigit()):
        raise Refusal("this is not the number of a report", expected="a number", got=number[:20])
    found = call(state, "abuse-export", number=int(number))
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Refusal(
            "the file cannot be written", expected=f"a new file {target}", got=error.strerror or str(error)
        ) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(found["export"])
    if wants_json:
        print_json({"file": str(target), "number": found["number"]})
    else:
        print(f"Written: {target}. It holds your words, the receipt with every signature, and the journal.")
    return Exit.FINE


COMMAND = Command(
    name="report-abuse",
    help="Something about a visit was wrong: end it, and let nobody in until an administrator lifts that.",
    example='bellpull-agent report-abuse "He asked for my banking password"\n'
    "  bellpull-agent report-abuse --export 1 report.json",
    add_arguments=add_arguments,
    run=run,
)
