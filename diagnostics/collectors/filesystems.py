"""Filesystems of this machine, each once: bind mounts and btrfs subvolumes are one filesystem.

Network filesystems are never asked: a dead NFS server would hold the asker for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from diagnostics.collectors.contract import Collector, Cost, Personal
from diagnostics.machine.interface import Machine, Native, Platform, Unreadable
from diagnostics.observations import Filesystem, Filesystems, UnreadSource
from diagnostics.plain_text import printable

# Filesystems on a disk of this machine. Read-only images (squashfs, iso9660, erofs) are always full.
DISK_KINDS = frozenset(
    [
        "ext2",
        "ext3",
        "ext4",
        "xfs",
        "btrfs",
        "f2fs",
        "jfs",
        "zfs",
        "bcachefs",
        "vfat",
        "exfat",
        "ntfs",
        "ntfs3",
        "fuseblk",
        "apfs",
        "hfs",
        "overlay",
    ]
)
# In memory, but people's programs fail all the same when these are full.
MEMORY_MOUNTS = frozenset({"/tmp", "/run", "/dev/shm", "/var/tmp"})  # noqa: S108 — names of mounts


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table. `device_number` is the filesystem's own, equal for all its mounts."""

    device_number: str
    root: str
    mount: str
    kind: str
    device: str
    read_only: bool


def parse_mountinfo(content: bytes) -> tuple[Mount, ...]:
    """proc_pid_mountinfo(5), oldest mount first; lines of another form are left out.

    27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda2 rw,discard
    98 27 254:0 /srv/data /mnt/my\\040disk ro,relatime - ext4 /dev/vda2 rw
    id parent dev root-of-mount mount-point options optional… - kind device super-options
    """
    mounts = []
    for line in content.decode("utf-8", "surrogateescape").splitlines():
        before, separator, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if not separator or len(fields) < 6 or len(rest) < 3:
            continue
        options = set(fields[5].split(",")) | set(rest[2].split(","))
        mounts.append(Mount(fields[2], _unescape(fields[3]), _unescape(fields[4]), rest[0], rest[1], "ro" in options))
    return tuple(mounts)


def _unescape(text: str) -> str:
    """The kernel writes space, tab, line end and backslash as three octal digits."""
    for escaped, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(escaped, plain)
    return text


def distinct(mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """One mount a filesystem: `/` before all, then the whole before a part of it, then the shortest name."""
    visible = {mount.mount: mount for mount in mounts}  # a later mount hides an earlier one
    best: dict[str, Mount] = {}
    for mount in visible.values():
        if mount.kind == "tmpfs":
            if mount.mount not in MEMORY_MOUNTS:
                continue
        elif mount.kind not in DISK_KINDS or (mount.kind == "overlay" and mount.mount != "/"):
            continue
        # Datasets of one ZFS pool have numbers of their own and share its space.
        key = mount.device.partition("/")[0] if mount.kind == "zfs" else mount.device_number
        if key not in best or _rank(mount) < _rank(best[key]):
            best[key] = mount
    return tuple(sorted(best.values(), key=lambda mount: mount.mount))


def _rank(mount: Mount) -> tuple[bool, bool, int, str]:
    return (mount.mount != "/", mount.root != "/", len(mount.mount), mount.mount)


def parse_native_mounts(value: object) -> tuple[Mount, ...]:
    """What psutil tells on macOS and Windows: `[{"device","mount","kind","options"}]`.

    An APFS container's volumes share its space and differ in device; the digits before the volume are the key:
    `/dev/disk3s1s1` → `disk3`. The system's own volume is sealed, so `/` counts as writable when a volume beside it in
    the container is. What is mounted read-only below /Volumes is the image of an installer: always full.
    """
    mounts = []
    for item in value if isinstance(value, list) else []:
        device, kind = str(item["device"]), str(item["kind"]).lower()
        number = device
        if kind == "apfs":
            number = device.removeprefix("/dev/disk").partition("s")[0]
        read_only = "ro" in str(item["options"]).split(",")
        if read_only and str(item["mount"]).startswith("/Volumes/"):
            continue
        mounts.append(Mount(number, "/", str(item["mount"]), kind, device, read_only))
    writable = {mount.device_number for mount in mounts if mount.kind == "apfs" and not mount.read_only}
    return tuple(replace(mount, read_only=mount.read_only and mount.device_number not in writable) for mount in mounts)


def lies_below(path: str, mount: str) -> bool:
    """`/home/anna` lies below `/home` and `/`, `C:\\Users` below `C:\\`."""
    sign = "\\" if mount[1:3] == ":\\" else "/"
    return path == mount or path.startswith(mount.rstrip(sign) + sign)


def mount_holding(path: str, mounts: Iterable[Mount]) -> str | None:
    """The name `distinct` gives to the filesystem that holds `path`; None when that is not one of ours."""
    mounts = tuple(mounts)
    best: Mount | None = None
    for mount in mounts:
        inside = lies_below(path, mount.mount)
        # A later mount at the same place hides the earlier one.
        if inside and (best is None or len(mount.mount) >= len(best.mount)):
            best = mount
    if best is None:
        return None
    for representative in distinct(mounts):
        if _same_filesystem(representative, best):
            return _shown(representative.mount)
    return None


def _shown(name: str) -> str:
    """Whoever may mount can choose any name; observations carry only printable ones."""
    return printable(name, 1024)


def _same_filesystem(one: Mount, other: Mount) -> bool:
    if one.kind == "zfs" and other.kind == "zfs":
        return one.device.partition("/")[0] == other.device.partition("/")[0]
    return one.device_number == other.device_number


def collect_mounts(machine: Machine) -> tuple[Mount, ...]:
    if machine.platform is Platform.LINUX:
        return parse_mountinfo(machine.read_file("/proc/self/mountinfo"))
    return parse_native_mounts(machine.native(Native.MOUNTS))


def collect_filesystems(machine: Machine) -> Filesystems:
    found, unread = [], []
    for mount in distinct(collect_mounts(machine)):
        try:
            space = machine.space(mount.mount)
        except Unreadable as unreadable:
            unread.append(UnreadSource(_shown(mount.mount), printable(unreadable.reason)))
            continue
        if space.total_bytes <= 0:
            continue
        found.append(
            Filesystem(
                mount=_shown(mount.mount),
                device=_shown(mount.device),
                kind=_shown(mount.kind),
                read_only=mount.read_only,
                total_bytes=space.total_bytes,
                used_bytes=max(0, space.total_bytes - space.free_bytes),
                available_bytes=max(0, space.available_bytes),
                total_inodes=space.total_inodes,
                available_inodes=space.available_inodes,
            )
        )
    if not found:
        why = unread[0].reason if unread else "no filesystem on a disk was found"
        raise Unreadable(why)
    return Filesystems(tuple(found), tuple(unread))


FILESYSTEMS = Collector(
    id="filesystems",
    collect=collect_filesystems,
    may_contain=frozenset({Personal.FILE_PATHS}),
    cost=Cost.CHEAP,
)
