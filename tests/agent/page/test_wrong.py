"""Something is wrong, on the page: looked at, explained, asked, fixed, and handed to the desk with all of it."""

import html
from typing import Any

import httpx2
import pytest

from agent.page.mend import policy_words
from agent.page.shell import Shell
from agent.page.wrong import Inquiries
from agent.watch.advised import Advice, AdvisedFinding, Asked, Explaining, Fix
from diagnostics.strict_json import encode
from tests.agent.visit_rig import Rig

FIX = Fix("clean-user-cache", "Clear <b>caches</b>", 2, "disk-space-low|disk:/")
REASON = Explaining(
    "x", "likely", "The cache", "It grows.", ("finding disk-space-low: there",), ("full",), (FIX,), "Do."
)
FULL = AdvisedFinding("disk-space-low|disk:/", "warning", "The disk <i>is</i> full", "Text.", (), (REASON,), ())
FOUND = Advice((FULL,), (Asked("dual-boot", "Is there another system?"),), (), 12)
GONE = Advice((), (), (), 12)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The service's advice, as advice.py gives it: ill until the question is answered. The rest is the real service."""
    whole, asked = Shell.ask, []

    async def ask(self: Shell, verb: str, /, **arguments: Any) -> Any:
        if verb != "something-wrong":
            return await whole(self, verb, **arguments)
        asked.append(arguments)
        return encode(GONE if arguments["answers"] else FOUND)

    monkeypatch.setattr(Shell, "ask", ask)
    return asked


async def begin(page: httpx2.AsyncClient, words: str = "It is full") -> str:
    answer = await page.post("/help/wrong", data={"words": words, "finding": ""})
    assert answer.status_code == 303
    return str(answer.headers["location"])


async def test_what_was_found_is_told_with_its_reason_its_fix_and_a_question(
    page: httpx2.AsyncClient, said: list[dict[str, Any]]
) -> None:
    where = await begin(page)
    text = (await page.get(where)).text
    assert "<i>is</i>" not in text
    assert "<b>caches" not in text
    assert "Very likely the reason: The cache" in text
    assert "Your words speak of it: full" in text
    assert "Is there another system?" in text
    wrong = where.rpartition("/")[2]
    assert f"/mend/clean-user-cache?finding=disk-space-low%7Cdisk%3A/&wrong={wrong}" in html.unescape(text)


async def test_an_answer_looks_again_and_says_what_is_gone(
    page: httpx2.AsyncClient, said: list[dict[str, Any]]
) -> None:
    where = await begin(page)
    await page.post(f"{where}/answer", data={"question": "dual-boot", "answer": "no"})
    assert [each["answers"] for each in said] == [{}, {"dual-boot": False}]
    text = (await page.get(where)).text
    assert "It is gone" in text
    assert "Looked at again: not there any more." in text


async def test_who_does_not_know_is_not_asked_again(page: httpx2.AsyncClient, said: list[dict[str, Any]]) -> None:
    where = await begin(page)
    await page.post(f"{where}/answer", data={"question": "dual-boot", "answer": "pass"})
    assert "Is there another system?" not in (await page.get(where)).text
    assert len(said) == 1
    again = await page.post(f"{where}/answer", data={"question": "dual-boot", "answer": "yes"})
    assert again.status_code == 409


async def test_the_desk_gets_the_words_the_answers_and_what_was_tried(service: Rig, said: list[dict[str, Any]]) -> None:
    inquiries = Inquiries(Shell(service.folder.root))
    inquiry = await inquiries.begin("It is full")
    inquiry.answers, inquiry.asked = {"dual-boot": True}, {"dual-boot": "Is there another system?"}
    inquiry.tried.append(("warning", "Clear caches", "Done, but the problem is still there."))
    assert inquiry.story() == (
        "It is full\n\nI was asked here:\n- Is there another system? Yes.\n\n"
        "Tried here:\n- Clear caches: Done, but the problem is still there."
    )
    assert inquiry.about == "disk-space-low|disk:/"


async def test_the_way_to_the_desk_shows_all_of_it_before_anything_goes(
    page: httpx2.AsyncClient, said: list[dict[str, Any]]
) -> None:
    where = await begin(page, "It is full\nsince Monday")
    shown = await page.post("/help", data={"wrong": where.rpartition("/")[2]})
    assert shown.status_code == 200
    assert "It is full\nsince Monday" in shown.text
    assert "Nothing has been sent yet" in shown.text


async def test_what_this_page_does_not_know_any_more_is_said(page: httpx2.AsyncClient) -> None:
    assert (await page.get("/help/wrong/0000")).status_code == 409


async def test_fixes_without_their_subject_are_not_offered_and_the_owners_policy_is_shown(
    page: httpx2.AsyncClient,
) -> None:
    text = (await page.get("/mend")).text
    assert "No fix runs without asking." in text
    assert "/mend/clean-user-cache" in text
    assert "/mend/restart-failed-service" not in text


def test_the_owners_policy_is_a_sentence() -> None:
    policy = {"alone": True, "quiet": "08:00-19:00", "runs_a_day": 4, "stop": False}
    assert (
        policy_words(policy) == "Safe fixes run without asking, at most 4 times in 24 hours, never within 08:00-19:00."
    )
    assert policy_words({**policy, "stop": True}) == "All fixes are stopped on this computer."
