"""`bellpull-agent doctor`: what can be read on this machine and what not, and how the agent itself is doing.

Works without enrolment and without the service. The one thing it touches outside is the own server's port, and only
when the service, which knows better, does not answer.
"""

import argparse
import shutil
import socket
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from agent.cli.command import Command, Exit, folder_of, print_json, say
from agent.identity.identity import Identity
from agent.local.client import ServiceAbsent, call
from agent.paths import StateFolder
from agent.refusal import Refusal
from diagnostics.plain_text import printable

_CONNECT_S: Final = 5.0
# Below this the database cannot grow and the next bundle does not fit.
_DISK_LEAST_BYTES: Final = 200 * 1024 * 1024
# A device that reaches its server empties its outbox within minutes.
_OUTBOX_OLD_S: Final = 6 * 3600
_EXPLAINED: Final = """
exit codes: 0 nothing to do, 1 something a person can mend, 2 wrong use
""".strip()


class Line(dict[str, Any]):
    """One thing that was looked at: `{"what","state","told","advice"}`; state is fine, note or problem."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="everything as JSON on stdout")
    parser.epilog = f"{parser.epilog}\n\n{_EXPLAINED}"


def run(arguments: argparse.Namespace) -> int:
    from diagnostics.doctor import look_for_sources
    from diagnostics.machine.local import local_machine
    from diagnostics.strict_json import encode

    folder = folder_of(arguments)
    agent = agent_lines(folder)
    if not arguments.json:
        say("Asking this machine everything that the checks ask; this takes some seconds.")
    sources = look_for_sources(local_machine())
    trouble = any(line["state"] == "problem" for line in agent) or any(state.mendable for state in sources)
    if arguments.json:
        print_json({"agent": agent, "sources": [encode(state) for state in sources], "problem": trouble})
        return Exit.PROBLEM if trouble else Exit.FINE
    print("The agent")
    for line in agent:
        mark = {"fine": "ok", "note": "-", "problem": "PROBLEM"}[line["state"]]
        print(f"  {mark:<8} {line['what']:<12} {printable(line['told'], 300)}")
        if line["advice"]:
            print(f"  {'':<8} {'':<12} → {printable(line['advice'], 300)}")
    print("\nWhat it can read here")
    for state in sorted(sources, key=lambda item: (not item.mendable, item.can_be_read)):
        mark = "ok" if state.can_be_read else "MISSING" if state.mendable else "-"
        print(f"  {mark:<8} {state.id:<18} {printable(state.reason, 300)}".rstrip())
        if state.mendable or state.advice.startswith("install"):
            print(f"  {'':<8} {'':<18} → {state.advice}")
        if state.mendable and state.checks:
            print(f"  {'':<8} {'':<18}   without it: {', '.join(state.checks)} say nothing")
    readable = sum(state.can_be_read for state in sources)
    mendable = sum(state.mendable for state in sources)
    print(f"\n{readable} of {len(sources)} sources can be read; {mendable} more could be.")
    return Exit.PROBLEM if trouble else Exit.FINE


def agent_lines(folder: StateFolder) -> list[Line]:
    """Where its state lies, whether it is enrolled and running, whether it reaches its server, what waits."""
    lines = [_disk(folder.root)]
    try:
        identity = Identity.load(folder.identity)
    except Refusal as refusal:
        return [*lines, _line("enrolled", "problem", f"{refusal.what}: {refusal.got}", refusal.hint)]
    except OSError as error:
        told = f"{folder.identity}: {error.strerror}"
        return [*lines, _line("enrolled", "problem", told, "run this as the user whom the service runs as")]
    try:
        status = call(folder.root, "status")
    except ServiceAbsent as absent:
        return lines + _without_service(folder, identity, absent)
    except Refusal as refusal:
        return [*lines, _line("service", "problem", refusal.what, refusal.hint or "restart the service")]
    lines.append(_line("service", "fine", f"running, {status['process']['rss_bytes'] / 1e6:.0f} MB"))
    return lines + _from_status(status)


def _line(what: str, state: str, told: str, advice: str = "") -> Line:
    return Line(what=what, state=state, told=told, advice=advice if state != "fine" else "")


def _disk(root: Path) -> Line:
    there = root
    while not there.exists() and there != there.parent:
        there = there.parent
    free = shutil.disk_usage(there).free
    told = f"{free / 1e9:.1f} GB free for {root}" + ("" if root.exists() else " (not made yet)")
    if free < _DISK_LEAST_BYTES:
        return _line("disk", "problem", told, "make room: below 200 MB nothing new can be kept or sent")
    return _line("disk", "fine", told)


def _without_service(folder: StateFolder, identity: Identity | None, absent: ServiceAbsent) -> list[Line]:
    set_up = folder.database.exists() or identity is not None
    lines = [_line("service", "problem" if set_up else "note", f"{absent.what}: {absent.got}", absent.hint)]
    if identity is None:
        return [*lines, _not_enrolled()]
    lines.append(_line("enrolled", "fine", f"with {identity.organisation} at {identity.origin}"))
    return [*lines, reach(identity.origin)]


def _not_enrolled() -> Line:
    advice = "to be helped by an organisation: bellpull-agent enrol TOKEN"
    return _line("enrolled", "note", "no; checks work, nothing is sent", advice)


def reach(origin: str, *, timeout_s: float = _CONNECT_S) -> Line:
    """Whether anything answers at the server's port. Nothing is said to it."""
    parts = urlsplit(origin)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=timeout_s):
            return _line("server", "fine", f"{parts.hostname}:{port} answers")
    except socket.gaierror:
        told, advice = (
            f"the name {parts.hostname} is not known here",
            "look at the name servers: bellpull-agent check dns",
        )
    except OSError as error:
        told = f"{parts.hostname}:{port} does not answer ({error.strerror or 'no answer in time'})"
        advice = "look at the network (bellpull-agent check link internet) and at what may stand between, or ask them"
    return _line("server", "problem", told, advice)


def _from_status(status: dict[str, Any]) -> list[Line]:
    member, link = status["membership"], status["link"]
    lines = []
    if member is None:
        lines.append(_not_enrolled())
    else:
        approved = "approved" if member["approved"] else member["approval"]
        state = "fine" if member["approved"] else "problem"
        advice = "ask your support organisation to approve this device"
        lines.append(
            _line("enrolled", state, f"with {member['organisation']} at {member['origin']}, {approved}", advice)
        )
        lines.append(_trust(member))
    if link is not None:
        connected = link["state"] == "connected"
        told = "connected" if connected else f"{link['state']}: {link['trouble'] or 'no attempt yet'}"
        advice = "look at the network: bellpull-agent check link dns internet"
        lines.append(_line("server", "fine" if connected else "problem", told, advice))
    lines += _waiting(status)
    for alarm in status["alarms"]:
        told = f"{alarm['kind']}: {alarm['name']}, expected {alarm['expected']}, got {alarm['got']}"
        lines.append(
            _line("alarm", "problem", told, "tell your support organisation; nobody is let in on a wrong word")
        )
    if status["clock_held_back_s"]:
        told = f"{status['clock_held_back_s']} s ahead of what can be believed"
        lines.append(_line("clock", "problem", told, "if it is right: bellpull-agent status --clock-is-right"))
    if status["health"]["trouble"]:
        lines.append(_line("checks", "problem", status["health"]["trouble"], "bellpull-agent check shows it at once"))
    return lines


def _trust(member: dict[str, Any]) -> Line:
    issued, now = member["issued_at"], int(time.time())
    ages = {name: f", {max(0, now - at) // 3600} h old" for name, at in issued.items()}
    versions = ", ".join(f"{name} {version}{ages.get(name, '')}" for name, version in member["documents"].items())
    versions = versions or "none yet"
    if member["revocations_fresh"]:
        return _line("trust", "fine", f"revocations of the last 72 h are here; {versions}")
    advice = "they come with the connection; until then nobody comes in unattended, and no risky fix is made"
    return _line("trust", "problem", f"the list of revocations is older than 72 h, or never came; {versions}", advice)


def _waiting(status: dict[str, Any]) -> list[Line]:
    outbox = status["outbox"]
    if outbox is None:
        return []
    if not outbox["items"]:
        return [_line("outbox", "fine", "empty")]
    age_s = max(0, int(time.time()) - (outbox["oldest_queued_at"] or 0))
    state = "problem" if age_s >= _OUTBOX_OLD_S else "fine"
    told = f"{outbox['items']} items, {outbox['bytes']} bytes, the oldest {age_s // 60} min old"
    return [_line("outbox", state, told, "it empties when the server is reached again")]


COMMAND = Command(
    name="doctor",
    help=(
        "Which sources of this machine can be read, which cannot, why, and what would make them readable; and how the "
        "agent itself is doing. Works without enrolment and without the service."
    ),
    example="bellpull-agent doctor\n  bellpull-agent doctor --json | jq '.sources[] | select(.mendable)'",
    add_arguments=add_arguments,
    run=run,
)
