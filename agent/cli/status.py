"""`bellpull-agent status`: what the service does, and what waits to be sent."""

import argparse
import time
from pathlib import Path
from typing import Any

from agent.cli.command import Command, Exit, folder_of, print_json
from agent.local.client import call
from diagnostics.plain_text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--clock-is-right",
        action="store_true",
        help="say that this machine's clock is right after it leapt ahead by more than a day",
    )
    parser.add_argument("--json", action="store_true", help="everything as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    folder = folder_of(arguments)
    if arguments.clock_is_right:
        call(folder.root, "confirm-clock")
    status = call(folder.root, "status")
    dead = call(folder.root, "dead-letters")["dead_letters"]
    visits = _visits(folder.root) if status["enrolled"] else {}
    if arguments.json:
        print_json({**status, "dead_letters": dead, **visits})
    else:
        for line in [*lines_of(status, dead, int(time.time())), *(visit_lines(visits) if visits else [])]:
            print(line)
    return Exit.PROBLEM if is_problem(status) or visits.get("frozen", False) else Exit.FINE


def _visits(state: Path) -> dict[str, Any]:
    """Who is here, whether anybody can come, and who may while nobody is here."""
    return {
        "sessions": call(state, "session-list")["sessions"],
        "frozen": call(state, "abuse-list")["frozen"],
        "unattended": call(state, "policy-show"),
    }


def visit_lines(visits: dict[str, Any]) -> list[str]:
    """The door: who is connected and what they do now, a freeze, an unattended policy."""
    lines = []
    for live in visits["sessions"]:
        if live["state"] not in ("active", "paused", "stopping"):
            continue
        who = f"{printable(live['technician'], 120)} of {printable(live['organisation'], 120)}, tier {live['tier']}"
        state = {"paused": "lost the connection and may come back", "stopping": "is leaving"}.get(live["state"])
        lines.append(f"Visit        {who}: {state or _span(live['seconds_left']) + ' left'}")
        lines += [f"Right now    they {printable(doing, 300)}" for doing in live["doing"]]
        lines.append("             stop it: bellpull-agent stop; allow less: bellpull-agent stop --keep SCOPE")
    if visits["frozen"]:
        lines.append("FROZEN       abuse was reported; nobody can connect until: bellpull-agent unfreeze")
    policy = visits["unattended"]
    if policy["problem"]:
        lines.append(f"Unattended   the policy does not hold: {printable(policy['problem'], 200)}")
    elif policy["policy"] is not None:
        lines.append(f"Unattended   policy version {policy['version']}: bellpull-agent policy show")
    return lines


def is_problem(status: dict[str, Any]) -> bool:
    """Something a person should look at: a finding, an alarm, or a service that is not a member of anything."""
    return bool(status["health"]["visible"] or status["alarms"] or status["health"]["trouble"])


def lines_of(status: dict[str, Any], dead: list[dict[str, Any]], now: int) -> list[str]:
    """The screen, line by line. Whatever a server said is escaped."""
    process = status["process"]
    lines = [f"Service      running, {process['rss_bytes'] / 1e6:.0f} MB, {process['cpu_s']} s of processor time"]
    lines += _membership(status)
    lines += _link(status["link"], now)
    lines += _outbox(status["outbox"], status["uploads"], dead, now)
    if status["clock_held_back_s"]:
        lines.append(
            f"Clock        this machine's clock is {_span(status['clock_held_back_s'])} ahead of what can be believed; "
            "if it is right: bellpull-agent status --clock-is-right"
        )
    lines += [
        f"ALARM        {alarm['kind']}: {printable(alarm['name'], 120)} "
        f"(expected {printable(alarm['expected'], 80)}, got {printable(alarm['got'], 80)})"
        for alarm in status["alarms"]
    ]
    return lines + _health(status["health"], now)


def _membership(status: dict[str, Any]) -> list[str]:
    member = status["membership"]
    if member is None:
        return ["Enrolled     no; checks run, nothing is sent. Next: bellpull-agent enrol TOKEN"]
    approved = f"yes, as a device of {printable(member['customer'], 120)}"
    return [
        f"Device       {member['device']}",
        f"Answers to   {printable(member['organisation'], 120)} at {member['origin']}, and to nobody else",
        f"Approved     {approved if member['approved'] else printable(member['approval'], 160)}",
    ]


def _link(link: dict[str, Any] | None, now: int) -> list[str]:
    if link is None:
        return []
    if link["state"] == "connected":
        return [f"Connection   up for {_span(now - (link['connected_since'] or now))}"]
    wait = link["next_attempt_s"]
    soon = "" if wait is None else f"; next attempt in {wait:.0f} s"
    return [f"Connection   {link['state']}: {printable(link['trouble'] or 'no attempt yet', 200)}{soon}"]


def _outbox(
    outbox: dict[str, Any] | None, uploads: list[dict[str, Any]], dead: list[dict[str, Any]], now: int
) -> list[str]:
    if outbox is None:
        return []
    lines = ["Outbox       empty"]
    if outbox["items"]:
        age = _span(now - outbox["oldest_queued_at"])
        lines = [f"Outbox       {outbox['items']} items, {outbox['bytes']} bytes, the oldest {age} old"]
    lines += [
        f"Bundle       {upload['id']}: {upload['state']}, {upload['size_bytes']} bytes "
        f"{printable(upload['reason'], 160)}"
        for upload in uploads
        if upload["state"] != "done"
    ]
    lines += [
        f"Refused      {letter['kind']} {letter['id']}: {printable(letter['reason'], 200)}" for letter in dead[:10]
    ]
    if len(dead) > 10:
        lines.append(f"Refused      and {len(dead) - 10} more: bellpull-agent status --json")
    return lines


def _health(health: dict[str, Any], now: int) -> list[str]:
    looked = health["looked_at"]
    when = "not yet" if looked is None else f"{_span(now - looked)} ago"
    skipped = sum(check["status"] == "skipped" for check in health["checks"])
    lines = [f"Last look    {when}, {len(health['checks'])} checks, {skipped} skipped"]
    lines += [
        f"Waits        {printable(', '.join(checks), 300)} ({printable(reason, 80)})"
        for reason, checks in _by_reason(health.get("waiting", {})).items()
    ]
    if health["trouble"]:
        lines.append(f"Trouble      {printable(health['trouble'], 300)}")
    if not health["visible"]:
        return [*lines, "Health       " + ("not looked yet" if looked is None else "nothing to report")]
    return lines + [
        f"{found['severity'].upper():<12} {printable(found['title'], 160)}  [{printable(found['fingerprint'], 120)}]"
        for found in health["visible"]
    ]


def _by_reason(waiting: dict[str, str]) -> dict[str, list[str]]:
    """What a look waits for → its checks."""
    found: dict[str, list[str]] = {}
    for check, reason in sorted(waiting.items()):
        found.setdefault(reason, []).append(check)
    return found


def _span(seconds: int) -> str:
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{max(0, seconds)} s"


COMMAND = Command(
    name="status",
    help="What the service does: whom it answers to, the connection, what waits to be sent, what was found.",
    example="bellpull-agent status --json",
    add_arguments=add_arguments,
    run=run,
)
