"""What a bundle takes of a watched application: its own logs and settings, and how its services and programs stand.

    applications/nginx/state.json          services, programs, versions
    applications/nginx/logs/error.log      the end of each log
    applications/nginx/config/nginx.conf   settings that may be shown (machine/roots.py), each a file to untick

Raw like all evidence; redaction comes after. A file that is not on this machine is left out without a line: a watch
names what there may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from diagnostics.collectors.contract import (
    LINUX_ONLY,
    CollectedFile,
    Cost,
    EvidenceCollector,
    Personal,
    Privilege,
    Skipped,
)
from diagnostics.collectors.evidence import read_line
from diagnostics.collectors.evidence_lines import LOG_TEXT, Line
from diagnostics.collectors.plain_names import PlainNames
from diagnostics.collectors.services import SERVICES
from diagnostics.collectors.system import PACKAGES
from diagnostics.machine.interface import Machine, Unreadable, UnreadableKind
from diagnostics.machine.roots import is_shown
from diagnostics.plain_text import printable
from diagnostics.strict_json import dump_json, encode
from diagnostics.vendors.application import Application

SUBJECT = "applications"
WHY = "logs, settings and state of the applications that are watched here"
LOG_BYTES = 1024 * 1024
SETTINGS_BYTES = 256 * 1024
_SETTINGS = frozenset({Personal.FILE_PATHS, Personal.HOST_NAMES, Personal.NETWORK_ADDRESSES, Personal.USER_NAMES})
_STATE = frozenset({Personal.INSTALLED_SOFTWARE})


# `secure_link_secret word;` · `set $api_key "word";` · `proxy_set_header X-Auth-Token word;`: nginx and Apache write a
# name, a space and a value, where redaction looks for `=` and `:`. A path is where a secret lies, and is none.
_NAMED_SECRET = re.compile(
    rb"""(?im)^([ \t]*(?:\#[ \t]*)?(?:[\w$.-]+[ \t]+)?["']?[\w$.-]*
    (?:password|passwd|passphrase|secret|api[_-]?key|credential|(?<![a-z])token(?!s))[\w$.-]*["']?[ \t]+)
    (?![=/])([^\s;][^;\r\n]*)""",
    re.VERBOSE,
)


def without_secrets(settings: bytes) -> bytes:
    """What redaction cannot know of settings whose names and values stand apart by a space."""
    return _NAMED_SECRET.sub(rb"\1<secret>", settings)


def application_evidence(applications: Sequence[Application]) -> EvidenceCollector:
    """A subject of its own: ticked, unticked and kept back like the others."""
    return EvidenceCollector(
        id=SUBJECT,
        why=WHY,
        collect=lambda machine: _of_all(machine, applications),
        may_contain=LOG_TEXT | _SETTINGS | _STATE,
        cost=Cost.MODERATE,
        privilege=Privilege.LOG_READER,
        platforms=LINUX_ONLY,
    )


def logs_of(applications: Sequence[Application]) -> frozenset[str]:
    """Logs that come with their application, and need not come twice."""
    return frozenset(path for each in applications for path in each.log_files)


def _of_all(machine: Machine, applications: Sequence[Application]) -> Iterator[CollectedFile | Skipped]:
    for application in applications:
        files = [found for line in _lines(application) if (found := _present(machine, line)) is not None]
        state = _state_line(application)
        if files or _runs(machine, application):
            yield read_line(machine, SUBJECT, state)
        yield from files


def _lines(application: Application) -> Iterator[Line]:
    folder, names = f"{SUBJECT}/{application.application}", PlainNames()
    title = printable(application.title, 80)
    for path in application.log_files:

        def read_log(machine: Machine, path: str = path) -> tuple[bytes, str, bool]:
            tail = machine.read_tail(path, max_bytes=LOG_BYTES)
            return tail.content, path, tail.truncated

        yield Line(names.name_for(f"{folder}/logs/{_leaf(path)}"), f"{title}: the end of its log", read_log, LOG_TEXT)
    for path in application.config_files:
        if not is_shown(path):
            continue

        def read_settings(machine: Machine, path: str = path) -> tuple[bytes, str, bool]:
            content = machine.read_file(path, max_bytes=SETTINGS_BYTES + 1)
            return without_secrets(content[:SETTINGS_BYTES]), path, len(content) > SETTINGS_BYTES

        inside = names.name_for(f"{folder}/config/{_leaf(path)}")
        yield Line(inside, f"{title}: its settings", read_settings, _SETTINGS)


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]


def _present(machine: Machine, line: Line) -> CollectedFile | Skipped | None:
    """None for a file that this machine does not have; one that may not be read is told with the reason."""
    absent = False

    def read(machine: Machine) -> tuple[bytes, str, bool]:
        nonlocal absent
        try:
            return line.read(machine)
        except Unreadable as unreadable:
            absent = unreadable.kind is UnreadableKind.ABSENT
            raise

    found = read_line(machine, SUBJECT, replace(line, read=read))
    return None if absent else found


def _runs(machine: Machine, application: Application) -> bool:
    try:
        return any(process.name in application.processes for process in machine.process_snapshot().processes)
    except Unreadable:
        return False


def _state_line(application: Application) -> Line:
    """Each part as far as it can be read: a machine without systemd still has programs."""

    def read(machine: Machine) -> tuple[bytes, str, bool]:
        state: dict[str, object] = {"application": application.application, "title": application.title}
        for name, part in (("services", _services), ("programs", _programs), ("versions", _versions)):
            try:
                state[name] = part(machine, application)
            except Unreadable as unreadable:
                state[name] = {"unread": unreadable.reason}
        return dump_json(state, indent=1).encode(), "services, processes and packages", False

    path = f"{SUBJECT}/{application.application}/state.json"
    return Line(path, f"{printable(application.title, 80)}: services, programs, versions", read, _STATE)


def _services(machine: Machine, application: Application) -> object:
    found = SERVICES.collect(machine).services
    return [encode(item) for item in found if item.name in application.services and item.load_state == "loaded"]


def _programs(machine: Machine, application: Application) -> object:
    running = machine.process_snapshot().processes
    mine = {name: [item for item in running if item.name == name] for name in application.processes}
    return {
        name: {"processes": len(items), "rss_bytes": sum(item.rss_bytes for item in items)}
        for name, items in mine.items()
    }


def _versions(machine: Machine, application: Application) -> object:
    if not application.packages:
        return {}
    found = PACKAGES.collect(machine).packages
    return {item.name: item.version for item in found if item.name in application.packages}
