"""The audit pages over HTTP: entries, the checkpoint with its witness, and a proof that anyone can check."""

import asyncio

import pytest

from protocol import strict_json
from protocol.audit import InclusionProof
from protocol.checkpoints import open_checkpoint
from protocol.merkle import leaf_hash, verify_inclusion
from server.people.rules import Role
from tests.server.actors import World, log_verifier
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
