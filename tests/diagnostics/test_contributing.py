"""The worked example of CONTRIBUTING.md is a check that works, as it stands there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.checks.catalogue import CATALOGUE
from diagnostics.checks.contract import CheckSpec
from diagnostics.examine import examine
from diagnostics.history import MemoryHistory
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.wording import Language, fill

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.fixture(scope="module")
def spec() -> CheckSpec:
    (code,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    names: dict[str, object] = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)  # noqa: S102 - our own text, which promises to be a check
    made = names["SPEC"]
    assert isinstance(made, CheckSpec)
    return made


def test_the_example_finds_something_on_a_sick_machine_and_nothing_on_a_healthy_one(
    spec: CheckSpec, recorded: Callable[[str], RecordedMachine]
) -> None:
    def look(name: str) -> list[str]:
        machine = recorded(name)
        seen = examine(machine, MemoryHistory(), now=machine.clock().unix_s, checks=[spec])
        assert next(check.status for check in seen.checks) in ("ok", "finding"), seen.checks
        return [finding.fingerprint for finding in seen.findings]

    assert look("server-troubled") == ["work-waiting|cpu"]
    assert look("laptop-healthy") == []


def test_the_example_tells_both_languages_and_is_not_in_the_catalogue_already(spec: CheckSpec) -> None:
    (rule,) = spec.codes.values()
    for language in Language:
        assert "2.5" in fill(rule.words[language].text, {"load_a_cpu": 2.5}, language)
    assert spec.id not in {check.id for check in CATALOGUE}


def test_every_file_it_names_is_there() -> None:
    example = TEXT[TEXT.index("A worked example") : TEXT.index("## Tests")]
    named = set(re.findall(r"`((?:diagnostics|tests)/[\w/.-]+\.py)`", example))
    made_up = {"diagnostics/checks/waiting_work.py", "tests/diagnostics/checks/test_waiting_work.py"}
    assert made_up < named
    assert [path for path in named - made_up if not (ROOT / path).exists()] == []
