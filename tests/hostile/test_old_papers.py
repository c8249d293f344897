"""Old, withheld, expired and forked documents, and old certificates: shown by a server that has them all on file.

Two machines meet each: a fresh one, whose only floors came with its token, and one that has seen newer. Through the
real link into the real agent; what is refused changes nothing, and where somebody must be told an alarm is kept.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.websockets import WebSocket

from agent.identity.trust_store import AlarmKind
from diagnostics.bundle import new_identity
from protocol.certificates import Document, Recipient
from protocol.limits import REVOCATIONS_FRESH_S
from protocol.messages.documents import Documents
from protocol.messages.items import ReportItem, SealedItem, TicketItem
from protocol.messages.login import Certified
from protocol.messages.uploads import UploadRequest
from protocol.statements import StatementName
from protocol.trust import PUBLISHED
from protocol.visit import RefusalReason
from tests.agent.doubles import device_certificate, report_item
from tests.agent.test_watch import finding, look
from tests.agent.visiting import revoked_serial
from tests.hostile.evil_server import EvilServer
from tests.hostile.machine import Machine, Time, enrolled, restarted
from tests.hostile.papers import KINDS, forged, paper
from tests.hostile.visitors import Knock, Rogue
from tests.making import DAY, NOW, Organisation

RECIPIENTS = StatementName.BUNDLE_RECIPIENTS.value
POLICY = StatementName.ORGANISATION_POLICY.value
LEAVES = f"{StatementName.REVOCATIONS}-leaves"
#: What the machine has seen, or its token demands.
NEWEST = 7


class Archive:
    """Everything that the organisation has ever signed, as the server kept it."""

    def __init__(self, organisation: Organisation, evil: EvilServer) -> None:
        self.organisation, self.evil = organisation, evil

    def one(self, kind: str, version: int, organisation: Organisation | None = None, **changes: object) -> Document:
        """The policy among them says that the server is where it is: nobody moves in these tests."""
        if kind == POLICY:
            log = self.evil.log_key.verifier
            changes = {
                "server_origin": self.evil.origin, "log_name": log.name, "log_key": log.public_key, **changes
            }  # fmt: skip
        return paper(organisation or self.organisation, kind, version, **changes)

    def newest(self, kind: str) -> Document:
        return self.one(kind, NEWEST)

    def older(self, kind: str) -> Document:
        """Genuine, unexpired, and replaced since."""
        return self.one(kind, NEWEST - 1)

    def oldest(self, kind: str) -> Document:
        return self.one(kind, 1)

    def expired(self, kind: str) -> Document:
        """Genuine, of a version not seen yet, and over."""
        return self.one(kind, NEWEST + 1, issued_at=NOW - 2 * DAY, not_after=NOW - 1)

    def forked(self, kind: str) -> Document:
        """Genuine, of the version that was seen, with other words: an issuer that signs two truths."""
        return self.one(kind, NEWEST, not_after=NOW + DAY - 1)

    def nobodys(self, kind: str) -> Document:
        """Another organisation's, of a version far ahead."""
        return self.one(kind, 1 << 40, Organisation("Evil Inc"))

    def unsigned(self, kind: str) -> Document:
        return forged(self.one(kind, 1 << 40))


Show = Callable[[Archive, str], Document]
SHOWN: tuple[Show, ...] = (
    Archive.older, Archive.oldest, Archive.expired, Archive.forked, Archive.nobodys, Archive.unsigned
)  # fmt: skip
ALARM = {
    Archive.older: AlarmKind.ROLLBACK,
    Archive.oldest: AlarmKind.ROLLBACK,
    Archive.forked: AlarmKind.FORK,
}


@pytest.fixture
def archive(organisation: Organisation, evil: EvilServer) -> Archive:
    return Archive(organisation, evil)


async def shown(machine: Machine, evil: EvilServer, *documents: Document) -> None:
    """Push them; none of them is taken."""

    def refused() -> int:
        return machine.log.events("warning").count("document-refused")

    before = refused()
    await evil.say(Documents(documents=documents))
    await machine.until(lambda: refused() == before + len(documents))
    await machine.quiet()


@pytest.mark.parametrize("show", SHOWN, ids=lambda show: show.__name__)
async def test_a_machine_that_has_seen_newer_believes_nothing_else(
    tmp_path: Path, evil: EvilServer, archive: Archive, show: Show
) -> None:
    seen = tuple(archive.newest(kind) for kind in KINDS)
    async with enrolled(tmp_path / "s", evil, archive.organisation, documents=seen) as machine:
        before = machine.state()
        for number, kind in enumerate(KINDS, start=1):
            await shown(machine, evil, show(archive, kind))
            assert machine.state().differs_from(before) == [], kind
            assert machine.alarms == [ALARM[show]] * number if show in ALARM else machine.alarms == []
        floors, alarms = machine.member.trust.trust.floors, machine.alarms
        evil.documents = tuple(show(archive, kind) for kind in KINDS)
    async with restarted(machine, evil) as again:
        # It asked anew, and was shown the same: what was seen once is still what is believed.
        await again.until(lambda: again.log.events("warning").count("document-refused") == len(KINDS))
        assert again.member.trust.trust.floors == floors
        assert set(again.member.trust.trust.documents) == set(KINDS)
        assert again.alarms == alarms


@pytest.mark.parametrize("show", [each for each in SHOWN if each is not Archive.forked], ids=lambda show: show.__name__)
async def test_a_fresh_machine_has_the_floors_of_its_token(
    tmp_path: Path, evil: EvilServer, archive: Archive, show: Show
) -> None:
    # One that has heard of revoked issuers believes nobody before it has their list: test_new_roots.py.
    kinds = [kind for kind in KINDS if kind != "revocations-issuers"]
    floors = dict.fromkeys(kinds, NEWEST)
    async with enrolled(tmp_path / "s", evil, archive.organisation, floors=floors) as machine:
        before = machine.state()
        for number, kind in enumerate(kinds, start=1):
            await shown(machine, evil, show(archive, kind))
            assert machine.state().differs_from(before) == [], kind
            assert machine.alarms == [ALARM[show]] * number if show in ALARM else machine.alarms == []
        # The control: what the token asked for is taken.
        await evil.say(Documents(documents=tuple(archive.newest(kind) for kind in KINDS)))
        await machine.until(lambda: set(machine.member.trust.trust.documents) == set(KINDS))


async def test_two_truths_of_one_version_are_an_alarm_on_a_fresh_machine_too(
    tmp_path: Path, evil: EvilServer, archive: Archive
) -> None:
    """It has seen neither: the first one counts, the second tells on the issuer."""
    async with enrolled(tmp_path / "s", evil, archive.organisation, floors={RECIPIENTS: NEWEST}) as machine:
        first = archive.newest(RECIPIENTS)
        await evil.say(Documents(documents=(first, archive.forked(RECIPIENTS))))
        await machine.until(lambda: machine.alarms)
        assert machine.alarms == [AlarmKind.FORK]
        assert machine.member.trust.trust.documents[RECIPIENTS] == first


def test_every_kind_of_document_that_is_published_is_tried(organisation: Organisation) -> None:
    assert {paper(organisation, kind, 1).statement.payloadType for kind in KINDS} == {
        name.payload_type for name in PUBLISHED
    }


# --- recipients: nothing is sent where the organisation did not say to whom -------------------------------------------


def sealed_to(organisation: Organisation, age: str, version: int = 1, **changes: object) -> Document:
    return paper(organisation, RECIPIENTS, version, recipients=(Recipient(name="Ada Tech", age=age),), **changes)


async def a_grave_finding(machine: Machine) -> None:
    """The real way from a look to a ticket with sealed evidence."""
    grave = look(finding(first_seen_unix_s=NOW - 3 * DAY))
    await machine.member.automatic.looked(grave)


@pytest.mark.parametrize("withheld", [True, False], ids=["withheld", "expired"])
async def test_without_recipients_in_force_no_evidence_leaves(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, withheld: bool
) -> None:
    """A server that keeps the newer list back, so that evidence goes on being sealed to a thief's old key: in vain."""
    _, age = new_identity()
    time = Time()
    documents = () if withheld else (sealed_to(organisation, age, not_after=NOW + 60),)
    async with enrolled(tmp_path / "s", evil, organisation, documents=documents, time=time) as machine:
        time.pass_s(61)
        await a_grave_finding(machine)
        await evil.until(lambda: evil.said(TicketItem))
        await machine.until(lambda: machine.member.outbox.numbers().items == 0)
        assert evil.said(SealedItem) == []
        assert evil.said(UploadRequest) == []


async def test_evidence_that_waited_until_its_recipients_expired_does_not_leave(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """Sealed in time and held up by a server that does not answer, until the list is over and its keys may be lost."""
    _, age = new_identity()
    time = Time()
    documents = (sealed_to(organisation, age, not_after=NOW + 60),)
    async with enrolled(tmp_path / "s", evil, organisation, documents=documents, time=time) as machine:
        evil.greet = hold
        await evil.line.websocket.close(1012)
        await machine.until(lambda: not machine.member.link.connected)
        await a_grave_finding(machine)
        time.pass_s(61)
        evil.greet = None
        machine.member.link.hurry()
        await evil.until(lambda: evil.said(TicketItem))
        machine.member.link.enqueue(report_item(1))
        await evil.until(lambda: evil.said(ReportItem))  # what comes after it in the queue has passed
        assert evil.said(SealedItem) == []
        assert machine.member.outbox.numbers().items >= 1
        # The next list arrives: the queue goes on by itself.
        await evil.say(Documents(documents=(sealed_to(organisation, age, 2, issued_at=NOW + 61, not_after=NOW + DAY),)))
        await evil.until(lambda: evil.said(SealedItem))


async def hold(websocket: WebSocket) -> None:
    """Lets nobody in."""
    await websocket.close(1013)


async def test_the_control_with_recipients_in_force_evidence_is_sent_sealed(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    _, age = new_identity()
    async with enrolled(tmp_path / "s", evil, organisation, documents=(sealed_to(organisation, age),)) as machine:
        await a_grave_finding(machine)
        await evil.until(lambda: evil.said(SealedItem))
        (sent,) = evil.said(SealedItem)
        assert sent.data.startswith(b"age-encryption.org/v1\n")


# --- revocations ------------------------------------------------------------------------------------------------------


async def knock(evil: EvilServer, machine: Machine, organisation: Organisation) -> Knock:
    """A certified technician at the door, about a ticket of the customer's: until there is a question or a no."""
    ticket = machine.ask_for_help()
    knocked = await Rogue(evil, machine, organisation).enter(await evil.offer(ticket), ticket)

    def answered() -> bool:
        knocked.step()
        return bool(machine.prompts or knocked.refused)

    await machine.until(answered)
    return knocked


async def test_a_revoked_technician_stays_out_whatever_list_the_server_shows(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    gone = paper(organisation, LEAVES, NEWEST, serials=(revoked_serial(),), issued_at=NOW)
    async with enrolled(tmp_path / "s", evil, organisation, documents=(gone,)) as machine:
        await shown(machine, evil, paper(organisation, LEAVES, NEWEST - 1))
        knocked = await knock(evil, machine, organisation)
        assert machine.prompts_ever == 0
        assert [each.reason for each in knocked.refused] == [RefusalReason.NOT_CERTIFIED]


async def test_a_withheld_list_is_told_to_the_customer(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    time = Time()
    fresh = paper(organisation, LEAVES, NEWEST, issued_at=NOW, not_after=NOW + 30 * DAY)
    async with enrolled(tmp_path / "s", evil, organisation, documents=(fresh,), time=time) as machine:
        for _ in range(7):  # a clock is believed as long as it does not leap a whole day
            time.pass_s(DAY / 2)
            machine.agent.ground.clocks.wall()
        assert int(time.wall_s) - NOW > REVOCATIONS_FRESH_S
        await knock(evil, machine, organisation)
        (prompt,) = machine.prompts
        assert not prompt.facts.revocations_fresh
        assert "Could not check whether this technician's certificate was withdrawn" in prompt.text.text


# --- policy: where the server and its log are -------------------------------------------------------------------------


async def test_a_policy_that_has_run_out_does_not_lead_back_to_the_server_it_led_away_from(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """The organisation left a stolen server and its log key; whoever holds them waits until the policy is over."""
    time = Time()
    moved = paper(organisation, POLICY, 2, not_after=NOW + 60)
    async with enrolled(tmp_path / "s", evil, organisation, time=time) as machine:
        machine.member.trust.accept(moved)
    async with restarted(machine) as again:
        assert again.identity.origin == "http://127.0.0.1:9"
        left_key = evil.log_key.verifier.public_key
        assert again.identity.log_verifier.public_key != left_key
        time.pass_s(3600)
    async with restarted(again) as later:
        assert later.identity.origin == "http://127.0.0.1:9"
        assert later.identity.log_verifier.public_key != left_key


# --- this device's own certificate ------------------------------------------------------------------------------------


async def test_an_older_certificate_of_this_device_does_not_bring_its_old_owner_back(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """A computer that was sold: the server still has its certificate for the customer before, genuine and in time."""
    async with enrolled(tmp_path / "s", evil, organisation, certified=False) as machine:
        before = device_certificate(organisation, machine.identity, not_before=NOW - 2 * DAY, customer="Former Owner")
        now = device_certificate(organisation, machine.identity, not_before=NOW - 60, customer="Acme")
        await evil.say(Certified(certificate=before))
        await machine.until(lambda: machine.member.trust.certificate == before)
        await evil.say(Certified(certificate=now))
        await machine.until(lambda: machine.member.trust.certificate == now)
        await evil.say(Certified(certificate=before))
        await machine.until(lambda: machine.alarms)
        await machine.quiet()
        assert machine.member.trust.certificate == now
        assert machine.alarms == [AlarmKind.ROLLBACK]
