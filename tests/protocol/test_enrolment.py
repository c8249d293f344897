"""A device meets its organisation once; a server in between can swap nothing."""

import pytest

from protocol.certificates import Chain
from protocol.enrolment import (
    DeviceKeys,
    DeviceLogin,
    EnrolmentTicket,
    EnrolmentToken,
    check_login,
    enrolment_proof,
    print_token,
    proof_holds,
    read_token,
)
from protocol.errors import RemoteProtocolError
from protocol.fields import device_id
from protocol.statements import StatementName
from tests.making import DAY, NOW, Organisation, seed, serial, signing_key

ORG = Organisation()
SECRET = seed("enrolment secret")


def token_body(**changes: object) -> EnrolmentToken:
    body = EnrolmentToken(
        token_id=serial("token"),
        root=ORG.root_hash,
        root_key=ORG.root.public,
        organisation=ORG.name,
        customer="Acme",
        server_origin="https://help.example",
        log_name="help.example/log",
        log_key=bytes(32),
        floors={"revocations-leaves": 3},
        issued_at=NOW,
        not_after=NOW + DAY,
    )
    return body.model_copy(update=changes)


def printed(**changes: object) -> str:
    chain = Chain(issuer=ORG.issuer(), leaf=ORG.certifying.sign(token_body(**changes)))
    return print_token(EnrolmentTicket(chain=chain, secret=SECRET))


def keys(name: str = "laptop") -> DeviceKeys:
    return DeviceKeys(signing=signing_key(name).public, noise=seed(f"{name} n"), witness=seed(f"{name} w"))


def test_a_printed_token_is_read_back_even_when_wrapped() -> None:
    text = printed()
    wrapped = "\n  ".join(text[at : at + 60] for at in range(0, len(text), 60))
    token, ticket = read_token(wrapped, NOW)
    assert token == token_body()
    assert ticket.secret == SECRET


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not an enrolment token"),
        ("hello", "not an enrolment token"),
        ("bellpull1." + "A" * 20_000, "not an enrolment token"),
        ("bellpull1.!!!!", "damaged"),
        ("bellpull1.AAAAA", "damaged"),
        ("bellpull1.AAAA", "enrolment token"),
    ],
)
def test_a_damaged_token_says_what_to_do(text: str, why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        read_token(text, NOW)


def test_a_token_cut_short_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        read_token(printed()[:-30], NOW)


def test_an_expired_token_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=r"expired.*enrol-token"):
        read_token(printed(), NOW + DAY + 1)


def test_a_token_must_name_the_root_that_signed_it() -> None:
    with pytest.raises(RemoteProtocolError, match="another root"):
        read_token(printed(root=bytes(32)), NOW)
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        read_token(printed(root_key=signing_key("evil").public), NOW)


def test_an_issuer_that_may_not_enrol_is_refused() -> None:
    issuer = ORG.issuer(signs=(StatementName.TECHNICIAN_CERTIFICATE,))
    chain = Chain(issuer=issuer, leaf=ORG.certifying.sign(token_body()))
    with pytest.raises(RemoteProtocolError, match="may not sign a enrolment-token"):
        read_token(print_token(EnrolmentTicket(chain=chain, secret=SECRET)), NOW)


def test_the_proof_binds_keys_root_and_customer() -> None:
    proof = enrolment_proof(SECRET, keys(), ORG.root_hash, "Acme")
    assert proof_holds(proof, SECRET, keys(), ORG.root_hash, "Acme")
    assert not proof_holds(proof, SECRET, keys("swapped by the server"), ORG.root_hash, "Acme")
    assert not proof_holds(proof, SECRET, keys(), bytes(32), "Acme")
    assert not proof_holds(proof, SECRET, keys(), ORG.root_hash, "Other")
    assert not proof_holds(proof, seed("guess"), keys(), ORG.root_hash, "Acme")


def test_the_proof_binds_the_device_that_is_replaced() -> None:
    before = keys("before").device
    proof = enrolment_proof(SECRET, keys(), ORG.root_hash, "Acme", replaces=before)
    assert proof_holds(proof, SECRET, keys(), ORG.root_hash, "Acme", replaces=before)
    assert not proof_holds(proof, SECRET, keys(), ORG.root_hash, "Acme")
    assert not proof_holds(proof, SECRET, keys(), ORG.root_hash, "Acme", replaces=keys("another").device)
    assert not proof_holds(
        enrolment_proof(SECRET, keys(), ORG.root_hash, "Acme"), SECRET, keys(), ORG.root_hash, "Acme", replaces=before
    )


def test_the_device_id_is_derived_from_its_signing_key() -> None:
    assert keys().device == device_id(keys().signing)
    assert keys().device != keys("other").device


def test_a_login_answers_this_challenge_of_this_server_only() -> None:
    nonce = seed("nonce")
    login = DeviceLogin(
        device=keys().device, root=ORG.root_hash, origin="https://help.example", nonce=nonce, issued_at=NOW
    )
    check_login(login, root=ORG.root_hash, origin="https://help.example", nonce=nonce)
    with pytest.raises(RemoteProtocolError, match="another challenge"):
        check_login(login, root=ORG.root_hash, origin="https://help.example", nonce=seed("other"))
    with pytest.raises(RemoteProtocolError, match="another challenge"):
        check_login(login, root=ORG.root_hash, origin="https://help.example", nonce=b"")
    with pytest.raises(RemoteProtocolError, match="another server"):
        check_login(login, root=ORG.root_hash, origin="https://evil.example", nonce=nonce)
    with pytest.raises(RemoteProtocolError, match="another organisation"):
        check_login(login, root=bytes(32), origin="https://help.example", nonce=nonce)
