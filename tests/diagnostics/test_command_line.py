"""`python -m diagnostics`, as a person starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.__main__ import main
from diagnostics.checks.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
MACHINES = ROOT / "tests" / "machines"
Capture = pytest.CaptureFixture[str]


def on(name: str) -> list[str]:
    return ["--machine", str(MACHINES / name)]


def test_check_says_what_was_found_and_exits_one(capsys: Capture) -> None:
    assert main(["check", *on("laptop-disk-full")]) == 1
    said = capsys.readouterr().out
    assert "finding  disk-space" in said
    assert "error: disk-space-low on disk:/ (seen once)" in said
    assert "skipped  disk-fill-forecast" in said


def test_check_of_a_healthy_machine_exits_zero(capsys: Capture) -> None:
    assert main(["check", *on("laptop-healthy")]) == 0
    assert "finding" not in capsys.readouterr().out


def test_check_as_json_is_one_object_of_the_published_form(capsys: Capture) -> None:
    assert main(["check", "--json", "--only", "dns", "--only", "disk-space", *on("office-dns-dead")]) == 1
    value = json.loads(capsys.readouterr().out)
    assert list(value) == ["checks", "findings", "duration_s", "cpu_s"]
    assert [(check["id"], check["status"]) for check in value["checks"]] == [
        ("disk-space", "ok"),
        ("dns", "finding"),
    ]
    assert value["findings"][0]["fingerprint"] == "dns-not-answering|resolvers"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Temporary copies of programs"), ("ru", "Диск занят временными копиями")]
)
def test_explain_tells_the_known_issue_in_the_language_asked_for(language: str, words: str, capsys: Capture) -> None:
    assert main(["explain", "--language", language, *on("laptop-disk-full")]) == 1
    said = capsys.readouterr().out
    assert words in said
    assert "because user-cache.bytes at least 1000000000: user-cache.bytes is 9300000000" in said
    assert "nearly journal-without-limit" in said


def test_explain_of_a_healthy_machine_says_so(capsys: Capture) -> None:
    assert main(["explain", *on("laptop-healthy")]) == 0
    assert f"{len(CATALOGUE)} checks looked and found nothing wrong." in capsys.readouterr().out


def test_nothing_on_the_screen_acts_on_the_terminal(capsys: Capture) -> None:
    for command in ("check", "explain", "doctor"):
        main([command, *on("hostile-names")])
    said = capsys.readouterr().out
    assert not [sign for sign in said if ord(sign) < 32 and sign != "\n"]
    assert "\u202e" not in said


def test_doctor_says_what_is_missing_and_why(capsys: Capture) -> None:
    assert main(["doctor", *on("restricted-user")]) == 0
    said = capsys.readouterr().out
    assert "readable filesystems" in said
    assert "the kernel log is for administrators on this machine (denied; needs: log-reader)" in said


def test_issues_proves_every_case(capsys: Capture, tmp_path: Path) -> None:
    assert main(["issues"]) == 0
    assert "wrong: " not in capsys.readouterr().out
    source = ROOT / "diagnostics" / "knowledge" / "issues" / "boot-full-of-kernels.toml"
    text = source.read_text("utf-8").replace('is = "/boot"', 'is = "/never"')
    (tmp_path / source.name).write_text(text, encoding="utf-8")
    assert main(["issues", str(tmp_path)]) == 1
    assert "wrong: /boot of half a gigabyte is full: expected fires, got false" in capsys.readouterr().out


def test_a_recording_can_be_checked(capsys: Capture, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert main(["record", str(folder), "--about", "a test"]) == 0
    assert "Read it before you give it away" in capsys.readouterr().out
    assert main(["check", "--json", "--machine", str(folder)]) in (0, 1)
    assert main(["record", str(folder)]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--machine", "/nowhere"], "expected a machine.toml, found none"),
        (["check", "--only", "nothing"], "there is no check 'nothing'"),
        (["issues", "/dev"], ""),
    ],
)
def test_wrong_use_exits_two_and_says_what_was_expected(arguments: list[str], words: str, capsys: Capture) -> None:
    code = main(arguments)
    assert code == (2 if words else 0)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "explain", "record", "doctor", "issues"])
def test_every_command_shows_an_example(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"example: python -m diagnostics {command}" in capsys.readouterr().out


def test_a_check_imports_nothing_heavy() -> None:
    """The worker starts every few minutes: pydantic, psutil and the redactor would cost more than the checks."""
    code = (
        "import sys; from diagnostics.__main__ import main; main(['check', '--json']); "
        "heavy = {'pydantic', 'psutil', 're2', 'pyrage', 'asyncio', 'ssl'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    if sys.platform != "linux":
        pytest.skip("psutil is how other platforms are read")
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, env={**os.environ})
    assert ended.returncode == 0, ended.stderr.decode()


def test_it_runs_as_a_module(recorded: Callable[[str], object]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "diagnostics", "check", *on("laptop-healthy")],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
