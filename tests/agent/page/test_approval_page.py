"""The approval page: one question, a nonce, No first; and everything a hostile page or process could try on it."""

import re

import httpx2
import pytest

from protocol.grants import ConsentMethod
from protocol.visit import RefusalReason
from technician.session.events import GrantCame
from tests.agent.page.conftest import ORIGIN
from tests.agent.visit_rig import Rig

NONCE = re.compile(r'name="nonce" value="([^"]+)"')
HASH = re.compile(r'name="text_sha256" value="([^"]+)"')


async def shown(approval: httpx2.AsyncClient) -> tuple[str, dict[str, str]]:
    """The question's page, and the hidden fields that its form would send."""
    answer = await approval.get("/")
    assert answer.status_code == 200
    nonce, text_hash = NONCE.search(answer.text), HASH.search(answer.text)
    assert nonce is not None
    assert text_hash is not None
    return answer.text, {"id": "1", "nonce": nonce[1], "text_sha256": text_hash[1]}


async def test_nobody_asks(approval: httpx2.AsyncClient) -> None:
    answer = await approval.get("/")
    assert "Nobody asks to connect now" in answer.text


async def test_the_exact_text_is_shown_and_no_script_runs(service: Rig, approval: httpx2.AsyncClient) -> None:
    await service.arrive()
    prompt = await service.question()
    text, _ = await shown(approval)
    words = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    import html

    for line in prompt.text.text.split("\n"):
        assert " ".join(line.split()) in html.unescape(words)
    assert "<script" not in text
    policy = (await approval.get("/")).headers["content-security-policy"]
    assert "script-src 'none'" in policy
    assert "connect-src 'none'" in policy


async def test_no_comes_first_and_has_the_focus(service: Rig, approval: httpx2.AsyncClient) -> None:
    await service.arrive()
    await service.question()
    text, _ = await shown(approval)
    buttons = re.findall(r'<button[^>]*name="answer" value="(\w+)"([^>]*)>', text)
    assert [value for value, _ in buttons] == ["no", "yes"]
    assert "autofocus" in buttons[0][1]


async def test_yes_lets_in_what_was_ticked(service: Rig, approval: httpx2.AsyncClient) -> None:
    technician = await service.arrive()
    await service.question()
    _, fields = await shown(approval)
    answer = await approval.post("/answer", data={**fields, "answer": "yes", "scope": "processes", "minutes": "5"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/answered/yes")
    (came,) = await technician.until(GrantCame)
    assert isinstance(came, GrantCame)
    grant = came.grant.body
    assert ([scope.value for scope in grant.scopes], grant.minutes) == (["processes"], 5)
    assert grant.consent.method is ConsentMethod.APPROVAL_PAGE


async def test_no_is_no(service: Rig, approval: httpx2.AsyncClient) -> None:
    technician = await service.arrive()
    await service.question()
    _, fields = await shown(approval)
    answer = await approval.post("/answer", data={**fields, "answer": "no", "scope": "processes", "minutes": "5"})
    assert answer.headers["location"] == "/answered/no"
    assert (await technician.refused()).reason is RefusalReason.CUSTOMER


async def test_a_yes_with_every_tick_taken_away_is_a_no(service: Rig, approval: httpx2.AsyncClient) -> None:
    technician = await service.arrive()
    await service.question()
    _, fields = await shown(approval)
    answer = await approval.post("/answer", data={**fields, "answer": "yes", "minutes": "5"})
    assert answer.headers["location"] == "/answered/no"
    assert (await technician.refused()).reason is RefusalReason.CUSTOMER


YES = {"answer": "yes", "scope": "processes", "minutes": "5"}


@pytest.mark.parametrize(
    "attempt",
    [
        {"nonce": "guessed"},
        {"nonce": ""},
        {"id": "2"},
        {"text_sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {"text_sha256": "x"},
        {"scope": "logs"},
        {"minutes": "240"},
        {"minutes": "-1"},
        {"minutes": "1e3"},
        {"minutes": "٥"},
    ],
    ids=str,
)
async def test_a_yes_that_was_made_up_does_not_count(
    service: Rig, approval: httpx2.AsyncClient, attempt: dict[str, str]
) -> None:
    await service.arrive()
    await service.question()
    _, fields = await shown(approval)
    answer = await approval.post("/answer", data={**fields, **YES, **attempt})
    assert answer.status_code == 409
    assert len(service.gate.pending()) == 1
    assert service.database.query("SELECT 1 FROM grants") == []


async def test_a_nonce_is_good_for_one_answer_and_for_the_newest_showing(
    service: Rig, approval: httpx2.AsyncClient
) -> None:
    await service.arrive()
    await service.question()
    _, older = await shown(approval)
    _, newer = await shown(approval)
    assert older["nonce"] != newer["nonce"]
    assert (await approval.post("/answer", data={**older, **YES})).status_code == 409
    # The wrong answer used the nonce up: the page must be looked at again.
    assert (await approval.post("/answer", data={**newer, **YES})).status_code == 409
    _, fresh = await shown(approval)
    assert (await approval.post("/answer", data={**fresh, **YES})).status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:4711"}, 403),
        ({"origin": "http://bell-0123456789abcdef.localhost:4712"}, 403),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1:4711"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"cookie": "bellpull-page-4711=session-of-these-tests"}, 403),
        ({"content-type": "application/json"}, 409),
        ({"content-type": "text/plain"}, 409),
    ],
    ids=str,
)
async def test_another_site_or_process_cannot_answer(
    service: Rig, approval: httpx2.AsyncClient, headers: dict[str, str], status: int
) -> None:
    await service.arrive()
    await service.question()
    _, fields = await shown(approval)
    if "cookie" in headers:
        approval.cookies.clear()
    body = "&".join(f"{name}={value}" for name, value in {**fields, **YES}.items())
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = await approval.post("/answer", content=body, headers={**kind, **headers})
    assert answer.status_code == status
    assert len(service.gate.pending()) == 1


async def test_a_post_without_an_origin_is_refused(service: Rig, approval: httpx2.AsyncClient) -> None:
    await service.arrive()
    await service.question()
    _, fields = await shown(approval)
    del approval.headers["origin"]
    assert (await approval.post("/answer", data={**fields, **YES})).status_code == 403
    assert len(service.gate.pending()) == 1


async def test_a_get_changes_nothing(service: Rig, approval: httpx2.AsyncClient) -> None:
    await service.arrive()
    await service.question()
    _, fields = await shown(approval)
    answer = await approval.get("/answer", params={**fields, **YES})
    assert answer.status_code == 405
    assert len(service.gate.pending()) == 1


async def test_the_customers_page_holds_nothing_that_could_answer(service: Rig, page: httpx2.AsyncClient) -> None:
    """Apart: the page says that somebody asks, and knows neither nonce nor address of the approval page."""
    await service.arrive()
    await service.question()
    for path in ("/", "/visits", "/part/banner", "/visits/part"):
        text = (await page.get(path)).text
        assert "asks to connect" in text
        assert "nonce" not in text
        assert "text_sha256" not in text
        assert "consent-decide" not in text
    assert (await page.post("/answer", data=YES)).status_code == 404
    assert ORIGIN not in (await page.get("/visits")).text


async def test_the_reason_is_text(service: Rig, approval: httpx2.AsyncClient) -> None:
    from tests.agent.technician_end import TechnicianEnd, until
    from tests.agent.visiting import SCOPES

    await service.offer()
    await until(lambda: bool(service.sockets))
    technician = TechnicianEnd(
        service, service.sockets.pop(), SCOPES, 15, reason='"><script>alert(1)</script><img src=x onerror=alert(1)>'
    )
    await technician.begin()
    await service.question()
    text, _ = await shown(approval)
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;" in text
