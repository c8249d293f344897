"""Sums of settings files, what starts by itself, and the package manager's own log."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.collectors.config_files import collect_config_files
from diagnostics.collectors.package_log import parse_dpkg_log
from diagnostics.collectors.startup_items import collect_startup_items
from diagnostics.machine.interface import FolderEntry, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.machine.roots import is_listable, is_readable
from diagnostics.observations import PackageAction

Recorded = Callable[[str], RecordedMachine]


def test_settings_files_are_known_by_their_sums_alone(recorded: Recorded) -> None:
    machine = recorded("laptop-healthy")
    found = {item.path: item.sha256 for item in collect_config_files(machine).files}
    assert found["/etc/hosts"] == hashlib.sha256(machine.read_file("/etc/hosts")).hexdigest()
    assert "/etc/shadow" not in found


def test_what_starts_by_itself_is_listed_with_the_homes(recorded: Recorded) -> None:
    names = {(item.place, item.name) for item in collect_startup_items(recorded("desktop-updated")).items}
    assert ("/home/anna/.config/autostart", "helper-tool.desktop") in names
    assert ("/etc/cron.d", "anacron") in names


def test_a_machine_without_such_folders_is_unreadable_not_empty(recorded: Recorded) -> None:
    for collect in (collect_startup_items, collect_config_files):
        with pytest.raises(Unreadable):
            collect(recorded("restricted-user"))


def test_a_home_may_be_listed_at_one_place_and_read_nowhere() -> None:
    assert is_listable("/home/anna/.config/autostart")
    for path in ("/home/anna", "/home/anna/.ssh", "/home/anna/../root/.config/autostart", "/root/.config/autostart"):
        assert not is_listable(path)
    for path in ("/home/anna/.config/autostart/x.desktop", "/var/crash/x.crash", "/var/lib/systemd/coredump/core.x"):
        assert not is_readable(path)


def test_a_recorded_machine_lists_no_other_folder_either(recorded: Recorded) -> None:
    class Asked(RecordedMachine):
        def list_folder(self, path: str) -> tuple[FolderEntry, ...]:
            return super().list_folder(path)

    with pytest.raises(Unreadable, match="not on the list of folders"):
        Asked(recorded("laptop-healthy").folder).list_folder("/root")


LOG = b"""\
2026-11-20 10:15:02 startup archives unpack
2026-11-20 10:15:02 upgrade libc6:amd64 2.36-9+deb12u12 2.36-9+deb12u13
2026-11-20 10:15:02 status half-configured libc6:amd64 2.36-9+deb12u12
2026-11-20 10:15:09 install htop:amd64 <none> 3.2.2-2
broken line
2026-11-20 10:16:00 remove nano:amd64 7.2-1 <none>
"""


@pytest.mark.parametrize("zone_s", [0, 3600, -5 * 3600, 20_700])
def test_the_zone_of_the_log_is_told_by_when_it_was_last_written(zone_s: int) -> None:
    at = 1_795_169_760  # 2026-11-20 10:16:00 UTC
    assert parse_dpkg_log(LOG, modified_unix_s=at - zone_s + 40) == (
        PackageAction(at - zone_s - 58, "upgrade", "libc6", "2.36-9+deb12u12", "2.36-9+deb12u13"),
        PackageAction(at - zone_s - 51, "install", "htop", "", "3.2.2-2"),
        PackageAction(at - zone_s, "remove", "nano", "7.2-1", ""),
    )


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_log_perhaps_an_empty_one(content: bytes) -> None:
    for line in (content, b"2026-11-20 10:15:02 upgrade " + content):
        for action in parse_dpkg_log(line, modified_unix_s=0):
            assert action.name.isprintable()
