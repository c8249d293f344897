"""`bellpull-agent tickets`: your tickets, with what it costs, what is done, what comes next, and when."""

import argparse
import time
from typing import Any

from agent.cli.command import Command, Exit, WrongUse, folder_of, print_json
from agent.local.client import call
from diagnostics.plain_text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ticket", nargs="?", metavar="TICKET", help="show this one with its messages")
    parser.add_argument("--say", metavar="WORDS", help="add your words to TICKET")
    parser.add_argument("--helped", choices=("yes", "no"), help='answer "did it help?" on TICKET, which is solved')
    parser.add_argument("--mark", type=int, choices=range(1, 6), help="with --helped: 1 to 5, 5 is best")
    parser.add_argument("--json", action="store_true", help="as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    if arguments.say is not None:
        if arguments.ticket is None:
            raise WrongUse("--say needs a ticket", expected="TICKET --say WORDS", got="no ticket")
        call(state, "ticket-text", ticket=arguments.ticket, text=arguments.say)
    if arguments.helped is not None:
        if arguments.ticket is None:
            raise WrongUse("--helped needs a ticket", expected="TICKET --helped yes", got="no ticket")
        call(state, "ticket-verdict", ticket=arguments.ticket, helped=arguments.helped == "yes", mark=arguments.mark)
    elif arguments.mark is not None:
        raise WrongUse("--mark goes with --helped", expected="TICKET --helped yes --mark 5", got="--mark alone")
    if arguments.ticket is not None:
        shown = call(state, "ticket", ticket=arguments.ticket)
        if arguments.json:
            print_json(shown)
        else:
            print("\n".join(_one(shown) + _messages(shown["messages"])))
        return Exit.FINE
    tickets = call(state, "tickets")["tickets"]
    if arguments.json:
        print_json({"tickets": tickets})
    elif not tickets:
        print('No tickets. To ask for help: bellpull-agent ask "what is wrong"')
    else:
        print("\n\n".join("\n".join(_one(ticket)) for ticket in tickets))
    return Exit.FINE


def _one(ticket: dict[str, Any]) -> list[str]:
    why = ticket["words"] or (ticket["finding"] or {}).get("code", "")
    lines = [f"{ticket['ticket']}  {ticket['state']}  {printable(why, 100)}"]
    if ticket["evidence_asked_by"]:
        lines += [
            f"  {printable(ticket['evidence_asked_by'], 120)} (verified) asks for evidence. See it, then decide:",
            f"    bellpull-agent ask --ticket {ticket['ticket']}",
        ]
    if ticket["asks_whether_it_helped"]:
        lines += ["  Did it help?", f"    bellpull-agent tickets {ticket['ticket']} --helped yes --mark 5"]
    if ticket["verdict"] is not None:
        mark = ticket["verdict"]["mark"]
        said = "it helped" if ticket["verdict"]["helped"] else "it did not help"
        lines.append(f"  You said: {said}" + ("" if mark is None else f", {mark} of 5"))
    facts = ticket["facts"]
    if facts is None:
        return [*lines, "  The desk has not answered yet."]
    eta, *earlier = (
        time.strftime("%Y-%m-%d %H:%M", time.localtime(each)) for each in (facts["eta"], *ticket["earlier_etas"])
    )
    return [
        *lines,
        f"  Cost:   {printable(facts['cost'], 300)}",
        f"  Now:    {printable(facts['doing'], 300)}",
        f"  Next:   {printable(facts['next'], 300)}",
        f"  Expect: {eta}" + (f" (before: {', '.join(earlier)})" if earlier else ""),
    ]


def _messages(messages: list[dict[str, Any]]) -> list[str]:
    lines = []
    for message in messages:
        match message["kind"]:
            case "verified":
                author = f"{printable(message['author'], 120)} (verified)"
            case "own":
                author = "you"
            case _:
                author = "via the server, not verified"
        lines += ["", f"  {author}:", *(f"    {printable(line, 1000)}" for line in message["text"].splitlines())]
    return lines


COMMAND = Command(
    name="tickets",
    help="Your tickets: what each costs, what is being done, what comes next and when to expect it.",
    example='bellpull-agent tickets 0193…-… --say "It happened again this morning."',
    add_arguments=add_arguments,
    run=run,
)
