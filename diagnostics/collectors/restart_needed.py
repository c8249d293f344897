"""Does the machine wait for a restart? Files are asked, not processes: the mark of Debian's packages, and kernels.

/run/reboot-required.pkgs      linux-image-6.1.0-29-amd64
/boot/vmlinuz-6.1.0-29-amd64   newer than the one that runs
"""

from __future__ import annotations

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost, Personal
from diagnostics.knowledge.versions import compare_versions
from diagnostics.machine.interface import Machine, Platform, Unreadable, UnreadableKind
from diagnostics.plain_text import printable
from diagnostics.system_observations import RestartNeeded

MARK = "/run/reboot-required"
_KERNEL = "vmlinuz-"


def newest_kernel(names: list[str]) -> str | None:
    """Of the names in /boot; rescue images and old ones that were renamed aside are none."""
    versions = [name.removeprefix(_KERNEL) for name in names if name.startswith(_KERNEL)]
    versions = [version for version in versions if version[:1].isdigit() and not version.endswith(".old")]
    newest: str | None = None
    for version in versions:
        if newest is None or compare_versions(version, newest) > 0:
            newest = version
    return newest


def collect_restart_needed(machine: Machine) -> RestartNeeded:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.restart import read_restart_needed

        return read_restart_needed(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.updates import collect_restart_needed as on_macos

        return on_macos(machine)
    fields = machine.read_file("/proc/version").split()
    running = printable(fields[2], 100) if len(fields) > 2 else ""
    try:
        names = [entry.name for entry in machine.list_folder("/boot")]
    except Unreadable:
        names = []
    installed = newest_kernel(names)
    packages: tuple[str, ...] = ()
    try:
        machine.read_file(MARK, max_bytes=1024)
        required = True
        lines = machine.read_file(f"{MARK}.pkgs", max_bytes=64 * 1024).decode("utf-8", "replace").splitlines()
        packages = tuple(dict.fromkeys(printable(line, 100) for line in lines if line.strip()))
    except Unreadable as unreadable:
        if unreadable.kind is not UnreadableKind.ABSENT:
            raise
        required = False
    if installed is None and not required:
        raise Unreadable("no kernel lies in /boot (a container), so nothing here waits for a restart")
    # Another flavour (-cloud, -rt) next to the running one is a choice, not an update.
    newer = installed is not None and _flavour(installed) == _flavour(running) and compare_versions(installed, running)
    return RestartNeeded(required, packages, running, installed if newer and newer > 0 else None)


def _flavour(version: str) -> str:
    """`6.1.0-29-amd64` → `amd64`; `6.11.5-300.fc41.x86_64` → ``."""
    last = version.rpartition("-")[2]
    return last if last.isascii() and last[:1].isalpha() else ""


RESTART_NEEDED = Collector(
    id="restart-needed",
    collect=collect_restart_needed,
    may_contain=frozenset({Personal.INSTALLED_SOFTWARE}),
    cost=Cost.CHEAP,
    platforms=ALL_PLATFORMS,
)
