"""What a customer controls from their page: abuse, a code, second questions, words, and what nobody was asked about."""

import asyncio
import html
import re
from urllib.parse import quote

import httpx2

from agent.page.visits import state_key
from agent.session.questions import Agreed, Asked, QuestionKind
from protocol.actions.logs import LogsArguments
from protocol.actions.scopes import Scope
from protocol.grants import EndedBy
from technician.session.events import GrantCame
from tests.agent.consent.test_abuse import sign
from tests.agent.technician_end import until
from tests.agent.visit_rig import Rig

FORM = {"content-type": "application/x-www-form-urlencoded"}
ALL = (Scope.DIAGNOSE, Scope.PROCESSES, Scope.LOGS, Scope.CHAT)


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


async def test_every_act_is_told_with_what_it_was_about_and_stays_in_the_list(
    service: Rig, page: httpx2.AsyncClient
) -> None:
    technician = await service.let_in(scopes=ALL)
    await technician.act("logs", LogsArguments(unit="ssh.service", text="<script>x"))
    service.hosts[0].answers = False
    technician.initiator.open_action("logs", LogsArguments(source="/var/log/auth.log"), service.clocks.wall())
    await technician.flush()
    await until(lambda: len(service.hosts[0].ran) == 2)
    text = (await page.get("/visits/part")).text
    assert "<script" not in text
    read = words(text)
    assert "unit “ssh.service”, with the words “<script>x” — done" in read
    assert "Right now they read" in read
    assert "“/var/log/auth.log” — going on" in read


async def test_the_page_is_loaded_anew_when_it_no_longer_fits(service: Rig, page: httpx2.AsyncClient) -> None:
    alone = re.search(r'hx-get="(/visits/part[^"]*)"', (await page.get("/visits")).text)
    assert alone is not None
    assert "HX-Refresh" not in (await page.get(html.unescape(alone[1]))).headers
    await service.let_in(scopes=ALL)
    assert (await page.get(html.unescape(alone[1]))).headers["HX-Refresh"] == "true"
    there = re.search(r'hx-get="(/visits/part[^"]*)"', (await page.get("/visits")).text)
    assert there is not None
    assert "HX-Refresh" not in (await page.get(html.unescape(there[1]))).headers
    service.visits.narrow((Scope.DIAGNOSE,))
    assert (await page.get(html.unescape(there[1]))).headers["HX-Refresh"] == "true"


def test_the_key_of_a_page_says_who_and_what() -> None:
    nobody = {"live": None, "frozen": False, "asking_again": []}
    live = {"room": "a", "state": "active", "scopes": ["chat"]}
    keys = {
        state_key(presence)
        for presence in (
            nobody,
            {**nobody, "frozen": True},
            {**nobody, "live": live},
            {**nobody, "live": {**live, "state": "paused"}},
            {**nobody, "live": {**live, "scopes": []}},
            {**nobody, "live": live, "asking_again": [1]},
        )
    }
    assert len(keys) == 6


async def test_report_abuse_ends_the_visit_freezes_and_can_be_taken_along(
    service: Rig, page: httpx2.AsyncClient
) -> None:
    technician = await service.let_in(scopes=ALL)
    await technician.act()
    assert "About the visit of Ada Tech , which is going on" in words((await page.get("/visits/abuse")).text)
    evil = 'He wanted <b>money</b> and "cards"'
    done = await page.post("/visits/abuse", data={"words": evil, "tell": "yes", "receipt": ""})
    assert done.headers["location"] == "/visits/abuse?note=frozen"
    assert service.hosts[0].killed
    await service.over()
    assert service.proofs()[0].receipt.ended_by is EndedBy.CUSTOMER
    assert [message.text for message in service.tickets.messages(service.ticket)] == [evil]
    shown = (await page.get("/visits/abuse")).text
    assert "<b>money" not in shown
    assert evil in words(shown)
    for path in ("/", "/visits", "/tickets"):
        assert "Abuse was reported." in words((await page.get(path)).text), path
    file = await page.get("/visits/abuse/1/report.json")
    assert file.headers["content-disposition"] == 'attachment; filename="abuse-report-1.json"'
    assert file.json()["proof"]["receipt"]
    lifted = await page.post("/visits/abuse/lift", content=b"", headers=FORM)
    assert lifted.headers["location"] == "/visits?note=lifted"
    assert not service.freeze.on


async def test_a_receipt_leads_to_a_report_about_it(service: Rig, page: httpx2.AsyncClient) -> None:
    technician = await service.let_in()
    await technician.end()
    await service.over()
    grant = service.receipts.list()[0].grant.hex()
    receipt = (await page.get(f"/visits/{grant}")).text
    assert f'href="/visits/abuse?receipt={grant}"' in receipt
    assert "Nothing. They only looked." in words(receipt)
    assert "Who said yes anna, with a command on this computer" in words(receipt)
    assert "About the visit of Ada Tech" in words((await page.get(f"/visits/abuse?receipt={grant}")).text)
    await page.post("/visits/abuse", data={"words": "", "receipt": grant})
    assert service.freeze.list()[0].grant == service.receipts.list()[0].grant
    assert (await page.get("/visits/abuse?receipt=zz")).status_code == 409


async def test_a_wrong_code_is_told_where_it_was_typed(service: Rig, page: httpx2.AsyncClient) -> None:
    assert "A technician gave me a code" in words((await page.get("/visits")).text)
    answer = await page.post("/visits/code", data={"code": "12 <b>", "words": "My printer", "ticket": ""})
    assert answer.status_code == 409
    assert "This is not a code of a technician." in words(answer.text)
    assert 'value="12 &lt;b&gt;"' in answer.text
    assert "My printer" in answer.text


async def test_who_came_while_nobody_was_asked_is_on_every_page_until_read(
    service: Rig, page: httpx2.AsyncClient
) -> None:
    sign(service)
    technician = await service.arrive(about_nothing=True)
    await technician.until(GrantCame)
    assert "Nobody was asked: the owner's policy let them in" in words((await page.get("/visits")).text)
    await technician.end()
    await service.over()
    for path in ("/", "/tickets", "/part/banner"):
        assert "Ada Tech was here while nobody was asked." in words((await page.get(path)).text), path
    visits = words((await page.get("/visits")).text)
    assert "technicians of tier 1 or above" in visits
    assert "bellpull-agent policy withdraw" in visits
    number = service.receipts.list()[0].receipt.grant_number
    assert (await page.post("/visits/seen", data={"number": str(number)})).status_code == 303
    assert "while nobody was asked" not in (await page.get("/")).text


async def test_a_second_question_is_agreed_to_by_its_exact_text(service: Rig, page: httpx2.AsyncClient) -> None:
    await service.let_in(scopes=ALL)
    asked = Asked(
        kind=QuestionKind.REMEDY,
        technician="Ada Tech",
        organisation="Helpful Ltd",
        title="Clear the <i>cache</i>",
        text="This changes your computer.",
        steps=("Delete 14 files",),
    )
    agreed = asyncio.create_task(service.questions.ask(asked))
    await until(lambda: bool(service.questions.pending()))
    assert "Clear the &lt;i&gt;cache" in (await page.get("/part/banner")).text
    shown = (await page.get("/visits/again/1")).text
    assert "<i>cache" not in shown
    assert "1. Delete 14 files" in words(shown)
    assert shown.index('value="no"') < shown.index('value="yes"')
    digest = re.search(r'name="text_sha256" value="([^"]+)"', shown)
    assert digest is not None
    other = await page.post("/visits/again/1", data={"answer": "yes", "text_sha256": "A" * 43 + "="})
    assert other.status_code == 409
    assert not agreed.done()
    done = await page.post("/visits/again/1", data={"answer": "yes", "text_sha256": html.unescape(digest[1])})
    assert done.headers["location"] == "/visits?note=agreed"
    assert isinstance(await agreed, Agreed)
    assert (await page.get("/visits/again/1")).status_code == 409


async def test_anything_but_yes_to_a_second_question_is_no(service: Rig, page: httpx2.AsyncClient) -> None:
    asked = Asked(kind=QuestionKind.UNDO, technician="A", organisation="B", title="Put it back", text="")
    agreed = asyncio.create_task(service.questions.ask(asked))
    await until(lambda: bool(service.questions.pending()))
    done = await page.post("/visits/again/1", content=b"", headers=FORM)
    assert done.headers["location"] == "/visits?note=declined"
    assert await agreed is None


async def test_words_go_both_ways_within_a_visit(service: Rig, page: httpx2.AsyncClient) -> None:
    assert "Write to" not in (await page.get("/visits")).text
    await service.let_in(scopes=ALL)
    assert "Write to Ada Tech" in words((await page.get("/visits")).text)
    said = await page.post("/visits/say", data={"text": "It began <b>yesterday</b>"})
    assert said.headers["location"] == "/visits?note=said"
    part = (await page.get("/visits/part")).text
    assert "It began &lt;b&gt;yesterday&lt;/b&gt;" in part
    assert "You" in words(part)


async def test_a_strange_note_or_number_is_nothing(page: httpx2.AsyncClient) -> None:
    assert (await page.post("/visits/seen", data={"number": "-1"})).status_code == 303
    assert (await page.get(f"/visits/abuse/{10**30}/report.json")).status_code == 409
    assert (await page.get(f"/visits/abuse?receipt={quote('<script>')}")).status_code == 409


async def test_a_lost_connection_is_shown_and_stop_still_stops(service: Rig, page: httpx2.AsyncClient) -> None:
    technician = await service.let_in(scopes=ALL)
    await technician.hang_up()
    await until(lambda: service.visits.current()[0].state == "paused")
    for path in ("/", "/visits"):
        assert "The connection to Ada Tech was lost." in words((await page.get(path)).text), path
    live = words((await page.get("/visits/part")).text)
    assert "Ada Tech lost the connection" in live
    assert "After Stop they cannot" in live
    assert (await page.post("/visits/stop", content=b"", headers=FORM)).headers["location"] == "/visits?note=stopped"
    await service.over()
    assert service.proofs()[0].receipt.ended_by is EndedBy.CUSTOMER


async def test_a_report_of_abuse_also_ends_a_visit_that_waits(service: Rig, page: httpx2.AsyncClient) -> None:
    technician = await service.let_in(scopes=ALL)
    await technician.hang_up()
    await until(lambda: service.visits.current()[0].state == "paused")
    await page.post("/visits/abuse", data={"words": "", "receipt": ""})
    await service.over()
    assert service.freeze.list()[0].technician == "Ada Tech"
    await service.offer()
    assert [declined.reason for declined in service.declined] == ["stopped"]
