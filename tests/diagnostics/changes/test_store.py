"""Snapshots and changes from look to look. The agent's own store is held against `keeps_like_memory` too."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.changes.compare import Snapshot, Subject
from diagnostics.changes.store import (
    CHANGES_KEPT_MAX,
    KEPT_S,
    ChangeStore,
    MemoryChanges,
    dump_changes,
    load_changes,
)
from diagnostics.checks.contract import Metric
from diagnostics.examine import Examination, examine
from diagnostics.findings import Change
from diagnostics.history import Point
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.state_folder import Past, read_past, write_past

NOW = 1_795_000_000
PACKAGES = Snapshot(Subject.PACKAGE, NOW, {"cups": "2.4.2-4"})


def reread(store: MemoryChanges) -> MemoryChanges:
    return load_changes(dump_changes(store))


@pytest.mark.parametrize("again", [lambda store: store, reread], ids=["memory", "through-a-file"])
def test_the_newest_snapshot_and_all_changes_are_kept(again: Callable[[ChangeStore], ChangeStore]) -> None:
    store: ChangeStore = again(MemoryChanges())
    assert store.latest(Subject.PACKAGE) is None
    store.keep([Snapshot(Subject.PACKAGE, NOW - 900, {"cups": "2.4.2-3"})], [])
    store.keep([PACKAGES], [Change(NOW, "package:cups 2.4.2-3 → 2.4.2-4")])
    store = again(store)
    assert store.latest(Subject.PACKAGE) == PACKAGES
    assert store.latest(Subject.CONFIG) is None
    assert store.since(NOW) == (Change(NOW, "package:cups 2.4.2-3 → 2.4.2-4"),)
    assert store.since(NOW + 1) == ()


def test_old_changes_are_forgotten_and_the_number_is_bounded() -> None:
    store = MemoryChanges()
    store.keep([PACKAGES], [Change(NOW - KEPT_S - 1, "package:old 1 → 2"), Change(NOW - KEPT_S, "package:kept 1 → 2")])
    assert [item.what for item in store.since(0)] == ["package:kept 1 → 2"]
    store.keep([], [Change(NOW, f"package:p{index} 1 → 2") for index in range(CHANGES_KEPT_MAX + 50)])
    assert len(store.since(0)) == CHANGES_KEPT_MAX


def test_the_same_change_twice_is_one() -> None:
    store = MemoryChanges()
    for _ in range(2):
        store.keep([PACKAGES], [Change(NOW, "package:a 1 → 2"), Change(NOW, "package:a 1 → 2")])
    assert len(store.since(0)) == 1


def test_a_file_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="format 1, got 2"):
        load_changes('{"format":2,"snapshots":[],"changes":[]}')
    with pytest.raises(ValueError, match="unknown field"):
        load_changes('{"format":1,"snapshots":[],"changes":[],"more":1}')


def test_a_state_folder_keeps_numbers_and_changes(tmp_path: Path) -> None:
    past = read_past(tmp_path / "state")
    metric = Metric("disk.used-bytes", 5.0, "disk:/")
    seen = Examination((), (), 0.1, 0.1, (metric,), (Change(NOW, "package:a 1 → 2"),), (PACKAGES,))
    past.take(seen, now=NOW)
    write_past(past, tmp_path / "state")
    again = read_past(tmp_path / "state")
    assert again.history.series("disk.used-bytes", "disk:/", since_unix_s=0) == (Point(NOW, 5.0),)
    assert (again.changes.latest(Subject.PACKAGE), len(again.changes.since(0))) == (PACKAGES, 1)
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == [
        "changes.json",
        "history.jsonl",
        "templates.json",
    ]


def test_two_looks_tell_what_changed_between_them_and_put_it_at_what_broke(
    recorded: Callable[[str], RecordedMachine],
) -> None:
    past, now = Past(), NOW
    first = examine(recorded("laptop-healthy"), past.history, now=now, before=past.changes)
    skipped = {result.id for result in first.checks if result.status == "skipped"}
    assert {"startup-drift", "config-drift"} <= skipped
    past.take(first, now=now)
    second = examine(recorded("desktop-updated"), past.history, now=now + 900, before=past.changes)
    assert "package:cups 2.4.2-3+deb12u8 → 2.4.2-3+deb12u9" in [change.what for change in second.changes]
    (failed,) = [finding for finding in second.findings if finding.code == "service-failed"]
    assert failed.changes[0].what == "package:cups 2.4.2-3+deb12u8 → 2.4.2-3+deb12u9"
