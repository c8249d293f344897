"""An evil server while the organisation changes its keys: rotations withheld, shown again, forked; lists withheld.

The thief in the forks holds a key that was the organisation's once. Whatever the server shows of it, a device follows
one line of roots, and what was left behind opens nothing.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.identity.trust_store import AlarmKind
from protocol import strict_json
from protocol.certificates import Chain, Document, Revocations
from protocol.fields import sha256
from protocol.messages.documents import (
    DocumentPart,
    Documents,
    FetchDocumentPart,
    LargeDocument,
    LargeDocuments,
)
from protocol.messages.login import Certified
from protocol.trust import ForkedDocumentError
from protocol.visit import RefusalReason
from technician.api import Api
from tests.agent.doubles import device_certificate
from tests.hostile.evil_server import EvilServer
from tests.hostile.machine import Machine, enrolled
from tests.hostile.papers import paper, published
from tests.hostile.test_clock_lies import knock
from tests.hostile.visitors import Rogue, technician_at
from tests.making import DAY, NOW, Organisation, rotation, serial


def issuers_revoked(organisation: Organisation, *names: str, version: int = 1) -> Document:
    body = Revocations(
        root=organisation.root_hash,
        version=version,
        issued_at=NOW,
        not_after=NOW + DAY,
        kind="issuers",
        serials=tuple(serial(f"{organisation.name} {name}") for name in names),
    )
    return Document(issuer=None, statement=organisation.root.sign(body))


async def turned_to(machine: Machine, evil: EvilServer, old: Organisation, new: Organisation) -> None:
    await evil.say(Documents(documents=(), rotations=(rotation(old, new),)))
    await machine.until(lambda: machine.member.trust.trust.root_hash == new.root_hash)


NEW, THIEFS = Organisation("Helpful Ltd, second root"), Organisation("Helpful Ltd, the thief's root")


async def test_a_technician_of_the_root_that_was_left_is_nobody(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """Their certificate is genuine, and was good yesterday: the old root, its issuers and its documents are over."""
    async with enrolled(tmp_path / "s", evil, organisation, documents=(organisation.revocations(),)) as machine:
        await turned_to(machine, evil, organisation, NEW)
        await evil.say(Documents(documents=published(organisation, 50)))
        await machine.until(lambda: machine.log.events("warning").count("document-refused") == 5)
        rogue = Rogue(evil, machine, organisation)
        rogue.organisation = NEW  # they know the new root; what they hold is of the old
        knocked = await knock(evil, machine, rogue)
        await machine.until(lambda: not machine.member.door.busy)
        assert [each.reason for each in knocked.refused] == [RefusalReason.NOT_CERTIFIED]
        assert machine.prompts_ever == 0
        assert machine.member.trust.trust.documents == {}


async def test_a_rotation_withheld_keeps_the_old_root_and_lets_nobody_new_in(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    async with enrolled(tmp_path / "s", evil, organisation) as machine:
        before = machine.state()
        await evil.say(Documents(documents=published(NEW, 50)))
        await machine.until(lambda: machine.log.events("warning").count("document-refused") == 5)
        assert machine.state().differs_from(before) == []


async def test_shown_again_and_out_of_order_rotations_move_nothing_and_forks_are_alarms(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    async with enrolled(tmp_path / "s", evil, organisation) as machine:
        await turned_to(machine, evil, organisation, NEW)
        trust = machine.member.trust.trust
        for shown, alarms in (
            (rotation(organisation, NEW), []),
            (rotation(NEW, THIEFS, 3), [AlarmKind.ROLLBACK]),
            (rotation(organisation, THIEFS), [AlarmKind.ROLLBACK, AlarmKind.FORK]),
            (rotation(NEW, organisation, 2), [AlarmKind.ROLLBACK, AlarmKind.FORK, AlarmKind.ROLLBACK]),
        ):
            await evil.say(Documents(documents=(), rotations=(shown,)))
            await machine.quiet()
            await machine.until(lambda alarms=alarms: [alarm.kind for alarm in machine.member.trust.alarms()] == alarms)
            assert machine.member.trust.trust == trust


@pytest.mark.parametrize("withheld", [True, False])
async def test_a_revoked_issuers_technician_is_nobody_on_a_fresh_machine(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, withheld: bool
) -> None:
    """The token said that issuers were revoked. A server that withholds their list gains nothing by it."""
    floors = {"revocations-issuers": 1}
    async with enrolled(tmp_path / "s", evil, organisation, floors=floors, certified=False) as machine:
        if not withheld:
            await evil.say(Documents(documents=(issuers_revoked(organisation, "certifying"),)))
            await machine.until(lambda: machine.member.trust.trust.documents)
        await evil.say(Documents(documents=(organisation.revocations(9),)))
        await machine.until(lambda: machine.log.events("warning").count("document-refused") == 1)
        knocked = await knock(evil, machine, Rogue(evil, machine, organisation))
        await machine.until(lambda: not machine.member.door.busy)
        assert [each.reason for each in knocked.refused] == [RefusalReason.NOT_CERTIFIED]
        assert machine.prompts_ever == 0


async def test_the_control_with_the_list_of_others_the_same_technician_is_a_question(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    floors = {"revocations-issuers": 1}
    async with enrolled(tmp_path / "s", evil, organisation, floors=floors, certified=False) as machine:
        listed = (issuers_revoked(organisation, "somebody before"), organisation.revocations(9))
        await evil.say(Documents(documents=listed))
        await machine.until(lambda: len(machine.member.trust.trust.documents) == 2)
        await knock(evil, machine, Rogue(evil, machine, organisation))
        assert machine.prompts_ever == 1


async def test_a_certificate_shown_before_its_root_holds_once_the_rotation_comes(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    async with enrolled(tmp_path / "s", evil, organisation, certified=False) as machine:
        chain = device_certificate(NEW, machine.identity)
        await evil.say(Certified(certificate=chain))
        await machine.until(lambda: "certificate-refused" in machine.log.events("warning"))
        assert machine.member.trust.certificate is None
        await turned_to(machine, evil, organisation, NEW)
        await machine.until(lambda: machine.member.trust.certificate == chain)


RENEWALS: dict[str, Callable[[Organisation], Chain]] = {
    "another organisation's": lambda organisation: Organisation("Evil Inc").technician(),
    "somebody else's": lambda organisation: organisation.technician("Ben Other", not_after=NOW + 50 * DAY),
    "a device's": lambda organisation: organisation.device(),
    "of a root nobody moved to": lambda organisation: NEW.technician(),
}


@pytest.mark.parametrize("shown", RENEWALS)
async def test_no_certificate_but_the_organisations_for_these_keys_is_taken_for_a_newer_one(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs ends in minutes, and the server hands them another. They sign in with their own, and keep it."""
    monkeypatch.setattr("technician.sign_in.now_s", lambda: NOW)
    async with technician_at(tmp_path / "t", evil, organisation, not_after=NOW + 600) as technician:
        evil.renewal = RENEWALS[shown](organisation)
        before = (technician.chain, technician.home.certificate.read_bytes())
        async with Api(evil.origin) as api:
            await technician.sign_in(api)
        assert (technician.chain, technician.home.certificate.read_bytes()) == before
        assert any(doubt.startswith("no newer certificate") for doubt in technician.doubts)
        assert (
            technician.expiry(NOW) == "Your certificate expires in 10 minutes. Ask for a new one: bellpull keys renew"
        )


async def test_a_technicians_program_stops_at_a_forked_root(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("technician.sign_in.now_s", lambda: NOW)
    async with technician_at(tmp_path / "t", evil, organisation) as technician, Api(evil.origin) as api:
        evil.rotations = (rotation(organisation, NEW),)
        await technician.refresh(api)
        assert technician.store.trust.root_hash == NEW.root_hash
        evil.rotations = (rotation(organisation, THIEFS),)
        with pytest.raises(ForkedDocumentError):
            await technician.refresh(api)
        assert technician.store.trust.root_hash == NEW.root_hash
        assert [alarm.kind for alarm in technician.store.alarms()] == ["fork"]


@pytest.mark.parametrize("by", ["the organisation", "somebody else"])
async def test_a_pack_in_parts_counts_only_by_its_signature(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, by: str
) -> None:
    """Whole, with the right hash: and still only the organisation's own is believed."""
    signer = organisation if by == "the organisation" else Organisation("Evil Inc")
    data = strict_json.dump(paper(signer, "known-issue-pack", 3))
    async with enrolled(tmp_path / "s", evil, organisation) as machine:
        offered = LargeDocument(name="known-issue-pack", version=3, sha256=sha256(data), size_bytes=len(data))
        await evil.say(LargeDocuments(documents=(offered,)))
        await evil.until(lambda: evil.said(FetchDocumentPart))
        await evil.say(DocumentPart(sha256=offered.sha256, offset=0, data=data))
        if by == "the organisation":
            await machine.until(lambda: machine.member.trust.trust.known_issues(NOW) is not None)
        else:
            await machine.until(lambda: "document-refused" in machine.log.events("warning"))
            assert machine.member.trust.trust.documents == {}
