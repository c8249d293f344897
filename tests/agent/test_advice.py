"""Somebody says that something is wrong: recorded machines are looked at, and explained in their words."""

from pathlib import Path

import pytest

from agent.mending.policy import NEEDS_A_FINDING
from agent.watch.advised import Advice
from agent.watch.look import Complaint, Look, LookRequest
from agent.watch.worker import look_once
from diagnostics.machine.recorded import RecordedMachine
from diagnostics.remedies.catalogue import REMEDIES
from diagnostics.remedies.end_program import EndProgram
from diagnostics.remedies.run_program import RunProgram

MACHINES = Path(__file__).parent.parent / "machines"


def told(machine: str, words: str, answers: dict[str, bool] | None = None, language: str = "en") -> Advice:
    here = RecordedMachine(MACHINES / machine)
    complaint = Complaint(words, answers or {}, language)
    request = LookRequest(now=here.clock().unix_s, database=None, everything=False, wrong=complaint)
    look = Look.from_bytes(look_once(here, LookRequest.from_bytes(request.to_bytes()), None).to_bytes())
    assert look.advice is not None
    return look.advice


def test_what_the_words_speak_of_comes_first_with_its_reason_and_its_fixes() -> None:
    advice = told("laptop-disk-full", "disk is full, cannot save files")
    first = advice.findings[0]
    assert first.fingerprint == "disk-space-low|disk:/"
    assert [known.issue for known in first.known] == ["user-cache-fills-disk"]
    assert first.known[0].because
    fixes = {fix.remedy for fix in (*first.known[0].fixes, *first.fixes)}
    assert {"empty-trash", "clean-temporary-files"} <= fixes
    assert all(fix.finding == first.fingerprint for fix in (*first.known[0].fixes, *first.fixes))


def test_it_is_told_in_the_language_that_was_asked_for() -> None:
    assert "диск" in told("laptop-disk-full", "нет места", language="ru").findings[0].title.lower()


def test_an_answer_makes_a_reason_of_a_question() -> None:
    asked = told("laptop-worn", "no backup")
    assert "backup-disk-connected" in [question.id for question in asked.questions]
    answered = told("laptop-worn", "no backup", {"backup-disk-connected": False})
    assert "backup-disk-connected" not in [question.id for question in answered.questions]
    known = {known.issue for finding in answered.findings for known in finding.known}
    assert "backup-disk-not-connected" in known


@pytest.mark.parametrize(
    ("machine", "foreign"), [("laptop-healthy", ("mac-", "windows-")), ("mac-healthy", "windows-")]
)
def test_another_systems_troubles_are_not_guessed(machine: str, foreign: str | tuple[str, ...]) -> None:
    for words in ("disk is full", "very slow", "update fails"):
        assert not [guess.issue for guess in told(machine, words).guesses if guess.issue.startswith(foreign)]


def test_what_the_look_contradicts_is_not_guessed() -> None:
    guesses = {guess.issue for guess in told("laptop-healthy", "disk is full, cannot save files").guesses}
    assert "user-cache-fills-disk" not in guesses


def test_fixes_that_need_a_finding_are_those_that_ask_for_its_subject() -> None:
    named = {
        name
        for name, remedy in REMEDIES.items()
        if isinstance(remedy.acts, EndProgram)
        or (isinstance(remedy.acts, RunProgram) and remedy.acts._act.subject is not None)
    }
    assert named | {"set-dead-proxy-aside"} == NEEDS_A_FINDING
