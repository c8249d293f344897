"""Asking the machine for what would decide: packages, the journal, facts that turn out not to be told."""

import json
from collections.abc import Callable

import pytest

from diagnostics.findings import Finding, Severity
from diagnostics.knowledge.conclude import Conclusion, conclude, open_questions
from diagnostics.knowledge.conditions import Truth
from diagnostics.knowledge.fact_sources import NETWORK_FACTS
from diagnostics.knowledge.issue import KnownIssue, parse_issue
from diagnostics.machine.interface import Command, CommandOutput, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.observations import Interface, Network
from diagnostics.wording import Language

NOW = 1_795_000_000
CUPS = Finding(
    "service-failed",
    "service:cups.service",
    Severity.WARNING,
    "failed-services@1",
    NOW,
    NOW,
    facts={"name": "cups.service", "description": "CUPS", "result": "exit-code"},
)


def issue(condition: str, fires: str, *, more: str = "") -> KnownIssue:
    return parse_issue(
        f"""\
id = "x"
version = 1
certainty = "possible"
priority = 1
[title]
en = "T"
ru = "Т"
[explain]
en = "E"
ru = "Е"
[when]
all = [{{ finding = "service-failed" }}, {condition}]
[[cases]]
name = "fires"
expect = "fires"
findings = [{{ code = "service-failed", instance = "service:x" }}]
{fires}
[[cases]]
name = "quiet"
expect = "quiet"
judged = ["service-failed"]
{more}"""
    )


class Machine(RecordedMachine):
    """Answers dpkg-query and journalctl, and counts them."""

    asked: list[str]
    denied: bool = False

    def run(self, command: Command) -> CommandOutput:
        self.asked.append(command.argv[0])
        if self.denied:
            raise Unreadable(f"this user may not run {command.argv[0]}")
        if command.argv[0] == "dpkg-query":
            return CommandOutput(0, b"cups\t2.4.2-3\tamd64\tinstalled\nold\t1\tall\tconfig-files\n", b"", False)
        entry = {"__REALTIME_TIMESTAMP": "1", "MESSAGE": "No space left on device", "_SYSTEMD_UNIT": "cups"}
        return CommandOutput(0, json.dumps(entry).encode(), b"", False)


@pytest.fixture
def run(recorded: Callable[[str], RecordedMachine]) -> Callable[..., tuple[Conclusion, list[str]]]:
    def go(
        known: KnownIssue, *, denied: bool = False, answers: dict[str, bool] | None = None
    ) -> tuple[Conclusion, list[str]]:
        machine = Machine(recorded("laptop-healthy").folder)
        machine.asked, machine.denied = [], denied
        judged = frozenset({"service-failed"})
        concluded = conclude([known], [CUPS], machine, judged=judged, now=NOW, answers=answers)
        return concluded, machine.asked

    return go


PACKAGE = issue('{ package = "cups", below = "2.4.7" }', 'packages = { cups = "2.4.2" }')
LOG = issue('{ log = "journal", contains = "No space left" }', 'logs = { journal = ["a: No space left"] }')
CHANGE = issue('{ changed = "package:cups", within_s = 60 }', 'changes = [{ what = "package:cups", ago_s = 5 }]')

Run = Callable[..., tuple[Conclusion, list[str]]]


def test_installed_versions_are_asked_once_and_decide(run: Run) -> None:
    concluded, asked = run(PACKAGE)
    (found,) = concluded.matching.matches
    assert [item.got for item in found.because][1] == "cups is 2.4.2-3"
    assert asked == ["dpkg-query"]


def test_a_removed_package_is_not_installed(run: Run) -> None:
    concluded, _ = run(issue('{ package = "old" }', 'packages = { old = "1" }'))
    (miss,) = concluded.matching.near_misses
    assert (miss.deciding.truth, miss.deciding.got) == (Truth.FALSE, "old is not installed")


def test_a_line_of_the_journal_decides(run: Run) -> None:
    concluded, asked = run(LOG)
    (found,) = concluded.matching.matches
    assert [item.got for item in found.because][1] == "cups: No space left on device"
    assert asked == ["journalctl"]


@pytest.mark.parametrize("known", [PACKAGE, LOG])
def test_what_may_not_be_read_stays_unknown_with_its_reason(known: KnownIssue, run: Run) -> None:
    concluded, _ = run(known, denied=True)
    assert concluded.matching.matches == ()
    (miss,) = concluded.matching.near_misses
    assert "packages" in miss.deciding.ask or "log:journal" in miss.deciding.ask
    assert concluded.unanswered[miss.deciding.ask]


def test_what_nothing_here_can_tell_says_so(run: Run) -> None:
    concluded, asked = run(CHANGE)
    assert concluded.unanswered == {"changes": "nothing that is installed here can tell"}
    assert asked == []


def test_a_skipped_check_is_named_as_what_would_tell(run: Run) -> None:
    concluded, _ = run(issue('{ finding = "disk-filling" }', ""))
    assert concluded.unanswered == {"finding:disk-filling": "the check that would tell was skipped"}


def asking(condition: str, fires: str) -> KnownIssue:
    questions = '[[questions]]\nid = "prints"\nen = "Do you print?"\nru = "Вы печатаете?"\n'
    return issue(condition, f"{fires}\nanswers = {{ prints = true }}", more=questions)


BOTH = asking('{ package = "cups" }, { ask = "prints", is = true }', 'packages = { cups = "2" }')
EITHER = asking(
    '{ any = [{ package = "cups", below = "1" }, { ask = "prints", is = true }] }', 'packages = { cups = "2" }'
)


def test_with_nobody_to_answer_the_machine_is_not_bothered_for_what_would_wait_anyway(run: Run) -> None:
    concluded, asked = run(BOTH)
    assert (concluded.matching.matches, asked) == ((), [])


def test_where_the_machine_alone_may_decide_it_is_asked(run: Run) -> None:
    _, asked = run(EITHER)
    assert asked == ["dpkg-query"]


def test_a_person_is_asked_only_what_decides_by_itself(run: Run) -> None:
    concluded, asked = run(BOTH, answers={})
    assert asked == ["dpkg-query"]
    assert open_questions(concluded, Language.ENGLISH) == {"prints": "Do you print?"}
    assert open_questions(concluded, Language.RUSSIAN) == {"prints": "Вы печатаете?"}
    concluded, _ = run(BOTH, answers={}, denied=True)
    assert open_questions(concluded, Language.ENGLISH) == {}


@pytest.mark.parametrize(("said", "fires"), [(True, True), (False, False)])
def test_an_answer_decides(said: bool, fires: bool, run: Run) -> None:
    concluded, _ = run(BOTH, answers={"prints": said})
    assert bool(concluded.matching.matches) is fires
    assert open_questions(concluded, Language.ENGLISH) == {}


def test_a_tunnel_that_is_up_is_a_fact() -> None:
    def network(*interfaces: Interface) -> Network:
        return Network(interfaces, (), (), ())

    def interface(name: str, *, up: bool = True, addresses: tuple[str, ...] = ("10.8.0.2",)) -> Interface:
        return Interface(name, up, addresses, "", 1500, 0, 0, 0, 0)

    tell = NETWORK_FACTS.facts
    assert tell(network(interface("enp3s0"), interface("tun0"))) == {"network.tunnel": True}
    assert tell(network(interface("enp3s0"), interface("wg0", up=False))) == {"network.tunnel": False}
    assert tell(network(interface("wlan0"), interface("tun0", addresses=()))) == {"network.tunnel": False}


@pytest.mark.parametrize("known", [PACKAGE, LOG, CHANGE, BOTH, EITHER])
def test_the_cases_of_these_issues_hold(known: KnownIssue) -> None:
    from diagnostics.knowledge.match import EXPECTED, judge_issue

    for case in known.cases:
        assert judge_issue(known, case.situation)[0] is EXPECTED[case.expect]
