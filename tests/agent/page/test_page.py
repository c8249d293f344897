"""The customer's page: what it shows of the service, what its buttons do, and what it never turns into markup."""

import asyncio
import html
import re
from pathlib import Path

import httpx2
import pytest

from agent.bundles.known_answers import KnownAnswer
from agent.local.client import call
from agent.page.health import finding_view, worst
from agent.page.help import groups_of
from agent.page.serve import build
from agent.page.shell import Shell
from agent.page.tickets import message_view
from agent.tickets.store import MessageKind
from agent.watch.look import Explained
from diagnostics.strict_json import encode
from protocol import strict_json
from protocol.actions.logs import LogsArguments
from protocol.actions.scopes import MEANINGS, Scope
from protocol.grants import EndedBy
from protocol.messages.desk import FourFacts, TicketState, TicketUpdate
from protocol.messages.report import PUBLISHED_LIST
from protocol.proofs import ProofFile, verify_proof
from tests.agent.page.conftest import behind_doors
from tests.agent.visit_rig import Rig
from tests.making import NOW

PAGES = ("/", "/help", "/tickets", "/visits", "/mend", "/about")


def words(text: str) -> str:
    """What a person reads, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_there_and_reads_without_scripts(page: httpx2.AsyncClient, path: str) -> None:
    answer = await page.get(path)
    assert answer.status_code == 200
    assert "<h1>" in answer.text
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", answer.text) == []
    assert " style=" not in answer.text
    assert re.findall(r"\son\w+=", answer.text) == []


async def test_the_published_list_is_printed_word_for_word(page: httpx2.AsyncClient) -> None:
    text = (await page.get("/about")).text
    listed = [html.unescape(line) for line in re.findall(r"<li>([^<]*)</li>", text)]
    assert tuple(line for line in listed if line in PUBLISHED_LIST) == PUBLISHED_LIST


async def test_everything_that_a_technician_can_be_allowed_is_said_word_for_word(page: httpx2.AsyncClient) -> None:
    text = html.unescape((await page.get("/about")).text)
    for meaning in MEANINGS.values():
        assert f"<li>{meaning.sentence}" in text


async def test_which_applications_are_watched_and_by_whose_wish_is_said(service: Rig, page: httpx2.AsyncClient) -> None:
    assert "Applications that are looked after here" not in (await page.get("/about")).text
    text = 'application = "desk"\ntitle = "<script>alert(1)</script>"\nconfig_files = ["/etc/opt/desk/d.conf"]\n'
    await asyncio.to_thread(call, service.folder.root, "watch-add", text=text)
    shown = (await page.get("/about")).text
    assert "<script>alert" not in shown
    assert "by the wish of this computer’s owner" in shown
    assert "/etc/opt/desk/d.conf" in shown


async def test_a_visit_is_on_every_page_with_stop(service: Rig, page: httpx2.AsyncClient) -> None:
    technician = await service.let_in()
    await technician.act()
    for path in (*PAGES, "/part/banner"):
        text = (await page.get(path)).text
        assert "Ada Tech" in text, path
        assert 'action="/visits/stop"' in text, path
    live = words((await page.get("/visits")).text)
    assert "They looked at the running programs — done" in live
    assert " ".join(technician.initiator.phrase) in live.replace("1 ", "").replace("2 ", "").replace("3 ", "").replace(
        "4 ", ""
    ).replace("5 ", "").replace("6 ", "")


async def test_stop_stops(service: Rig, page: httpx2.AsyncClient) -> None:
    await service.let_in()
    answer = await page.post("/visits/stop", data={})
    assert (answer.status_code, answer.headers["location"]) == (303, "/visits?note=stopped")
    assert service.hosts[0].killed
    await service.over()
    assert service.proofs()[0].receipt.ended_by is EndedBy.CUSTOMER
    again = await page.post("/visits/stop", data={})
    assert again.headers["location"] == "/visits?note=nobody"


async def test_allow_less_keeps_only_what_is_ticked(service: Rig, page: httpx2.AsyncClient) -> None:
    await service.let_in()
    answer = await page.post("/visits/less", data={"scope": "diagnose"})
    assert answer.headers["location"] == "/visits?note=narrowed"
    assert service.visits._visit is not None
    assert service.visits._visit.steps.grant is not None
    assert service.visits._visit.steps.grant.scopes == {Scope.DIAGNOSE}
    form = {"content-type": "application/x-www-form-urlencoded"}
    nothing = await page.post("/visits/less", content=b"", headers=form)
    assert nothing.headers["location"] == "/visits?note=stopped"


async def test_a_receipt_tells_everything_and_its_proof_file_holds(service: Rig, page: httpx2.AsyncClient) -> None:
    technician = await service.let_in()
    await technician.act()
    await technician.act("logs", LogsArguments())
    await technician.end()
    await service.over()
    (kept,) = service.receipts.list()
    text = words((await page.get(f"/visits/{kept.grant.hex()}")).text)
    for said in (
        "Ada Tech, Helpful Ltd",
        "The technician ended it.",
        "The disk is filling up",
        "Looked at the running programs",
        "Refused",
        "outside what the customer allowed",
        "run health checks and see their results",
    ):
        assert said in text, said
    proof = await page.get(f"/visits/{kept.grant.hex()}/proof.json")
    assert proof.headers["content-disposition"].startswith("attachment")
    parsed = strict_json.parse(proof.content, ProofFile, max_bytes=1 << 26)
    assert verify_proof(parsed, service.organisation.root.verify_key).countersigned


async def test_what_the_server_says_is_plain_and_marked_and_never_a_link(
    service: Rig, page: httpx2.AsyncClient
) -> None:
    evil = 'Pay at https://evil.example/x or <a href="https://evil.example">here</a> <script>alert(1)</script>'
    facts = FourFacts(cost="Free", doing=evil, next="We call you", eta=NOW + 3600)
    service.tickets.updated(TicketUpdate(ticket=service.ticket, state=TicketState.OPEN, facts=facts, updated_at=NOW))
    service.tickets.heard(service.ticket, MessageKind.UNVERIFIED, None, None, evil, NOW, b"one")
    service.tickets.heard(service.ticket, MessageKind.VERIFIED, "Ada Tech", 1, "Signed words", NOW, b"two")
    text = (await page.get(f"/tickets/{service.ticket}")).text
    assert "evil.example" in text
    links = re.findall(r'(?:href|src|action|hx-[a-z]+)="([^"]*)"', text)
    assert not any("evil" in link for link in links)
    assert "<script>alert" not in text
    read = words(text)
    assert "Via the server, not verified" in read
    assert read.index("Ada Tech") < read.index("Signed words")
    assert "Verified" in read


async def test_an_answer_of_the_signed_pack_stands_before_what_would_be_sent(
    service: Rig, page: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's own answer, as known_answers.py gives it; the rest of the page comes from the real service."""
    words = Explained("Caches <b>fill</b> it", "They may go.")
    known = KnownAnswer("fits", 1, "possible", {"en": words, "ru": words}, "Ask the desk.", (), ("clean-user-cache",))
    whole = Shell.ask

    async def ask(self: Shell, verb: str, /, **arguments: object) -> object:
        return {"answer": encode(known)} if verb == "ask-answer" else await whole(self, verb, **arguments)

    monkeypatch.setattr(Shell, "ask", ask)
    text = (await page.post("/help", data={"words": "It is full", "finding": ""})).text
    assert "<b>fill" not in text
    assert text.index("They may go.") < text.index("Evidence, sealed")
    assert "not confirmed on this computer" in text


async def test_a_technician_who_asks_for_evidence_is_named_on_the_request(
    service: Rig, page: httpx2.AsyncClient
) -> None:
    service.tickets.evidence_asked(service.ticket, "Ada <b>Tech</b>", NOW)
    text = (await page.get(f"/tickets/{service.ticket}")).text
    assert "<b>Tech" not in text
    assert "asks for evidence. Nothing goes by itself" in text
    assert f"bellpull-agent ask --ticket {service.ticket}" in text


async def test_words_for_the_desk_are_queued(service: Rig, page: httpx2.AsyncClient) -> None:
    answer = await page.post(f"/tickets/{service.ticket}/say", data={"text": "It is worse now"})
    assert answer.status_code == 303
    assert [message.text for message in service.tickets.messages(service.ticket)] == ["It is worse now"]


async def test_a_solved_request_asks_whether_it_helped_and_shows_what_was_answered(
    service: Rig, page: httpx2.AsyncClient
) -> None:
    for hours, state in ((1, TicketState.OPEN), (2, TicketState.SOLVED)):
        facts = FourFacts(cost="Free", doing="We look", next="Nothing", eta=NOW + hours * 3600)
        service.tickets.updated(TicketUpdate(ticket=service.ticket, state=state, facts=facts, updated_at=NOW))
    asked = words((await page.get(f"/tickets/{service.ticket}")).text)
    assert "Did it help?" in asked
    assert "Expected before:" in asked, "a time that moved stays to be seen"
    for wrong in ({"helped": "maybe"}, {"helped": "yes", "mark": "6"}, {"mark": "5"}):
        assert (await page.post(f"/tickets/{service.ticket}/verdict", data=wrong)).status_code == 409
    answer = await page.post(f"/tickets/{service.ticket}/verdict", data={"helped": "no", "mark": "2"})
    assert answer.headers["location"] == f"/tickets/{service.ticket}?note=judged"
    shown = words((await page.get(f"/tickets/{service.ticket}")).text)
    assert "You said that it did not help, with 2 of 5." in shown
    assert "Did it help?" not in shown


async def test_help_without_words_says_what_to_do(page: httpx2.AsyncClient) -> None:
    answer = await page.post("/help", data={"words": "  ", "finding": ""})
    assert answer.status_code == 400
    assert "a few words are enough" in answer.text
    long = await page.post("/help", data={"words": "x" * 4001, "finding": ""})
    assert long.status_code == 400
    assert "4000 is the most" in long.text


async def test_a_note_in_the_address_is_one_of_ours_or_none(page: httpx2.AsyncClient) -> None:
    assert "Nothing of it runs any more" in (await page.get("/visits?note=stopped")).text
    assert "<b>evil" not in (await page.get("/visits?note=<b>evil</b>")).text
    assert "evil" not in (await page.get("/visits?note=evil")).text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/tickets/nothing", 409), ("/visits/zz", 409), ("/visits/0000", 409), ("/mend/format-c", 409), ("/x", 404)],
)
async def test_what_is_not_there_is_said_plainly(page: httpx2.AsyncClient, path: str, status: int) -> None:
    assert (await page.get(path)).status_code == status


async def test_without_the_service_the_page_says_so(tmp_path: Path) -> None:
    async with behind_doors(build(tmp_path), "page", scripts=True) as client:
        answer = await client.get("/")
    assert answer.status_code == 503
    assert "The Bellpull service is not running" in answer.text
    assert "Nobody is connected to this computer through it" in answer.text


def test_a_finding_is_told_in_its_words_with_what_can_be_done() -> None:
    view = finding_view(
        {
            "fingerprint": "disk-space-low|disk:/",
            "code": "disk-space-low",
            "severity": "warning",
            "words": {"en": {"title": "The disk is nearly full", "text": "One.\n\nTwo."}},
            "first_seen_unix_s": NOW,
            "last_seen_unix_s": NOW,
            "evidence": [],
            "remedies": [{"id": "clean-user-cache", "risk": 2}, {"id": "guide", "risk": 0}],
            "known_issue": None,
        }
    )
    assert view["title"] == "The disk is nearly full"
    assert view["paragraphs"] == ["One.", "Two."]
    assert [remedy["id"] for remedy in view["remedies"]] == ["clean-user-cache"]
    assert worst([{"severity": "info"}, {"severity": "error"}]) == "error"
    assert worst([]) == "ok"


def test_a_preview_is_grouped_and_says_what_is_missing() -> None:
    file = {
        "category": "logs",
        "path": "logs/a",
        "bytes": 10,
        "status": "ok",
        "redactions": {"user": 2},
        "can_untick": True,
    }
    gone = {**file, "path": "logs/b", "status": "skipped", "reason": "not there"}
    (group,) = groups_of({"files": [file, gone]})
    assert (group["bytes"], len(group["files"]), len(group["missing"])) == (10, 1, 1)
    assert group["files"][0]["taken_out"] == 2
    assert group["can_leave_out"]


def test_messages_say_how_far_they_can_be_believed() -> None:
    base = {"at": NOW, "text": "x", "author": None}
    assert message_view({**base, "kind": "own"})["mine"]
    assert not message_view({**base, "kind": "unverified"})["verified"]
    assert message_view({**base, "kind": "verified", "author": "Ada"}) == {
        "author": "Ada",
        "at": NOW,
        "text": "x",
        "verified": True,
        "mine": False,
    }
