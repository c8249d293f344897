"""From findings to conclusions, with what held them up and what nearly did."""

from collections.abc import Callable

import pytest

from diagnostics.checks.catalogue import code_rules
from diagnostics.examine import Examination
from diagnostics.findings import Finding, Severity
from diagnostics.knowledge.conclude import Conclusion, conclude, judged_codes
from diagnostics.knowledge.conditions import Situation, Truth
from diagnostics.knowledge.issue import own_issues
from diagnostics.knowledge.match import match
from diagnostics.machine.interface import Command, CommandOutput, Place, PlaceSize, Unreadable
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.wording import Language

NOW = 1_795_000_000
ISSUES = own_issues()
Recorded = Callable[[str], RecordedMachine]


def disk_full(mount: str = "/") -> Finding:
    return Finding(
        "disk-space-low",
        f"disk:{mount}",
        Severity.ERROR,
        "disk-space@1",
        NOW,
        NOW,
        facts={"mount": mount, "kind": "ext4", "total_bytes": 480_000_000_000, "available_bytes": 2_000_000_000},
    )


@pytest.fixture
def conclusion_of(recorded: Recorded, look: Callable[..., Examination]) -> Callable[[str], Conclusion]:
    def run(name: str) -> Conclusion:
        examination = look(name)
        return conclude(
            ISSUES,
            examination.findings,
            recorded(name),
            judged=judged_codes(examination),
            now=NOW,
        )

    return run


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("laptop-healthy", []),
        ("debian-virtual-machine", []),
        ("restricted-user", []),
        (
            "laptop-disk-full",
            ["service-gave-up-restarting", "boot-full-of-kernels", "user-cache-fills-disk", "printing-service-stopped"],
        ),
        (
            "desktop-out-of-memory",
            ["memory-module-failing", "memory-too-small", "no-swap-at-all", "file-search-builds-its-index"],
        ),
        ("office-dns-dead", ["resolver-service-down", "service-ended-for-memory", "name-servers-unreachable"]),
    ],
)
def test_recorded_machines_are_explained(
    name: str, expected: list[str], conclusion_of: Callable[[str], Conclusion]
) -> None:
    matches = conclusion_of(name).matching.matches
    assert [found.issue.id for found in matches] == expected


def test_a_match_keeps_what_held_it_up_and_tells_it_with_its_facts(
    conclusion_of: Callable[[str], Conclusion],
) -> None:
    found = next(m for m in conclusion_of("laptop-disk-full").matching.matches if m.issue.id == "user-cache-fills-disk")
    assert found.explains == ("disk-space-low|disk:/",)
    assert [(str(item.leaf), item.got) for item in found.because] == [
        ("finding disk-space-low with mount same as user-cache.mount", "mount is /"),
        ("user-cache.bytes at least 1000000000", "user-cache.bytes is 9300000000"),
    ]
    assert "9.3 GB in /home/anna/.cache" in found.explain(Language.ENGLISH).text
    assert "9,3 ГБ в папке /home/anna/.cache" in found.explain(Language.RUSSIAN).text
    assert found.issue.remedies == ("clean-user-cache",)


def test_a_near_miss_shows_the_one_fact_that_decided(conclusion_of: Callable[[str], Conclusion]) -> None:
    misses = {miss.issue.id: miss for miss in conclusion_of("laptop-disk-full").matching.near_misses}
    assert "journal-without-limit" in misses
    deciding = misses["journal-without-limit"].deciding
    assert (deciding.truth, deciding.got) == (Truth.FALSE, "journal.bytes is 410000000")


def test_before_anybody_looked_the_near_miss_names_what_would_tell() -> None:
    others = code_rules().keys() - {"disk-space-low"}
    matching = match(ISSUES, Situation(NOW, findings=(disk_full(),), judged=frozenset(others)), person=False)
    assert matching.matches == ()
    asked = {miss.issue.id: miss.deciding.ask for miss in matching.near_misses}
    assert asked == {
        "user-cache-fills-disk": "user-cache.mount",
        "temporary-files-fill-disk": "temporary.mount",
        "journal-without-limit": "journal.mount",
    }
    assert set(matching.questions) == {
        f"{place}.{what}" for place in ("user-cache", "temporary", "journal") for what in ("mount", "bytes")
    }


class Counting(RecordedMachine):
    """Counts the costly questions; refuses one of them."""

    measured: list[Place]

    def measure(self, place: Place) -> PlaceSize:
        self.measured.append(place)
        if place is Place.JOURNAL:
            raise Unreadable("this user may not look at /var/log/journal")
        return super().measure(place)

    def run(self, command: Command) -> CommandOutput:
        raise AssertionError("no command is needed to explain a full disk")


def test_costly_facts_are_asked_once_and_only_with_a_reason(recorded: Recorded) -> None:
    machine = Counting(recorded("laptop-disk-full").folder)
    machine.measured = []
    conclude(ISSUES, [], machine, judged=frozenset({"disk-space-low"}), now=NOW)
    assert machine.measured == []
    concluded = conclude(ISSUES, [disk_full()], machine, judged=frozenset({"disk-space-low"}), now=NOW)
    assert sorted(machine.measured) == sorted(Place)
    assert [found.issue.id for found in concluded.matching.matches] == ["user-cache-fills-disk"]


def test_what_could_not_be_read_stays_unknown_and_is_listed(recorded: Recorded) -> None:
    machine = Counting(recorded("laptop-disk-full").folder)
    machine.measured = []
    concluded = conclude(ISSUES, [disk_full()], machine, judged=frozenset({"disk-space-low"}), now=NOW)
    read = {ask: why for ask, why in concluded.unanswered.items() if not ask.startswith("finding:")}
    assert read == {
        "journal.bytes": "this user may not look at /var/log/journal",
        "journal.mount": "this user may not look at /var/log/journal",
    }
    miss = next(m for m in concluded.matching.near_misses if m.issue.id == "journal-without-limit")
    assert miss.deciding.ask in concluded.unanswered


def test_judged_codes_are_those_of_checks_that_looked(look: Callable[..., Examination]) -> None:
    codes = judged_codes(look("restricted-user"))
    assert "disk-space-low" in codes
    assert not codes & {"out-of-memory", "service-failed", "dns-slow", "disk-filling"}


def test_certain_before_likely_and_urgent_before_less(conclusion_of: Callable[[str], Conclusion]) -> None:
    matches = conclusion_of("laptop-disk-full").matching.matches
    assert [(str(found.issue.certainty), found.issue.priority) for found in matches] == [
        ("certain", 60),
        ("likely", 75),
        ("likely", 70),
        ("likely", 52),
    ]


def test_names_of_an_attacker_reach_no_explanation_unescaped(
    conclusion_of: Callable[[str], Conclusion],
) -> None:
    for found in conclusion_of("hostile-names").matching.matches:
        for language in Language:
            assert all(ord(sign) >= 32 for sign in found.explain(language).text)
