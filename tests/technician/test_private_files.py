"""Secrets lie where only their owner reads them, whole or not at all, and never beside a server's database."""

import os
import stat
import sys
from pathlib import Path

import pytest

from technician.private_files import SERVER_MARKER, private_folder, read_private, write_private
from technician.problems import Problem

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX; Windows inherits the folder's access list")


@posix
def test_a_written_file_is_for_its_owner_alone(private: Path) -> None:
    write_private(private / "deep" / "er" / "secret", b"x")
    assert stat.S_IMODE((private / "deep" / "er" / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((private / "deep" / "er").stat().st_mode) == 0o700
    assert read_private(private / "deep" / "er" / "secret", what="secret") == b"x"


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused_with_the_way_out(private: Path, mode: int) -> None:
    path = private / "secret"
    write_private(path, b"x")
    path.chmod(mode)
    with pytest.raises(Problem, match="others can read the key") as refusal:
        read_private(path, what="key")
    assert refusal.value.hint == f"Close it first: chmod 600 {path}"


@posix
def test_a_folder_that_others_can_enter_is_refused(private: Path) -> None:
    private.chmod(0o755)
    with pytest.raises(Problem, match="others can look into"):
        private_folder(private)


@posix
def test_a_link_in_the_place_of_a_key_is_not_followed(private: Path) -> None:
    write_private(private / "real", b"x")
    (private / "link").symlink_to(private / "real")
    with pytest.raises(Problem, match="cannot be read"):
        read_private(private / "link", what="key")


@posix
def test_a_pipe_in_the_place_of_a_key_is_refused(private: Path) -> None:
    os.mkfifo(private / "pipe", 0o600)
    writer = os.open(private / "pipe", os.O_RDWR)  # so that opening it for reading does not wait
    try:
        with pytest.raises(Problem, match="not a plain file"):
            read_private(private / "pipe", what="key")
    finally:
        os.close(writer)


def test_replacing_leaves_the_old_file_when_the_new_one_cannot_be_written(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private(private / "secret", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match="cannot be written"):
        write_private(private / "secret", b"new")
    monkeypatch.undo()
    assert read_private(private / "secret", what="secret") == b"old"
    assert [path.name for path in private.iterdir()] == ["secret"]


@pytest.mark.parametrize("below", ["", "keys", "a/b/c"])
def test_nothing_private_is_kept_in_a_servers_data_directory(private: Path, below: str) -> None:
    (private / SERVER_MARKER).touch()
    with pytest.raises(Problem, match="never kept in a server's data directory"):
        private_folder(private / below)
    assert not (private / below).exists() or below == ""


@posix
def test_a_link_into_a_servers_data_directory_is_seen_through(private: Path, tmp_path: Path) -> None:
    (private / SERVER_MARKER).touch()
    (tmp_path / "innocent").symlink_to(private)
    with pytest.raises(Problem, match="never kept in a server's data directory"):
        private_folder(tmp_path / "innocent" / "keys")
