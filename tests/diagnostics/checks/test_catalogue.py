"""The one list of checks keeps its own rules."""

import re
from pathlib import Path

import pytest

from diagnostics.checks.catalogue import CATALOGUE, code_rules, explain
from diagnostics.checks.contract import CheckSpec
from diagnostics.collectors.catalogue import COLLECTORS
from diagnostics.findings import Finding, Severity
from diagnostics.machine.interface import Command, CommandOutput, Platform
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.wording import Language, fill

KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def test_checks_stand_in_the_order_of_the_design_each_once() -> None:
    numbers = [check.number for check in CATALOGUE]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(1, 49))
    assert {1, 2, 10, 13, 25, 27, 37, 48} <= set(numbers)


def test_every_check_file_is_in_the_list() -> None:
    folder = Path(__file__).resolve().parents[3] / "diagnostics" / "checks"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "contract", "catalogue"}
    assert len(files) == len(CATALOGUE)


@pytest.mark.parametrize("check", CATALOGUE, ids=lambda check: check.id)
def test_a_line_is_complete(check: CheckSpec) -> None:
    assert KEBAB.fullmatch(check.id)
    assert check.interval_s >= 300
    assert 0 < check.timeout_s <= 15
    assert check.needs
    assert {need.id for need in check.needs + check.wishes} <= {collector.id for collector in COLLECTORS}
    assert check.codes
    for code, rule in check.codes.items():
        assert KEBAB.fullmatch(code)
        assert rule.why
        assert rule.evaluations >= 1
        assert rule.expires_after_s >= 86_400
        assert set(rule.words) == set(Language)
        for language, words in rule.words.items():
            assert words.title
            assert fill(words.text, {}, language)
        for cause in rule.hidden_under:
            assert cause.code in code_rules()


def test_what_starts_powershell_is_looked_at_at_most_twice_an_hour_there() -> None:
    """Each start costs about a second of processor time; all of them together stay under 0.2 % of a core."""
    laptop = Path(__file__).resolve().parents[2] / "machines" / "windows-laptop"

    class Noting(RecordedMachine):
        def __init__(self) -> None:
            super().__init__(laptop)
            self.started: set[str] = set()

        def run(self, command: Command) -> CommandOutput:
            self.started.add(command.argv[0])
            return super().run(command)

    for check in CATALOGUE:
        machine = Noting()
        for collector in check.needs + check.wishes:
            if machine.platform in check.platforms & collector.platforms:
                collector.collect(machine)
        if "powershell" in machine.started:
            assert check.on(Platform.WINDOWS).interval_s >= 1800, check.id
        assert check.on(Platform.LINUX) == check


def test_ids_and_codes_are_unique() -> None:
    ids = [check.id for check in CATALOGUE]
    codes = [code for check in CATALOGUE for code in check.codes]
    assert len(set(ids)) == len(ids)
    assert len(set(codes)) == len(codes)


def test_both_languages_tell_the_same_facts() -> None:
    names = re.compile(r"\{(\w+)")
    for code, rule in code_rules().items():
        told = [set(names.findall(rule.words[language].text)) for language in Language]
        assert told[0] == told[1], code


def test_a_code_of_a_newer_version_is_shown_by_its_name() -> None:
    finding = Finding("from-the-future", "thing:1", Severity.INFO, "x@1", 0, 0)
    assert explain(finding, Language.RUSSIAN).title == "from-the-future"


def test_what_starts_long_programs_on_macos_is_looked_at_less_often_there_and_only_there() -> None:
    slower = [check for check in CATALOGUE if check.on(Platform.MACOS).interval_s > check.interval_s]
    assert {"wifi", "kernel-events", "log-burst"} <= {check.id for check in slower}
    for check in CATALOGUE:
        assert check.on(Platform.LINUX) == check
        assert check.on(Platform.MACOS).interval_s >= check.interval_s
