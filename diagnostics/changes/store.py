"""Where snapshots and changes are kept between two looks.

The agent keeps them in its database; `python -m diagnostics --state FOLDER` in a file; a one-shot look in nothing.
Names of programs and files are in them: they are local and leave the machine only sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from diagnostics.changes.compare import Snapshot, Subject
from diagnostics.findings import Change
from diagnostics.strict_json import decode, dump_json, encode, load_json

KEPT_S = 30 * 86_400
# A release upgrade every week would still fit.
CHANGES_KEPT_MAX = 2_000


class Changes(Protocol):
    """What a look may ask."""

    def latest(self, subject: Subject) -> Snapshot | None:
        """The newest snapshot; None when this subject was never seen."""

    def since(self, unix_s: int) -> Sequence[Change]:
        """Changes noticed at or after `unix_s`, oldest first."""


class ChangeStore(Changes, Protocol):
    """What the agent implements: the one who writes."""

    def keep(self, snapshots: Sequence[Snapshot], changes: Sequence[Change]) -> None:
        """After a look, the whole of it: each snapshot takes the place of its subject's older one."""


class MemoryChanges:
    """Ends with the process. The agent's own store passes the same tests."""

    def __init__(self) -> None:
        self._latest: dict[Subject, Snapshot] = {}
        self._changes: list[Change] = []

    def latest(self, subject: Subject) -> Snapshot | None:
        return self._latest.get(subject)

    def since(self, unix_s: int) -> Sequence[Change]:
        return tuple(change for change in self._changes if change.at_unix_s >= unix_s)

    def keep(self, snapshots: Sequence[Snapshot], changes: Sequence[Change]) -> None:
        for snapshot in snapshots:
            self._latest[snapshot.subject] = snapshot
        known = set(self._changes)
        self._changes += [change for change in dict.fromkeys(changes) if change not in known]
        self._changes.sort(key=lambda change: (change.at_unix_s, change.what))
        newest = max((snapshot.taken_unix_s for snapshot in self._latest.values()), default=0)
        kept = [change for change in self._changes if change.at_unix_s >= newest - KEPT_S]
        self._changes = kept[-CHANGES_KEPT_MAX:]


@dataclass(frozen=True, slots=True)
class ChangesFile:
    """The file's whole content."""

    format: int
    snapshots: tuple[Snapshot, ...]
    changes: tuple[Change, ...]


FORMAT = 1


def dump_changes(store: MemoryChanges) -> str:
    snapshots = tuple(found for subject in Subject if (found := store.latest(subject)) is not None)
    return dump_json(encode(ChangesFile(FORMAT, snapshots, tuple(store.since(0)))), indent=1) + "\n"


def load_changes(text: str | bytes) -> MemoryChanges:
    """Read what `dump_changes` wrote. Raises StrictJsonError, ValueError on another format."""
    file = decode(ChangesFile, load_json(text))
    if file.format != FORMAT:
        raise ValueError(f"expected a file of changes of format {FORMAT}, got {file.format}")
    store = MemoryChanges()
    store.keep(file.snapshots, file.changes)
    return store
