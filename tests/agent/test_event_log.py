import json
import sys
from pathlib import Path

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


def test_nothing_of_a_developers_machine_is_loaded_for_it() -> None:
    """structlog would import rich where it is installed; the idle service has no room for it."""
    import subprocess

    code = (
        "import sys, agent.event_log as e; e._structlog(); "
        "print([m for m in ('rich', 'pygments', 'greenlet') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_a_disk_that_takes_no_line_loses_the_line_and_nothing_else(tmp_path: Path) -> None:
    log = StructuredLog(Path("/dev/full"))
    log.warning("lost", reason="the disk is full")
