"""What happens to a settings file, and what never does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.machine.change.files import LinuxFiles, sha256_of
from diagnostics.machine.interface import ActRefused
from diagnostics.remedies.disable_startup_item import hide
from diagnostics.remedies.fix_ssh_permissions import wanted
from diagnostics.remedies.set_dead_proxy_aside import MARK, set_aside

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="acts by directory handles are POSIX")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "aside").mkdir()
    (tmp_path / "etc/environment").write_bytes(b"A=1\n")
    (tmp_path / "secret").write_bytes(b"canary")
    return tmp_path


def files(etc: Path) -> LinuxFiles:
    return LinuxFiles(roots=[str(etc / "etc")], quarantines=[str(etc / "aside")])


def test_rights_and_content_are_kept_or_changed_as_asked(etc: Path) -> None:
    (etc / "etc/environment").chmod(0o640)
    there = files(etc)
    found = there.read(str(etc / "etc"), "environment")
    assert found is not None
    there.write(str(etc / "etc"), "environment", b"B=2\n", instead_of=sha256_of(b"A=1\n"), mode=found.mode)
    assert (etc / "etc/environment").read_bytes() == b"B=2\n"
    assert (etc / "etc/environment").stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(etc / "etc")) == ["environment"]


def test_file_that_changed_meanwhile_is_left_alone(etc: Path) -> None:
    there = files(etc)
    with pytest.raises(ActRefused, match="changed meanwhile"):
        there.write(str(etc / "etc"), "environment", b"B", instead_of=sha256_of(b"other"), mode=0o644)
    with pytest.raises(ActRefused, match="changed meanwhile"):
        there.remove(str(etc / "etc"), "environment", sha256_of(b"other"))
    with pytest.raises(ActRefused, match="stands there already"):
        there.write(str(etc / "etc"), "environment", b"B", instead_of=None, mode=0o644)
    assert (etc / "etc/environment").read_bytes() == b"A=1\n"


@pytest.mark.parametrize("kind", ["link", "hard-link", "pipe", "folder", "huge"])
def test_what_is_no_plain_small_file_is_refused(etc: Path, kind: str) -> None:
    place = etc / "etc/environment"
    place.unlink()
    match kind:
        case "link":
            place.symlink_to(etc / "secret")
        case "hard-link":
            os.link(etc / "secret", place)
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "huge":
            with place.open("wb") as file:
                file.truncate(10**9)
    there = files(etc)
    with pytest.raises(ActRefused):
        there.read(str(etc / "etc"), "environment")
    with pytest.raises(ActRefused):
        there.keep_copy(str(etc / "etc"), "environment", sha256_of(b"canary"), str(etc / "aside"))
    if kind in ("link", "hard-link"):
        with pytest.raises(ActRefused):
            there.set_mode(str(etc / "etc"), "environment", (etc / "secret").stat().st_ino, 0o777)
    assert (etc / "secret").read_bytes() == b"canary"
    assert os.listdir(etc / "aside") == []


def test_folder_that_is_a_link_is_not_entered(etc: Path) -> None:
    (etc / "elsewhere").mkdir()
    (etc / "etc/systemd").symlink_to(etc / "elsewhere")
    with pytest.raises(ActRefused):
        files(etc).write(str(etc / "etc"), "systemd/journald.conf.d/x.conf", b"x", instead_of=None, mode=0o644)
    assert os.listdir(etc / "elsewhere") == []


def test_remains_of_a_killed_write_are_in_nobodys_way(etc: Path) -> None:
    (etc / "etc/environment.bellpull-new").write_bytes(b"half")
    files(etc).write(str(etc / "etc"), "environment", b"B\n", instead_of=sha256_of(b"A=1\n"), mode=0o644)
    assert sorted(os.listdir(etc / "etc")) == ["environment"]


def test_proxy_is_set_aside_and_its_password_never_shown() -> None:
    content = b'PATH="/bin"\n  export HTTP_PROXY="http://anna:secret@gone:1/"\nhttps_proxy=x\n'
    changed = set_aside(content, "http_proxy")
    assert changed is not None
    new, shown = changed
    assert new == b'PATH="/bin"\n' + MARK + b'  export HTTP_PROXY="http://anna:secret@gone:1/"\nhttps_proxy=x\n'
    assert shown == ("http_proxy (gone:1) → #http_proxy",)
    assert set_aside(new, "http_proxy") is None


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=300))
def test_any_environment_file_keeps_every_byte_of_its_own(content: bytes) -> None:
    changed = set_aside(content, "http_proxy")
    if changed is not None:
        assert changed[0].replace(MARK, b"") == content.replace(MARK, b"")
        assert set_aside(changed[0], "http_proxy") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"[Desktop Entry]\nExec=a\n", b"[Desktop Entry]\nHidden=true\nExec=a\n"),
        (b"[Desktop Entry]\nHidden = false\n", b"[Desktop Entry]\nHidden=true\n"),
        (b"[Desktop Entry]\nHidden=true\n", None),
        (b"Exec=a\n", None),
        (b"[Desktop Entry]\n[X]\nHidden=false\n", b"[Desktop Entry]\nHidden=true\n[X]\nHidden=false\n"),
    ],
)
def test_startup_entry_is_hidden_in_its_own_group(before: bytes, after: bytes | None) -> None:
    changed = hide(before)
    assert (None if changed is None else changed[0]) == after


@given(st.sampled_from([".ssh", ".ssh/id_rsa", ".ssh/id_rsa.pub", ".ssh/config"]), st.integers(0, 0o7777))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_rights_of_ssh_are_only_ever_taken_away(path: str, mode: int) -> None:
    assert wanted(path, mode) & ~mode == 0
    assert wanted(path, mode) & 0o022 == 0
