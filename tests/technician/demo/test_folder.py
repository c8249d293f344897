"""The demo's directory is removed when it is the demo's, and only then."""

from pathlib import Path

import pytest

from technician.demo.folder import MARKER, fresh_folder, remove_folder
from technician.problems import Problem
from tests.technician.conftest import Run


def test_a_fresh_folder_holds_nothing_of_an_earlier_demo(tmp_path: Path) -> None:
    with fresh_folder(tmp_path / "demo") as folder:
        (folder.server).mkdir()
        (folder.server / "bellpull.db").write_text("old")
    with fresh_folder(tmp_path / "demo") as folder:
        assert not folder.server.exists()
        assert folder.machine.is_dir()


def test_somebody_elses_folder_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(Problem, match="was not made by the demo"), fresh_folder(tmp_path):
        raise AssertionError("never reached")
    with pytest.raises(Problem, match="was not made by the demo"):
        remove_folder(tmp_path)
    assert (tmp_path / "precious").read_text() == "mine"


def test_links_in_the_folder_are_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("mine")
    with fresh_folder(tmp_path / "demo") as folder:
        (folder.path / "link").symlink_to(tmp_path / "outside")
    assert remove_folder(tmp_path / "demo")
    assert (tmp_path / "outside" / "precious").read_text() == "mine"
    assert not (tmp_path / "demo").exists()


def test_two_demos_do_not_share_a_folder_and_a_running_one_is_not_removed(tmp_path: Path) -> None:
    with fresh_folder(tmp_path / "demo"):
        with pytest.raises(Problem, match="a demo is running"), fresh_folder(tmp_path / "demo"):
            raise AssertionError("never reached")
        with pytest.raises(Problem, match="a demo is running"):
            remove_folder(tmp_path / "demo")
        assert (tmp_path / "demo" / MARKER).exists()


def test_a_name_too_long_for_the_agents_socket_is_said_beforehand(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="too long a name"), fresh_folder(tmp_path / ("x" * 90)):
        raise AssertionError("never reached")


def test_clean_at_the_command_line(run: Run, tmp_path: Path) -> None:
    with fresh_folder(tmp_path / "demo"):
        pass
    assert run("demo", "--clean", "--state", tmp_path / "demo", "--json").json["removed"] is True
    assert run("demo", "--clean", "--state", tmp_path / "demo", "--json").json["removed"] is False


def test_json_without_once_is_wrong_use(run: Run, tmp_path: Path) -> None:
    assert run("demo", "--json", "--state", tmp_path / "demo").code == 2
