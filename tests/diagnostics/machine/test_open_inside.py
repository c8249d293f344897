"""Only files of the list, by directory handle: links, FIFOs, devices, races and endless lines."""

import os
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest

from diagnostics.machine.interface import EntryKind, Unreadable, UnreadableKind
from diagnostics.machine.line_cut import ENDLESS_LINE_KEPT_BYTES, cut_at_line
from diagnostics.machine.read.open_inside import list_folder, read_file, read_tail
from diagnostics.machine.roots import is_readable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="directory handles are POSIX")
ROUNDS = 10_000 if os.environ.get("BELLPULL_SOAK") == "1" else 200


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that stands for /var/log; a secret lies beside it."""
    (tmp_path / "secret").write_bytes(b"root only\n")
    logs = tmp_path / "log"
    logs.mkdir()
    (logs / "syslog").write_bytes(b"one\ntwo\nthree\n")
    return logs


def inside(root: Path):  # type: ignore[no-untyped-def]
    return lambda path: path == str(root) or path.startswith(f"{root}/")


def test_a_file_of_the_list_is_read_and_cut(root: Path) -> None:
    assert read_file(str(root / "syslog"), 100, allowed=inside(root)) == b"one\ntwo\nthree\n"
    assert read_file(str(root / "syslog"), 5, allowed=inside(root)) == b"one\nt"


def test_a_link_inside_is_followed_and_one_that_leads_out_is_refused(root: Path) -> None:
    (root / "current").symlink_to("syslog")
    (root / "out").symlink_to("../secret")
    (root / "out-far").symlink_to("/etc/shadow")
    assert read_file(str(root / "current"), 100, allowed=inside(root)).startswith(b"one")
    for name in ("out", "out-far"):
        with pytest.raises(Unreadable, match="leads to") as refused:
            read_file(str(root / name), 100, allowed=inside(root))
        assert refused.value.kind is UnreadableKind.REFUSED


def test_a_folder_that_is_a_link_out_is_refused(root: Path) -> None:
    (root / "app").symlink_to("..")
    with pytest.raises(Unreadable, match="not on the list"):
        read_file(str(root / "app" / "secret"), 100, allowed=inside(root))


def test_links_in_a_circle_end(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(Unreadable, match="more than 8 links"):
        read_file(str(root / "a"), 100, allowed=inside(root))


def test_a_fifo_does_not_hang_and_a_device_is_not_read(root: Path) -> None:
    os.mkfifo(root / "fifo.log")
    with pytest.raises(Unreadable, match="not a regular file"):
        read_file(str(root / "fifo.log"), 100, allowed=inside(root))
    with pytest.raises(Unreadable, match="not a regular file"):
        read_file("/dev/zero", 100, allowed=lambda path: True)


def test_a_folder_is_no_file_and_a_missing_one_says_so(root: Path) -> None:
    with pytest.raises(Unreadable, match="not a regular file"):
        read_file(str(root), 100, allowed=inside(root))
    with pytest.raises(Unreadable, match="does not exist here"):
        read_file(str(root / "nothing"), 100, allowed=inside(root))
    with pytest.raises(Unreadable, match="does not exist here"):
        read_file(str(root / "syslog" / "x"), 100, allowed=inside(root))


def test_a_log_with_a_second_name_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.link(root.parent / "secret", root / "innocent.log")
    monkeypatch.setattr("diagnostics.machine.read.open_inside.SINGLE_NAME_FOLDERS", (str(root),))
    with pytest.raises(Unreadable, match="has 2 names; a log has one"):
        read_tail(str(root / "innocent.log"), 100, allowed=inside(root))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_what_this_user_may_not_read_says_so(root: Path) -> None:
    (root / "syslog").chmod(0)
    with pytest.raises(Unreadable, match="this user may not read") as denied:
        read_file(str(root / "syslog"), 100, allowed=inside(root))
    assert denied.value.kind is UnreadableKind.DENIED


def test_a_tail_is_cut_at_a_line(root: Path) -> None:
    tail = read_tail(str(root / "syslog"), 8, allowed=inside(root))
    assert (tail.content, tail.size_bytes, tail.truncated) == (b"three\n", 14, True)
    whole = read_tail(str(root / "syslog"), 100, allowed=inside(root))
    assert (whole.content, whole.truncated) == (b"one\ntwo\nthree\n", False)


def test_a_line_of_fifty_megabytes_takes_no_more_than_the_window(root: Path) -> None:
    path = root / "endless.log"
    with path.open("wb") as file:
        file.write(b"start\n")
        for _ in range(50):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    tail = read_tail(str(path), 1024 * 1024, allowed=inside(root))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert tail.content == b"x" * ENDLESS_LINE_KEPT_BYTES
    assert (tail.size_bytes, tail.truncated) == (50_000_006, True)
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize(
    ("window", "kept"),
    [(b"rest\nline\n", b"line\n"), (b"no end", b"no end"), (b"only end\n", b"only end\n"), (b"", b"")],
)
def test_the_broken_first_line_is_dropped(window: bytes, kept: bytes) -> None:
    assert cut_at_line(window) == kept


def test_a_listing_sees_links_as_links(root: Path) -> None:
    (root / "out").symlink_to("/etc/shadow")
    (root / "sub").mkdir()
    os.mkfifo(root / "fifo")
    entries = list_folder(str(root), allowed=inside(root))
    assert [(entry.name, entry.kind) for entry in entries] == [
        ("fifo", EntryKind.OTHER),
        ("out", EntryKind.LINK),
        ("sub", EntryKind.FOLDER),
        ("syslog", EntryKind.FILE),
    ]
    assert entries[3].size_bytes == 14


def test_a_folder_swapped_for_a_link_while_we_read_never_leads_out(root: Path) -> None:
    """A local user renames folders under the reader: it reads the true file or nothing, never the secret."""
    honest, trap = root / "app", root / "trap"
    honest.mkdir()
    (honest / "secret").write_bytes(b"harmless\n")
    trap.symlink_to("..")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(honest, root / "aside")
            os.rename(trap, honest)
            os.rename(honest, trap)
            os.rename(root / "aside", honest)

    attacker = threading.Thread(target=swap)
    attacker.start()
    read, refused = 0, 0
    try:
        for _ in range(ROUNDS):
            try:
                assert read_file(str(honest / "secret"), 100, allowed=inside(root)) == b"harmless\n"
                read += 1
            except Unreadable:
                refused += 1
    finally:
        stop.set()
        attacker.join()
    assert read + refused == ROUNDS


def test_no_handle_is_left_open(root: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("counts handles in /proc")
    (root / "out").symlink_to("/etc/shadow")
    before = len(os.listdir("/proc/self/fd"))
    for name in ("syslog", "out", "nothing", "syslog/x"):
        for read in (lambda p: read_file(p, 10, allowed=inside(root)), lambda p: list_folder(p, allowed=inside(root))):
            try:
                read(str(root / name))
            except Unreadable:
                continue
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "path",
    [
        "/proc/meminfo",
        "/proc/self/mountinfo",
        "/proc/123/net/dev",
        "/var/log",
        "/var/log/apt/history.log",
        "/etc/fstab",
    ],
)
def test_what_the_collectors_need_is_on_the_list(path: str) -> None:
    assert is_readable(path)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "/etc/ssh/ssh_host_ed25519_key",
        "/proc/1/environ",
        "/proc/self/mem",
        "/proc/self/root/etc/shadow",
        "/proc/12x/net/dev",
        "/var/log/../../etc/shadow",
        "/var/log/./syslog",
        "/var/log//syslog",
        "/var/logs",
        "/var/log\0",
        "var/log/syslog",
        "/home/anna/.ssh/id_ed25519",
        "/",
        "",
    ],
)
def test_what_nobody_needs_is_not(path: str) -> None:
    assert not is_readable(path)
