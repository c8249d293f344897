"""Windows' event log as the same lines that a journal gives.

`wevtutil query-events System /format:RenderedXml`, one event after the other, newest first, no element around them:

    <Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>
      <Provider Name='Service Control Manager' Guid='{555908d1-…}'/><EventID Qualifiers='49152'>7031</EventID>
      <Level>2</Level><TimeCreated SystemTime='2026-11-21T09:12:44.1234567Z'/><Channel>System</Channel>
      <Computer>ANNA-PC</Computer></System>
      <RenderingInfo Culture='en-US'><Message>The Print Spooler service terminated …</Message></RenderingInfo></Event>

Levels and times are numbers there, in every language of Windows; the text format translates them. An event without a
rendered message (its program is gone) is shown by its number and values.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree

from diagnostics.machine import commands
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.observations import LogLine
from diagnostics.plain_text import printable

# Windows' levels as syslog's: critical, error, warning, information, verbose.
_SEVERITY: Final = {1: 2, 2: 3, 3: 4, 4: 6, 5: 7}
_END: Final = b"</Event>"
_EVENT_MAX_BYTES: Final = 256 * 1024
_TEXT_MAX_CHARS: Final = 2_000


def level_for(least_severity: int) -> int:
    """Windows' level up to which events are at least as grave as syslog's number."""
    return max(level for level, severity in _SEVERITY.items() if severity <= max(2, least_severity))


def event_lines(
    machine: Machine,
    *,
    since_unix_s: int,
    until_unix_s: int | None,
    least_severity: int,
    unit: str | None,
    contains: str,
    max_lines: int,
) -> tuple[LogLine, ...]:
    """The newest matching events of both channels, oldest first. `unit`: the program that wrote the event."""
    read = min(commands.EVENTS_MAX, max_lines * 20 if contains or unit else max_lines)
    lines: list[LogLine] = []
    for channel in commands.EVENT_CHANNELS:
        command = commands.event_log(
            channel,
            since_unix_s=since_unix_s,
            until_unix_s=until_unix_s,
            most_grave_level=level_for(least_severity),
            max_events=read,
        )
        output = machine.run(command)
        if output.exit_code != 0:
            words = printable(output.stderr.strip().split(b"\n")[0])
            raise Unreadable(words or f"wevtutil ended with code {output.exit_code}")
        lines += parse_events(output.stdout)
    chosen = [
        line
        for line in lines
        if contains in line.text and (unit is None or unit.lower() in line.unit.lower()) and line.at_unix_s > 0
    ]
    chosen.sort(key=lambda line: line.at_unix_s)
    return tuple(chosen[-max_lines:])


def event_elements(content: bytes) -> Iterator[ElementTree.Element]:
    """Each event that can be read; a broken or too large one, one with a declaration, and one cut off are left out."""
    # Every byte is looked at once, however many events begin and never end.
    for piece in content.split(_END)[:-1]:
        start = max(piece.rfind(b"<Event "), piece.rfind(b"<Event>"))
        if start < 0 or len(piece) - start > _EVENT_MAX_BYTES or piece.find(b"<!", start) >= 0:
            continue
        try:
            text = (piece[start:] + _END).decode("utf-8", "replace")
            yield ElementTree.fromstring(text)  # noqa: S314 — bounded, and no declaration can be in it
        except (ElementTree.ParseError, ValueError):
            continue


def parse_events(content: bytes) -> tuple[LogLine, ...]:
    """The lines of all events that can be read."""
    return tuple(line for root in event_elements(content) if (line := _line_of(root)) is not None)


def _line_of(root: ElementTree.Element) -> LogLine | None:
    # The first of each name: RenderingInfo repeats some of them further down, as words in Windows' language.
    found = {_name(element): element for element in reversed(list(root.iter()))}
    provider, level, created = (found.get(name) for name in ("Provider", "Level", "TimeCreated"))
    if provider is None or created is None:
        return None
    number = number_of(level.text if level is not None else None, 4)
    message = found.get("Message")
    text = (message.text or "").strip() if message is not None else ""
    if not text:
        text = " ".join(["event", (found["EventID"].text or "?") if "EventID" in found else "?", *_values(root)])
    return LogLine(
        seconds_of(created.get("SystemTime", "")),
        _SEVERITY.get(number, 6),
        printable(provider.get("Name", ""), 256),
        printable(" ".join(text.split()), _TEXT_MAX_CHARS),
    )


def _values(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        if _name(element) == "Data" and element.text:
            yield f"{element.get('Name', 'value')}={element.text.strip()}"


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def number_of(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 6 else otherwise


def seconds_of(text: str) -> int:
    """`2026-11-21T09:12:44.1234567Z` (always UTC); 0 for what is no time."""
    try:
        return int(datetime.fromisoformat(text[:19]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0
