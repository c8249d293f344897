"""Kills a worker process at every point of a remedy, then lets a second one carry on. Run by test_killed_worker.

One process for each point: forked here, from a program with one thread, and ended by SIGKILL right before or right
after a journal record or an act on the machine. The second worker is killed too, at the point after the first, when
`twice` is asked for. Prints one JSON object a line.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from diagnostics.machine.interface import FileIdentity, FolderEntry
from diagnostics.remedies.journal import Record
from diagnostics.remedies.profile import Ending
from diagnostics.remedies.remedy import Reading
from diagnostics.remedies.transaction import Answer, Transaction
from tests.diagnostics.remedies.journal_file import JournalFile
from tests.diagnostics.remedies.scratch import (
    DAY_S,
    NOW,
    TROUBLED,
    WELL,
    WORSE,
    changes_for,
    make_tree,
    means_for,
    picture,
    remedy,
)

RUN = "run-1"


class Fuse:
    def __init__(self, kill_at: int) -> None:
        self.left = kill_at

    def point(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class FusedJournal(JournalFile):
    def __init__(self, path: Path, fuse: Fuse) -> None:
        super().__init__(path)
        self._fuse = fuse

    def append(self, record: Record) -> None:
        self._fuse.point()
        super().append(record)
        self._fuse.point()


class FusedChanges:
    """The real machine with a fuse before and after every act."""

    def __init__(self, folder: Path, fuse: Fuse) -> None:
        self._real = changes_for(folder)
        self._fuse = fuse

    def list_tree(self, root: str, *, max_entries: int) -> tuple[tuple[str, FolderEntry], ...]:
        return self._real.list_tree(root, max_entries=max_entries)

    def quarantine(self, root: str, relative: str, seen: FileIdentity, into: str) -> None:
        self._fuse.point()
        self._real.quarantine(root, relative, seen, into)
        self._fuse.point()

    def restore(self, root: str, relative: str, seen: FileIdentity, out_of: str) -> None:
        self._fuse.point()
        self._real.restore(root, relative, seen, out_of)
        self._fuse.point()

    def remove_file(self, root: str, relative: str, seen: FileIdentity) -> None:
        self._fuse.point()
        self._real.remove_file(root, relative, seen)
        self._fuse.point()

    def remove_empty_folders(self, root: str) -> int:
        self._fuse.point()
        removed = self._real.remove_empty_folders(root)
        self._fuse.point()
        return removed


def work(folder: Path, scenario: str, kill_at: int) -> Ending:
    """What the worker does over two days: begin or carry on, look again after an hour, settle after a day."""
    fuse = Fuse(kill_at)
    journal = FusedJournal(folder / "journal", fuse)
    clock = [NOW]

    def recheck() -> Reading:
        moved = any(path.is_file() for path in (folder / "quarantine").rglob("*"))
        if moved and (scenario == "worse-at-once" or (scenario == "worse-later" and clock[0] > NOW + 60)):
            return WORSE
        settled = not any((folder / "quarantine").rglob("*")) and not (folder / "cache/pip/http/a/one").exists()
        return WELL if settled else TROUBLED

    transaction = Transaction(remedy(), means_for(folder, FusedChanges(folder, fuse)), journal, recheck)
    ending = None
    if not journal.records(RUN):
        ending = transaction.begin(RUN, now=NOW, ask=lambda question: Answer(True, "test"))
    for now in (NOW + 60, NOW + 3600, NOW + DAY_S + 7200, NOW + 2 * DAY_S + 7200):
        clock[0] = now
        if ending is None or ending.outcome is None:
            ending = transaction.carry_on(RUN, now=now)
    assert ending is not None
    return ending


def killed(folder: Path, scenario: str, kill_at: int) -> bool:
    """Run a worker in a process of its own. True: it was killed before its end."""
    child = os.fork()
    if child == 0:
        try:
            work(folder, scenario, kill_at)
        except BaseException as error:  # noqa: BLE001 — the child has nobody above it to tell
            os.write(2, f"{scenario} at {kill_at}: {error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise SystemExit("the worker failed by itself")
    return os.WIFSIGNALED(status)


def rounds(folder: Path, scenario: str, *, twice: bool, stride: int) -> Sequence[dict[str, object]]:
    results: list[dict[str, object]] = []
    for kill_at in itertools.count(1, stride):
        place = folder / f"{scenario}-{kill_at}"
        make_tree(place)
        before = picture(place)
        first = killed(place, scenario, kill_at)
        again = killed(place, scenario, 1 + kill_at % 7) if first and twice else False
        records = JournalFile(place / "journal").records(RUN)
        begun = [f"{record.step} {record.phase}" for record in records]
        # The second (or third) worker, without a fuse.
        ending = work(place, scenario, 0)
        after = picture(place)
        after.pop("journal", None)
        quarantine = [name for name in after if name.startswith("quarantine/")]
        missing = sorted(set(before) - set(after))
        changed = sorted(name for name in set(before) & set(after) if before[name] != after[name])
        results.append(
            {
                "kill_at": kill_at,
                "killed": first,
                "killed_again": again,
                "died_after": begun[-1] if begun else "nothing",
                "outcome": str(ending.outcome),
                "missing": missing,
                "changed": changed,
                "added": sorted(set(after) - set(before)),
                "quarantine": quarantine,
            }
        )
        shutil.rmtree(place)
        if not first:
            return results
    raise AssertionError("the loop above ends by returning")


if __name__ == "__main__":
    for result in rounds(Path(sys.argv[1]), sys.argv[2], twice=sys.argv[3] == "twice", stride=int(sys.argv[4])):
        print(json.dumps(result))
