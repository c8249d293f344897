"""What a collector is, and what it hands on.

A collector reads one subject of a machine. It comes in two kinds:

* an *observation* collector returns typed values (`diagnostics.observations`) for checks and for a session;
* an *evidence* collector yields named files for a bundle.

This file fixes the words both share: what personal data a result may contain, what it costs, which rights it
needs. Redaction is not done here: everything below is raw and must not leave the machine as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from diagnostics.machine.interface import Machine, Platform

Observed = TypeVar("Observed")
# Results only come out of a collector: one of `Memory` is also one of `object`.
ObservedOut = TypeVar("ObservedOut", covariant=True)

# One file of a bundle. A log tail is cut to this at a line end.
EVIDENCE_FILE_MAX_BYTES = 5 * 1024 * 1024
# All evidence of one bundle: what is not collected by then is recorded as timed out.
EVIDENCE_TIMEOUT_S = 240.0

ALL_PLATFORMS = frozenset(Platform)
LINUX_ONLY = frozenset({Platform.LINUX})
LINUX_AND_MACOS = frozenset({Platform.LINUX, Platform.MACOS})


class Personal(StrEnum):
    """Kinds of personal data a collector's result may contain. Shown to the customer in the preview."""

    USER_NAMES = "user-names"
    HOST_NAMES = "host-names"
    NETWORK_ADDRESSES = "network-addresses"
    FILE_PATHS = "file-paths"
    COMMAND_LINES = "command-lines"
    SERIAL_NUMBERS = "serial-numbers"
    LOG_TEXT = "log-text"
    INSTALLED_SOFTWARE = "installed-software"


class Cost(StrEnum):
    """How dear one reading is: decides how often the schedule may ask."""

    CHEAP = "cheap"  # a few files of /proc
    MODERATE = "moderate"  # a child process, or hundreds of small files
    COSTLY = "costly"  # seconds of disk or processor
    NETWORK = "network"  # waits for another machine


class Privilege(StrEnum):
    """What the reader needs. A reader without it gets `Unreadable`, and the check is skipped with that
    reason."""

    ANYONE = "anyone"
    LOG_READER = "log-reader"  # group adm or systemd-journal
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Collector(Generic[ObservedOut]):
    """An observation collector: one line of `collectors/catalogue.py`.

    A collector that measures over time also has `begin`: it takes the first sample and returns what finishes the
    measurement, so that others can work meanwhile. `collect` then is `begin`, a pause, and the rest.
    """

    id: str
    collect: Callable[[Machine], ObservedOut]
    may_contain: frozenset[Personal]
    cost: Cost
    privilege: Privilege = Privilege.ANYONE
    platforms: frozenset[Platform] = ALL_PLATFORMS
    begin: Callable[[Machine], Callable[[], ObservedOut]] | None = None


@dataclass(frozen=True, slots=True)
class CollectedFile:
    """One named file of evidence. `path` is relative, inside the bundle, made by us and never by the machine.

    `content` is at most EVIDENCE_FILE_MAX_BYTES of raw, unredacted bytes: control characters, NUL and broken
    UTF-8 are possible. `source` says where it was read (a path or a command line). `truncated` means that
    older or further data exists and was left out.
    """

    path: str
    content: bytes
    why: str
    collector: str
    source: str
    truncated: bool
    may_contain: frozenset[Personal]
    ms: int


class SkipStatus(StrEnum):
    SKIPPED = "skipped"  # the source is not there, or this reader may not read it
    TIMEOUT = "timeout"  # the command or the whole collection ran out of time
    FAILED = "failed"  # our own code raised; the rest still ran


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was wanted and could not be had, with a reason a person can read."""

    path: str
    collector: str
    status: SkipStatus
    reason: str
    ms: int


@dataclass(frozen=True, slots=True)
class EvidenceCollector:
    """One line of the evidence catalogue. `collect` may yield any number of files and skips."""

    id: str
    why: str
    collect: Callable[[Machine], Iterator[CollectedFile | Skipped]]
    may_contain: frozenset[Personal]
    cost: Cost
    privilege: Privilege = Privilege.ANYONE
    platforms: frozenset[Platform] = ALL_PLATFORMS


# The whole collection is one function, in `diagnostics/collectors/evidence.py`:
#   collect_evidence(machine: Machine, *, now: int, only: Collection[str] | None = None)
#       -> Iterator[CollectedFile | Skipped]
