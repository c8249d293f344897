"""This Linux machine, read: real /proc, and the traps of its format."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.machine.interface import Machine, Native, Place, Unreadable
from diagnostics.machine.local import local_machine
from diagnostics.machine.own_use import AgentState, folder_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

STAT = b"1432 (tokio-rt) S 1 1432 1432 0 -1 4194560 3301 0 12 0 210 44 0 0 20 0 7 0 1044 44941312 3491 0\n"


def parse(line: bytes):  # type: ignore[no-untyped-def]
    from diagnostics.machine.read.linux import parse_stat

    return parse_stat(line, 1000, ticks_per_s=100, page_bytes=4096)


def test_a_line_of_proc_becomes_numbers() -> None:
    process = parse(STAT)
    assert (process.pid, process.parent_pid, process.name, process.state) == (1432, 1, "tokio-rt", "S")
    assert (process.cpu_s, process.threads, process.started_s) == (2.54, 7, 10.44)
    assert (process.rss_bytes, process.uid) == (3491 * 4096, 1000)


@pytest.mark.parametrize("name", [b"a) S 1 (b", b"))((", b"x\ny", b"", b"\xff\xfe", b") R 0 0 0 0 0 0 0 0 0"])
def test_a_name_chosen_to_confuse_moves_no_number(name: bytes) -> None:
    process = parse(STAT.replace(b"tokio-rt", name))
    assert (process.pid, process.parent_pid, process.cpu_s) == (1432, 1, 2.54)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=200))
def test_any_line_is_numbers_or_nothing(line: bytes) -> None:
    process = parse(line)
    assert process is None or process.rss_bytes >= 0


def test_this_process_is_seen_with_its_own_numbers() -> None:
    machine = local_machine()
    assert isinstance(machine, Machine)
    own = next(item for item in machine.process_snapshot().processes if item.pid == os.getpid())
    assert own.parent_pid == os.getppid()
    assert own.uid == os.getuid()
    assert own.rss_bytes > 5_000_000
    assert machine.command_line(os.getpid())


def test_local_users_are_read_without_asking_any_server() -> None:
    from diagnostics.machine.read.linux import parse_passwd

    content = b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:\nan\x1bna:x:1000:1000\nbroken\n+::::::\nx:x:-5:\n"
    assert parse_passwd(content) == {0: "root", 1000: "an\\x1bna"}
    assert local_machine().user_names()[0] == "root"


def test_a_process_that_ended_is_no_error() -> None:
    child = subprocess.Popen(["sleep", "0"])
    child.wait()
    with pytest.raises(Unreadable, match="has ended"):
        local_machine().command_line(child.pid)


def test_the_agent_is_measured_by_its_own_process(tmp_path: os.PathLike[str]) -> None:
    folder = os.path.join(tmp_path, "data")
    os.mkdir(folder)
    with open(os.path.join(folder, "db"), "wb") as file:
        file.write(b"x" * 100_000)
    os.symlink("/usr", os.path.join(folder, "link"))
    state = AgentState(os.getpid(), folder, queued_items=3, oldest_queued_s=9)
    numbers = local_machine(state).agent()
    assert numbers.rss_bytes > 5_000_000
    assert numbers.data_folder_bytes is not None
    assert 100_000 <= numbers.data_folder_bytes < 1_000_000
    assert (numbers.queued_items, numbers.last_upload_unix_s) == (3, None)
    assert folder_bytes(None) is None


def test_an_agent_that_is_gone_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="is not there"):
        local_machine(AgentState(pid=2**22 + 1)).agent()


def test_a_known_folder_is_counted_without_leaving_it(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = os.path.join(tmp_path, "cache")
    os.makedirs(os.path.join(cache, "deep", "er"))
    for name in ("a", "deep/b", "deep/er/c"):
        with open(os.path.join(cache, name), "wb") as file:
            file.write(b"x" * 10_000)
    os.symlink("/usr", os.path.join(cache, "out"))
    os.symlink("..", os.path.join(cache, "deep", "up"))
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    size = local_machine().measure(Place.USER_CACHE)
    assert (size.path, size.files, size.complete) == (cache, 3, True)
    assert 30_000 <= size.allocated_bytes < 200_000


def test_a_folder_that_takes_too_long_says_at_least(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.makedirs(os.path.join(tmp_path, "cache", "deep"))
    monkeypatch.setenv("XDG_CACHE_HOME", os.path.join(tmp_path, "cache"))
    monkeypatch.setattr("diagnostics.machine.read.places.MEASURE_MAX_S", -1.0)
    assert local_machine().measure(Place.USER_CACHE).complete is False


def test_a_cache_that_is_a_link_is_not_followed(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.path.join(tmp_path, "cache")
    os.symlink("/usr", link)
    monkeypatch.setenv("XDG_CACHE_HOME", link)
    with pytest.raises(Unreadable, match="is not a folder"):
        local_machine().measure(Place.USER_CACHE)


def test_every_collector_answers_or_says_why_not() -> None:
    machine = local_machine()
    readable, reasons = [], []
    for collector in COLLECTORS:
        try:
            collector.collect(machine)
            readable.append(collector.id)
        except Unreadable as unreadable:
            reasons.append(unreadable.reason)
    assert all(reasons)
    assert {"filesystems", "memory", "load", "processes", "agent-self", "network"} <= set(readable)


def test_what_only_other_platforms_know_is_said_plainly() -> None:
    with pytest.raises(Unreadable, match="read from /proc on Linux"):
        local_machine().native(Native.MEMORY)
