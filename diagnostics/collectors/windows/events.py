"""Events of Windows' log with their numbers and values: what the checks judge. Texts are not read at all.

`wevtutil query-events System /format:XML`, one event after the other, newest first, no element around them:

    <Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>
      <Provider Name='Service Control Manager' Guid='{555908d1-…}' EventSourceName='Service Control Manager'/>
      <EventID Qualifiers='49152'>7031</EventID><Version>0</Version><Level>2</Level>
      <TimeCreated SystemTime='2026-11-21T09:12:44.1234567Z'/><Channel>System</Channel></System>
      <EventData><Data Name='param1'>Print Spooler</Data><Data Name='param2'>4</Data>
      <Binary>530070006F006F006C00650072002F0031000000</Binary></EventData></Event>

Values without a name (older programs) are called 1, 2, 3 … in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnostics.collectors.event_log import event_elements, number_of, seconds_of
from diagnostics.collectors.windows.gathered import NEEDS_ADMINISTRATOR
from diagnostics.collectors.windows.plain_xml import local_name
from diagnostics.machine.interface import Command, Machine, Unreadable, UnreadableKind
from diagnostics.plain_text import printable

# Win32 error codes that wevtutil ends with (winerror.h).
_ACCESS_DENIED, _NO_SUCH_CHANNEL = 5, 15_007
_VALUES_MAX, _VALUE_MAX_CHARS = 64, 512


@dataclass(frozen=True, slots=True)
class Event:
    """`level`: 1 critical, 2 error, 3 warning, 4 information. Values are printable."""

    provider: str
    number: int
    level: int
    at_unix_s: int
    values: Mapping[str, str]

    def value(self, *names: str) -> str:
        """The first of these that the event has; empty where it has none."""
        return next((self.values[name] for name in names if self.values.get(name)), "")


def ask_events(machine: Machine, command: Command) -> tuple[Event, ...]:
    """Oldest first. No event is an answer too: nothing happened. Raises Unreadable."""
    output = machine.run(command)
    if output.exit_code == _ACCESS_DENIED:
        raise Unreadable(f"the event log {command.argv[2]}: {NEEDS_ADMINISTRATOR}", UnreadableKind.DENIED)
    if output.exit_code == _NO_SUCH_CHANNEL:
        raise Unreadable(f"this Windows keeps no event log {command.argv[2]}")
    if output.exit_code != 0:
        words = printable(output.stderr.strip().split(b"\n")[0])
        raise Unreadable(words or f"wevtutil ended with code {output.exit_code}")
    return parse_plain_events(output.stdout)


def parse_plain_events(content: bytes) -> tuple[Event, ...]:
    """Events that can be read, oldest first; broken, cut off and declaring ones are left out."""
    found = []
    for root in event_elements(content):
        parts = {local_name(element): element for element in reversed(list(root.iter()))}
        provider, event_id, created = (parts.get(name) for name in ("Provider", "EventID", "TimeCreated"))
        if provider is None or event_id is None or created is None:
            continue
        values: dict[str, str] = {}
        # EventData has `Data` elements; UserData has elements of the program's own names.
        data = [part for part in root if local_name(part) in ("EventData", "UserData")]
        for element in (element for part in data for element in part.iter()):
            name = local_name(element)
            if not element.text or not element.text.strip() or len(values) >= _VALUES_MAX:
                continue
            key = element.get("Name") or (str(sum(it.isdigit() for it in values) + 1) if name == "Data" else name)
            values.setdefault(printable(key, 64), printable(element.text.strip(), _VALUE_MAX_CHARS))
        level = parts.get("Level")
        found.append(
            Event(
                printable(provider.get("Name", ""), 128),
                number_of(event_id.text, 0),
                number_of(level.text if level is not None else None, 4),
                seconds_of(created.get("SystemTime", "")),
                values,
            )
        )
    return tuple(sorted((event for event in found if event.at_unix_s > 0), key=lambda event: event.at_unix_s))
