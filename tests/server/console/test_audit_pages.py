"""The audit pages over HTTP: entries, the checkpoint with its witness, and a proof that anyone can check."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from protocol import strict_json
from protocol.audit import AuditLeaf, AuditWord, InclusionProof
from protocol.checkpoints import open_checkpoint
from protocol.merkle import leaf_hash, verify_inclusion
from server.audit.about import About
from server.audit.reading import AuditReading
from server.audit.rules import Kind
from server.people.rules import Role
from tests.server.actors import World, log_verifier, uuid
from tests.server.console.browsing import Browser, People
from tests.server.console.lived import Lived, fill


@pytest.fixture
async def auditor(desk: World, people: People) -> Browser:
    await fill(Lived(desk, asyncio.get_running_loop()))
    return await people.browser_for("olga")


async def test_every_entry_is_listed_once_with_its_words(desk: World, auditor: Browser) -> None:
    page = (await auditor.get("/audit")).text
    for index in range(desk.office.audit.size):
        assert page.count(f'href="/audit/{index}"') == 1
    for expected in (
        "Session allowed",
        "diagnose, services",
        "Action refused",
        "logs.read",
        "Receipt signed",
        "Sign-in",
    ):
        assert expected in page
    assert "has seen" in page
    assert "anna-laptop" in page


async def test_entries_are_found_by_word_action_and_visit(auditor: Browser) -> None:
    refused = (await auditor.get("/audit?word=action-refused")).text
    assert "logs.read" in refused
    assert "services.list" not in refused
    assert "No entry matches" in (await auditor.get("/audit?q=nothing")).text
    visit = (await auditor.get("/audit?word=session-started")).text.split('href="/audit?q=')[1][:64]
    assert (await auditor.get(f"/audit?q={visit}")).text.count('class="under">visit') == 8


async def test_the_newest_checkpoint_is_signed_by_the_log(desk: World, auditor: Browser) -> None:
    facts = (await desk.get("/api/server")).json()
    note = (await auditor.get("/audit/checkpoint.txt")).text
    assert open_checkpoint(note, log_verifier(facts)).size == desk.office.audit.size


async def test_every_entry_has_a_page_and_a_proof_that_verifies(desk: World, auditor: Browser) -> None:
    facts = (await desk.get("/api/server")).json()
    for index in range(desk.office.audit.size):
        answer = await auditor.get(f"/audit/{index}/proof.json")
        assert f"audit-entry-{index}.json" in answer.headers["content-disposition"]
        proof = strict_json.parse(answer.content, InclusionProof)
        checkpoint = open_checkpoint(proof.checkpoint, log_verifier(facts))
        verify_inclusion(leaf_hash(proof.leaf), index, checkpoint.size, list(proof.path), checkpoint.root)
        page = (await auditor.get(f"/audit/{index}")).text
        assert page.count(checkpoint.root.hex()) >= 2  # the last step, and the checkpoint's own
        assert leaf_hash(proof.leaf).hex() in page


async def test_an_entry_changed_in_the_database_is_not_shown_as_proven(desk: World, auditor: Browser) -> None:
    from sqlalchemy import update

    from server.audit.model import leaves

    entry = (await desk.office.audit.entries(3, 1))[0]
    changed = entry.replace(b'"risk":0', b'"risk":1')
    assert changed != entry
    async with desk.office.database.write() as connection:
        await connection.execute(update(leaves).where(leaves.c.index == 3).values(leaf=changed))
    page = await auditor.get("/audit/3")
    assert page.status_code >= 400
    assert "Proof that it stands in the log" not in page.text


async def test_the_log_is_not_for_viewers_and_technicians(people: People) -> None:
    for role in (Role.VIEWER, Role.TECHNICIAN):
        browser = await people.signed_in(role)
        for path in ("/audit", "/audit/0", "/audit/0/proof.json", "/audit/checkpoint.txt"):
            assert (await browser.get(path)).status_code == 403


async def test_entries_are_found_by_device_technician_ticket_and_day(desk: World, auditor: Browser) -> None:
    def listed(page: str) -> set[int]:
        return {at for at in range(desk.office.audit.size) if f'href="/audit/{at}"' in page}

    async def found(**asked: str) -> set[int]:
        return listed((await auditor.get(f"/audit?{urlencode(asked)}")).text)

    entries = [strict_json.parse(leaf, AuditLeaf).entry for leaf in await desk.office.audit.entries()]
    (row,) = [one for one in await desk.office.sessions.rows(None) if one.grant is not None]
    visit = {at for at, one in enumerate(entries) if one.session == row.grant}
    asked_for = {at for at, one in enumerate(entries) if one.word is AuditWord.SESSION_OFFERED}
    assert len(visit) > 3

    assert await found(ticket=row.ticket or "") == visit | asked_for
    assert await found(ticket=uuid("another")) == set()
    name = (await auditor.get("/audit")).text.split('name="technician"')[1].split("<option value=")[2].split('"')[1]
    by_name = await found(technician=name)
    assert by_name >= visit | asked_for
    assert {entries[at].word for at in by_name - visit - asked_for} == {AuditWord.SIGN_IN}
    assert await found(technician="Nobody At All") == set()

    here = {at for at, one in enumerate(entries) if one.device == row.device}
    label = (await desk.office.devices.get(row.device)).label
    assert await found(device=row.device) == await found(device=label.upper()) == here
    assert await found(device=label, word="session-started") == here & visit & {
        at for at, one in enumerate(entries) if one.word is AuditWord.SESSION_STARTED
    }
    assert await found(device="no such") == set()

    day = datetime.fromtimestamp(desk.clock.now, UTC).date()
    assert await found(**{"from": day.isoformat(), "to": day.isoformat()}) == set(range(len(entries)))
    assert await found(**{"from": (day + timedelta(days=1)).isoformat()}) == set()
    assert await found(to=(day - timedelta(days=1)).isoformat()) == set()
    assert await found(**{"from": "yesterday"}) == set(range(len(entries)))  # not a day: asks for nothing


async def test_an_entry_whose_value_was_erased_says_so_and_its_proof_still_holds(desk: World, auditor: Browser) -> None:
    entries = [strict_json.parse(leaf, AuditLeaf).entry for leaf in await desk.office.audit.entries()]
    at = next(at for at, one in enumerate(entries) if one.word is AuditWord.SIGN_IN and one.commitment)
    assert "can be erased" in (await auditor.get(f"/audit/{at}")).text
    (value,) = [one.value for one in await desk.office.values.all() if one.commitment == entries[at].commitment]
    kind, _, name = value.partition(" ")
    assert await desk.office.values.erase(Kind(kind), name) > 0
    await desk.office.waiting.take()
    page = (await auditor.get(f"/audit/{at}")).text
    assert "value erased" in page
    assert "Proof that it stands in the log" in page
    told = (await auditor.get(f"/audit?word=value-erased&q={(entries[at].commitment or b'').hex()}")).text
    assert told.count('class="under"') == 1
    assert f'href="/audit/{at}"' not in told


async def test_the_log_is_searched_by_time_wherever_a_day_begins(desk: World, auditor: Browser) -> None:
    reading = AuditReading(desk.office.database)
    before = desk.office.audit.size
    start = desk.clock.now
    for step in range(1, 8):
        desk.clock.now = start + step * 100
        await desk.office.record(AuditWord.SIGN_IN, commitment=bytes([step]) * 32)
    for since in range(9):
        page = await reading.page(about=About(since_s=start + since * 100 - 50), rows=500)
        late = [one.index for one in page.entries if one.index >= before]
        assert len(late) == min(7, 8 - since), since
        page = await reading.page(about=About(until_s=start + since * 100 - 50), rows=500)
        assert len([one for one in page.entries if one.index >= before]) == 7 - min(7, 8 - since)
