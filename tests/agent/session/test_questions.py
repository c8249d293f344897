"""A second question inside a visit: answered once, by who read it, or it is a no."""

import asyncio

import pytest

from agent.refusal import Refusal
from agent.session.questions import Agreed, AnswerArguments, Asked, QuestionKind, Questions
from protocol.fields import decode_base64
from protocol.limits import CONSENT_TIMEOUT_S
from tests.agent.doubles import HandClocks, MemoryLog

FIX = Asked(
    QuestionKind.REMEDY, "Tom Vale", "Example Support", "Clean the cache", "Frees space.", ("Delete a", "Delete b")
)


@pytest.fixture
def clocks() -> HandClocks:
    return HandClocks()


@pytest.fixture
def questions(clocks: HandClocks) -> Questions:
    return Questions(clocks, log=MemoryLog())


async def asked(questions: Questions) -> "asyncio.Task[Agreed | None]":
    asking = asyncio.create_task(questions.ask(FIX))
    await asyncio.sleep(0)
    assert len(questions.pending()) == 1
    return asking


def shown(questions: Questions) -> bytes:
    return decode_base64(str(questions.pending()[0]["text_sha256"]))


async def test_a_yes_to_the_text_that_was_shown_counts(questions: Questions) -> None:
    asking = await asked(questions)
    assert questions.answer(AnswerArguments(id="1", yes=True, text_sha256=shown(questions)), "anna")
    assert await asking == Agreed("anna")
    assert questions.pending() == []


async def test_a_yes_to_another_text_does_not(questions: Questions) -> None:
    asking = await asked(questions)
    for text in (None, bytes(32)):
        with pytest.raises(Refusal, match="does not count"):
            questions.answer(AnswerArguments(id="1", yes=True, text_sha256=text), "anna")
    assert not asking.done()
    asking.cancel()


async def test_no_needs_no_reading(questions: Questions) -> None:
    asking = await asked(questions)
    assert not questions.answer(AnswerArguments(id="1", yes=False), "anna")
    assert await asking is None


async def test_silence_is_a_no_and_a_late_yes_does_not_count(questions: Questions, clocks: HandClocks) -> None:
    asking = await asked(questions)
    digest = shown(questions)
    clocks.pass_s(CONSENT_TIMEOUT_S + 1)
    with pytest.raises(Refusal, match="no such open question"):
        questions.answer(AnswerArguments(id="1", yes=True, text_sha256=digest), "anna")
    assert await asking is None


async def test_a_visit_that_ends_takes_its_question_away(questions: Questions) -> None:
    asking = await asked(questions)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert questions.pending() == []


async def test_the_text_names_the_technician_and_every_step(questions: Questions) -> None:
    asking = await asked(questions)
    text = str(questions.pending()[0]["text"])
    assert text.splitlines() == [
        "Tom Vale of Example Support asks: Clean the cache",
        "Frees space.",
        "1. Delete a",
        "2. Delete b",
    ]
    asking.cancel()


def test_a_session_can_neither_answer_nor_speak_for_the_customer(questions: Questions) -> None:
    refused = {verb.name: verb.refused_to_sessions for verb in questions.verbs()}
    assert refused == {"question-list": False, "question-answer": True}
