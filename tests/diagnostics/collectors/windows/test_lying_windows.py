"""Windows that lies: every collector, over answers that are empty, huge, nested, of other kinds, or made to act.

Each either observes or says why not; what it observes is bounded and printable.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.collectors.contract import Collector
from diagnostics.collectors.windows.names import read_names
from diagnostics.machine.interface import Command, CommandOutput, Platform, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.machine.windows_commands import WINDOWS
from diagnostics.strict_json import encode

LAPTOP = Path(__file__).parents[3] / "machines" / "windows-laptop"
ON_WINDOWS = [collector for collector in COLLECTORS if Platform.WINDOWS in collector.platforms]
EVIL = "\x1b[2J\u202eexe.txt\x00\r\n<&'\"" + "x" * 5_000
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{"&a" + str(n - 1) + ";" if n else "&a;"}{"&a;" * 9}">' for n in range(9))
    + "]><BatteryReport><Batteries><Battery><DesignCapacity>&a8;</DesignCapacity></Battery></Batteries></BatteryReport>"
)
EVENT = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/>"
    "<EventID>{number}</EventID><Level>2</Level><TimeCreated SystemTime='{time}'/></System>{data}</Event>"
)


class Lying(RecordedMachine):
    """The healthy laptop, whose programs print something else."""

    def __init__(self, spoil: Callable[[bytes], bytes]) -> None:
        super().__init__(LAPTOP)
        self._spoil = spoil

    def run(self, command: Command) -> CommandOutput:
        output = super().run(command)
        return CommandOutput(output.exit_code, self._spoil(output.stdout), b"", output.truncated)


def _each_value(value: object, other: object) -> object:
    """The same rows, every value of them another one."""
    if isinstance(value, dict):
        return {name: _each_value(item, other) for name, item in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_each_value(item, other) for item in value]
    return other


def _with_values(other: object) -> Callable[[bytes], bytes]:
    def spoil(content: bytes) -> bytes:
        try:
            return json.dumps(_each_value(json.loads(content), other)).encode()
        except ValueError:
            return str(other).encode()

    return spoil


def _many(content: bytes) -> bytes:
    try:
        parts = json.loads(content)
    except ValueError:
        return content * 200
    return json.dumps({name: rows * 600 if isinstance(rows, list) else rows for name, rows in parts.items()}).encode()


def _events(provider: str, number: str, time: str, data: str) -> Callable[[bytes], bytes]:
    told = EVENT.format(provider=provider, number=number, time=time, data=data).encode()
    return lambda content: told * 50 if content[:1] in (b"<", b"") else content


LIES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda content: b"",
    "noise": lambda content: bytes(range(256)) * 40,
    "another form": lambda content: b'["a", 1, {}]',
    "an empty object": lambda content: b"{}",
    "nested without end": lambda content: b'{"a":' * 50_000,
    "cut off": lambda content: content[: len(content) // 2],
    "nulls": _with_values(None),
    "negative numbers": _with_values(-(2**70)),
    "huge numbers": _with_values(10**400),
    "fractions": _with_values(1e308),
    "words that act": _with_values(EVIL),
    "lists": _with_values([[], {}, EVIL, -1]),
    "objects": _with_values({"value": {"value": EVIL}, "Count": -1}),
    "truths": _with_values(True),
    "an entity bomb": _with_values(BOMB),
    "thousands of rows": _many,
    "an event with a bomb": lambda content: b"<Event><!DOCTYPE x [<!ENTITY a 'a'>]><System>&a;</System></Event>" * 5,
    "an event that never ends": lambda content: b"<Event " + b"<Event " * 50_000,
    "a disk that acts": _events(
        "disk", "7", "2026-11-18T11:00:00.0Z", "<EventData><Data>\u202e&lt;b&gt;</Data></EventData>"
    ),
    "a service without a name": _events("Service Control Manager", "7031", "2026-11-18T11:00:00.0Z", ""),
    "a number that is none": _events("disk", "99999999999", "2026-11-18T11:00:00.0Z", "<EventData/>"),
    "a time that is none": _events("disk", "7", "0000-00-00T99", "<EventData><Data>x</Data></EventData>"),
}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _strings(name)
            yield from _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)


@pytest.mark.parametrize("lie", LIES)
def test_a_collector_observes_or_says_why_not(lie: str) -> None:
    machine = Lying(LIES[lie])
    for collector in ON_WINDOWS:
        _try(collector, machine, lie)
    for names in (read_names(machine).hosts, read_names(machine).networks, read_names(machine).serials):
        assert all(name.isprintable() for name in names)


def _try(collector: Collector[object], machine: Lying, lie: str) -> None:
    try:
        observed = collector.collect(machine)
    except Unreadable:
        return
    for shown in _strings(encode(observed)):
        assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in shown), (collector.id, lie, shown)
        assert "\u202e" not in shown, (collector.id, lie)
        assert len(shown) <= 2_001, (collector.id, lie)


def test_every_source_of_windows_is_lied_about_here() -> None:
    asked: set[str] = set()

    class Noting(RecordedMachine):
        def run(self, command: Command) -> CommandOutput:
            asked.add(command.name)
            return super().run(command)

    machine = Noting(LAPTOP)
    for collector in ON_WINDOWS:
        if collector.id not in ("temporary", "journal-size"):  # part of the user's cache; none there
            collector.collect(machine)
    assert read_names(machine).hosts
    assert set(WINDOWS) - asked == set()
