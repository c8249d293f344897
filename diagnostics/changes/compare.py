"""Two snapshots of one subject, the earlier and the later: what changed. Pure.

    {"cups": "2.4.2-3"}  →  {"cups": "2.4.2-4", "foo": "1.0"}   ─▶   package:cups 2.4.2-3 → 2.4.2-4
                                                                      package:foo 1.0 added

A change bears the moment it was noticed: it happened between the two looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from diagnostics.findings import Change
from diagnostics.plain_text import printable

# A new release of the system changes thousands of packages; the rest is counted in one line.
CHANGES_MAX = 200
_WHAT_MAX_CHARS = 200


class Subject(StrEnum):
    """The word before the colon of a change's name; conditions of known issues ask by it."""

    PACKAGE = "package"
    CONFIG = "config"
    STARTUP = "startup"
    SERVICE = "service"
    KERNEL = "kernel"
    NETWORK = "network"
    CERTIFICATE = "certificate"
    APPLICATION = "application"  # settings of watched applications


# Their values are sums or sizes: true, and of no use to a reader.
_VALUES_HIDDEN = frozenset({Subject.CONFIG, Subject.STARTUP, Subject.APPLICATION})
# A name that only one of two snapshots has is one that began or ceased to be watched. What is not there has no value.
_NAMES_ARE_CHOSEN = frozenset({Subject.APPLICATION})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One subject at one moment: short printable values by name."""

    subject: Subject
    taken_unix_s: int
    items: Mapping[str, str]


def compare(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Sorted by name; at most CHANGES_MAX and one line that counts the rest. ValueError on two subjects."""
    if before.subject is not after.subject:
        raise ValueError(f"expected two snapshots of one subject, got {before.subject} and {after.subject}")
    chosen = after.subject in _NAMES_ARE_CHOSEN
    both = before.items.keys() & after.items.keys() if chosen else before.items.keys() | after.items.keys()
    names = [name for name in sorted(both) if before.items.get(name) != after.items.get(name)]
    told = [_told(after.subject, name, before.items.get(name), after.items.get(name)) for name in names[:CHANGES_MAX]]
    if len(names) > CHANGES_MAX:
        told.append(f"{after.subject}:* {len(names) - CHANGES_MAX} more changed")
    return tuple(Change(after.taken_unix_s, printable(what, _WHAT_MAX_CHARS)) for what in told)


def _told(subject: Subject, name: str, old: str | None, new: str | None) -> str:
    hidden = subject in _VALUES_HIDDEN
    if subject in _NAMES_ARE_CHOSEN:
        old, new = old or None, new or None
    if old is None:
        return f"{subject}:{name} added" if hidden or not new else f"{subject}:{name} {new} added"
    if new is None:
        return f"{subject}:{name} removed" if hidden or not old else f"{subject}:{name} {old} removed"
    return f"{subject}:{name} changed" if hidden else f"{subject}:{name} {old} → {new}"


def subject_of(change: Change) -> Subject | None:
    """None for a change of a newer version's subject."""
    word = change.what.partition(":")[0]
    return Subject(word) if word in tuple(Subject) else None


def name_of(change: Change) -> str:
    """`package:cups 2.4.2-3 → 2.4.2-4` is about `cups`."""
    return change.what.partition(":")[2].partition(" ")[0].replace("\u00a0", " ")
