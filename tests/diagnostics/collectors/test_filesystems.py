"""One filesystem is one, wherever and however often it is mounted."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.filesystems import (
    collect_filesystems,
    distinct,
    mount_holding,
    parse_mountinfo,
    parse_native_mounts,
)
from diagnostics.machine.interface import Space, Unreadable
from diagnostics.machine.recorded import RecordedMachine

Recorded = Callable[[str], RecordedMachine]

DOCKER = b"""\
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
60 28 254:1 /var/lib/docker/volumes/a /srv/a rw shared:1 - ext4 /dev/vda1 rw
61 28 0:60 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=/l
62 28 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
63 28 0:61 / /mnt/office rw - nfs4 files.example.org:/office rw
64 28 0:62 / /mnt/phone rw - fuse.sshfs anna@phone: rw
65 28 0:63 / /run/user/1000 rw - tmpfs tmpfs rw
"""


def test_the_mounts_of_a_laptop_are_its_filesystems(recorded: Recorded) -> None:
    filesystems = collect_filesystems(recorded("laptop-healthy")).filesystems
    assert [(item.mount, item.kind) for item in filesystems] == [
        ("/", "btrfs"),
        ("/boot", "ext4"),
        ("/boot/efi", "vfat"),
        ("/run", "tmpfs"),
        ("/tmp", "tmpfs"),
    ]


def test_bind_mounts_containers_images_and_network_shares_are_left_out() -> None:
    assert [mount.mount for mount in distinct(parse_mountinfo(DOCKER))] == ["/"]


def test_a_whole_filesystem_goes_before_a_shorter_mount_of_a_part() -> None:
    text = b"""\
28 1 254:2 /sub /x rw - ext4 /dev/vdb rw
29 1 254:2 / /very/long/path rw - ext4 /dev/vdb rw
"""
    assert [mount.mount for mount in distinct(parse_mountinfo(text))] == ["/very/long/path"]


def test_datasets_of_one_zfs_pool_are_one() -> None:
    text = b"""\
28 1 0:30 / / rw - zfs rpool/ROOT/debian rw
29 28 0:31 / /home rw - zfs rpool/home rw
30 28 0:32 / /tank rw - zfs tank rw
"""
    assert [mount.mount for mount in distinct(parse_mountinfo(text))] == ["/", "/tank"]


def test_a_later_mount_hides_an_earlier_one() -> None:
    text = b"""\
28 1 254:1 / /mnt rw - ext4 /dev/vda1 rw
29 1 254:2 / /mnt ro - xfs /dev/vdb1 rw
"""
    (mount,) = distinct(parse_mountinfo(text))
    assert (mount.device, mount.read_only) == ("/dev/vdb1", True)


def test_escapes_of_the_kernel_are_undone() -> None:
    (mount,) = parse_mountinfo(b"28 1 254:1 / /mnt/my\\040disk\\134\\011 rw - ext4 /dev/vda1 rw\n")
    assert mount.mount == "/mnt/my disk\\\t"


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/home/anna/.cache", "/"),  # /home is a subvolume of the same filesystem
        ("/tmp", "/tmp"),
        ("/boot/efi/EFI", "/boot/efi"),
        ("/bootleg", "/"),
        ("/mnt/office/x", None),
    ],
)
def test_the_filesystem_that_holds_a_path_has_the_name_the_checks_use(
    path: str, mount: str | None, recorded: Recorded
) -> None:
    mounts = parse_mountinfo(recorded("laptop-healthy").read_file("/proc/self/mountinfo"))
    assert mount_holding(path, mounts) == mount


def test_one_that_cannot_be_looked_at_does_not_hide_the_others(recorded: Recorded) -> None:
    class Denied(RecordedMachine):
        def space(self, mount: str) -> Space:
            if mount == "/boot":
                raise Unreadable("this user may not look at /boot")
            return super().space(mount)

    seen = collect_filesystems(Denied(recorded("laptop-healthy").folder))
    assert "/boot" not in {item.mount for item in seen.filesystems}
    assert [(item.name, item.reason) for item in seen.unread] == [("/boot", "this user may not look at /boot")]


def test_volumes_of_one_apple_container_are_one() -> None:
    value = [
        {"device": "/dev/disk3s1s1", "mount": "/", "kind": "apfs", "options": "ro,local"},
        {"device": "/dev/disk3s5", "mount": "/System/Volumes/Data", "kind": "apfs", "options": "rw,local"},
        {"device": "/dev/disk4s1", "mount": "/Volumes/USB", "kind": "exfat", "options": "rw"},
    ]
    assert [mount.mount for mount in distinct(parse_native_mounts(value))] == ["/", "/Volumes/USB"]


def test_windows_drives_are_filesystems() -> None:
    value = [{"device": "C:\\", "mount": "C:\\", "kind": "NTFS", "options": "rw,fixed"}]
    assert [mount.mount for mount in distinct(parse_native_mounts(value))] == ["C:\\"]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.binary(max_size=400) | st.text(alphabet=" -/:0123456789abrw\\\n", max_size=200).map(str.encode))
def test_any_mount_table_is_read_without_an_error(content: bytes) -> None:
    distinct(parse_mountinfo(content))
