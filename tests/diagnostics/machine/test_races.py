"""Local users who write into a log folder, against the real collector and the real bundle plan: links, FIFOs, swaps,
holes, growing files, odd names. A canary beside the folder, which this test could read, is never in what comes out.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from diagnostics.bundle import Plan, plan_bundle
from diagnostics.collectors.contract import CollectedFile, Skipped, SkipStatus
from diagnostics.collectors.evidence import collect_evidence
from diagnostics.machine.interface import FILE_MAX_BYTES, FolderEntry, Tail, Unreadable
from diagnostics.machine.read import open_inside
from diagnostics.machine.recorded import RecordedMachine
from tests.diagnostics.bundle.conftest import HEADING, make_redactor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="directory handles are POSIX")
ROUNDS = 5_000 if os.environ.get("BELLPULL_SOAK") == "1" else 40
CANARY = b"canary of another user\n"
MACHINE = Path(__file__).parents[2] / "machines" / "laptop-healthy"
HONEST = b"an honest line\n"


class Rooted(RecordedMachine):
    """A machine whose /var/log is a folder of the test, read by the code that reads real ones."""

    def __init__(self, root: Path) -> None:
        super().__init__(MACHINE)
        self._root = str(root)

    def _real(self, path: str) -> str:
        assert path == "/var/log" or path.startswith("/var/log/")
        return self._root + path.removeprefix("/var/log")

    def _inside(self, path: str) -> bool:
        return path == self._root or path.startswith(f"{self._root}/")

    def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
        return open_inside.list_folder(self._real(path), allowed=self._inside)

    def read_file(self, path: str, *, max_bytes: int = FILE_MAX_BYTES) -> bytes:
        return open_inside.read_file(self._real(path), max_bytes, allowed=self._inside)

    def read_tail(self, path: str, *, max_bytes: int) -> Tail:
        return open_inside.read_tail(self._real(path), max_bytes, allowed=self._inside)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "canary").write_bytes(CANARY)
    logs = tmp_path / "log"
    (logs / "app").mkdir(parents=True)
    (logs / "syslog").write_bytes(HONEST)
    (logs / "app" / "app.log").write_bytes(HONEST)
    monkeypatch.setattr(open_inside, "SINGLE_NAME_FOLDERS", (str(logs),))
    return logs


def gathered(root: Path) -> list[CollectedFile | Skipped]:
    now = int((root / "syslog").stat().st_mtime)
    return list(collect_evidence(Rooted(root), now=now, only=["logs"]))


def planned(items: list[CollectedFile | Skipped]) -> Plan:
    return plan_bundle(iter(items), heading=HEADING, findings=(), changes=(), redactor=make_redactor())


def contents(items: list[CollectedFile | Skipped]) -> dict[str, bytes]:
    return {item.path: item.content for item in items if isinstance(item, CollectedFile)}


def _link(name: Path, canary: Path) -> None:
    name.symlink_to(canary)


def _second_name(name: Path, canary: Path) -> None:
    os.link(canary, name)


def _fifo(name: Path, canary: Path) -> None:
    os.mkfifo(name)


def _folder_of_links(name: Path, canary: Path) -> None:
    name.mkdir()
    (name / "canary").symlink_to(canary)


TRAPS: dict[str, Callable[[Path, Path], None]] = {
    "a link": _link,
    "a second name": _second_name,
    "a FIFO": _fifo,
    "a folder of links": _folder_of_links,
}


def _swapping(honest: Path, trap: Path) -> Iterator[None]:
    """The two change places for ever, by renaming, as fast as the system lets them."""
    aside = honest.with_name("aside.log")
    while True:
        os.rename(honest, aside)
        os.rename(trap, honest)
        yield
        os.rename(honest, trap)
        os.rename(aside, honest)
        yield


@pytest.mark.parametrize("trap", TRAPS)
def test_a_log_swapped_while_it_is_collected_never_gives_the_canary(root: Path, trap: str) -> None:
    TRAPS[trap](root / "trap.log", root.parent / "canary")
    _while(_swapping(root / "app" / "app.log", root / "trap.log"), root)


def test_a_folder_swapped_for_a_link_while_it_is_collected_never_gives_the_canary(root: Path) -> None:
    outside = root.parent / "other"
    outside.mkdir()
    (outside / "app.log").write_bytes(CANARY)
    (root / "trap.log").symlink_to(outside)
    _while(_swapping(root / "app", root / "trap.log"), root)


def _while(attack: Iterator[None], root: Path) -> None:
    stop = threading.Event()

    def run() -> None:
        for _ in attack:
            if stop.is_set():
                return

    attacker = threading.Thread(target=run)
    attacker.start()
    honest = 0
    try:
        for _ in range(ROUNDS):
            items = gathered(root)
            found = contents(items)
            assert not [path for path, content in found.items() if b"canary" in content]
            assert not [item for item in items if isinstance(item, Skipped) and item.status is SkipStatus.FAILED]
            honest += found.get("logs/files/syslog") == HONEST
    finally:
        stop.set()
        attacker.join()
    assert honest == ROUNDS  # the neighbour's log was read every time


def test_a_second_name_removed_after_opening_is_still_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened while it had two names, judged when it has one: the name it was opened by is gone."""
    trap = root / "trap.log"
    os.link(root.parent / "canary", trap)
    real = os.fstat

    def fstat(handle: int) -> os.stat_result:
        trap.unlink(missing_ok=True)
        return real(handle)

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(Unreadable, match="was moved or removed"):
        Rooted(root).read_tail("/var/log/trap.log", max_bytes=100)


def test_a_huge_file_of_holes_costs_its_tail_alone(root: Path) -> None:
    with (root / "syslog").open("ab") as file:
        file.truncate(1 << 40)
        file.seek(0, os.SEEK_END)
        file.write(b"\nthe last line\n")
    items = gathered(root)
    (syslog,) = [item for item in items if isinstance(item, CollectedFile) and item.path == "logs/files/syslog"]
    assert syslog.truncated
    assert syslog.content == b"the last line\n"


def test_a_file_that_grows_while_it_is_read_ends_where_it_began_to_be_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every read finds a longer file; what is taken is bounded by its size at opening."""
    path = root / "syslog"
    path.write_bytes(HONEST * 40_000)
    size = path.stat().st_size
    real = os.read
    reads = []

    def read(handle: int, length: int) -> bytes:
        with path.open("ab") as file:
            file.write(HONEST * 20_000)
        reads.append(length)
        return real(handle, length)

    monkeypatch.setattr(os, "read", read)
    tail = Rooted(root).read_tail("/var/log/syslog", max_bytes=5 * 1024 * 1024)
    assert (tail.content, tail.truncated) == (HONEST * 40_000, False)
    assert len(tail.content) == size
    assert len(reads) < 10


def test_a_file_cut_while_it_is_read_gives_what_is_left(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "syslog"
    path.write_bytes(HONEST * 40_000)
    real = os.lseek

    def lseek(handle: int, offset: int, whence: int) -> int:
        os.truncate(path, len(HONEST))
        return real(handle, offset, whence)

    monkeypatch.setattr(os, "lseek", lseek)
    assert Rooted(root).read_tail("/var/log/syslog", max_bytes=5 * 1024 * 1024).content == HONEST


ODD_NAMES = (
    "two\nlines.log",
    "\x1b[31mred.log",
    "turned\u202e.log",
    "app\u2028.log",
    "-rf.log",
    " blank .log",
    "quote'\"$(id).log",
    "c:drive\\name.log",
    "x" * 250 + ".log",
    "Syslog",
    "caf\u00e9.log",
    "CON.log",
)


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("as_folder", [False, True], ids=["file", "folder"])
def test_an_odd_name_neither_ends_a_bundle_nor_moves_a_line(root: Path, name: str, as_folder: bool) -> None:
    if as_folder:
        (root / name).mkdir()
        (root / name / "inner.log").write_bytes(HONEST)
    else:
        (root / name).write_bytes(HONEST)
    items = gathered(root)
    plan = planned(items)
    paths = [entry.path for entry in plan.manifest(plan.all_parts()).files]
    assert "logs/files/syslog" in paths
    assert all(path.isprintable() for path in paths)


def test_a_name_that_is_no_text_is_left_out(root: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.log")).write_bytes(HONEST)
    except OSError:
        pytest.skip("this file system takes only text as names")
    assert "logs/files/syslog" in [part.entry.path for part in planned(gathered(root)).parts]
