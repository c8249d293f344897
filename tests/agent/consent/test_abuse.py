"""Abuse: a report ends everything and shuts the door for everybody, over restarts, until an administrator lifts it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.consent.abuse_verbs import AbuseVerbs
from agent.consent.freeze import About, Freeze
from agent.local.verbs import Catalogue, Peer
from agent.proofs.verbs import ReceiptVerbs
from agent.refusal import Refusal
from agent.store.database import NotWritten
from protocol import strict_json
from protocol.actions.logs import LogsArguments
from protocol.actions.scopes import Scope
from protocol.grants import EndedBy
from protocol.proofs import ProofFile, verify_proof
from protocol.visit import RefusalReason
from tests.agent.visit_rig import Rig

PERSON = Peer(uid=1000, pid=4711, is_administrator=False, in_session=False, sits_here=True)
ADMINISTRATOR = Peer(uid=0, pid=4712, is_administrator=True, in_session=False)
OF_A_SESSION = Peer(uid=0, pid=4713, is_administrator=True, in_session=True)


class Reporting:
    """A rig with the verbs of abuse, asked as the socket asks them."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.verbs = AbuseVerbs(
            rig.freeze, rig.gate, rig.visits, rig.tickets, rig.receipts, rig.books.journal, device=rig.identity.device
        )
        self.catalogue = Catalogue(self.verbs.verbs())

    async def ask(self, name: str, peer: Peer = PERSON, **arguments: object) -> Any:
        verb = self.catalogue.allowed(name, peer)
        return await verb.handle(verb.arguments.model_validate(arguments), peer)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path / "s")
    yield rig
    rig.visits.stop_all()
    await rig.over()
    rig.close()


@pytest.fixture
def reporting(rig: Rig) -> Reporting:
    return Reporting(rig)


async def test_a_report_ends_the_visit_and_shuts_the_door(rig: Rig, reporting: Reporting) -> None:
    technician = await rig.let_in()
    await technician.act()
    said = await reporting.ask("abuse-report", words="He asked for my banking password")
    assert (said["ended"], said["technician"], said["told_desk"]) == (1, "Ada Tech", False)
    assert rig.hosts[0].killed
    await rig.over()
    (proof,) = rig.proofs()
    assert proof.receipt.ended_by is EndedBy.CUSTOMER
    assert said["grant"] == proof.receipt.grant.hex()
    await rig.offer()
    assert [declined.reason for declined in rig.declined] == ["stopped"]
    assert rig.gate.pending() == []


async def test_a_report_answers_every_open_question_with_no(rig: Rig, reporting: Reporting) -> None:
    technician = await rig.arrive()
    await rig.question()
    await reporting.ask("abuse-report")
    refused = await technician.refused()
    assert refused.reason in (RefusalReason.CUSTOMER, RefusalReason.NO_ANSWER)
    assert rig.gate.pending() == []
    await rig.over()
    assert rig.proofs() == []


async def test_it_holds_over_a_restart_until_an_administrator_lifts_it(rig: Rig, reporting: Reporting) -> None:
    await reporting.ask("abuse-report", words="No")
    again = Freeze(rig.database, rig.clocks)
    assert again.on
    for peer, why in ((PERSON, "administrator of the machine"), (OF_A_SESSION, "technician's session")):
        with pytest.raises(Refusal, match=why):
            await reporting.ask("abuse-lift", peer)
    assert await reporting.ask("abuse-lift", ADMINISTRATOR) == {"lifted": 1, "frozen": False}
    assert not again.on
    await rig.arrive()
    await rig.question()  # asked again, and nobody is in yet


async def test_a_session_cannot_report_in_the_customers_name(reporting: Reporting) -> None:
    with pytest.raises(Refusal, match="technician's session"):
        await reporting.ask("abuse-report", OF_A_SESSION, words="All is well", tell_desk=True)


async def test_a_session_does_not_read_what_was_said_about_a_technician(reporting: Reporting) -> None:
    await reporting.ask("abuse-report", words="He was rude")
    assert await reporting.ask("abuse-list", OF_A_SESSION) == {"frozen": True, "reports": []}
    assert [each["words"] for each in (await reporting.ask("abuse-list"))["reports"]] == ["He was rude"]


async def test_a_session_does_not_read_what_an_earlier_visit_was_about(rig: Rig) -> None:
    technician = await rig.let_in(scopes=(Scope.DIAGNOSE, Scope.LOGS))
    await technician.act("logs", LogsArguments(unit="ssh.service"))
    await technician.end()
    await rig.over()
    file = next(verb for verb in ReceiptVerbs(rig.receipts, rig.books.journal).verbs() if verb.name == "receipt-file")
    one = file.arguments.model_validate({"grant": rig.receipts.list()[0].grant.hex()})
    told = {}
    for peer in (PERSON, OF_A_SESSION):
        answer = await file.handle(one, peer)
        assert isinstance(answer, dict)
        told[peer] = "ssh.service" in str(answer["actions"])
    assert told == {PERSON: True, OF_A_SESSION: False}


async def test_frozen_also_for_the_owners_policy(rig: Rig, reporting: Reporting) -> None:
    sign(rig)
    assert rig.gate.unattended_now()
    await reporting.ask("abuse-report")
    assert not rig.gate.unattended_now()
    await rig.offer(about_nothing=True)
    await rig.offer()
    assert {declined.reason for declined in rig.declined} == {"stopped"}


async def test_only_words_addressed_to_the_desk_leave_this_computer(rig: Rig, reporting: Reporting) -> None:
    before = rig.outbox.numbers().items
    await reporting.ask("abuse-report", words="kept here alone")
    assert rig.outbox.numbers().items == before
    said = await reporting.ask("abuse-report", words="please read this", tell_desk=True)
    assert said["told_desk"]
    assert rig.outbox.numbers().items == before + 1
    newest = rig.tickets.list()[0]
    assert newest.words == "please read this"  # about no visit: a request of its own


async def test_words_about_a_visit_go_to_its_ticket(rig: Rig, reporting: Reporting) -> None:
    await rig.let_in()
    await reporting.ask("abuse-report", words="This was wrong", tell_desk=True)
    assert [message.text for message in rig.tickets.messages(rig.ticket)] == ["This was wrong"]
    # Words to the desk ask for help; these do not invite anybody.
    at, reported = rig.tickets.last_local_act_at(), rig.freeze.reported_boot_s
    assert at is not None
    assert reported is not None
    assert at <= reported


async def test_the_export_holds_words_journal_and_a_proof_that_holds(rig: Rig, reporting: Reporting) -> None:
    technician = await rig.let_in()
    await technician.act()
    await technician.end()
    await rig.over()
    grant = rig.receipts.list()[0].grant.hex()
    said = await reporting.ask("abuse-report", words="He looked too long", grant=grant[:12])
    export = json.loads((await reporting.ask("abuse-export", number=said["number"]))["export"])
    assert (export["words"], export["technician"], export["grant"]) == ("He looked too long", "Ada Tech", grant)
    proof = strict_json.parse(json.dumps(export["proof"]).encode(), ProofFile, max_bytes=1 << 20)
    assert verify_proof(proof, rig.organisation.root.verify_key).receipt.grant.hex() == grant
    assert export["journal"][0]["word"] == "session-started"
    with pytest.raises(Refusal, match="no such report"):
        await reporting.ask("abuse-export", number=99)
    with pytest.raises(Refusal, match="no such receipt"):
        await reporting.ask("abuse-report", grant="ffffffff")


async def test_on_a_full_disk_the_door_is_shut_all_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    def full(*_: object, **__: object) -> None:
        raise NotWritten("nothing could be written", got="disk full")

    with monkeypatch.context() as patched:
        patched.setattr(rig.database, "transaction", full)
        with pytest.raises(NotWritten, match="nobody is let in until"):
            rig.freeze.report("help", "anna", About(), lambda: ended.append(1) or 1)
        assert rig.freeze.on
    assert ended == [1]
    assert rig.freeze.on  # by memory alone, until the service is started again


async def test_whoever_comes_while_it_is_reported_is_refused_behind_the_handshake(rig: Rig) -> None:
    """The offer was taken up before; the freeze is looked at again where the question would be put."""
    technician = await rig.arrive()
    rig.freeze.report("now", "anna", About(), lambda: 0)
    assert (await technician.refused()).reason is RefusalReason.COOL_DOWN
    await rig.over()
    assert rig.proofs() == []
    assert rig.database.query("SELECT 1 FROM prompts") == []


def sign(rig: Rig) -> None:
    rig.policies.sign(
        serials=(),
        minimum_tier=1,
        scopes=(Scope.DIAGNOSE, Scope.PROCESSES),
        minutes=30,
        from_minute_utc=0,
        to_minute_utc=1440,
        days=7,
    )
