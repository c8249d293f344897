"""For every remedy of the catalogue a machine that needs it: real files in a scratch root, commands by a stand-in.

The stand-in is no mock of ours: it stands for systemd, CUPS, NetworkManager, ufw, dpkg, which are not on every machine
that tests run on. It keeps one state and answers as those programs do; what it answers is written down here, composed
after their manuals. The checks of arguments and the closed list are the real ones.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from diagnostics.machine.change.files import LinuxFiles
from diagnostics.machine.change.interface import Ran
from diagnostics.machine.change.linux import LinuxChanges
from diagnostics.machine.change.programs import argv_of
from diagnostics.machine.interface import Platform, ProcessNumbers
from diagnostics.remedies.catalogue import REMEDIES
from diagnostics.remedies.move_aside import MoveAside
from diagnostics.remedies.remedy import Means, Remedy
from diagnostics.remedies.run_program import RunProgram
from tests.diagnostics.remedies.scratch import DAY_S, NOW

FOLDERS = (
    "user-cache", "trash", "temporary", "system-logs", "package-cache", "crash-dumps", "etc", "autostart", "home",
    "ssh",
)  # fmt: skip
_PLACES = {"ssh": "home/.ssh"}
JOURNAL = f"journal/{'0123456789abcdef' * 2}"

#: Old files that each remedy of the family `move_aside` takes, and files beside them that it must leave.
TAKEN: Mapping[str, tuple[str, ...]] = {
    "clean-user-cache": ("user-cache/pip/http/one", "user-cache/mozilla/two"),
    "clean-small-cache-files": ("user-cache/thumbnails/fail/a.png", "user-cache/pip/b"),
    "empty-trash": ("trash/files/Letters/a.odt", "trash/info/Letters.trashinfo"),
    "clean-temporary-files": ("temporary/build-1/x.o", "temporary/loose"),
    "clean-rotated-logs": ("system-logs/syslog.2.gz", "system-logs/nginx/access.log.14.gz", "system-logs/dpkg.log.1"),
    "clean-old-journal": (
        f"system-logs/{JOURNAL}/system@0005c-00.journal",
        f"system-logs/{JOURNAL}/user-1000@0005d-11.journal~",
    ),
    "clean-package-cache": ("package-cache/vlc_3.0_amd64.deb", "package-cache/firefox.rpm"),
    "clean-crash-dumps": ("crash-dumps/core.soffice.1000.zst", "crash-dumps/_usr_bin_x.1000.crash"),
}
LEFT = (
    "user-cache/huggingface/model", "temporary/systemd-private-1/tmp/x", "system-logs/syslog", "system-logs/auth.log",
    f"system-logs/{JOURNAL}/system.journal", "package-cache/partial/half.deb", "package-cache/lock",
    "crash-dumps/notes.txt", "trash/directorysizes",
)  # fmt: skip
_SMALL = 100
_LARGE = 9_000


@dataclass(frozen=True)
class World:
    """What the commands stand for: what reading says while it is ill and when it is well, and what changes it."""

    ill: str
    well: str
    subject: str = ""
    ill_exit: int = 0


_SHUTDOWN = '(st) "reboot" 1795055400000000'
WORLDS: Mapping[str, World] = {
    "restart-failed-service": World("failed", "active", "service:cups.service"),
    "stop-restart-loop": World("activating", "inactive", "service:flaky.service"),
    "arm-timer": World("inactive", "active", "timer:backup.timer"),
    "flush-dns-cache": World("", ""),
    "renew-address": World("", "", "interface:eth0"),
    "reconnect-interface": World("30 (disconnected)", "100 (connected)", "interface:wlp3s0"),
    "resync-clock": World("", ""),
    "keep-clock-right": World("no", "yes"),
    "enable-firewall": World("Status: inactive", "Status: active\n\nTo  Action  From"),
    "resume-printer": World(
        "printer Office disabled since Mon -\n\tPaused", "printer Office is idle.", "printer:Office"
    ),
    "restart-print-spooler": World("", ""),
    "clear-print-queue": World("Office-41 anna 10240 Mon\nOffice-42 ben 99 Tue", "", "printer:Office"),
    "finish-package-setup": World("The following packages are only half configured", "", ill_exit=1),
    "look-for-updates": World("", ""),
    "update-virus-signatures": World("", ""),
    "plan-restart": World('(st) "" 0', _SHUTDOWN),
}
ENVIRONMENT = b'PATH="/usr/bin"\nhttp_proxy=http://anna:secret@127.0.0.1:3128/\nLANG=ru_RU.UTF-8\n'
DESKTOP = b"[Desktop Entry]\nType=Application\nExec=miner\n[Desktop Action x]\nExec=y\n"


class StandIn:
    """Implements `ChangingPrograms`: one state, moved by the lines of one remedy. Outlives its worker, as systemd
    does."""

    def __init__(self, remedy: Remedy[Any], world: World) -> None:
        assert isinstance(remedy.acts, RunProgram)
        self._act = remedy.acts._act
        self._world = world
        self.is_well = False
        self.ran: list[str] = []
        self.lines: set[str] = set()

    is_proven = True

    def shown(self, line: str, argument: str = "") -> str:
        return " ".join(argv_of(line, argument, Platform.LINUX))

    def run(self, line: str, argument: str = "") -> Ran:
        shown = self.shown(line, argument)
        if line == self._act.read:
            said = self._world.well if self.is_well else self._world.ill
            return Ran(0 if self.is_well else self._world.ill_exit, said.encode(), b"")
        assert line in (self._act.do, self._act.undo)
        self.is_well = line == self._act.do
        self.ran.append(shown)
        self.lines.add(line)
        return Ran(0, b"", b"")

    def begun(self, line: str) -> bool:
        return line in self.lines

    def forget(self) -> None:
        self.lines.clear()

    def wait_for_orphan(self) -> None:
        """Every command here ends at once."""


class StandInProcesses:
    """Implements `ChangingProcesses`: two programs of like names; which are gone outlives the worker. The real acts are
    tried in `test_end_program`."""

    def __init__(self) -> None:
        self.gone: set[int] = set()

    def running(self) -> tuple[ProcessNumbers, ...]:
        return tuple(
            ProcessNumbers(pid, 1, name, "S", 1.0, 4_000_000_000, 3, pid / 10, os.getuid())
            for pid, name in ((41, "soffice"), (42, "soffice.bin"))
            if pid not in self.gone
        )

    def boot_unix_s(self) -> int:
        return NOW - 86_400

    def why_not(self, process: ProcessNumbers) -> str:
        return ""

    def end(self, pid: int, started_ms: int) -> str:
        assert started_ms == pid * 100
        self.gone.add(pid)
        return "it ended when it was asked to"


@dataclass
class Bench:
    """`remedy`: the real one, with less to be worth it. `means` are those of one worker: ask for new ones after it
    died."""

    remedy: Remedy[Any]
    folder: Path
    programs: StandIn | None
    processes: StandInProcesses = field(default_factory=StandInProcesses)

    @property
    def subject(self) -> str:
        if self.remedy.id == "set-dead-proxy-aside":
            return "proxy:http_proxy"
        if self.remedy.id == "end-program":
            return "process:soffice.bin"
        return WORLDS[self.remedy.id].subject if self.programs else ""

    def means(self) -> Means:
        folders = {name: str(self.folder / _PLACES.get(name, name)) for name in FOLDERS}
        quarantine = str(self.folder / "quarantine")
        roots = tuple(folders.values())
        return Means(
            changes=LinuxChanges(roots=roots, quarantines=(quarantine,)),
            folders=folders,
            quarantine=quarantine,
            owner_uid=os.getuid(),
            files=LinuxFiles(roots=roots, quarantines=(quarantine,)),
            programs=self.programs,
            processes=self.processes,
            subject=self.subject,
        )

    def picture(self) -> dict[str, object]:
        """All that a remedy could change: content and rights of each file, and the state behind the commands."""
        well = self.programs is not None and self.programs.is_well
        found: dict[str, object] = {"state": (well, sorted(self.processes.gone))}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                found[str(path.relative_to(self.folder))] = (path.read_bytes(), path.stat().st_mode & 0o7777)
        if (ssh := self.folder / "home/.ssh").is_dir():
            found["rights of ssh"] = ssh.stat().st_mode & 0o7777
        return found


def bench(remedy_id: str, folder: Path) -> Bench:
    """A sick machine for this remedy in `folder`."""
    remedy = REMEDIES[remedy_id]
    (folder / "quarantine").mkdir(parents=True, mode=0o700)
    if isinstance(remedy.acts, MoveAside):
        size = _SMALL if remedy_id == "clean-small-cache-files" else _LARGE
        for path in (*TAKEN[remedy_id], *LEFT):
            _old(folder / path, size)
        remedy = replace(remedy, acts=MoveAside(replace(remedy.acts._choice, worth_bytes=0, worth_files=1)))
    elif not isinstance(remedy.acts, RunProgram):
        _settings(folder)
    programs = StandIn(remedy, WORLDS[remedy_id]) if isinstance(remedy.acts, RunProgram) else None
    return Bench(remedy, folder, programs)


def _settings(folder: Path) -> None:
    for name in ("etc", "autostart", "home/.ssh"):
        (folder / name).mkdir(parents=True)
    (folder / "etc/environment").write_bytes(ENVIRONMENT)
    (folder / "autostart/miner.desktop").write_bytes(DESKTOP)
    os.utime(folder / "autostart/miner.desktop", (NOW - 3600, NOW - 3600))
    for name, mode in ((".ssh/id_ed25519", 0o644), (".ssh/id_ed25519.pub", 0o644), (".netrc", 0o664), ("a.txt", 0o644)):
        (folder / "home" / name).write_bytes(name.encode())
        (folder / "home" / name).chmod(mode)
    (folder / "home/.ssh").chmod(0o755)


def _old(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.name.encode() * (size // len(path.name)))
    os.utime(path, (NOW - 90 * DAY_S, NOW - 90 * DAY_S))
