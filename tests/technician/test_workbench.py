"""The workbench over HTTP: who gets in, what it shows, and one whole visit from its pages, at a real server."""

import html
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from protocol.actions.scopes import Scope
from protocol.messages.api import MessageRow, MessageSource
from protocol.messages.desk import SignedMessage
from protocol.statements import parse_payload
from protocol.tickets import MessageStatement
from technician.workbench.app import behind_doors, build_app
from technician.workbench.desk import Desk
from technician.workbench.live import Phase
from technician.workbench.ticket import shown_message
from tests.making import NOW, serial, signing_key
from tests.running import PLAIN
from tests.server.actors import until_async
from tests.technician.device_end import process_item
from tests.technician.scene import Scene, at_now, scene

__all__ = ["at_now"]

pytestmark = pytest.mark.usefixtures("at_now")
ORIGIN = "http://bell-test.localhost:8123"
HOSTILE = "<script>alert(1)</script>\x1b[31m \u202egpj.exe {{7*7}} ' \" &"


@dataclass
class Workbench:
    """A browser that holds the workbench's session cookie, and the desk behind it."""

    http: httpx2.AsyncClient
    desk: Desk
    scene: Scene

    async def get(self, path: str) -> str:
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def post(self, path: str, /, **form: object) -> httpx2.Response:
        return await self.http.post(path, data=form, headers={"origin": ORIGIN})

    async def live(self, holds: Callable[[str], bool], tab: str = "checks") -> str:
        """The visit's page once it shows what is waited for."""
        page = ""

        async def shown() -> bool:
            nonlocal page
            page = await self.get(f"/visit?tab={tab}")
            return holds(page)

        await until_async(shown)
        return page


@asynccontextmanager
async def workbench(tmp_path: Path, **changes: object) -> AsyncIterator[Workbench]:
    async with scene(tmp_path, **changes) as made:
        desk = Desk.open(made.technician)
        app, door = behind_doors(build_app(desk), port=8123, origins={ORIGIN})
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(verify=PLAIN, transport=transport, base_url=ORIGIN) as http:
            entered = await http.get(door.address(ORIGIN))
            assert entered.status_code == 303
            yield Workbench(http, desk, made)
        if desk.live is not None:
            await desk.live.close()
        await desk.close()


# --- doors -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stranger:
    path: str = "/"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()


@pytest.mark.parametrize(
    "stranger",
    [
        Stranger(headers=(("host", "evil.example"),)),
        Stranger(headers=(("host", "127.0.0.1:8123"),)),
        Stranger(headers=(("origin", "http://evil.example"),)),
        Stranger(headers=(("sec-fetch-site", "cross-site"),)),
        Stranger("/visit/end", "POST"),
        Stranger("/visit/end", "POST", (("origin", "null"),)),
        Stranger("/visit/run", "POST", (("origin", "http://bell-test.localhost:8124"),)),
    ],
)
async def test_a_request_that_did_not_begin_here_is_refused_even_with_the_cookie(
    tmp_path: Path, stranger: Stranger
) -> None:
    async with workbench(tmp_path) as bench:
        answer = await bench.http.request(stranger.method, stranger.path, headers=dict(stranger.headers))
        assert answer.status_code == 403
        assert "content-security-policy" in answer.headers


async def test_the_launch_token_works_once_and_nothing_opens_without_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        desk = Desk.open(made.technician)
        app, door = behind_doors(build_app(desk), port=8123, origins={ORIGIN})
        address = door.address(ORIGIN)
        for _ in range(2):
            async with httpx2.AsyncClient(
                verify=PLAIN, transport=httpx2.ASGITransport(app=app), base_url=ORIGIN
            ) as stranger:
                assert (await stranger.get("/")).status_code == 403
                assert (await stranger.get("/receipts")).status_code == 403
                entered = (await stranger.get(address)).status_code
                assert entered == (303 if _ == 0 else 403)
        assert len(parse_qs(urlsplit(address).query)["token"][0]) == 43
        await desk.close()


async def test_every_page_carries_the_strict_policy_and_is_never_cached(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        ticket = await bench.scene.ticket()
        for path in ("/", "/devices", "/visit", "/receipts", f"/tickets/{ticket}", "/nothing"):
            answer = await bench.http.get(path)
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self'" in policy
            assert "'unsafe-inline'" not in policy
            assert answer.headers["cache-control"] == "no-store"


# --- what is shown ---------------------------------------------------------------------------------------


async def test_hostile_words_are_text_and_nothing_else(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        ticket = await bench.scene.ticket(HOSTILE)
        for path in ("/", f"/tickets/{ticket}"):
            page = await bench.get(path)
            assert "<script>alert" not in page
            assert "\x1b" not in page
            assert "\u202e" not in page
            assert "{{7*7}}" in page
            assert html.escape("<script>alert(1)") in page


async def test_the_four_facts_and_the_devices_word_stand_on_the_ticket(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        page = await bench.get(f"/tickets/{await bench.scene.ticket('My printer prints hearts.')}")
        for label in ("What it costs", "Being done now", "What comes next", "When to expect it"):
            assert label in page
        assert "My printer prints hearts." in page
        assert "Signed by the device" in page
        assert "Acme" in page


async def test_sealed_evidence_is_opened_here_and_shown_as_text(tmp_path: Path) -> None:
    finding = {
        "code": "disk-space-low", "instance": "disk:/home/anna", "severity": "error", "rule": "disk-space@1",
        "first_seen_unix_s": NOW, "last_seen_unix_s": NOW, "state": "active", "count": 2, "explained_by": None,
        "facts": {"mount": "/home/anna", "available_bytes": 1_000_000_000, "total_bytes": 50_000_000_000},
        "evidence": [{"source": "statvfs", "locator": "/", "excerpt": HOSTILE, "sha256": "ab" * 32}],
        "remedies": [], "changes": [], "time_to_act": None,
    }  # fmt: skip
    checks = [{"id": "dns", "status": "skipped", "reason": "no network", "at": NOW}, {"id": 7}, "nonsense"]
    document = json.dumps({"schema": 1, "made_at": NOW, "findings": [finding], "checks": checks}).encode()
    async with workbench(tmp_path) as bench:
        page = await bench.get(
            f"/tickets/{await bench.scene.ticket(sealed=(document, b'not JSON ' + HOSTILE.encode()))}"
        )
        assert "The disk at /home/anna has 1.0 GB left of 50 GB." in page
        assert "Name servers" in page
        assert "no network" in page
        assert "<script>alert" not in page
        assert "not JSON" in page


async def test_evidence_for_somebody_else_says_so_and_the_rest_still_shows(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        ticket = await bench.scene.ticket("words stay readable", sealed=(b"{}",))
        bench.desk.keys = type(bench.desk.keys).make(bytes(range(64)))  # a technician who is no recipient
        page = await bench.get(f"/tickets/{ticket}")
        assert "A sealed item did not open." in page
        assert "words stay readable" in page


async def test_problems_are_pages_that_say_what_to_do(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        missing = await bench.http.get("/tickets/01890a5d-ac96-7745-bcce-b302099a8057")
        assert missing.status_code == 404
        assert (await bench.http.get("/receipts/..%2f..%2fkeys")).status_code in (400, 404)
        assert (await bench.http.get("/receipts/keys")).status_code == 400
        ended = await bench.post("/visit/end")
        assert ended.status_code == 400
        assert "No visit is under way" in ended.text


@pytest.mark.parametrize(
    "form",
    [
        {"scope": "terminal2", "minutes": "5", "reason": "x"},
        {"minutes": "5", "reason": "x"},
        {"scope": "diagnose", "minutes": "0", "reason": "x"},
        {"scope": "diagnose", "minutes": "99999999999999999999", "reason": "x"},
        {"scope": "diagnose", "minutes": "5", "reason": " "},
        {"scope": "diagnose", "minutes": "5", "reason": "x" * 201},
    ],
)
async def test_a_visit_is_not_asked_for_with_nonsense(tmp_path: Path, form: dict[str, str]) -> None:
    async with workbench(tmp_path) as bench:
        ticket = await bench.scene.ticket()
        answer = await bench.post(f"/tickets/{ticket}/visit", **form)
        assert answer.status_code == 400
        assert bench.desk.live is None


# --- a visit from its pages ------------------------------------------------------------------------------


async def asked(bench: Workbench) -> None:
    ticket = await bench.scene.ticket()
    answer = await bench.post(
        f"/tickets/{ticket}/visit", scope=["diagnose", "processes"], minutes="15", reason=f"why {HOSTILE}"
    )
    assert answer.status_code == 303
    await bench.live(lambda page: "Visit under way" in page)


async def test_a_visit_from_asking_to_the_receipt(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        bench.scene.answer["items"] = [process_item(number) for number in range(1, 4)]
        await asked(bench)
        page = await bench.get("/visit")
        assert all(word in page for word in bench.scene.end.phrase)
        assert "<script>alert" not in page

        assert (await bench.post("/visit/run", tab="processes", sort="memory", limit="3")).status_code == 303
        page = await bench.live(lambda page: "3 rows" in page, "processes")
        assert "program-2" in page
        assert bench.desk.live is not None
        assert bench.desk.live.runs.of("processes")[0].arguments.model_dump() == {"sort": "memory", "limit": 3}

        await bench.post("/visit/run", tab="logs", source="journal", text="two words", since="2h")
        page = await bench.live(lambda page: "refused." in page, "logs")
        assert "outside what the customer allowed" in page

        await bench.post("/visit/end")
        page = await bench.live(lambda page: "How it ended" in page)
        assert "Proven under your organisation" in page
        receipt = bench.desk.live.ended
        assert receipt is not None
        assert receipt.receipt is not None
        told = await bench.get(f"/receipts/{receipt.receipt.stem}")
        assert "Ada Tech" in told
        assert receipt.receipt.stem in await bench.get("/receipts")
        assert "Consent given" in await bench.get("/visit?tab=transcript")


async def test_the_customers_stop_is_on_the_page_at_once(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        await asked(bench)
        bench.scene.put(bench.scene.end.stop())
        page = await bench.live(lambda page: "How it ended" in page)
        assert "customer" in page
        assert "session-banner" not in page
        assert bench.desk.live is not None
        assert bench.desk.live.phase is Phase.ENDED


async def test_narrowing_shows_what_is_left(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        await asked(bench)
        bench.scene.put(bench.scene.end.narrow(Scope.DIAGNOSE))
        await bench.live(lambda page: "The customer allows less" in page)
        assert "The customer did not allow" in await bench.get("/visit?tab=processes")


async def test_a_no_is_shown_with_its_reason_and_another_visit_can_be_asked_for(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        bench.scene.answer["granted"] = ()
        ticket = await bench.scene.ticket()
        await bench.post(f"/tickets/{ticket}/visit", scope="diagnose", minutes="5", reason="x")
        assert "the customer said no" in await bench.live(lambda page: "No visit" in page)
        assert "Ask the customer" in await bench.get(f"/tickets/{ticket}")


async def test_an_unverified_device_asks_for_two_words_and_shows_none(tmp_path: Path) -> None:
    async with workbench(tmp_path, certified=False) as bench:
        bench.scene.answer.update(certified=False, granted=(Scope.DIAGNOSE,))
        ticket = await bench.scene.ticket()
        await bench.post(f"/tickets/{ticket}/visit", scope="diagnose", minutes="5", reason="x")
        page = await bench.live(lambda page: "These are the words" in page)
        phrase = bench.scene.end.phrase
        assert not any(f">{word}<" in page for word in phrase)
        live = bench.desk.live
        assert live is not None
        words = {f"word{place}": phrase[place - 1] for place in live.places}
        assert (await bench.post("/visit/confirm", **words)).status_code == 303
        await bench.live(lambda page: "Visit under way" in page)


async def test_only_one_visit_at_a_time(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        await asked(bench)
        answer = await bench.post(
            f"/tickets/{await bench.scene.ticket('second')}/visit", scope="diagnose", minutes="5", reason="x"
        )
        assert answer.status_code == 400
        assert "Another visit is under way" in answer.text


async def test_a_part_that_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        await asked(bench)
        assert bench.desk.live is not None
        partial = {"hx-request": "true", "hx-request-type": "partial"}
        seen = f"/visit?part=main&seen={bench.desk.live.version('checks')}"
        assert (await bench.http.get(seen, headers=partial)).status_code == 204
        older = await bench.http.get("/visit?part=main&seen=0", headers=partial)
        assert older.status_code == 200
        assert "<html" not in older.text
        assert (await bench.http.get("/visit?part=../../etc&seen=0", headers=partial)).status_code == 204


# --- messages --------------------------------------------------------------------------------------------


async def test_a_message_is_signed_and_its_author_shown_as_verified(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        ticket = await bench.scene.ticket()
        answer = await bench.post(f"/tickets/{ticket}/messages", text="I am looking at it.")
        assert answer.status_code == 303
        page = await bench.get(f"/tickets/{ticket}")
        assert "I am looking at it." in page
        assert "Ada Tech" in page
        assert "Verified" in page
        await bench.post(f"/tickets/{ticket}/messages", text="Please send what you see.", asks_evidence="yes")
        async with bench.desk.server() as api:
            signed = [row.signed for row in (await api.ticket(ticket)).messages if row.signed is not None]
        assert [parse_payload(each.message, MessageStatement).asks_evidence for each in signed] == [False, True]


@pytest.mark.parametrize("forged", ["signature", "text", "ticket"])
async def test_a_message_that_is_not_the_technicians_is_never_shown_as_verified(tmp_path: Path, forged: str) -> None:
    async with workbench(tmp_path) as bench:
        ticket = await bench.scene.ticket()
        async with bench.desk.server() as api:
            detail = await api.ticket(ticket)
        organisation = bench.scene.world.organisation
        key = signing_key("thief" if forged == "signature" else f"{organisation.name} Ada Tech")
        body = MessageStatement(
            root=organisation.root_hash,
            device=detail.device,
            ticket="01890a5d-ac96-7745-bcce-b302099a8057" if forged == "ticket" else ticket,
            serial=serial(f"{organisation.name} Ada Tech"),
            sequence=1,
            text="signed words",
            issued_at=NOW,
        )
        row = MessageRow(
            at=NOW,
            source=MessageSource.TECHNICIAN,
            text="other words" if forged == "text" else "signed words",
            signed=SignedMessage(chain=bench.scene.technician.chain, message=key.sign(body)),
        )
        shown = shown_message(row, detail, bench.scene.technician.store.trust, "")
        assert not shown.verified
        assert shown.author != "Ada Tech"
