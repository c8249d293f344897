"""A finding's states and its JSON."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.findings import (
    TRANSITIONS,
    Change,
    Evidence,
    Finding,
    FindingEvent,
    FindingState,
    RemedyOffer,
    Severity,
    TimeToAct,
    WrongTransition,
    next_state,
)
from diagnostics.strict_json import StrictJsonError

FINDING = Finding(
    code="disk-space-low",
    instance="disk:/home/anna",
    severity=Severity.ERROR,
    rule="disk-space@1",
    first_seen_unix_s=1_795_000_000,
    last_seen_unix_s=1_795_000_600,
    state=FindingState.ACTIVE,
    count=3,
    evidence=(Evidence("statvfs", "/home/anna", "1.2 GB of 100 GB available", "0" * 64),),
    facts={"mount": "/home/anna", "available_bytes": 1_200_000_000, "used_fraction": 0.988, "full": False},
    explained_by="disk-filling|disk:/home/anna",
    remedies=(RemedyOffer("clean-user-cache", 2, ("cache",), True, 30),),
    changes=(Change(1_794_990_000, "package:firefox 131 → 132"),),
    time_to_act=TimeToAct(3600, 7200, 10_800),
)


def test_a_finding_survives_json_whole() -> None:
    again = Finding.from_json(FINDING.to_json())
    assert again == FINDING
    assert [type(value) for value in again.facts.values()] == [str, int, float, bool]


def test_the_fingerprint_is_code_and_instance() -> None:
    assert FINDING.fingerprint == "disk-space-low|disk:/home/anna"
    assert json.loads(FINDING.to_json())["fingerprint"] == FINDING.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"severity": "fatal"}, "expected one of info, warning, error, critical"),
        ({"count": "3"}, "count: expected int, got '3'"),
        ({"count": True}, "count: expected int, got True"),
        ({"first_seen_unix_s": 1.5}, "first_seen_unix_s: expected int, got 1.5"),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"facts": {"x": None}}, "facts.x: expected bool, got None"),
        ({"facts": {"x": [1]}}, "facts.x"),
        ({"evidence": {}}, "evidence: expected a list"),
        ({"fingerprint": "other|thing"}, "fingerprint: expected 'disk-space-low|disk:/home/anna'"),
    ],
)
def test_json_that_does_not_fit_is_refused_with_its_place(change: dict[str, object], message: str) -> None:
    value = {**json.loads(FINDING.to_json()), **change}
    with pytest.raises(StrictJsonError, match=message.replace("|", r"\|")):
        Finding.from_value(value)


def test_a_missing_field_is_named() -> None:
    value = json.loads(FINDING.to_json())
    del value["rule"]
    with pytest.raises(StrictJsonError, match="field 'rule' is missing"):
        Finding.from_value(value)


def test_severities_sort_by_gravity_not_by_letter() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == [
        Severity.INFO,
        Severity.WARNING,
        Severity.ERROR,
        Severity.CRITICAL,
    ]


def test_the_table_covers_every_state_and_names_only_known_ones() -> None:
    assert set(TRANSITIONS) == set(FindingState)
    for row in TRANSITIONS.values():
        assert set(row) <= set(FindingEvent)
        assert set(row.values()) <= set(FindingState)


def test_what_the_table_does_not_list_is_refused() -> None:
    refused = [(state, event) for state in FindingState for event in FindingEvent if event not in TRANSITIONS[state]]
    assert (FindingState.RESOLVED, FindingEvent.SNOOZE) in refused
    for state, event in refused:
        with pytest.raises(WrongTransition, match=f"a finding that is {state} takes"):
            next_state(state, event)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.sampled_from(FindingEvent), max_size=30))
def test_ignored_stays_ignored_until_a_person_says_otherwise(events: list[FindingEvent]) -> None:
    finding = replace(FINDING, state=FindingState.IGNORED)
    for event in events:
        if event is not FindingEvent.UNIGNORE and event in TRANSITIONS[finding.state]:
            finding = finding.after(event)
    assert finding.state is FindingState.IGNORED


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text(max_size=40), st.dictionaries(st.text(max_size=10), st.booleans() | st.integers() | st.text()))
def test_any_text_and_facts_survive_json(instance: str, facts: dict[str, bool | int | str]) -> None:
    finding = replace(FINDING, instance=instance, facts=facts)
    assert Finding.from_json(finding.to_json()) == finding
