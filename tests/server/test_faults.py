"""Faults of the server itself: a page for browsers, JSON for programs, nothing of their inside for anybody."""

import pytest

from server.storage.engine import Database
from server.technicians.challenges import Challenges
from tests.server.actors import World

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def broken(desk: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A server whose challenges and health raise what nobody thought of."""

    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("canary-of-the-inside")

    monkeypatch.setattr(Challenges, "new", fails)
    monkeypatch.setattr(Database, "answers", fails)
    return desk


async def test_a_browser_gets_a_page_and_the_api_is_json_for_all(broken: World) -> None:
    page = await broken.http.get("/healthz", headers=BROWSER)
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (500, "text/html")
    assert "Something went wrong here" in page.text
    assert "default-src" in page.headers["content-security-policy"]
    told = [await broken.http.get("/api/challenge", headers=headers) for headers in (BROWSER, {})]
    assert [(one.status_code, one.json()["error"]["what"]) for one in told] == [(500, "the server failed")] * 2
    for answer in (page, *told):
        assert "canary" not in answer.text
        assert "ZeroDivision" not in answer.text


async def test_where_the_pages_themselves_are_what_failed_json_is_still_an_answer(
    broken: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("no template")

    monkeypatch.setattr("server.app.show_refusal", fails)
    told = await broken.http.get("/healthz", headers=BROWSER)
    assert (told.status_code, told.json()["error"]["what"]) == (500, "the server failed")
