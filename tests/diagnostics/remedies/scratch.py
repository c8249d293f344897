"""A scratch cache folder with old and new files, links and traps, and what a remedy needs to work on it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from diagnostics.findings import Severity
from diagnostics.machine.change.linux import LinuxChanges
from diagnostics.machine.interface import ChangingMachine
from diagnostics.remedies.clean_user_cache import FOLDER, REMEDY, CleanPlan, CleanUserCache
from diagnostics.remedies.remedy import Means, Reading, Remedy

NOW = 1_795_000_000
DAY_S = 86_400
OLD = {
    "pip/http/a/one": 40_000,
    "pip/http/a/two": 9_000,
    "thumbnails/large/x.png": 20_000,
    "mozilla/p/cache2/entries/E1": 70_000,
    "thumbnails/normal/y.png": 4_096,
}
KEPT = {
    "pip/http/young": 50_000,
    "pip/tiny": 100,
    "huggingface/model": 90_000,
    "pip/linked": 30_000,
    "loose-file": 60_000,
}
TROUBLED = Reading(Severity.ERROR)
WORSE = Reading(Severity.CRITICAL)
WELL = Reading(None)


def make_tree(folder: Path) -> None:
    """`folder/cache` with files to take and files to leave, `folder/quarantine`, and a secret outside."""
    cache = folder / "cache"
    (folder / "quarantine").mkdir(parents=True, mode=0o700)
    outside = folder / "outside"
    outside.mkdir()
    (outside / "letter.txt").write_bytes(b"never touched" * 1000)
    for path, size in {**OLD, **KEPT}.items():
        target = cache / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.encode() * (size // len(path) + 1))
        age = DAY_S if path == "pip/http/young" else 40 * DAY_S
        os.utime(target, (NOW - age, NOW - age))
    os.link(cache / "pip/linked", outside / "linked")
    (cache / "pip/link-to-letter").symlink_to(outside / "letter.txt")
    (cache / "chromium").symlink_to(outside)
    os.utime(outside / "letter.txt", (NOW - 90 * DAY_S, NOW - 90 * DAY_S))


def changes_for(folder: Path) -> LinuxChanges:
    return LinuxChanges(roots=[str(folder / "cache")], quarantines=[str(folder / "quarantine")])


def means_for(folder: Path, changes: ChangingMachine | None = None) -> Means:
    return Means(
        changes=changes or changes_for(folder),
        folders={FOLDER: str(folder / "cache")},
        quarantine=str(folder / "quarantine"),
        owner_uid=os.getuid(),
    )


def remedy() -> Remedy[CleanPlan]:
    """The real one, for a cache of 150 KB."""
    return replace(REMEDY, acts=CleanUserCache(worth_bytes=1000))


def picture(folder: Path) -> dict[str, tuple[str, bytes, int]]:
    """Every file and link below: kind, content, time. What "byte for byte" means."""
    found: dict[str, tuple[str, bytes, int]] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", os.readlink(path).encode(), 0)
        elif path.is_file():
            found[name] = ("file", path.read_bytes(), int(path.stat().st_mtime))
    return found
