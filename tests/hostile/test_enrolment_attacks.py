"""Enrolment with an evil server between the customer and the organisation: keys swapped, tokens used twice, names bent.

The agent's real enrolment sends to the evil server; what the server hands on is judged by the organisation's real
approval, where the secret is. And what the server then hands to the device is judged by the device's pinned root.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.identity.enrol import enrol
from agent.identity.identity import Identity, device_secrets
from agent.paths import StateFolder
from agent.refusal import Refusal
from protocol.certificates import Chain, DeviceCertificate, IssuerRole
from protocol.enrolment import DeviceKeys, EnrolmentRequest, EnrolmentToken, enrolment_proof
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.limits import ENROLMENT_TOKEN_S
from protocol.messages.api import ServerFacts
from protocol.messages.login import Certified
from protocol.statements import parse_payload
from technician.clock import now_s
from technician.keys.passphrase import Passphrases
from technician.organisation.desk import Desk
from technician.organisation.enrolment import Approval, approve
from technician.organisation.server_pin import pin_server
from tests.agent.doubles import device_certificate
from tests.hostile.evil_server import EvilServer
from tests.hostile.machine import Machine, Time, enrolled, state_folder
from tests.making import Organisation, seed, signing_key
from tests.technician.conftest import Run, run
from tests.technician.enrol_token import printed_token

__all__ = ["run"]


class Office:
    """The organisation's own desk: keys, books, secrets. It meets nobody but through the evil server."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def token(self, customer: str = "Acme", now: int | None = None) -> str:
        return printed_token(self.desk, customer, now)

    def judge(self, request: EnrolmentRequest, now: int | None = None) -> Approval:
        return approve(
            request,
            identity=self.desk.identity,
            certifying=self.desk.key(IssuerRole.CERTIFYING),
            records=self.desk.records,
            secret_of=self.desk.secret_of(),
            now=now or now_s(),
        )


def make_office(run: Run, folder: Path, evil: EvilServer, name: str = "Helpful Ltd") -> Office:
    made = run("org", "init", "--name", name, "--keys", folder, "--no-passphrase")
    assert made.code == 0, made.text
    desk = Desk.open(folder, Passphrases())
    log = evil.log_key.verifier
    facts = ServerFacts(
        origin=evil.origin, log_name=log.name, log_key=log.public_key, root_key=None, organisation=None, version="0"
    )
    pin_server(desk.records, facts)
    return Office(desk)


@pytest.fixture
def office(run: Run, tmp_path: Path, evil: EvilServer) -> Office:
    return make_office(run, tmp_path / "org", evil)


async def enrol_at(folder: StateFolder, token: str, label: str = "laptop", now: int | None = None) -> None:
    await asyncio.to_thread(enrol, folder, token, label=label, now=now or now_s())


async def asked(tmp_path: Path, evil: EvilServer, office: Office, name: str = "s") -> EnrolmentRequest:
    """A customer enrols; the request as the server got it."""
    await enrol_at(state_folder(tmp_path / name), office.token())
    return evil.enrolments[-1]


def other_keys() -> DeviceKeys:
    return DeviceKeys(
        signing=signing_key("the server's own device").public,
        noise=seed("the server's noise"),
        witness=seed("the server's witness"),
    )


def swapped(name: str) -> Callable[[EnrolmentRequest], EnrolmentRequest]:
    def swap(request: EnrolmentRequest) -> EnrolmentRequest:
        keys = request.keys.model_copy(update={name: getattr(other_keys(), name)})
        return request.model_copy(update={"keys": keys})

    return swap


def all_swapped(request: EnrolmentRequest) -> EnrolmentRequest:
    return request.model_copy(update={"keys": other_keys()})


def all_swapped_with_a_proof(request: EnrolmentRequest) -> EnrolmentRequest:
    """With a proof made of all that the server knows, and of a guess at the secret."""
    token = parse_payload(request.token.leaf, EnrolmentToken)
    guess = sha256(token.token_id.encode())
    proof = enrolment_proof(guess, other_keys(), token.root, token.customer)
    return request.model_copy(update={"keys": other_keys(), "proof": proof})


def another_customer(request: EnrolmentRequest) -> EnrolmentRequest:
    leaf = request.token.leaf
    bent = leaf.model_copy(update={"payload": leaf.payload.replace(b'"Acme"', b'"Evil"')})
    return request.model_copy(update={"token": request.token.model_copy(update={"leaf": bent})})


SWAPS = {
    "its own signing key": swapped("signing"),
    "its own Noise key": swapped("noise"),
    "its own witness key": swapped("witness"),
    "a device of its own": all_swapped,
    "a device of its own and a proof of its own": all_swapped_with_a_proof,
    "another customer": another_customer,
}


@pytest.mark.parametrize("swap", SWAPS)
async def test_a_server_that_swaps_anything_gets_no_certificate(
    tmp_path: Path, evil: EvilServer, office: Office, swap: str
) -> None:
    request = await asked(tmp_path, evil, office)
    refused = office.judge(SWAPS[swap](request))
    assert refused.chain is None
    assert "proof does not hold" in refused.refusal or "does not verify" in refused.refusal
    # It does not spoil the token either: the device that had it is approved.
    assert office.judge(request).chain is not None


async def test_a_bent_label_is_the_servers_word_and_changes_nothing_that_is_certified(
    tmp_path: Path, evil: EvilServer, office: Office
) -> None:
    request = await asked(tmp_path, evil, office)
    approved = office.judge(request.model_copy(update={"label": "The chairman's laptop"}))
    assert approved.chain is not None
    body = parse_payload(approved.chain.leaf, DeviceCertificate)
    assert (body.customer, body.device, body.noise_key) == ("Acme", request.keys.device, request.keys.noise)


async def test_a_token_that_the_server_lets_two_machines_use_certifies_one(
    tmp_path: Path, evil: EvilServer, office: Office
) -> None:
    """The evil server answers 202 to everybody; the books of the organisation do not."""
    token = office.token()
    await enrol_at(state_folder(tmp_path / "first"), token)
    await enrol_at(state_folder(tmp_path / "second"), token)
    first, second = evil.enrolments
    assert first.keys.device != second.keys.device
    assert office.judge(second).chain is not None
    refused = office.judge(first)
    assert refused.chain is None
    assert "used by another device" in refused.refusal


@pytest.mark.parametrize("age_s", [ENROLMENT_TOKEN_S + 1, 8 * 86_400])
async def test_an_expired_token_makes_no_keys_and_sends_nothing(
    tmp_path: Path, evil: EvilServer, office: Office, age_s: int
) -> None:
    folder = state_folder(tmp_path / "s")
    with pytest.raises(RemoteProtocolError, match="expired"):
        await enrol_at(folder, office.token(now=now_s() - age_s))
    assert evil.enrolments == []
    assert device_secrets(folder.identity, make=False) is None
    assert Identity.load(folder.identity) is None


async def test_a_machine_with_its_clock_turned_back_takes_an_old_token_and_is_not_approved(
    tmp_path: Path, evil: EvilServer, office: Office
) -> None:
    """Found in a drawer after nine days: the machine believes that it is the first day, the organisation knows."""
    await enrol_at(state_folder(tmp_path / "s"), office.token())
    refused = office.judge(evil.enrolments[-1], now_s() + 9 * 86_400)
    assert refused.chain is None
    assert "ended too long ago" in refused.refusal


@pytest.mark.parametrize("place", ["in the middle", "at the end", "in its secret"])
async def test_a_wrong_token_is_refused_before_anything_is_sent(
    tmp_path: Path, evil: EvilServer, office: Office, place: str
) -> None:
    """A letter mistyped. In the secret it cannot be seen here, and the organisation does not take the proof."""
    folder, token = state_folder(tmp_path / "s"), office.token()
    if place == "in its secret":
        from protocol.enrolment import print_token, read_token

        _, ticket = read_token(token, now_s())
        await enrol_at(folder, print_token(ticket.model_copy(update={"secret": seed("mistyped")})))
        assert "proof does not hold" in office.judge(evil.enrolments[-1]).refusal
        return
    at = len(token) // 2 if place == "in the middle" else len(token) - 2
    wrong = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    with pytest.raises(RemoteProtocolError):
        await enrol_at(folder, wrong)
    assert evil.enrolments == []
    assert Identity.load(folder.identity) is None


async def test_another_organisations_token_is_refused_for_ever_whatever_the_server_says(
    tmp_path: Path, evil: EvilServer, office: Office, run: Run
) -> None:
    folder = state_folder(tmp_path / "s")
    await enrol_at(folder, office.token())
    before = Identity.load(folder.identity)
    other = make_office(run, tmp_path / "evil org", evil, "Evil Inc")
    with pytest.raises(Refusal, match="another organisation"):
        await enrol_at(folder, other.token())
    assert len(evil.enrolments) == 1
    after = Identity.load(folder.identity)
    assert before is not None
    assert after is not None
    assert (after.device, after.root_key) == (before.device, before.root_key)


async def test_a_certificate_for_keys_that_the_server_swapped_does_not_settle_on_the_device(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """Even if the organisation were talked into it: the device knows its own keys."""
    async with enrolled(tmp_path / "s", evil, organisation, certified=False, time=Time()) as machine:
        for name in ("noise_key", "witness_key"):
            bent = device_certificate(organisation, machine.identity, **{name: seed("the server's own")})
            await refused(evil, machine, bent)
        await refused(evil, machine, organisation.device("the server's own device"))
        assert machine.member.trust.certificate is None
        await evil.say(Certified(certificate=device_certificate(organisation, machine.identity)))
        await machine.until(lambda: machine.member.trust.certificate is not None)


async def refused(evil: EvilServer, machine: Machine, chain: Chain) -> None:
    before = machine.log.events("warning").count("certificate-refused")
    await evil.say(Certified(certificate=chain))
    await machine.until(lambda: machine.log.events("warning").count("certificate-refused") > before)
