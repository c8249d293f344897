"""A pack of known issues on its way into a device: whose it must be, that it never goes back, what it does."""

import pytest

from agent.app import Ground, Member
from agent.config import Config
from agent.event_log import EventLog
from agent.identity.identity import Identity
from agent.identity.trust_store import AlarmKind, TrustStore
from agent.paths import StateFolder
from agent.store.database import Database
from diagnostics.knowledge.issue import own_issues
from diagnostics.knowledge.rollout import roll_out
from protocol.certificates import Document, IssuerRole, KnownIssuePack, PackedIssue
from protocol.errors import RemoteProtocolError
from protocol.trust import ForkedDocumentError, RollbackError
from tests.agent.doubles import HandClocks, MemoryLog
from tests.making import DAY, NOW, Organisation

DESK = """
application = "desk"
title = "Desk"
processes = ["deskd"]
config_files = ["/etc/opt/desk/d.conf"]
"""
STOP = 'id = "user-cache-fills-disk"\nversion = {version}\nstopped = "it blamed browsers"\n'


def pack(organisation: Organisation, version: int, *, role: IssuerRole = IssuerRole.CONTENT, stop: int = 9) -> Document:
    issue = PackedIssue(id="user-cache-fills-disk", toml=STOP.format(version=stop))
    body = KnownIssuePack(
        root=organisation.root_hash, version=version, issued_at=NOW, not_after=NOW + DAY, issues=(issue,)
    )
    return organisation.publish(body, role)


def test_a_newer_pack_replaces_and_an_older_one_is_refused_with_an_alarm(
    trust_store: TrustStore, database: Database, identity: Identity, clocks: HandClocks, organisation: Organisation
) -> None:
    assert trust_store.accept(pack(organisation, 3))
    assert trust_store.accept(pack(organisation, 4, stop=10))
    with pytest.raises(RollbackError):
        trust_store.accept(pack(organisation, 3))
    with pytest.raises(ForkedDocumentError):
        trust_store.accept(pack(organisation, 4, stop=11))
    again = TrustStore(database, identity, clocks)
    kept = again.trust.known_issues(NOW)
    assert kept is not None
    assert (kept.version, "version = 10" in kept.issues[0].toml) == (4, True)
    assert {alarm.kind for alarm in again.alarms()} == {AlarmKind.ROLLBACK, AlarmKind.FORK}


@pytest.mark.parametrize("stranger", ["another organisation", "the certifying issuer"])
def test_a_pack_of_anybody_else_is_refused(stranger: str, trust_store: TrustStore, organisation: Organisation) -> None:
    theirs = (
        pack(Organisation("Other Ltd"), 9)
        if stranger == "another organisation"
        else pack(organisation, 9, role=IssuerRole.CERTIFYING)
    )
    with pytest.raises(RemoteProtocolError):
        trust_store.accept(theirs)
    assert trust_store.trust.known_issues(NOW) is None


def test_a_pack_that_is_over_says_nothing_any_more(trust_store: TrustStore, organisation: Organisation) -> None:
    trust_store.accept(pack(organisation, 1))
    assert trust_store.trust.known_issues(NOW) is not None
    assert trust_store.trust.known_issues(NOW + 2 * DAY) is None


def test_the_watch_of_an_enrolled_device_gets_the_pack_and_its_own_name(
    folder: StateFolder,
    identity: Identity,
    clocks: HandClocks,
    organisation: Organisation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log: EventLog = MemoryLog()
    ground = Ground(folder, Config(), log)
    # The calendar of the machine that runs this would end the pack some day.
    monkeypatch.setattr(ground.clocks, "wall", clocks.wall)
    try:
        member = Member(ground, identity)
        member.trust.accept(pack(organisation, 1))
        assert ground.watch.device == identity.device
        packed = ground.watch.issues()
        rolled = roll_out(own_issues(), packed, device=ground.watch.device)
        assert rolled.stopped == ("user-cache-fills-disk",)
        assert "user-cache-fills-disk" not in {issue.id for issue in rolled.shown}
    finally:
        ground.database.close()


def test_a_watch_in_the_signed_pack_is_watched_and_reads_no_settings_until_the_owner_says_so(
    folder: StateFolder,
    identity: Identity,
    clocks: HandClocks,
    organisation: Organisation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = {
        "watch-desk": DESK,
        "watch-thief": 'application = "thief"\ntitle = "Thief"\nconfig_files = ["/etc/shadow"]\n',
    }
    issues = tuple(PackedIssue(id=name, toml=text) for name, text in texts.items())
    body = KnownIssuePack(root=organisation.root_hash, version=1, issued_at=NOW, not_after=NOW + DAY, issues=issues)
    ground = Ground(folder, Config(), MemoryLog())
    monkeypatch.setattr(ground.clocks, "wall", clocks.wall)
    try:
        member = Member(ground, identity)
        assert ground.watch.applications() == ()
        member.trust.accept(organisation.publish(body))
        (watched,) = ground.watch.applications()
        assert (watched.application, watched.config_files) == ("desk", ())
        offered = member.watches.offered("desk")
        assert offered == texts["watch-desk"]
        member.watches.add(offered)
        (watched,) = ground.watch.applications()
        assert watched.config_files == ("/etc/opt/desk/d.conf",)
        # What the pack says ends with the pack; the owner's word stays.
        monkeypatch.setattr(ground.clocks, "wall", lambda: NOW + 2 * DAY)
        assert [each.application for each in ground.watch.applications()] == ["desk"]
        member.watches.remove("desk")
        assert ground.watch.applications() == ()
    finally:
        ground.database.close()
