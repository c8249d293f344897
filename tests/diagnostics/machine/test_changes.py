"""Acts of remedies: inside their root, on exactly what was seen, never through a link."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.machine.change.linux import MAX_DEPTH, LinuxChanges, identity_of, user_cache_root
from diagnostics.machine.interface import ActRefused, EntryKind, FileIdentity

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="directory handles are POSIX")
ROUNDS = 10_000 if os.environ.get("BELLPULL_SOAK") == "1" else 200


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "cache" / "app").mkdir(parents=True)
    (tmp_path / "cache" / "app" / "a").write_bytes(b"x" * 1000)
    (tmp_path / "cache" / "b").write_bytes(b"y")
    (tmp_path / "quarantine").mkdir()
    (tmp_path / "precious").write_bytes(b"keep me")
    return tmp_path


@pytest.fixture
def changes(home: Path) -> LinuxChanges:
    return LinuxChanges(roots=[str(home / "cache")], quarantines=[str(home / "quarantine")])


@pytest.fixture
def seen(home: Path, changes: LinuxChanges) -> Callable[[str], FileIdentity]:
    def look(relative: str) -> FileIdentity:
        tree = dict(changes.list_tree(str(home / "cache"), max_entries=100))
        return identity_of(tree[relative])

    return look


Seen = Callable[[str], FileIdentity]


def test_a_tree_is_listed_without_entering_links(home: Path, changes: LinuxChanges) -> None:
    (home / "cache" / "out").symlink_to("..")
    os.mkfifo(home / "cache" / "pipe")
    tree = changes.list_tree(str(home / "cache"), max_entries=100)
    assert [(path, entry.kind) for path, entry in tree] == [
        ("app", EntryKind.FOLDER),
        ("app/a", EntryKind.FILE),
        ("b", EntryKind.FILE),
        ("out", EntryKind.LINK),
        ("pipe", EntryKind.OTHER),
    ]
    assert len(changes.list_tree(str(home / "cache"), max_entries=2)) == 2


def test_a_file_goes_into_quarantine_and_back(home: Path, changes: LinuxChanges, seen: Seen) -> None:
    identity = seen("app/a")
    changes.quarantine(str(home / "cache"), "app/a", identity, str(home / "quarantine"))
    assert not (home / "cache" / "app" / "a").exists()
    assert (home / "quarantine" / "app" / "a").read_bytes() == b"x" * 1000
    (home / "cache" / "app").rmdir()
    changes.restore(str(home / "cache"), "app/a", identity, str(home / "quarantine"))
    assert (home / "cache" / "app" / "a").read_bytes() == b"x" * 1000
    assert not (home / "quarantine" / "app" / "a").exists()
    assert seen("app/a") == identity


def test_restoring_never_replaces_what_came_since(home: Path, changes: LinuxChanges, seen: Seen) -> None:
    identity = seen("b")
    changes.quarantine(str(home / "cache"), "b", identity, str(home / "quarantine"))
    (home / "cache" / "b").write_bytes(b"new")
    with pytest.raises(ActRefused, match="something else stands already"):
        changes.restore(str(home / "cache"), "b", identity, str(home / "quarantine"))
    assert (home / "cache" / "b").read_bytes() == b"new"
    assert (home / "quarantine" / "b").read_bytes() == b"y"


def test_a_restore_that_was_cut_off_in_the_middle_ends(home: Path, changes: LinuxChanges, seen: Seen) -> None:
    """After the link and before the unlink the file has both names."""
    identity = seen("b")
    changes.quarantine(str(home / "cache"), "b", identity, str(home / "quarantine"))
    os.link(home / "quarantine" / "b", home / "cache" / "b")
    changes.restore(str(home / "cache"), "b", identity, str(home / "quarantine"))
    assert (home / "cache" / "b").read_bytes() == b"y"
    assert not (home / "quarantine" / "b").exists()


def test_quarantine_never_replaces_an_earlier_prisoner(home: Path, changes: LinuxChanges, seen: Seen) -> None:
    (home / "quarantine" / "b").write_bytes(b"earlier")
    with pytest.raises(ActRefused, match="something stands already"):
        changes.quarantine(str(home / "cache"), "b", seen("b"), str(home / "quarantine"))
    assert (home / "quarantine" / "b").read_bytes() == b"earlier"


def test_a_file_that_changed_since_it_was_listed_is_left_alone(home: Path, changes: LinuxChanges, seen: Seen) -> None:
    identity = seen("b")
    (home / "cache" / "b").write_bytes(b"changed")
    for act in (
        lambda: changes.remove_file(str(home / "cache"), "b", identity),
        lambda: changes.quarantine(str(home / "cache"), "b", identity, str(home / "quarantine")),
    ):
        with pytest.raises(ActRefused, match="has changed since it was listed"):
            act()
    assert (home / "cache" / "b").read_bytes() == b"changed"


def test_a_file_replaced_by_a_link_is_left_alone(home: Path, changes: LinuxChanges, seen: Seen) -> None:
    identity = seen("b")
    (home / "cache" / "b").unlink()
    (home / "cache" / "b").symlink_to("../precious")
    with pytest.raises(ActRefused, match="not a regular file"):
        changes.remove_file(str(home / "cache"), "b", identity)
    assert (home / "precious").read_bytes() == b"keep me"
    assert (home / "cache" / "b").is_symlink()


def test_a_folder_replaced_by_a_link_leads_nowhere(home: Path, changes: LinuxChanges, seen: Seen) -> None:
    identity = seen("app/a")
    (home / "elsewhere").mkdir()
    os.rename(home / "cache" / "app" / "a", home / "elsewhere" / "a")
    (home / "cache" / "app").rmdir()
    (home / "cache" / "app").symlink_to(home / "elsewhere")
    with pytest.raises(ActRefused, match="not a folder"):
        changes.remove_file(str(home / "cache"), "app/a", identity)
    assert (home / "elsewhere" / "a").exists()


@pytest.mark.parametrize(
    "relative", ["../precious", "app/../../precious", "/etc/passwd", "", ".", "a//b", "a\0", "x/" * 40 + "y"]
)
def test_a_path_that_is_not_plainly_below_is_refused(
    relative: str, home: Path, changes: LinuxChanges, seen: Seen
) -> None:
    with pytest.raises(ActRefused, match="expected a plain path"):
        changes.remove_file(str(home / "cache"), relative, seen("b"))
    assert (home / "precious").exists()


def test_only_its_own_roots_can_be_changed(home: Path, changes: LinuxChanges, seen: Seen) -> None:
    for root in (str(home), "/", str(home / "cache" / "app"), "/etc"):
        with pytest.raises(ActRefused, match="not a folder this remedy may change"):
            changes.remove_file(root, "b", seen("b"))
    with pytest.raises(ActRefused, match="not a folder this remedy may change"):
        changes.quarantine(str(home / "cache"), "b", seen("b"), str(home))


def test_a_file_that_is_gone_is_a_refusal_and_no_crash(home: Path, changes: LinuxChanges, seen: Seen) -> None:
    identity = seen("b")
    (home / "cache" / "b").unlink()
    with pytest.raises(ActRefused, match="not there any more"):
        changes.remove_file(str(home / "cache"), "b", identity)


def test_empty_folders_go_and_all_else_stays(home: Path, changes: LinuxChanges) -> None:
    (home / "cache" / "empty" / "inside").mkdir(parents=True)
    (home / "cache" / "link").symlink_to("empty")
    assert changes.remove_empty_folders(str(home / "cache")) == 2
    assert sorted(os.listdir(home / "cache")) == ["app", "b", "link"]


def test_a_tree_deeper_than_any_cache_ends(home: Path, changes: LinuxChanges) -> None:
    deep = home / "cache"
    for _ in range(MAX_DEPTH + 10):
        deep = deep / "d"
    deep.mkdir(parents=True)
    tree = changes.list_tree(str(home / "cache"), max_entries=1000)
    assert max(path.count("/") for path, _ in tree) == MAX_DEPTH


def test_a_root_that_is_a_link_is_resolved_once_and_not_again(home: Path) -> None:
    (home / "cache-link").symlink_to("cache")
    changes = LinuxChanges(roots=[str(home / "cache-link")], quarantines=[])
    (home / "cache-link").unlink()
    (home / "cache-link").symlink_to("/etc")
    names = {path for path, _ in changes.list_tree(str(home / "cache-link"), max_entries=100)}
    assert names == {"app", "app/a", "b"}


def test_a_folder_swapped_for_a_link_during_the_act_never_costs_a_file_outside(
    home: Path, changes: LinuxChanges
) -> None:
    """The trap holds hard links to the precious file under the same name, so only the walk protects it."""
    honest, trap, outside = home / "cache" / "app", home / "cache" / "trap", home / "outside"
    outside.mkdir()
    trap.symlink_to("../outside")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(honest, home / "cache" / "aside")
            os.rename(trap, honest)
            os.rename(honest, trap)
            os.rename(home / "cache" / "aside", honest)

    status = os.stat(honest / "a")
    identity = FileIdentity(status.st_dev, status.st_ino, status.st_size, int(status.st_mtime))
    os.link(honest / "a", outside / "a")
    attacker = threading.Thread(target=swap)
    attacker.start()
    try:
        for _ in range(ROUNDS):
            try:
                changes.remove_file(str(home / "cache"), "app/a", identity)
                break
            except ActRefused:
                continue
    finally:
        stop.set()
        attacker.join()
    assert (outside / "a").exists()


def test_the_cache_of_a_user_is_where_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/srv/cache")
    assert user_cache_root() == "/srv/cache"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", "/home/anna")
    assert user_cache_root() == "/home/anna/.cache"
