"""`bellpull-agent mend [list|preview ID|run ID|undo RUN|policy]`: fixes that this computer can do itself."""

import argparse
import time
from pathlib import Path
from typing import Any

from agent.cli.command import Command, Exit, ask_yes_no, folder_of, print_json, say
from agent.local.client import call
from agent.refusal import Refusal
from diagnostics.plain_text import printable

OUTCOMES = {
    "solved-mechanically": "It helped: the problem is gone.",
    "cleared-by-itself": "The problem had gone by itself before this could help.",
    "solved-by-a-person": "Shown as a guide.",
    "not-solved": "Done, but the problem is still there.",
    "rolled-back": "Everything was put back.",
    "not-needed": "There was nothing to do.",
    "refused": "Nothing was changed: it was refused.",
    "not-begun": "Nothing was changed: it did not begin.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", nargs="?", choices=("list", "preview", "run", "undo", "policy"), default="list")
    parser.add_argument("what", nargs="?", help="the name of a fix; with undo: the id of a run")
    parser.add_argument("--finding", metavar="FP", help="the finding it is meant to cure (from status)")
    parser.add_argument("--yes", action="store_true", help="agree to the steps without being asked")
    policy = parser.add_argument_group("policy", "what the owner of this computer lets run without asking")
    policy.add_argument("--alone", choices=("yes", "no"), help="safe fixes (risk 1) may run without asking")
    policy.add_argument("--quiet", metavar="HH:MM-HH:MM", help='no fix runs alone then; "" for no quiet hours')
    policy.add_argument("--runs-a-day", type=int, metavar="N", help="at most so many run alone in 24 hours")
    policy.add_argument("--stop", action="store_true", help="no fix runs at all, asked or not")
    policy.add_argument("--go", action="store_true", help="lift the stop")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    if arguments.act == "list":
        return _list(state, wants_json=arguments.json)
    if arguments.act == "policy":
        return _policy(state, arguments)
    if arguments.what is None:
        raise Refusal(
            f"what do you mean to {arguments.act}?",
            expected=f"bellpull-agent mend {arguments.act} NAME",
            got="no name",
            hint="List the fixes: bellpull-agent mend",
        )
    if arguments.act == "undo":
        return _told(call(state, "remedy-undo", run=arguments.what), wants_json=arguments.json)
    preview = call(state, "remedy-preview", remedy=arguments.what, finding=arguments.finding)
    if arguments.act == "preview" and arguments.json:
        print_json(preview)
        return Exit.FINE
    tell = print if arguments.act == "preview" else say
    tell(f"{preview['title']}. {preview['text']}")
    for number, step in enumerate(preview["steps"], start=1):
        tell(f"  {number}. {printable(step, 400)}")
    if arguments.act == "preview":
        print(f"Nothing was changed. To do it: bellpull-agent mend run {arguments.what}")
        return Exit.FINE
    if not arguments.yes and not ask_yes_no("Do exactly this?"):
        say("Nothing was changed.")
        return Exit.PROBLEM
    return _told(call(state, "remedy-run", preview=preview["preview"]), wants_json=arguments.json)


def _list(state: Path, *, wants_json: bool) -> int:
    found = call(state, "remedies")
    remedies = found["remedies"]
    if wants_json:
        print_json(found)
        return Exit.FINE
    for remedy in remedies:
        print(f"{remedy['id']}: {remedy['title']}")
        print(f"  {remedy['text']}")
        if remedy["not_now"]:
            print(f"  Not now: {remedy['not_now']}.")
        for each in remedy["runs"]:
            print(f"  {_run_line(each)}")
    print(_policy_line(found["policy"]))
    counted = ", ".join(f"{name} {count}" for name, count in found["outcomes"].items())
    print(f"How fixes have ended here: {counted or 'none has run yet'}.")
    return Exit.FINE


def _policy(state: Path, arguments: argparse.Namespace) -> int:
    if arguments.stop and arguments.go:
        raise Refusal("stop or go?", expected="one of --stop and --go", got="both")
    policy = call(
        state,
        "remedy-policy",
        alone=None if arguments.alone is None else arguments.alone == "yes",
        quiet=arguments.quiet,
        runs_a_day=arguments.runs_a_day,
        stop=True if arguments.stop else False if arguments.go else None,
    )
    if arguments.json:
        print_json(policy)
    else:
        print(_policy_line(policy))
    return Exit.FINE


def _policy_line(policy: dict[str, Any]) -> str:
    if policy["stop"]:
        return "All fixes are stopped. Lift it: bellpull-agent mend policy --go"
    if not policy["alone"]:
        return "No fix runs without asking. Safe ones may: bellpull-agent mend policy --alone yes"
    quiet = f", never within {policy['quiet']}" if policy["quiet"] else ""
    return f"Safe fixes (risk 1) run without asking, at most {policy['runs_a_day']} in 24 hours{quiet}."


def _run_line(run: dict[str, Any]) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run["asked_at"]))
    if run["outcome"] is not None:
        return f"{when}  {OUTCOMES.get(run['outcome'], run['outcome'])} {printable(run['detail'], 200)}"
    if run["watch_until"] is not None:
        until = time.strftime("%Y-%m-%d %H:%M", time.localtime(run["watch_until"]))
        return f"{when}  done, watched until {until}; put it back: bellpull-agent mend undo {run['run']}"
    return f"{when}  going on ({run['next']})"


def _told(ending: dict[str, Any], *, wants_json: bool) -> int:
    if wants_json:
        print_json(ending)
    elif ending["outcome"] is None:
        until = time.strftime("%Y-%m-%d %H:%M", time.localtime(ending["watch_until"]))
        print(f"Done, and watched until {until}.")
        print(f"Put everything back until then: bellpull-agent mend undo {ending['run']}")
    else:
        print(f"{OUTCOMES.get(ending['outcome'], ending['outcome'])} {printable(ending['detail'], 400)}")
    bad = ending["outcome"] in ("refused", "not-begun", "not-solved")
    return Exit.PROBLEM if bad else Exit.FINE


COMMAND = Command(
    name="mend",
    help="Fixes that this computer can do itself: see the exact steps, agree, and put them back if you miss anything.",
    example="bellpull-agent mend preview clean-user-cache\n  bellpull-agent mend run clean-user-cache",
    add_arguments=add_arguments,
    run=run,
)
