"""Root and issuers replaced, certificates renewed, devices replaced: files and books alone, without a server."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.certificates import Document, IssuerRole, RootRotation, TechnicianCertificate
from protocol.enrolment import DeviceKeys, EnrolmentRequest, enrolment_proof, read_token
from protocol.errors import RemoteProtocolError
from protocol.limits import CLOCK_SKEW_S
from protocol.messages.api import DeviceRow, DeviceTrust, EnrolmentRow, EnrolmentState, ServerFacts
from protocol.statements import parse_payload
from protocol.trust import ForkedDocumentError, RollbackError, Trust
from technician.certificate_file import read_certificate, read_root
from technician.clock import now_s
from technician.doctor import device_advice, organisation_advice, own_advice, server_advice, standing_of
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.organisation import issuers, publish
from technician.organisation.certify import find_certificates, newest_in_force, recertify
from technician.organisation.desk import Desk
from technician.organisation.enrolment import Approval, approve
from technician.organisation.papers import REVOCATIONS_LATE_S, paper_advice, papers_of
from technician.organisation.rotation import find_issuer, open_root, revoke_issuer, rotate_issuer, rotate_root
from technician.organisation.server_pin import pin_server, pinned_server
from technician.problems import Problem
from technician.trust_store import TrustStore
from tests.making import DAY, seed, signing_key
from tests.server.actors import Clock
from tests.server.conftest import running_world
from tests.technician.conftest import PASSPHRASE, Ran, Run
from tests.technician.enrol_token import printed_token
from tests.technician.scene import at_now

__all__ = ["at_now"]

FACTS = ServerFacts(
    origin="http://127.0.0.1:8443",
    log_name="127.0.0.1/log",
    log_key=signing_key("log").public,
    root_key=None,
    organisation=None,
    version="0.1.0",
)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An organisation with plain keys: Argon2id costs a tenth of a second at each opening."""
    folder = tmp_path_factory.mktemp("made") / "org"
    folder.mkdir(mode=0o700)
    issuers.create(folder, "Helpful Ltd", None, now_s())
    return folder


@pytest.fixture
def desk(made_once: Path, private: Path) -> Desk:
    shutil.copytree(made_once, private / "org")
    opened = Desk.open(private / "org", Passphrases())
    pin_server(opened.records, FACTS)
    return opened


def turn_root(desk: Desk, file: Path | None = None) -> Desk:
    root = open_root(file or desk.folder / "root.key", desk.identity, desk.passphrases)
    rotate_root(root, records=desk.records, identity=desk.identity, passphrases=desk.passphrases, now=now_s())
    return desk.reopened()


def turn_issuer(desk: Desk, role: IssuerRole, *, revoke: bool) -> Desk:
    root = open_root(desk.folder / "root.key", desk.identity, desk.passphrases)
    rotate_issuer(
        root,
        desk.folder,
        role,
        revoke=revoke,
        records=desk.records,
        identity=desk.identity,
        passphrases=desk.passphrases,
        now=now_s(),
    )
    return desk.reopened()


def documents(desk: Desk) -> tuple[Document, ...]:
    keys = {role: desk.key(role) for role in IssuerRole}
    made = publish.make_documents(desk.identity, desk.records, pinned_server(desk.records), keys, now_s())
    return tuple(document for _, document in made)


def after(trust: Trust, desk: Desk, *, follow: bool = True) -> Trust:
    """What a device believes once it has heard everything."""
    if follow:
        for envelope in desk.identity.rotations[trust.rotation_sequence :]:
            trust = trust.rotate(envelope)
    for document in documents(desk):
        trust = trust.accept(document, now_s())
    return trust


def request(printed: str, name: str, *, label: str = "", replaces: str | None = None) -> EnrolmentRequest:
    body, ticket = read_token(printed, now_s())
    keys = DeviceKeys(
        signing=signing_key(f"device {name}").public, noise=seed(f"{name} noise"), witness=seed(f"{name} witness")
    )
    proof = enrolment_proof(ticket.secret, keys, body.root, body.customer, replaces=replaces)
    return EnrolmentRequest(
        token=ticket.chain, keys=keys, label=label, proof=proof, requested_at=now_s(), replaces=replaces
    )


def judge(desk: Desk, asked: EnrolmentRequest, *others: EnrolmentRow) -> Approval:
    return approve(
        asked,
        identity=desk.identity,
        certifying=desk.key(IssuerRole.CERTIFYING),
        records=desk.records,
        secret_of=desk.secret_of(),
        now=now_s(),
        others=others,
    )


def approved(desk: Desk, name: str, customer: str = "Acme") -> str:
    approval = judge(desk, request(printed_token(desk, customer), name))
    assert approval.chain is not None, approval.refusal
    return approval.device


# --- the root --------------------------------------------------------------------------------------------


def test_a_device_that_holds_the_old_root_follows_and_floors_keep_rising(desk: Desk) -> None:
    device = after(Trust(root=desk.identity.trust.root), desk)
    for number in (1, 2, 3):
        desk = turn_root(desk)
        device = after(device, desk)
        assert device.root_hash == desk.identity.root_hash
        assert device.floors["revocations-leaves"].version == number + 1
        assert device.revocations_fresh(now_s())
    assert device.roots == desk.identity.trust.roots
    assert [path.name for path in sorted(desk.folder.glob("root*.key"))] == [
        "root.key", "root.left-1.key", "root.left-2.key", "root.left-3.key"
    ]  # fmt: skip


def test_after_a_rotation_nothing_of_the_old_root_is_believed_and_everything_re_signed_is(desk: Desk) -> None:
    device = approved(desk, "laptop")
    (old,) = newest_in_force(desk.records, now_s())
    desk = turn_root(desk)
    trust = after(Trust(root=desk.identity.trust.roots[-1]), desk)
    with pytest.raises(RemoteProtocolError):
        trust.device(old.chain, now_s())
    assert [record.subject for record in desk.to_recertify(())] == [device]
    chain = recertify(
        old,
        identity=desk.identity,
        certifying=desk.key(IssuerRole.CERTIFYING),
        records=desk.records,
        now=now_s(),
    )
    assert trust.device(chain, now_s()).body.customer == "Acme"
    assert desk.to_recertify(()) == []


@pytest.mark.parametrize("step", ["before the books", "after the books"])
def test_a_stop_in_the_middle_of_a_rotation_leaves_one_root_that_works(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = desk.identity.root_key
    if step == "before the books":
        monkeypatch.setattr(desk.records, "keep_issuers", stop)
    else:
        monkeypatch.setattr("technician.organisation.rotation.take_place", stop)
    with pytest.raises(KeyboardInterrupt):
        turn_root(desk)
    monkeypatch.undo()
    desk = desk.reopened()
    assert (desk.identity.root_key == before) == (step == "before the books")
    root = open_root(desk.folder / "root.key", desk.identity, desk.passphrases)
    assert root.key.public == desk.identity.root_key
    desk = turn_root(desk)
    assert after(Trust(root=desk.identity.trust.roots[-1]), desk).root_hash == desk.identity.root_hash


def test_an_old_copy_of_the_root_key_is_refused_by_name(desk: Desk, private: Path) -> None:
    drawer = private / "drawer"
    drawer.mkdir(mode=0o700)
    shutil.copy(desk.folder / "root.key", drawer / "root.key")
    desk = turn_root(desk)
    with pytest.raises(Problem, match="is not the root key of now"):
        open_root(drawer / "root.key", desk.identity, desk.passphrases)
    with pytest.raises(Problem, match="there is no root key here"):
        open_root(drawer / "nothing.key", desk.identity, desk.passphrases)


def test_a_new_root_is_sealed_with_the_passphrase_of_the_old(run: Run, private: Path, passphrase_file: Path) -> None:
    secret = ("--keys", private / "org", "--passphrase-file", passphrase_file)
    assert run("org", "init", "--name", "Sealed Ltd", *secret).code == 0
    ran = run("org", "rotate-root", "--no-publish", "--json", *secret)
    assert (ran.json["sequence"], ran.json["left_key"]) == (1, "root.left-1.key")
    kept = read_root((private / "org" / "root.json").read_bytes())
    assert kept.trust().rotation_sequence == 1
    stored = (private / "org" / "root.key").read_text()
    assert '"argon2id":{' in stored
    assert PASSPHRASE not in stored


def test_a_token_printed_after_rotations_says_how_many_there_were(desk: Desk) -> None:
    desk = turn_root(turn_root(desk))
    body, _ = read_token(printed_token(desk), now_s())
    assert (body.rotations, body.root) == (2, desk.identity.root_hash)


def test_a_device_that_waited_for_approval_while_the_root_changed_is_approved_under_the_new(desk: Desk) -> None:
    waiting = request(printed_token(desk), "laptop")
    desk = turn_root(desk)
    approval = judge(desk, waiting)
    assert approval.chain is not None, approval.refusal
    assert desk.identity.trust.device(approval.chain, now_s()).body.customer == "Acme"
    forged = waiting.model_copy(update={"proof": bytes(32)})
    assert "proof does not hold" in judge(desk, forged).refusal


# --- issuers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revoke", [True, False])
def test_an_issuers_new_key_signs_and_the_old_one_ends_only_when_revoked(desk: Desk, revoke: bool) -> None:
    approved(desk, "laptop")
    (old,) = newest_in_force(desk.records, now_s())
    trust = after(Trust(root=desk.identity.trust.root), desk)
    desk = turn_issuer(desk, IssuerRole.CERTIFYING, revoke=revoke)
    trust = after(trust, desk)
    if revoke:
        with pytest.raises(RemoteProtocolError, match="issuer certificate was revoked"):
            trust.device(old.chain, now_s())
    else:
        assert trust.device(old.chain, now_s())
    assert desk.to_recertify(()) == [old]
    assert trust.revocations_fresh(now_s())


def test_a_revoked_content_issuers_documents_are_replaced_by_newer_ones(desk: Desk) -> None:
    trust = after(Trust(root=desk.identity.trust.root), desk)
    desk = turn_issuer(desk, IssuerRole.CONTENT, revoke=True)
    only_root = next(document for document in documents(desk) if document.issuer is None)
    informed = trust.accept(only_root, now_s())
    assert informed.policy() is None, "the old key may have been a thief's"
    assert after(informed, desk).policy() is not None


def test_an_issuer_left_to_its_end_can_be_revoked_after_all(desk: Desk) -> None:
    old = desk.identity.issuer_body(IssuerRole.CERTIFYING)
    with pytest.raises(Problem, match="is the certifying issuer in force"):
        find_issuer(desk.records, desk.identity, old.serial)
    desk = turn_issuer(desk, IssuerRole.CERTIFYING, revoke=False)
    found = find_issuer(desk.records, desk.identity, old.serial)
    assert found is not None
    root = open_root(desk.folder / "root.key", desk.identity, desk.passphrases)
    revoke_issuer(root, found, "stolen after all", records=desk.records, now=now_s())
    trust = after(Trust(root=desk.identity.trust.root), desk.reopened())
    assert trust.is_revoked(old.serial, "issuers")
    assert find_issuer(desk.records, desk.identity, "0" * 32) is None


def test_after_a_new_root_a_list_of_revoked_issuers_is_still_there_for_who_heard_of_one(desk: Desk) -> None:
    desk = turn_issuer(desk, IssuerRole.CONTENT, revoke=True)
    trust = after(Trust(root=desk.identity.trust.root), desk)
    desk = turn_root(desk)
    assert after(trust, desk).policy() is not None


# --- certificates ----------------------------------------------------------------------------------------


@pytest.fixture
def tom(run: Run, desk: Desk, private: Path) -> Callable[..., TechnicianCertificate]:
    """Certify Tom by the command; his certificate's body."""
    made = run("keys", "init", "--name", "Tom Vale", "--home", private / "tom", "--no-passphrase")
    assert made.code == 0, made.text

    def certified(*more: object) -> TechnicianCertificate:
        out = private / "tom.json"
        ran = run(
            "org", "certify", private / "tom" / "request.json", "--customer", "Acme", "--out", out,
            "--keys", desk.folder, "--json", *more,
        )  # fmt: skip
        assert ran.code == 0, ran.text
        return parse_payload(read_certificate(out.read_bytes()).chain.leaf, TechnicianCertificate)

    return certified


def test_a_certificate_may_last_hours(
    tom: Callable[..., TechnicianCertificate], run: Run, desk: Desk, private: Path
) -> None:
    assert abs(tom("--hours", "12").not_after - now_s() - 12 * 3600) < 60
    both = run(
        "org", "certify", private / "tom" / "request.json", "--customer", "Acme", "--out", private / "x.json",
        "--keys", desk.folder, "--days", "1", "--hours", "1",
    )  # fmt: skip
    assert both.code == 2


def test_a_renewed_certificate_says_the_same_for_the_same_keys_until_later(
    tom: Callable[..., TechnicianCertificate], desk: Desk
) -> None:
    first = tom("--hours", "12", "--tier", "3")
    (record,) = desk.to_recertify(["Tom Vale"])
    certifying = desk.key(IssuerRole.CERTIFYING)
    kept = recertify(record, identity=desk.identity, certifying=certifying, records=desk.records, now=now_s())
    chain = recertify(
        record, identity=desk.identity, certifying=certifying, records=desk.records, now=now_s(), seconds=90 * DAY
    )
    same, later = (parse_payload(each.leaf, TechnicianCertificate) for each in (kept, chain))
    assert same.not_after == first.not_after, "nobody gets more time by the way"
    assert abs(later.not_after - now_s() - 90 * DAY) < 60
    changes = {"serial": first.serial, "not_before": first.not_before, "not_after": first.not_after}
    assert later.model_copy(update=changes) == first
    with pytest.raises(Problem, match="no certificate in force"):
        desk.to_recertify(["Tom Vale", "Nobody"])


def test_revoking_by_name_ends_every_certificate_of_those_keys(
    tom: Callable[..., TechnicianCertificate], desk: Desk, run: Run
) -> None:
    serials = {tom().serial, tom("--days", "7").serial}
    ran = run("org", "revoke", "Tom Vale", "--keys", desk.folder, "--no-publish", "--json")
    assert set(ran.json["serials"]) == serials
    assert set(desk.records.revoked_serials(now_s())) == serials
    with pytest.raises(Problem):
        find_certificates(desk.records, "Tom Vale")


# --- the same machine with new keys ----------------------------------------------------------------------


def row(desk: Desk, asked: EnrolmentRequest, last_seen: int | None = 1_000) -> EnrolmentRow:
    return EnrolmentRow(request=asked, received_at=900, state=EnrolmentState.APPROVED, last_seen=last_seen)


def test_a_machine_that_says_which_device_it_was_retires_it_loudly(desk: Desk) -> None:
    old = request(printed_token(desk), "old", label="anna-laptop")
    judge(desk, old)
    approval = judge(desk, request(printed_token(desk), "new", replaces=old.keys.device), row(desk, old))
    assert [(each.device, each.last_seen, each.said) for each in approval.replaced] == [(old.keys.device, 1_000, True)]
    assert [record.subject for record in newest_in_force(desk.records, now_s())] == [approval.device]
    assert len(desk.records.revoked_serials(now_s())) == 1


def test_a_machine_with_the_same_label_is_only_pointed_out(desk: Desk) -> None:
    old = request(printed_token(desk), "old", label="anna-laptop")
    judge(desk, old)
    approval = judge(desk, request(printed_token(desk), "new", label="anna-laptop"), row(desk, old, None))
    assert [(each.device, each.last_seen, each.said) for each in approval.replaced] == [(old.keys.device, None, False)]
    assert desk.records.revoked_serials(now_s()) == ()


def test_nobody_retires_another_customers_device_or_one_that_the_server_wrote_in(desk: Desk) -> None:
    other = approved(desk, "of another", customer="Bella")
    approval = judge(desk, request(printed_token(desk), "new", replaces=other))
    assert (approval.replaced, desk.records.revoked_serials(now_s())) == ((), ())
    own = approved(desk, "own")
    honest = request(printed_token(desk), "third")
    assert "proof does not hold" in judge(desk, honest.model_copy(update={"replaces": own})).refusal


async def test_approving_a_machine_with_new_keys_says_so_loudly_and_retires_the_old_one_at_the_server(
    run: Run, private: Path, tmp_path: Path, at_now: None
) -> None:
    """By the command, at a server; its word on when the old device was last seen is in it."""
    keys = ("--keys", private / "org")
    async with running_world(tmp_path, Clock()) as world:

        async def org(*arguments: object) -> Ran:
            ran = await asyncio.to_thread(lambda: run("org", *arguments, *keys))
            assert ran.code == 0, ran.text
            return ran

        await org("init", "--name", "Helpful Ltd", "--no-passphrase")
        await org("pin", world.origin, "--setup-code", world.setup_code)
        await org("publish")
        printed = [(await org("enrol-token", "--customer", "Acme", "--json")).json["token"] for _ in range(2)]
        old = request(printed[0], "old", label="anna-laptop")
        assert (await world.post("/api/enrol", old)).status_code == 202
        assert "NEW KEYS" not in (await org("approve")).text
        new = request(printed[1], "new", label="anna-laptop", replaces=old.keys.device)
        assert (await world.post("/api/enrol", new)).status_code == 202
        told = (await org("approve")).text
        assert f"NEW KEYS: this machine was {old.keys.device} before (never seen)" in told
        revoked = world.office.organisation.trust.revocations("leaves")
        assert len(revoked.serials) == 1
        states = {
            row["subject"]: row["revoked_at"] for row in (await org("certificates", "--json")).json["certificates"]
        }
        assert states[old.keys.device] is not None
        assert states[new.keys.device] is None


# --- a technician's program follows ----------------------------------------------------------------------


def followed(desk: Desk, private: Path) -> TrustStore:
    return TrustStore.pin(Home.at(private / "tom"), Trust(root=desk.identity.trust.roots[-1]), now_s())


def test_a_technicians_program_follows_rotations_over_a_restart_and_keeps_forks_as_alarms(
    desk: Desk, private: Path
) -> None:
    store = followed(desk, private)
    old_root = open_root(desk.folder / "root.key", desk.identity, desk.passphrases).key
    desk = turn_root(turn_root(desk))
    assert store.follow(desk.identity.rotations, now_s())
    assert not store.follow(desk.identity.rotations, now_s())
    again = TrustStore.open(Home.at(private / "tom"))
    assert again.trust.roots == desk.identity.trust.roots
    thief = signing_key("thief")
    body = parse_payload(desk.identity.rotations[0], RootRotation)
    fork = body.model_copy(update={"new_root_key": thief.public})
    with pytest.raises(ForkedDocumentError):
        again.follow((thief.add_signature(old_root.sign(fork)),), now_s())
    assert [alarm.kind for alarm in again.alarms()] == ["fork"]


def test_a_new_certificate_file_leads_from_the_old_root_to_the_new(
    tom: Callable[..., TechnicianCertificate], run: Run, desk: Desk, private: Path
) -> None:
    tom()
    assert run("keys", "install", private / "tom.json", "--home", private / "tom").code == 0
    desk = turn_root(turn_issuer(desk, IssuerRole.CONTENT, revoke=True))  # the rotation names the list's floor
    tom()
    assert run("keys", "install", private / "tom.json", "--home", private / "tom").code == 0
    assert TrustStore.open(Home.at(private / "tom")).trust.root_hash == desk.identity.root_hash
    fresh = private / "fresh"
    shutil.copytree(private / "tom" / "keys", fresh / "keys")
    fresh.chmod(0o700)
    (fresh / "keys").chmod(0o700)
    shutil.copy(private / "tom" / "request.json", fresh / "request.json")
    assert run("keys", "install", private / "tom.json", "--home", fresh).code == 0
    assert TrustStore.open(Home.at(fresh)).trust.roots == desk.identity.trust.roots


def test_the_technicians_clock_never_goes_back_behind_what_documents_have_shown(desk: Desk, private: Path) -> None:
    store = followed(desk, private)
    now = now_s()
    for document in documents(desk):
        store.accept(document, now)
    again = TrustStore.open(Home.at(private / "tom"))
    assert again.now(now - 365 * DAY) == again.clock_floor
    assert now - 60 <= again.clock_floor <= now
    assert again.now(now + DAY) == now + DAY


def test_a_document_from_the_future_does_not_set_the_clock(desk: Desk, private: Path) -> None:
    store, now = followed(desk, private), now_s()
    keys = {role: desk.key(role) for role in IssuerRole}
    server = pinned_server(desk.records)
    for _, document in publish.make_documents(desk.identity, desk.records, server, keys, now + 30 * DAY):
        store.accept(document, now)
    assert store.clock_floor <= now + CLOCK_SKEW_S


def test_an_older_document_is_still_an_alarm(desk: Desk, private: Path) -> None:
    store = followed(desk, private)
    first, second = documents(desk), documents(desk)
    for document in second:
        store.accept(document, now_s())
    with pytest.raises(RollbackError):
        store.accept(first[0], now_s())
    assert [alarm.kind for alarm in store.alarms()] == ["rollback"]


# --- what the doctor finds -------------------------------------------------------------------------------


def test_papers_are_warned_of_before_devices_trust_less(desk: Desk) -> None:
    assert [each.what for each in paper_advice(desk.records, {}, now_s())] == ["no revocations were ever published"]
    documents(desk)
    held, now = desk.records.floors(), now_s()
    assert paper_advice(desk.records, held, now) == []
    assert [each.grave for each in paper_advice(desk.records, held, now + REVOCATIONS_LATE_S + 1)] == [False]
    late = paper_advice(desk.records, held, now + 73 * 3600)
    assert [each.what for each in late] == ["revocations-leaves is 73 hours old: devices allow nothing of risk 2"]
    behind = paper_advice(desk.records, {**held, "revocations-leaves": 0}, now)
    assert [each.what for each in behind] == ["the server holds revocations-leaves version 0, the books 1"]
    ahead = paper_advice(desk.records, {**held, "revocations-leaves": 9}, now)
    assert "restored from an old backup" in ahead[0].do
    assert {paper.name for paper in papers_of(desk.records)} == set(held)


def test_issuers_and_certificates_are_warned_of_before_their_end(
    tom: Callable[..., TechnicianCertificate], desk: Desk
) -> None:
    tom()
    now = now_s()
    assert organisation_advice(desk.identity, desk.records, ["certifying.key"], now) == []
    soon = [each.what for each in organisation_advice(desk.identity, desk.records, [], now + 80 * DAY)]
    assert soon == ["the certificate of Tom Vale ends in 9 days"] or soon == [
        "the certificate of Tom Vale ends in 10 days"
    ]
    years = [each.do for each in organisation_advice(desk.identity, desk.records, [], now + 3 * 365 * DAY - 30 * DAY)]
    assert years == [f"bellpull org rotate-issuer {role} --root FILE" for role in IssuerRole]
    desk = turn_issuer(desk, IssuerRole.CERTIFYING, revoke=True)
    (again,) = organisation_advice(desk.identity, desk.records, [], now)
    assert (again.do, again.grave) == ("bellpull org recertify", True)


def test_a_server_with_another_root_and_a_wrong_clock_is_pointed_out(desk: Desk) -> None:
    first = desk.identity.trust.root
    desk = turn_root(desk)
    trust = desk.identity.trust
    assert server_advice(trust.root, trust.roots[1:], trust.root.public, 3) == []
    told = [
        server_advice(trust.root, trust.roots[1:], key, None)[0].what
        for key in (None, first.public, signing_key("somebody").public)
    ]
    assert told[:2] == ["the server has no organisation yet", "the server has not heard of the new root"]
    assert told[2].startswith("the server shows root")
    (clock,) = server_advice(trust.root, (), trust.root.public, -3 * 86_400)
    assert clock.what == "the server's clock is 3 days behind this computer's"


def test_a_connected_device_that_is_behind_is_looked_at_and_one_that_is_away_is_listed(desk: Desk) -> None:
    newest, now = {"revocations-leaves": 5}, now_s()

    def device(**changes: object) -> DeviceRow:
        said = DeviceTrust(root=desk.identity.root_hash, versions={"revocations-leaves": 5}, at=now)
        made = DeviceRow(
            device="d-" + "a" * 26,
            label="laptop",
            customer="Acme",
            certificate=None,
            connected=True,
            last_seen=now,
            findings={},
            trust=said,
        )
        return made.model_copy(update=changes)

    def advice(**changes: object) -> list[str]:
        standing = standing_of(device(**changes), desk.identity.root_key, newest)
        return [each.what for each in device_advice([standing], now)]

    assert advice() == []
    behind = DeviceTrust(root=desk.identity.root_hash, versions={}, at=now)
    other = DeviceTrust(root=bytes(32), versions=newest, at=now)
    assert advice(trust=behind) == ["laptop is connected and lacks revocations-leaves"]
    assert advice(trust=behind, connected=False) == []
    assert advice(trust=other) == ["laptop is connected and pins a root that was left"]
    assert advice(trust=other, replaced_by="d-" + "b" * 26) == []
    assert standing_of(device(trust=None), desk.identity.root_key, newest).behind == {}


def test_a_technicians_own_folder_is_judged(tom: Callable[..., TechnicianCertificate], desk: Desk) -> None:
    body, trust = tom(), after(Trust(root=desk.identity.trust.root), desk)
    assert own_advice(trust, body, "", "", 0, now_s()) == []
    bare = replace(trust, documents={})
    told = [each.what for each in own_advice(bare, body, "it has expired", "", 2, now_s())]
    assert told == [
        "your certificate does not hold: it has expired",
        "no revocations are here",
        "2 alarms are kept: somebody withheld documents, signed two truths, or showed another log",
    ]
