"""Record a machine so that others may have it: ask everything, take out names and secrets, try the result, write it.

    machine ─ask─▶ noted ─disguise─▶ noted, redacted ─write─▶ a folder ─read back, run the checks─▶ what differs
                                                    (a temporary one until its owner has said yes)

What the owner is shown before anything stays: each file with its size, what was taken out how often, what was left out,
and which checks answer differently from the redacted recording than from the machine itself.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.examine import Examination, examine
from diagnostics.history import MemoryHistory
from diagnostics.machine.interface import Machine, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.machine.recording import RecordingMachine, write_recording
from diagnostics.redacted_recording import Taken, disguise
from diagnostics.redaction import Identifiers

README: Final = "README.txt"


class FolderInUse(ValueError):
    """A recording makes a folder of its own, or takes an empty one."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A recording in a temporary folder. `unread`: collectors that could not be read, with the reason. `differences`:
    checks that say something else from this recording than from the machine."""

    folder: Path
    taken: Taken
    files: tuple[tuple[str, int], ...]
    unread: tuple[tuple[str, str], ...]
    differences: tuple[str, ...]


def make_draft(
    machine: Machine, names: Identifiers, secret: bytes, folder: Path, *, name: str, about: str, now: int
) -> Draft:
    """Ask the machine everything that checks and collectors ask, and write it redacted into `folder`, which must not
    exist or be empty. Raises FolderInUse."""
    check_free(folder)
    noted = RecordingMachine(machine)
    live = examine(noted, MemoryHistory(), now=now)
    unread = []
    for collector in COLLECTORS:
        if machine.platform in collector.platforms:
            try:
                collector.collect(noted)
            except Unreadable as unreadable:
                unread.append((collector.id, unreadable.reason))
    taken = disguise(noted, names, secret)
    write_recording(noted, folder, name=name, about=about)
    again = examine(RecordedMachine(folder), MemoryHistory(), now=now)
    differences = _differences(live, again)
    (folder / README).write_text(readme(noted, taken, differences), encoding="utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = tuple((str(path.relative_to(folder)), path.stat().st_size) for path in files)
    return Draft(folder, taken, listed, tuple(unread), differences)


def check_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderInUse(f"{folder} is not empty; a recording is never mixed with something else")


def keep(draft: Draft, folder: Path) -> None:
    """Move the draft to where its owner wants it. Raises FolderInUse, OSError."""
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rmdir()
    shutil.move(draft.folder, folder)


def _differences(live: Examination, again: Examination) -> tuple[str, ...]:
    before = {result.id: result for result in live.checks}
    found = []
    for result in again.checks:
        was = before[result.id]
        if was.status is not result.status:
            found.append(f"{result.id}: {was.status} on the machine, {result.status} from the recording")
    codes = [sorted(finding.code for finding in looked.findings) for looked in (live, again)]
    if not found and codes[0] != codes[1]:
        found.append(f"findings: {len(codes[0])} on the machine, {len(codes[1])} from the recording")
    return tuple(found)


def readme(noted: RecordingMachine, taken: Taken, differences: tuple[str, ...]) -> str:
    """What the folder holds, for whoever is given it and for the one who gives it."""
    parts = [
        "A machine as it answered Bellpull's questions, once. It is looked at like a machine by:",
        "    python -m diagnostics check --machine THIS_FOLDER",
        "",
        f"machine.toml   {noted.platform}, when it was asked and when it had started",
        f"answers.json   {len(noted.commands)} commands, {len(noted.folders)} folders, {len(noted.snapshots)} looks at",
        "               processes, free space, and what could not be read",
        f"files/         {len(noted.files)} files the checks read, by their paths",
        f"native/        {len(noted.natives)} answers of the system's own calls",
        "",
        "Taken out before it was written: names of people, of this computer and of networks, addresses, serial",
        "numbers, passwords, keys and tokens. In their places stand others of the same shape (10.x.y.z,",
        "user-1a2b3c4d); the same thing has the same one throughout, and nothing leads back. Arguments of programs",
        "were left out whole.",
        "Still in it: names of programs and services, versions, sizes, times, log lines without what names",
        "somebody, certificates of servers. Read it through before you give it away: no rule knows every name.",
        "",
        "taken out: " + (", ".join(f"{kind} {count}" for kind, count in sorted(taken.by_kind.items())) or "nothing"),
        "left out:  " + ("; ".join(f"{what} ({why})" for what, why in sorted(taken.withheld.items())) or "nothing"),
        "checks that answer differently from it than from the machine: " + ("; ".join(differences) or "none"),
    ]
    return "\n".join(parts) + "\n"
