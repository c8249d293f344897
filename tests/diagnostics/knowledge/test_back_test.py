"""Every known issue against every recorded machine: silent on the healthy ones, rare on the others."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from diagnostics.__main__ import main
from diagnostics.examine import examine
from diagnostics.knowledge.back_test import Rate, Tried, rates, table, try_machine
from diagnostics.knowledge.issue import own_issues
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.state_folder import read_past

ROOT = Path(__file__).resolve().parents[3]
MACHINES = ROOT / "tests" / "machines"
HEALTHY = ("laptop-healthy", "debian-virtual-machine", "restricted-user")
ISSUES = own_issues()
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def tried() -> Sequence[Tried]:
    found = []
    for folder in sorted(path.parent for path in MACHINES.glob("*/machine.toml")):
        machine, past = RecordedMachine(folder), read_past(folder)
        examination = examine(machine, past.history, now=machine.clock().unix_s, before=past.changes)
        found.append(try_machine(folder.name, machine, examination, past, ISSUES))
    return found


@pytest.fixture(scope="module")
def found(tried: Sequence[Tried]) -> Sequence[Rate]:
    return rates(ISSUES, tried)


def test_no_issue_fires_on_a_healthy_machine(found: Sequence[Rate], tried: Sequence[Tried]) -> None:
    assert {each.machine for each in tried} >= set(HEALTHY)
    assert {rate.issue.id: rate.fires_on for rate in found if set(rate.fires_on) & set(HEALTHY)} == {}


def test_an_issue_that_fires_everywhere_says_nothing(found: Sequence[Rate]) -> None:
    assert [rate.issue.id for rate in found if rate.fraction > 0.34] == []


def test_every_sick_machine_has_something_explained(tried: Sequence[Tried]) -> None:
    grave = [
        each for each in tried if any(finding.severity.rank >= 2 for finding in each.conclusion.situation.findings)
    ]
    assert len(grave) >= 6
    silent = [each.machine for each in grave if not each.conclusion.matching.matches]
    assert silent == []


def test_the_table_has_a_line_for_each_issue_most_frequent_first(found: Sequence[Rate]) -> None:
    lines = table(found)
    assert len(lines) == len(ISSUES) + 1
    counts = [len(rate.fires_on) for rate in found]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] >= 1
    (cache,) = [line for line in lines if line.startswith("user-cache-fills-disk ")]
    # Between them stand how often it was near, and how often nobody could tell: other machines change those.
    assert (cache.split()[1], cache.split()[4:]) == (f"1/{found[0].machines}", ["laptop-disk-full"])


def test_the_command_prints_it_and_as_json_it_is_one_object(capsys: Capture) -> None:
    assert main(["issues", "--machines", str(MACHINES), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["rates"]
    assert {each["issue"] for each in told} == {issue.id for issue in ISSUES}
    assert main(["issues", "--machines", str(ROOT / "docs")]) == 2
    assert "expected recorded machines" in capsys.readouterr().err
