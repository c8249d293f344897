"""What changed between two snapshots, and what a log tells of before the first one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.changes.compare import CHANGES_MAX, Snapshot, Subject, compare, name_of, subject_of
from diagnostics.changes.from_log import changes_of_log
from diagnostics.findings import Change
from diagnostics.observations import PackageAction, PackageLog

NOW = 1_795_000_000


def snapshot(at: int = NOW, /, subject: Subject = Subject.PACKAGE, **items: str) -> Snapshot:
    return Snapshot(subject, at, items)


def test_added_removed_and_altered_are_told_with_their_versions() -> None:
    before = snapshot(NOW - 900, cups="2.4.2-3", nano="7.2", bash="5.2")
    after = snapshot(cups="2.4.2-4", htop="3.2.2", bash="5.2")
    assert compare(before, after) == (
        Change(NOW, "package:cups 2.4.2-3 → 2.4.2-4"),
        Change(NOW, "package:htop 3.2.2 added"),
        Change(NOW, "package:nano 7.2 removed"),
    )


def test_sums_of_files_are_not_shown() -> None:
    before = Snapshot(Subject.CONFIG, NOW - 900, {"/etc/hosts": "a" * 64})
    after = Snapshot(Subject.CONFIG, NOW, {"/etc/hosts": "b" * 64, "/etc/fstab": "c" * 64})
    assert [item.what for item in compare(before, after)] == ["config:/etc/fstab added", "config:/etc/hosts changed"]


def test_a_release_upgrade_stays_readable() -> None:
    before = snapshot(NOW - 900, **{f"p{index}": "1" for index in range(3_000)})
    after = snapshot(**{f"p{index}": "2" for index in range(3_000)})
    changes = compare(before, after)
    assert len(changes) == CHANGES_MAX + 1
    assert changes[-1].what == f"package:* {3_000 - CHANGES_MAX} more changed"


def test_snapshots_of_two_subjects_are_refused() -> None:
    with pytest.raises(ValueError, match="of one subject"):
        compare(snapshot(), Snapshot(Subject.CONFIG, NOW, {}))


def test_a_name_from_outside_cannot_act() -> None:
    (change,) = compare(snapshot(NOW - 1), snapshot(NOW, **{"x\x1b[2J\u202e": "1"}))
    assert change.what == "package:x\\x1b[2J\\u202e 1 added"


ITEMS = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.sampled_from(["1", "2", "3"]), max_size=8)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(ITEMS, ITEMS)
def test_each_difference_is_told_once_and_nothing_else(old: dict[str, str], new: dict[str, str]) -> None:
    changes = compare(snapshot(NOW - 1, **old), snapshot(NOW, **new))
    assert {name_of(change) for change in changes} == {
        name for name in old.keys() | new.keys() if old.get(name) != new.get(name)
    }
    assert len(changes) == len({name_of(change) for change in changes})


def test_a_change_tells_its_subject_and_a_newer_versions_subject_is_none() -> None:
    assert subject_of(Change(NOW, "kernel:running 6.1 → 6.2")) is Subject.KERNEL
    assert subject_of(Change(NOW, "firmware:bios 1 → 2")) is None


def test_the_log_of_packages_tells_the_week_before_the_first_look() -> None:
    log = PackageLog(
        (
            PackageAction(NOW - 9 * 86_400, "upgrade", "old", "1", "2"),
            PackageAction(NOW - 500, "upgrade", "cups", "2.4.2-3", "2.4.2-4"),
            PackageAction(NOW - 400, "install", "htop", "", "3.2.2"),
            PackageAction(NOW + 90, "remove", "nano", "7.2", ""),
        )
    )
    assert changes_of_log(log, since_unix_s=NOW - 7 * 86_400, now=NOW) == (
        Change(NOW - 500, "package:cups 2.4.2-3 → 2.4.2-4"),
        Change(NOW - 400, "package:htop 3.2.2 added"),
        Change(NOW, "package:nano 7.2 removed"),
    )
