"""What a session may touch on this machine, by its owner's settings: which folders, as whom, and whether a terminal.

    config.toml   [files] folders = ["~/Documents", "/srv/scans"]     default: Desktop, Documents, Downloads
    terminal      off, until an administrator says `bellpull-agent terminal enable`

Settled anew for each visit, before the customer is asked, so that the question and the visit agree. In machine mode
the service is root: files and terminal are those of the person at the active seat, and nobody's when nobody sits there.
"""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.local.seat import told_by_logind
from agent.local.verbs import NoArguments, Peer, Verb
from agent.paths import Mode, StateFolder
from agent.session.host_wire import SessionSettings
from agent.store.kept_values import KeptValues
from protocol.actions.scopes import Scope
from protocol.strict_json import WireModel

_SWITCH: Final = "terminal"
#: The desktop's own words for the three places in which people keep what they work on (xdg-user-dirs).
_WANTED: Final = ("XDG_DESKTOP_DIR", "XDG_DOCUMENTS_DIR", "XDG_DOWNLOAD_DIR")
_PLAIN: Final = ("Desktop", "Documents", "Downloads")
_USER_DIRS_MAX_BYTES: Final = 64 * 1024
#: Accounts below are the system's own, the login screen's among them (login.defs UID_MIN).
_PERSON_UID_MIN: Final = 1000
_SEATS: Final = Path("/run/systemd/seats/seat0")


@dataclass(frozen=True)
class Person:
    """Whose files and terminal a session may have."""

    name: str
    home: Path


class OwnSettings:
    """The owner's settings as they are now. The switch of the terminal is kept over restarts, with who set it."""

    def __init__(self, folder: StateFolder, named: tuple[str, ...] | None, kept: KeptValues) -> None:
        self._folder = folder
        self._named = named
        self._kept = kept
        #: Called when the terminal is disabled: visits that have one lose it.
        self.when_disabled: Callable[[], None] = lambda: None

    @property
    def terminal(self) -> bool:
        return self._kept.get(_SWITCH) == "enabled"

    def now(self) -> SessionSettings:
        return settle(self._folder, self._named, terminal=self.terminal)

    def not_served(self) -> frozenset[Scope]:
        """Scopes that a yes to would mean nothing here: never offered."""
        settings = self.now()
        closed = set() if settings.terminal else {Scope.TERMINAL}
        if not settings.folders:
            closed |= {Scope.FILES_READ, Scope.FILES_WRITE}
        return frozenset(closed)

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("session-settings", NoArguments, self._show, refused_to_sessions=True),
            Verb("terminal-set", TerminalSetArguments, self._set, administrator=True, refused_to_sessions=True),
        )

    async def _show(self, arguments: NoArguments, peer: Peer) -> object:
        settings = self.now()
        return {"folders": list(settings.folders), "terminal": settings.terminal, "person": settings.person}

    async def _set(self, arguments: "TerminalSetArguments", peer: Peer) -> object:
        changed = arguments.enabled is not self.terminal
        self._kept.put(_SWITCH, "enabled" if arguments.enabled else "disabled")
        if changed and not arguments.enabled:
            self.when_disabled()
        return {"terminal": self.terminal, "changed": changed}


class TerminalSetArguments(WireModel):
    enabled: bool


def settle(folder: StateFolder, named: tuple[str, ...] | None, *, terminal: bool) -> SessionSettings:
    """What a visit that begins now may touch. `named`: the owner's folders; None: the default ones."""
    person = person_at_the_machine(folder.mode)
    if person is None:
        return SessionSettings(keep_out=str(folder.root))
    return SessionSettings(
        folders=tuple(allowed_folders(person.home, named, folder.root)),
        terminal=terminal,
        person=person.name if folder.mode is Mode.MACHINE else None,
        keep_out=str(folder.root),
    )


def allowed_folders(home: Path, named: tuple[str, ...] | None, state: Path) -> Iterator[str]:
    """Real paths of the folders that are there. The whole disk, and what holds the agent's folder, is none."""
    for each in default_folders(home) if named is None else named:
        path = home / each[2:] if each.startswith("~/") else home if each == "~" else Path(each)
        real = Path(os.path.realpath(path))
        if not path.is_absolute() or not real.is_dir() or real == Path(real.anchor):
            continue
        if real == state or real.is_relative_to(state):
            continue
        yield str(real)


def default_folders(home: Path) -> list[str]:
    """As the desktop names them, or as they are called everywhere."""
    try:
        with (home / ".config" / "user-dirs.dirs").open("rb") as file:
            text = file.read(_USER_DIRS_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return [str(home / name) for name in _PLAIN]
    found = dict(_user_dirs(text, home))
    return [str(found.get(name, home / plain)) for name, plain in zip(_WANTED, _PLAIN, strict=True)]


def _user_dirs(text: str, home: Path) -> Iterator[tuple[str, Path]]:
    """XDG_DOCUMENTS_DIR="$HOME/Dokumente"    a folder that is the home itself means: there is none"""
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name in _WANTED:
            path = Path(value.strip('"').replace("$HOME", str(home), 1))
            if path.is_absolute() and path != home:
                yield name, path


def person_at_the_machine(mode: Mode, *, active_uid: "Callable[[], int | None] | None" = None) -> Person | None:
    """User mode: who runs the service. Machine mode: who sits at the active seat; None when nobody does."""
    if sys.platform == "win32":
        return None
    import pwd

    uid = os.geteuid() if mode is Mode.USER else (active_uid or seat_uid)()
    if uid is None:
        return None
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None
    return Person(entry.pw_name, Path(entry.pw_dir))


def seat_uid(seat: Path = _SEATS) -> int | None:
    """Who sits at the first seat, as systemd-logind keeps it; the login screen and root are nobody.

    ACTIVE=3
    ACTIVE_UID=1000
    """
    uid = told_by_logind(seat).get("ACTIVE_UID", "")
    return int(uid) if uid.isdecimal() and int(uid) >= _PERSON_UID_MIN else None
