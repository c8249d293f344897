"""An organisation's life at the command line, without a server: keys, certificates, tokens, books."""

import asyncio
import json
import stat
import sys
from pathlib import Path

import pytest

from protocol.actions.scopes import Scope
from protocol.certificates import (
    BundleRecipients,
    IssuerRole,
    KnownIssuePack,
    OrganisationPolicy,
    Revocations,
    TechnicianCertificate,
)
from protocol.enrolment import DeviceKeys, EnrolmentRequest, enrolment_proof, read_token
from protocol.limits import CLOCK_SKEW_S
from protocol.messages.api import ServerFacts
from protocol.statements import StatementName, parse_payload
from protocol.trust import Trust
from technician.certificate_file import check_certificate, read_certificate
from technician.clock import now_s
from technician.keys.passphrase import Passphrases
from technician.keys.technician_keys import read_request
from technician.organisation import issuers, publish
from technician.organisation.desk import Desk
from technician.organisation.enrolment import approve, make_token
from technician.organisation.server_pin import pin_server, pinned_server
from technician.problems import Problem
from tests.making import seed, signing_key
from tests.server.actors import Clock
from tests.server.conftest import running_world
from tests.technician.conftest import Ran, Run, objects
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


@pytest.fixture
def desk(run: Run, private: Path, passphrase_file: Path) -> Desk:
    """An organisation with keys and a pinned server, as `org init` and `org pin` leave it."""
    made = run("org", "init", "--name", "Helpful Ltd", "--keys", private / "org", "--passphrase-file", passphrase_file)
    assert made.code == 0, made.text
    opened = Desk.open(private / "org", Passphrases(passphrase_file))
    pin_server(opened.records, FACTS)
    return opened


@pytest.fixture
def request_file(run: Run, private: Path, passphrase_file: Path) -> Path:
    home = private / "tech"
    made = run("keys", "init", "--name", "Tom Vale", "--home", home, "--passphrase-file", passphrase_file)
    assert made.code == 0, made.text
    return home / "request.json"


def certify(run: Run, desk: Desk, request: Path, passphrase_file: Path, *more: str) -> Path:
    out = desk.folder / "certificate.json"
    ran = run(
        "org", "certify", request, "--customer", "Acme", "--out", out, "--keys", desk.folder,
        "--passphrase-file", passphrase_file, *more,
    )  # fmt: skip
    assert ran.code == 0, ran.text
    return out


def enrolment_request(token_text: str, name: str = "laptop") -> EnrolmentRequest:
    """What an agent with this token would send."""
    token, ticket = read_token(token_text, now_s())
    keys = DeviceKeys(
        signing=signing_key(f"device {name}").public, noise=seed(f"{name} noise"), witness=seed(f"{name} witness")
    )
    proof = enrolment_proof(ticket.secret, keys, token.root, token.customer)
    return EnrolmentRequest(token=ticket.chain, keys=keys, label=name, proof=proof, requested_at=now_s())


def new_token(desk: Desk, customer: str = "Acme") -> str:
    return make_token(
        customer,
        identity=desk.identity,
        certifying=desk.key(IssuerRole.CERTIFYING),
        records=desk.records,
        server=pinned_server(desk.records),
        secret_of=desk.secret_of(),
        now=now_s(),
    )[0]


def judge(desk: Desk, request: EnrolmentRequest, now: int | None = None) -> str:
    """`approved`, or why not."""
    approval = approve(
        request,
        identity=desk.identity,
        certifying=desk.key(IssuerRole.CERTIFYING),
        records=desk.records,
        secret_of=desk.secret_of(),
        now=now or now_s(),
    )
    return "approved" if approval.chain else approval.refusal


# --- keys ------------------------------------------------------------------------------------------------


def test_init_prints_every_fingerprint_and_leaves_only_private_files(
    run: Run, private: Path, passphrase_file: Path
) -> None:
    folder = private / "org"
    ran = run("org", "init", "--name", "Helpful", "--keys", folder, "--passphrase-file", passphrase_file, "--json")
    assert ran.json["protected"]
    assert sorted(ran.json["fingerprints"]) == ["certifying", "content", "root"]
    assert all(len(text.split()) == 16 for text in ran.json["fingerprints"].values())
    names = {path.name for path in folder.iterdir()}
    assert names == {"root.key", "certifying.key", "content.key", "enrolment.key", "organisation.db", "root.json"}
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_init_never_overwrites_an_organisation(run: Run, desk: Desk, passphrase_file: Path) -> None:
    before = (desk.folder / "root.key").read_bytes()
    ran = run("org", "init", "--name", "Again", "--keys", desk.folder, "--passphrase-file", passphrase_file)
    assert ran.code == 1
    assert "already kept here" in ran.text
    assert (desk.folder / "root.key").read_bytes() == before


def test_init_refuses_a_servers_data_directory(run: Run, private: Path, passphrase_file: Path) -> None:
    (private / ".bellpull-server-data").touch()
    ran = run("org", "init", "--name", "X", "--keys", private / "keys", "--passphrase-file", passphrase_file, "--json")
    assert ran.code == 1
    assert ran.json["error"]["what"] == "keys are never kept in a server's data directory"
    assert not (private / "keys").exists()


def test_a_short_passphrase_is_refused_and_nothing_is_made(run: Run, private: Path, passphrase_file: Path) -> None:
    passphrase_file.write_text("short")
    ran = run("org", "init", "--name", "X", "--keys", private / "keys", "--passphrase-file", passphrase_file)
    assert ran.code == 1
    assert "too short" in ran.text
    assert not (private / "keys" / "root.key").exists()


def test_without_keyboard_or_file_the_passphrase_is_asked_for_in_words(run: Run, private: Path) -> None:
    if Path("/dev/tty").exists():
        try:
            with Path("/dev/tty").open():
                pytest.skip("this test run has a terminal, at which the passphrase would be asked for")
        except OSError:
            pass
    ran = run("org", "init", "--name", "X", "--keys", private / "keys")
    assert ran.code == 2
    assert "--passphrase-file" in ran.text


def test_a_wrong_passphrase_is_said_plainly(run: Run, desk: Desk, passphrase_file: Path) -> None:
    passphrase_file.write_text("another passphrase entirely")
    ran = run(
        "org", "enrol-token", "--customer", "A", "--keys", desk.folder, "--passphrase-file", passphrase_file, "--json"
    )
    assert ran.code == 1
    assert ran.json["error"] == {
        "what": "certifying.key does not open",
        "expected": "its passphrase",
        "got": "another one, or a changed file",
        "hint": "Try again. A forgotten passphrase cannot be recovered: make new keys.",
    }


def test_daily_work_goes_on_while_the_root_key_lies_in_a_drawer(
    run: Run, desk: Desk, request_file: Path, passphrase_file: Path
) -> None:
    (desk.folder / "root.key").unlink()
    certify(run, desk, request_file, passphrase_file)
    assert judge(desk, enrolment_request(new_token(desk))) == "approved"
    assert documents(desk)


def test_the_issuers_may_sign_only_what_their_role_allows(desk: Desk) -> None:
    certifying = desk.identity.issuer(IssuerRole.CERTIFYING, now_s())
    content = desk.identity.issuer(IssuerRole.CONTENT, now_s())
    assert StatementName.TECHNICIAN_CERTIFICATE in certifying.signs
    assert StatementName.TECHNICIAN_CERTIFICATE not in content.signs
    assert not set(certifying.signs) & set(content.signs)


# --- technicians -----------------------------------------------------------------------------------------


def test_a_certified_technician_is_proven_under_the_root_and_installs_the_file(
    run: Run, desk: Desk, request_file: Path, passphrase_file: Path
) -> None:
    out = certify(run, desk, request_file, passphrase_file, "--tier", "2", "--scope", "diagnose", "--days", "7")
    file = read_certificate(out.read_bytes())
    body = check_certificate(file, read_request(request_file.read_bytes()), now_s()).body
    assert (body.name, body.tier, body.customers, body.scopes) == ("Tom Vale", 2, ("Acme",), (Scope.DIAGNOSE,))
    assert body.not_after - body.not_before == 7 * 86_400 + CLOCK_SKEW_S

    ran = run("keys", "install", out, "--home", request_file.parent, "--json")
    assert ran.code == 0, ran.text
    assert ran.json["server"] == FACTS.origin


def test_a_certificate_for_other_keys_is_not_installed(
    run: Run, desk: Desk, request_file: Path, passphrase_file: Path
) -> None:
    out = certify(run, desk, request_file, passphrase_file)
    home = request_file.parent
    run("keys", "init", "--name", "Tom", "--home", home, "--passphrase-file", passphrase_file, "--replace")
    ran = run("keys", "install", out, "--home", home, "--json")
    assert ran.code == 1
    assert ran.json["error"]["what"] == "this certificate names another signing key than yours"
    assert not (home / "certificate.json").exists()


def test_another_organisations_root_is_refused_once_one_is_pinned(
    run: Run, desk: Desk, request_file: Path, passphrase_file: Path, private: Path
) -> None:
    home = request_file.parent
    assert run("keys", "install", certify(run, desk, request_file, passphrase_file), "--home", home).code == 0
    run("org", "init", "--name", "Evil Inc", "--keys", private / "evil", "--passphrase-file", passphrase_file)
    evil = Desk.open(private / "evil", Passphrases(passphrase_file))
    pin_server(evil.records, FACTS)
    ran = run("keys", "install", certify(run, evil, request_file, passphrase_file), "--home", home, "--json")
    assert ran.code == 1
    assert ran.json["error"]["what"] == "this certificate comes from another organisation root"


def test_a_revoked_technician_is_in_the_next_revocations_and_not_certified_again_with_those_keys(
    run: Run, desk: Desk, request_file: Path, passphrase_file: Path
) -> None:
    out = certify(run, desk, request_file, passphrase_file)
    serial = parse_payload(read_certificate(out.read_bytes()).chain.leaf, TechnicianCertificate).serial
    arguments = ("--keys", desk.folder, "--passphrase-file", passphrase_file, "--no-publish", "--json")
    ran = run("org", "revoke", "Tom Vale", "--reason", "laptop stolen", *arguments)
    assert ran.json["serial"] == serial

    trust = Trust(root=desk.identity.trust.root)
    for _, document in documents(desk):
        trust = trust.accept(document, now_s())
    assert trust.is_revoked(serial)
    assert trust.recipients(now_s()) is None  # nobody is left to seal anything to

    again = run(
        "org", "certify", request_file, "--customer", "Acme", "--out", out, "--keys", desk.folder,
        "--passphrase-file", passphrase_file, "--json",
    )  # fmt: skip
    assert again.code == 1
    assert again.json["error"]["what"] == "these keys were revoked before"
    assert run("org", "revoke", "Tom Vale", *arguments).code == 1  # there is none in force


# --- devices ---------------------------------------------------------------------------------------------


def test_a_device_with_a_token_is_approved_and_its_customer_comes_from_the_token(desk: Desk) -> None:
    request = enrolment_request(new_token(desk, "Acme"))
    assert judge(desk, request) == "approved"
    (record,) = desk.records.certificates("device")
    body = desk.identity.trust.device(record.chain, now_s()).body
    assert (body.device, body.customer) == (request.keys.device, "Acme")
    assert judge(desk, request) == "approved"  # asked again: the same certificate
    assert len(desk.records.certificates("device")) == 1


def test_a_server_that_swaps_the_keys_cannot_make_the_proof(desk: Desk) -> None:
    honest = enrolment_request(new_token(desk))
    swapped = honest.keys.model_copy(update={"noise": seed("the server's own")})
    assert "proof does not hold" in judge(desk, honest.model_copy(update={"keys": swapped}))


def test_a_token_lets_one_device_in(desk: Desk) -> None:
    token = new_token(desk)
    assert judge(desk, enrolment_request(token, "first")) == "approved"
    assert "used by another device" in judge(desk, enrolment_request(token, "second"))


def test_a_token_of_another_organisation_gets_nothing(
    run: Run, desk: Desk, private: Path, passphrase_file: Path
) -> None:
    run("org", "init", "--name", "Evil Inc", "--keys", private / "evil", "--passphrase-file", passphrase_file)
    evil = Desk.open(private / "evil", Passphrases(passphrase_file))
    pin_server(evil.records, FACTS)
    assert "does not verify" in judge(desk, enrolment_request(new_token(evil)))


def test_a_well_signed_token_that_is_not_in_the_books_gets_nothing(desk: Desk) -> None:
    request = enrolment_request(new_token(desk))
    with desk.records.transaction() as books:
        books.execute("DELETE FROM tokens")
    assert "not in our books" in judge(desk, request)


def test_an_approval_waits_a_week_and_no_longer(desk: Desk) -> None:
    request = enrolment_request(new_token(desk))
    assert "ended too long ago" in judge(desk, request, now_s() + 8 * 86_400 + 1)
    assert judge(desk, request, now_s() + 6 * 86_400) == "approved"


# --- published documents ---------------------------------------------------------------------------------


def documents(desk: Desk) -> list:  # type: ignore[type-arg]
    keys = {role: desk.key(role) for role in IssuerRole}
    return publish.make_documents(desk.identity, desk.records, pinned_server(desk.records), keys, now_s())


def test_published_documents_hold_under_the_root_and_rise_in_version(
    run: Run, desk: Desk, request_file: Path, passphrase_file: Path
) -> None:
    certify(run, desk, request_file, passphrase_file)
    trust = Trust(root=desk.identity.trust.root)
    for round_number in (1, 2, 3):
        for name, document in documents(desk):
            trust = trust.accept(document, now_s())
            assert trust.floors[name].version == round_number
    assert desk.records.floors() == {name: floor.version for name, floor in trust.floors.items()}
    recipients = trust.recipients(now_s())
    policy = trust.policy()
    assert recipients is not None
    assert [each.name for each in recipients.recipients] == ["Tom Vale"]
    assert policy is not None
    assert (policy.server_origin, policy.log_key) == (FACTS.origin, FACTS.log_key)


def test_the_known_issue_pack_carries_every_issue_of_diagnostics(desk: Desk) -> None:
    files = {issue.id for issue in publish.packed_issues(desk.records)}
    packs = [document for name, document in documents(desk) if name == StatementName.KNOWN_ISSUE_PACK]
    if not files:
        assert packs == []  # nothing to publish is not an empty pack
        return
    body = desk.identity.trust.check_document(packs[0], now_s())
    assert isinstance(body, KnownIssuePack)
    assert {issue.id for issue in body.issues} == files


def test_a_version_is_never_given_out_twice(desk: Desk) -> None:
    other = Desk.open(desk.folder, desk.passphrases)
    taken = [records.next_version("x") for _ in range(50) for records in (desk.records, other.records)]
    assert taken == list(range(1, 101))


def test_each_document_is_signed_by_its_own_issuer(desk: Desk) -> None:
    roles = {
        StatementName.REVOCATIONS: Revocations,
        StatementName.BUNDLE_RECIPIENTS: BundleRecipients,
        StatementName.ORGANISATION_POLICY: OrganisationPolicy,
    }
    for name, document in documents(desk):
        role = IssuerRole.CERTIFYING if name.startswith("revocations") else IssuerRole.CONTENT
        assert document.issuer == desk.identity.issuers[role]
        assert any(name.startswith(known) for known in [*roles, StatementName.KNOWN_ISSUE_PACK])


# --- the pinned server -----------------------------------------------------------------------------------


def test_a_server_with_another_log_key_is_refused_for_ever(desk: Desk) -> None:
    other = FACTS.model_copy(update={"log_key": signing_key("another log").public})
    with pytest.raises(Problem, match="not the one that was pinned"):
        pin_server(desk.records, other)
    assert pin_server(desk.records, FACTS).origin == FACTS.origin


def test_the_enrolment_secret_is_different_for_each_token_and_the_same_each_time(desk: Desk) -> None:
    first, again, other = (
        issuers.enrolment_secret(desk.folder, token, desk.passphrases) for token in ("0" * 32, "0" * 32, "1" * 32)
    )
    assert first == again != other


def test_the_list_of_certificates_tells_state_and_serial(
    run: Run, desk: Desk, request_file: Path, passphrase_file: Path
) -> None:
    certify(run, desk, request_file, passphrase_file)
    ran = run("org", "certificates", "--keys", desk.folder, "--json")
    (row,) = ran.json["certificates"]
    assert (row["kind"], row["subject"], row["revoked_at"]) == ("technician", "Tom Vale", None)
    assert json.loads(ran.result.stdout) == ran.json


# --- at a real server ------------------------------------------------------------------------------------


async def test_pin_publish_enrol_and_approve_at_a_real_server(
    run: Run, private: Path, passphrase_file: Path, tmp_path: Path, at_now: None
) -> None:
    """The whole first day over HTTP, by the commands themselves; a swapped key among the requests is refused."""
    keys = private / "org"
    secret = ("--keys", keys, "--passphrase-file", passphrase_file, "--json")
    async with running_world(tmp_path, Clock()) as world:

        async def org(*arguments: object) -> Ran:
            more = secret if arguments[0] != "pin" else ("--keys", keys, "--json")
            return await asyncio.to_thread(lambda: run("org", *arguments, *more))

        assert (await org("init", "--name", "Helpful Ltd")).code == 0
        wrong = await org("pin", world.origin, "--setup-code", "none-such-code")
        assert wrong.code == 1
        pinned = await org("pin", world.origin, "--setup-code", world.setup_code)
        assert pinned.code == 0, pinned.text
        assert (await org("pin", world.origin, "--setup-code", world.setup_code)).code == 0  # again: nothing new
        first = await org("publish")
        assert first.json["versions"]["revocations-leaves"] == 1
        assert (await org("publish")).json["versions"]["revocations-leaves"] == 2

        honest = enrolment_request((await org("enrol-token", "--customer", "Acme")).json["token"], "laptop")
        stolen = enrolment_request((await org("enrol-token", "--customer", "Acme")).json["token"], "desktop")
        swapped = stolen.keys.model_copy(update={"noise": seed("the server's own")})
        for request in (honest, stolen.model_copy(update={"keys": swapped})):
            assert (await world.post("/api/enrol", request)).status_code == 202
        approved = await org("approve")
        told = {row["device"]: row for row in objects(approved.result.stdout)}
        assert approved.code == 1
        assert told[honest.keys.device]["approved"] is True
        assert "proof does not hold" in told[stolen.keys.device]["refusal"]
        assert (await org("approve")).code == 0  # nobody is waiting any more
