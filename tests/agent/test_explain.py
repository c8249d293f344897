"""`bellpull-agent explain`, as a person and a script meet it; on recorded machines, in this process."""

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli.command import Exit
from agent.cli.explain import pack_lines, pack_value
from agent.cli.main import main

MACHINES = Path(__file__).resolve().parents[1] / "machines"
ISSUES = Path(__file__).resolve().parents[2] / "diagnostics" / "knowledge" / "issues"
Capture = pytest.CaptureFixture[str]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def explain(capsys: Capture, *arguments: str, machine: str = "laptop-disk-full") -> tuple[int, dict[str, Any]]:
    code = main(["explain", "--machine", str(MACHINES / machine), "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def hours_off(tmp_path: Path) -> str:
    """The sick office, with a clock that is two hours off."""
    folder = tmp_path / "hours-off"
    shutil.copytree(MACHINES / "office-network-sick", folder)
    answers = json.loads((folder / "answers.json").read_text("utf-8"))
    (told,) = [command for command in answers["commands"] if command["argv"][0] == "chronyc"]
    fields = told["stdout"].split(",")
    fields[4] = "7200.25"
    told["stdout"] = ",".join(fields)
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    return str(folder)


def test_a_finding_is_explained_with_what_holds_it_up_and_what_nearly_fits(capsys: Capture) -> None:
    code, told = explain(capsys, "disk-space-low|disk:/")
    assert code == Exit.PROBLEM
    (finding,) = told["findings"]
    (known,) = finding["known"]
    assert (known["issue"], known["remedies"]) == ("user-cache-fills-disk", ["clean-user-cache"])
    assert {"if": "user-cache.bytes at least 1000000000", "got": "user-cache.bytes is 9300000000"} in known["because"]
    nearly = {each["issue"]: (each["if"], each["why"]) for each in finding["nearly"]}
    assert nearly["journal-without-limit"] == (
        "journal.bytes at least 3000000000",
        "journal.bytes is 410000000",
    )


def test_what_concerns_another_finding_is_not_said_here(capsys: Capture) -> None:
    _, told = explain(capsys, "disk-space-low|disk:/boot")
    (finding,) = told["findings"]
    assert [each["issue"] for each in finding["known"]] == ["boot-full-of-kernels"]
    assert "journal-without-limit" not in {each["issue"] for each in finding["nearly"]}


def test_without_a_name_all_findings_are_explained_worst_first(capsys: Capture) -> None:
    code, told = explain(capsys, machine="desktop-out-of-memory")
    assert code == Exit.PROBLEM
    assert told["findings"][0]["severity"] == "critical"
    known = {each["issue"] for finding in told["findings"] for each in finding["known"]}
    assert known >= {"memory-module-failing", "memory-too-small", "file-search-builds-its-index"}


def test_a_healthy_machine_has_nothing_to_explain(capsys: Capture) -> None:
    code, told = explain(capsys, machine="laptop-healthy")
    assert (code, told) == (Exit.FINE, {"findings": [], "answers": {}})


def test_an_answer_decides_and_is_said_to_be_one(hours_off: str, capsys: Capture) -> None:
    _, before = explain(capsys, "clock-wrong", machine=hours_off)
    (question,) = before["findings"][0]["questions"]
    assert (question["id"], question["issue"]) == ("windows-beside", "two-systems-set-one-clock")
    known = {each["issue"]: each for each in _known(capsys, hours_off, "yes")}
    assert known["two-systems-set-one-clock"]["because"][-1]["got"] == "the answer was yes"
    assert "two-systems-set-one-clock" not in {each["issue"] for each in _known(capsys, hours_off, "no")}


def _known(capsys: Capture, machine: str, word: str) -> list[dict[str, Any]]:
    _, told = explain(capsys, "clock-wrong", "--answer", f"windows-beside={word}", machine=machine)
    assert told["findings"][0]["questions"] == []
    return list(told["findings"][0]["known"])


@pytest.mark.parametrize(("typed", "decided"), [("yes\n", True), ("ДА\n", True), ("no\n", False), ("\n", False)])
def test_somebody_at_the_terminal_is_asked_and_nothing_is_guessed(
    typed: str, decided: bool, hours_off: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    main(["explain", "clock-wrong", "--machine", hours_off])
    said = capsys.readouterr()
    assert "Is Windows installed on this computer, too?" in said.err
    assert ("KNOWN (likely, two-systems-set-one-clock)" in said.out) is decided
    # Not answered is not "no": it stays open, with the way to answer it.
    assert ("--answer windows-beside=yes" in said.out) is (typed == "\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-finding"], "There is no such finding"),
        (["--answer", "colour=yes"], "Nobody asks that"),
        (["--answer", "windows-beside=perhaps"], "was not understood"),
        (["--machine", "/nowhere"], "expected a machine.toml"),
    ],
)
def test_wrong_use_is_exit_code_2_and_names_what_was_expected(
    arguments: list[str], words: str, capsys: Capture
) -> None:
    assert main(["explain", "--machine", str(MACHINES / "laptop-healthy"), *arguments]) == Exit.WRONG_USE
    assert words in capsys.readouterr().err


def test_names_of_an_attacker_do_not_act_on_the_terminal(capsys: Capture) -> None:
    main(["explain", "--machine", str(MACHINES / "hostile-names")])
    said = capsys.readouterr().out
    assert said
    assert not [sign for sign in said if ord(sign) < 32 and sign != "\n"]
    assert "\u202e" not in said


def test_what_the_organisations_pack_does_on_a_device_is_told() -> None:
    own = (ISSUES / "user-cache-fills-disk.toml").read_text("utf-8")
    packed = {
        "user-cache-fills-disk": own,  # word for word what the program brings: nothing to tell
        "our-trial": own.replace("user-cache-fills-disk", "our-trial") + '[rollout]\nmode = "shadow"\n',
        "our-own": own.replace("user-cache-fills-disk", "our-own"),
        "disk-getting-old": 'id = "disk-getting-old"\nversion = 5\nstopped = "too early"\n',
        "broken": "when = [",
    }
    told = pack_value(packed, "device-1", {"our-trial": {"version": 1, "fired": 12, "quiet": 30, "last_at": 5}})
    assert [(each["issue"], each["state"], each["fired"]) for each in told] == [
        ("broken", "unused", 0),
        ("disk-getting-old", "stopped", 0),
        ("our-own", "shown", 0),
        ("our-trial", "on trial", 12),
    ]
    lines = pack_lines(told)
    assert "our-trial, would have spoken in 12 of 42 looks" in lines[3]
    assert "broken: " in lines[0]
    assert "not TOML" in lines[0]
    assert pack_lines(pack_value({}, "device-1", {})) == [
        "The organisation has no known issues of its own for this device."
    ]


def test_without_a_service_there_is_no_pack_to_tell_of(tmp_path: Path, capsys: Capture) -> None:
    assert main(["explain", "--pack", "--state", str(tmp_path)]) == Exit.PROBLEM
    assert "service is not running" in capsys.readouterr().err
