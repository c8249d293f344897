"""What is installed in which version, and what was installed lately.

Programs: /Applications/Firefox.app/Contents/Info.plist      CFBundleName, CFBundleShortVersionString, CFBundleVersion
Receipts of other makers' installers: `pkgutil --pkgs`, one name a line, then `pkgutil --pkg-info NAME`:

    package-id: org.wireshark.ChmodBPF.pkg
    version: 1.2
    volume: /
    location: /
    install-time: 1794000000

What the system's installer did, Apple's own updates included: /Library/Receipts/InstallHistory.plist

    <array><dict>
      <key>date</key><date>2026-11-12T08:15:02Z</date>
      <key>displayName</key><string>macOS 15.7.2</string>
      <key>displayVersion</key><string>15.7.2</string>
      <key>processName</key><string>softwareupdated</string>
    </dict></array>
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from diagnostics.collectors.macos.permissions import told
from diagnostics.collectors.macos.plists import items, mapping, moment, parse_plist, read_plist, words
from diagnostics.machine import macos_commands
from diagnostics.machine.interface import EntryKind, Machine, Unreadable
from diagnostics.observations import Package, PackageAction, PackageLog, Packages
from diagnostics.plain_text import printable

APPLICATIONS: Final = "/Applications"
HISTORY: Final = "/Library/Receipts/InstallHistory.plist"
APPLICATIONS_MAX, RECEIPTS_MAX, ACTIONS_MAX = 300, 40, 2_000
_INFO_MAX_BYTES: Final = 256 * 1024


def _applications(machine: Machine) -> Iterator[Package]:
    entries = [item for item in machine.list_folder(APPLICATIONS) if item.kind is EntryKind.FOLDER]
    for entry in [item for item in entries if item.name.endswith(".app")][:APPLICATIONS_MAX]:
        try:
            info = read_plist(machine, f"{APPLICATIONS}/{entry.name}/Contents/Info.plist", max_bytes=_INFO_MAX_BYTES)
        except Unreadable:
            continue  # half deleted, or an iOS program in a wrapper
        version = words(info.get("CFBundleShortVersionString"), 60) or words(info.get("CFBundleVersion"), 60)
        if version:
            yield Package(printable(entry.name.removesuffix(".app"), 200), version, "", "installed")


def parse_receipt(content: bytes) -> Package | None:
    values = dict(
        line.split(": ", 1) for line in content[:4096].decode("utf-8", "replace").splitlines() if ": " in line
    )
    name, version = printable(values.get("package-id", ""), 200), printable(values.get("version", ""), 60)
    return Package(name, version, "", "installed") if name and version else None


def _receipts(machine: Machine) -> Iterator[Package]:
    try:
        names = told(machine, macos_commands.RECEIPTS).decode("utf-8", "replace").split()
    except Unreadable:
        return  # the programs themselves are known all the same
    for name in [item for item in names if not item.startswith("com.apple.")][:RECEIPTS_MAX]:
        try:
            found = parse_receipt(told(machine, macos_commands.receipt(name)))
        except Unreadable:
            continue  # removed meanwhile, or a name we do not ask for
        if found is not None:
            yield found


def collect_packages(machine: Machine) -> Packages:
    packages = (*_applications(machine), *_receipts(machine))
    if not packages:
        raise Unreadable("no program in /Applications tells its version")
    return Packages("macos", packages)


def parse_history(content: bytes) -> tuple[PackageAction, ...]:
    """Oldest first. A second version of one name is an upgrade of it."""
    rows = []
    for entry in items(parse_plist(content, "the history of installations")):
        value = mapping(entry)
        at, name = moment(value.get("date")), words(value.get("displayName"))
        if at is not None and name:
            rows.append((at, name, words(value.get("displayVersion"), 60)))
    rows.sort()
    versions: dict[str, str] = {}
    actions = []
    for at, name, version in rows:
        before = versions.get(name, "")
        actions.append(PackageAction(at, "upgrade" if before else "install", name, before, version))
        versions[name] = version
    return tuple(actions[-ACTIONS_MAX:])


def collect_package_log(machine: Machine) -> PackageLog:
    return PackageLog(parse_history(machine.read_file(HISTORY)))
