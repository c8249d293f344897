"""Whatever a command of a Mac prints and a file there holds, a collector answers or says why not; none breaks."""

import json
import plistlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.collectors.contract import Collector
from diagnostics.examine import CheckStatus, examine
from diagnostics.history import MemoryHistory
from diagnostics.machine.interface import Command, CommandOutput, Platform, Unreadable, UnreadableKind
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.strict_json import dump_json, encode

HEALTHY = Path(__file__).resolve().parents[3] / "machines" / "mac-healthy"
OURS = [item for item in COLLECTORS if Platform.MACOS in item.platforms]
_DEEP = b"[" * 50_000
_SHARED = plistlib.dumps([{"Label": ["x"] * 3}] * 50, fmt=plistlib.FMT_BINARY)

_LINES: list[object] = [1, [], {"timestamp": 5}, {"timestamp": "9999-99-99", "eventMessage": 1}, {"eventMessage": "x"}]

HOSTILE = {
    "nothing": b"",
    "not text": bytes(range(256)) * 40,
    "deep": _DEEP,
    "deep plist": b'<plist version="1.0">' + b"<array>" * 20_000,
    "entities": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><plist version="1.0"><string>&a;</string></plist>',
    "half a binary plist": _SHARED[: len(_SHARED) // 2],
    "binary plist of nonsense": b"bplist00" + b"\xff" * 64,
    "a list where a dictionary was": plistlib.dumps([[1, 2], "x", True]),
    "a dictionary of lists": plistlib.dumps({"WholeDisks": [1, True, "disk0"]}),
    "json of another shape": b'{"SPAirPortDataType": [[], 1, {"spairport_airport_interfaces": {"_name": 7}}]}',
    "one long line": b"reboot    ~ " + b"A" * 300_000,
    "escapes": b"\x1b]0;owned\x07\x1b[2J default UGScg \xe2\x80\xaeen0\n" * 200,
    "dates of no calendar": b"reboot    ~   Fri Nov 99 99:99\nreboot    ~   Fri Feb 30 08:15\n",
    "huge numbers": b"runs = " + b"9" * 400 + b"\n\tpid = " + b"9" * 400 + b"\nSwapins: " + b"9" * 400 + b".\n",
    "log lines of other kinds": b"\n".join(json.dumps(item).encode() for item in _LINES),
}


class Hostile(RecordedMachine):
    """The healthy Mac, whose commands and files all give `content`."""

    content = b""

    def run(self, command: Command) -> CommandOutput:
        return CommandOutput(0, self.content, b"", False)

    def read_file(self, path: str, *, max_bytes: int = 1 << 20) -> bytes:
        return self.content[:max_bytes]


def _asked(collector: Collector[object], machine: RecordedMachine) -> object:
    """Its answer, or the words why there is none. Anything else that is raised is a defect."""
    try:
        return collector.collect(machine)
    except Unreadable as unreadable:
        return unreadable.reason


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_no_collector_breaks_on_hostile_output(kind: str) -> None:
    machine = Hostile(HEALTHY)
    machine.content = HOSTILE[kind]
    for collector in OURS:
        shown = dump_json(encode(_asked(collector, machine)))
        assert "\x1b" not in shown, collector.id
        assert "\u202e" not in shown, collector.id
        assert len(shown) < 4_000_000, collector.id


@given(st.binary(max_size=400))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_no_collector_breaks_on_any_bytes(content: bytes) -> None:
    machine = Hostile(HEALTHY)
    machine.content = content
    for collector in OURS:
        assert _asked(collector, machine) != ""


@given(st.data())
@settings(deadline=None, derandomize=True, max_examples=40)
def test_no_collector_breaks_on_an_answer_that_was_changed_in_a_few_places(data: st.DataObject) -> None:
    """Each true answer, with some of its bytes other ones."""

    class Changed(RecordedMachine):
        def run(self, command: Command) -> CommandOutput:
            output = super().run(command)
            return replace(output, stdout=_changed(output.stdout))

        def read_file(self, path: str, *, max_bytes: int = 1 << 20) -> bytes:
            return _changed(super().read_file(path, max_bytes=max_bytes))

    places = data.draw(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4))
    cut = data.draw(st.floats(0.2, 1))

    def _changed(content: bytes) -> bytes:
        changed = bytearray(content)
        for where, byte in places:
            if changed:
                changed[int(where * len(changed))] = byte
        return bytes(changed[: max(1, int(cut * len(changed)))]) if changed else content

    machine = Changed(HEALTHY)
    for collector in OURS:
        assert _asked(collector, machine) != ""


def _refusing(kind: UnreadableKind) -> RecordedMachine:
    class Refusing(RecordedMachine):
        def run(self, command: Command) -> CommandOutput:
            raise Unreadable(f"{command.argv[0]}: {kind}", kind)

    return Refusing(HEALTHY)


@pytest.mark.parametrize("kind", [UnreadableKind.ABSENT, UnreadableKind.TIMEOUT, UnreadableKind.DENIED])
def test_without_any_command_the_checks_are_skipped_with_a_reason(kind: UnreadableKind) -> None:
    examination = examine(_refusing(kind), MemoryHistory(), now=1_795_000_000)
    statuses = {result.id: result for result in examination.checks}
    assert not [result for result in statuses.values() if result.status is CheckStatus.FAILED]
    for name in ("battery", "wifi", "ports", "clock", "dns", "smart-nvme", "swap"):
        assert statuses[name].status is CheckStatus.SKIPPED, name
        assert statuses[name].reason, name


def _answering(exit_code: int, stdout: bytes, stderr: bytes) -> RecordedMachine:
    class Answering(RecordedMachine):
        def run(self, command: Command) -> CommandOutput:
            return CommandOutput(exit_code, stdout, stderr, False)

    return Answering(HEALTHY)


@pytest.mark.parametrize(
    ("stderr", "told"),
    [
        (b"tool: Operation not permitted\n", "Full Disk Access"),
        (b"log: Must be admin to run 'show' command\n", "administrators"),
        (b"tool: something else went wrong\n", "something else went wrong"),
    ],
)
def test_a_refusal_of_macos_is_told_with_what_would_help(stderr: bytes, told: str) -> None:
    machine = _answering(1, b"", stderr)
    collectors: dict[str, Callable[..., object]] = {item.id: item.collect for item in OURS}
    for name in ("log-errors", "wireless", "batteries", "tcp-counters"):
        with pytest.raises(Unreadable, match=told):
            collectors[name](machine)
