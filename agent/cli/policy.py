"""`bellpull-agent policy show|sign|withdraw`: who may come in while nobody is at this computer. For administrators."""

import argparse
import re
import time
from pathlib import Path
from typing import Any, Final

from agent.cli.command import Command, Exit, WrongUse, ask_yes_no, folder_of, print_json, say
from agent.local.client import call
from agent.refusal import Refusal
from diagnostics.plain_text import printable
from protocol.actions.scopes import MEANINGS, Scope
from protocol.limits import SESSION_MINUTES_MAX

_HOURS: Final = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)")
_DAY_MINUTES: Final = 24 * 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", nargs="?", choices=("show", "sign", "withdraw"), default="show")
    parser.add_argument(
        "--technician", action="append", metavar="SERIAL", help="with sign: this certificate (may be repeated)"
    )
    parser.add_argument("--tier", type=int, choices=(1, 2, 3), help="with sign: every technician of this tier or above")
    parser.add_argument(
        "--scope",
        action="append",
        choices=[scope.value for scope in Scope if MEANINGS[scope].risk < 3],
        help="with sign: allow this and nothing unnamed (may be repeated)",
    )
    parser.add_argument("--minutes", type=int, default=60, help=f"with sign: per visit, 1–{SESSION_MINUTES_MAX}")
    parser.add_argument("--hours", metavar="FROM-TO", help="with sign: in UTC, like 22:00-06:00 (default: all day)")
    parser.add_argument("--days", type=int, default=90, help="with sign: good for so long (default 90, at most 366)")
    parser.add_argument("--yes", action="store_true", help="do not ask again")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    state = folder_of(arguments).root
    match arguments.act:
        case "sign":
            return _sign(state, arguments)
        case "withdraw":
            done = call(state, "policy-withdraw")
            if arguments.json:
                print_json(done)
            else:
                print("Withdrawn. Nobody comes in unless somebody here says yes." if done["withdrawn"] else _NONE)
            return Exit.FINE
        case _:
            return _show(call(state, "policy-show"), wants_json=arguments.json)


_NONE: Final = "There is no policy: nobody comes in unless somebody at this computer says yes."


def _sign(state: Path, arguments: argparse.Namespace) -> int:
    begin, end = hours_of(arguments.hours)
    wanted: dict[str, Any] = {
        "serials": arguments.technician or [],
        "minimum_tier": arguments.tier,
        "scopes": arguments.scope or [],
        "minutes": arguments.minutes,
        "from_minute_utc": begin,
        "to_minute_utc": end,
        "days": arguments.days,
    }
    if not wanted["scopes"]:
        raise WrongUse("this policy allows nothing", expected="at least one --scope", got="none")
    say("This lets technicians in while nobody is at this computer, without a question:")
    for line in _lines({**wanted, "scopes": [_scope(name) for name in wanted["scopes"]]}):
        say(f"  {line}")
    say("Every visit leaves a receipt and a note on the page. A person here can stop it; a terminal is never given.")
    if not arguments.yes and not ask_yes_no("Sign it?"):
        return Exit.PROBLEM
    signed = call(state, "policy-sign", **wanted)
    if arguments.json:
        print_json(signed)
    else:
        until = time.strftime("%Y-%m-%d %H:%M", time.localtime(signed["not_after"]))
        print(
            f"Signed as version {signed['version']}, good until {until}. Take it back: bellpull-agent policy withdraw"
        )
    return Exit.FINE


def _show(found: dict[str, Any], *, wants_json: bool) -> int:
    if wants_json:
        print_json(found)
        return Exit.PROBLEM if found["problem"] else Exit.FINE
    if found["problem"]:
        raise Refusal(
            "the unattended policy does not hold, so nobody is let in by it",
            got=found["problem"],
            hint="Sign it anew: bellpull-agent policy sign; or: bellpull-agent policy withdraw",
        )
    policy = found["policy"]
    if policy is None:
        print(_NONE)
        return Exit.FINE
    print(f"Version {policy['version']}, signed {_day(policy['signed_at'])}, good until {_day(policy['not_after'])}:")
    for line in _lines(policy):
        print(f"  {line}")
    print("It would let somebody in now." if found["open_now"] else "It would let nobody in now.")
    return Exit.FINE


def _scope(name: str) -> dict[str, object]:
    return {"scope": name, "risk": MEANINGS[Scope(name)].risk, "sentence": MEANINGS[Scope(name)].sentence}


def _lines(policy: dict[str, Any]) -> list[str]:
    who = [f"certificate {printable(serial)}" for serial in policy["serials"]]
    if policy["minimum_tier"] is not None:
        who.append(f"technicians of tier {policy['minimum_tier']} or above")
    begin, end = policy["from_minute_utc"], policy["to_minute_utc"]
    hours = "at any hour" if (begin, end) == (0, _DAY_MINUTES) else f"{_clock(begin)}–{_clock(end)} UTC"
    lines = [f"who: {', '.join(who) or 'nobody'}", f"when: {hours}, up to {policy['minutes']} minutes a visit"]
    lines += [
        f"may: {each['sentence']}{' (changes this computer)' if each['risk'] >= 2 else ''}" for each in policy["scopes"]
    ]
    return lines


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _day(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def hours_of(text: str | None) -> tuple[int, int]:
    """`22:00-06:00` as minutes of the day; the whole day for None. WrongUse for anything else."""
    if text is None:
        return 0, _DAY_MINUTES
    found = _HOURS.fullmatch(text)
    minutes = [int(part) for part in found.groups()] if found else []
    begin, end = (minutes[0] * 60 + minutes[1], minutes[2] * 60 + minutes[3]) if found else (0, 0)
    if begin == end or max(begin, end) > _DAY_MINUTES:
        raise WrongUse("these are no hours", expected="FROM-TO in UTC, like 22:00-06:00", got=text[:40])
    return begin, end


COMMAND = Command(
    name="policy",
    help="Unattended machines: who may come in while nobody is here. Only what an administrator signed.",
    example="bellpull-agent policy sign --tier 2 --scope diagnose --scope logs --hours 22:00-06:00 --days 30\n"
    "  bellpull-agent policy withdraw",
    add_arguments=add_arguments,
    run=run,
)
