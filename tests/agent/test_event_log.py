import json
import shutil
from pathlib import Path

import pytest

from agent.event_log import StructuredLog


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_events_are_one_json_object_a_line_whatever_their_fields_hold(tmp_path: Path) -> None:
    log = StructuredLog(tmp_path / "agent.log")
    log.warning("link-ended", reason="a\nb\x1b[2J\u202e</script>")
    (line,) = lines(tmp_path / "agent.log")
    assert (line["event"], line["level"], line["reason"]) == ("link-ended", "warning", "a\nb\x1b[2J\u202e</script>")
    assert str(line["at"]).endswith("Z")
    assert (tmp_path / "agent.log").stat().st_mode & 0o777 == 0o600


def test_a_defect_says_where_and_not_with_which_values(tmp_path: Path) -> None:
    log = StructuredLog(tmp_path / "agent.log")
    try:
        raise ValueError("anna's password")
    except ValueError as error:
        log.defect("handler-raised", error)
    (line,) = lines(tmp_path / "agent.log")
    assert line["error"] == "ValueError"
    assert "test_event_log.py" in str(line["where"])
    assert "anna" not in json.dumps(line)


def test_the_log_is_bounded(tmp_path: Path) -> None:
    log = StructuredLog(tmp_path / "agent.log")
    for number in range(9000):
        log.info("noise", number=number, filler="x" * 900)
    files = sorted(tmp_path.iterdir())
    assert len(files) <= 4
    assert sum(file.stat().st_size for file in files) <= 4 * 1024 * 1024 + 4096
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)


def test_the_newest_lines_stand_in_the_newest_file(tmp_path: Path) -> None:
    log = StructuredLog(tmp_path / "agent.log")
    for number in range(3000):
        log.info("noise", number=number, filler="x" * 900)
    numbers = [
        int(str(line["number"]))
        for name in ("agent.log.2", "agent.log.1", "agent.log")
        for line in lines(tmp_path / name)
    ]
    assert numbers == list(range(numbers[0], 3000))


def test_a_log_that_is_opened_again_goes_on_where_it_was(tmp_path: Path) -> None:
    StructuredLog(tmp_path / "agent.log").info("before")
    StructuredLog(tmp_path / "agent.log").info("after")
    assert [line["event"] for line in lines(tmp_path / "agent.log")] == ["before", "after"]


def test_debug_lines_are_kept_only_where_they_are_wanted(tmp_path: Path) -> None:
    StructuredLog(tmp_path / "agent.log").debug("quiet")
    StructuredLog(tmp_path / "agent.log", debug=True).debug("loud", why={1})
    assert [line["event"] for line in lines(tmp_path / "agent.log")] == ["loud"]


def test_a_field_cannot_pass_for_the_event_or_the_level(tmp_path: Path) -> None:
    fields: dict[str, object] = {"level": "info", "at": "yesterday"}
    StructuredLog(tmp_path / "agent.log").warning("told", **fields)
    (line,) = lines(tmp_path / "agent.log")
    assert (line["event"], line["level"]) == ("told", "warning")
    assert line["at"] != "yesterday"


def test_also_stderr_writes_the_same_line_there(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    StructuredLog(tmp_path / "agent.log", also_stderr=True).info("both", name="Анна")
    assert capfdbinary.readouterr().err == (tmp_path / "agent.log").read_bytes()


def test_a_disk_that_takes_no_line_loses_the_line_and_nothing_else(tmp_path: Path) -> None:
    log = StructuredLog(Path("/dev/full"))
    log.warning("lost", reason="the disk is full")


def test_a_folder_that_went_away_loses_lines_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    log = StructuredLog(folder / "agent.log")
    for _ in range(1100):
        log.info("noise", filler="x" * 900)
    shutil.rmtree(folder)
    for _ in range(1100):
        log.info("lost", filler="x" * 900)
    folder.mkdir()
    log.info("back")
    assert [line["event"] for line in lines(folder / "agent.log")] == ["back"]
