"""Folders two steps below the root, counted within a budget, on a real tree."""

import os
import sys
from pathlib import Path

import pytest

from diagnostics.machine.interface import Unreadable
from diagnostics.machine.read.folder_sizes import folder_sizes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="made with links and blocks")


def test_each_folder_is_counted_with_all_below_it(tmp_path: Path) -> None:
    deep = tmp_path / "lib" / "db" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "big").write_bytes(b"x" * 50_000)
    (tmp_path / "lib" / "db" / "small").write_bytes(b"x" * 5_000)
    (tmp_path / "log" / "journal").mkdir(parents=True)
    (tmp_path / "lib" / "loose file").write_bytes(b"x")
    os.symlink(deep, tmp_path / "log" / "link")
    os.symlink("/etc", tmp_path / "log" / "journal" / "out")
    os.mkfifo(tmp_path / "log" / "journal" / "pipe")
    found = folder_sizes([str(tmp_path), str(tmp_path / "absent")])
    assert [item["path"] for item in found] == [str(tmp_path / "lib" / "db"), str(tmp_path / "log" / "journal")]
    assert [(item["files"], item["complete"]) for item in found] == [(2, True), (0, True)]
    assert 50_000 <= int(str(found[0]["allocated_bytes"])) <= 80_000
    assert found[1]["allocated_bytes"] == 0


def test_a_folder_over_its_budget_says_so_and_the_next_is_still_counted(tmp_path: Path) -> None:
    for name, files in (("a", 300), ("b", 3)):
        folder = tmp_path / "x" / name
        folder.mkdir(parents=True)
        for number in range(files):
            (folder / str(number)).touch()
    found = folder_sizes([str(tmp_path)], max_entries=100)
    assert [(item["files"], item["complete"]) for item in found] == [(50, False), (3, True)]
    assert [item["complete"] for item in folder_sizes([str(tmp_path)], max_s=-1)] == [False, False]


def test_where_nothing_can_be_entered_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="none of the folders"):
        folder_sizes([str(tmp_path / "absent")])
