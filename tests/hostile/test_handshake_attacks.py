"""Everybody who is not the technician whom the organisation certified, in this room, now: nothing is asked, nothing
runs, nobody is let in. The device's real session code against real and bent technicians."""

from collections.abc import Callable

import pytest

from agent.session.effects import AskCustomer, OpenBooks, RaiseAlarm, Received, Run, StartHost
from protocol.actions.scopes import Scope
from protocol.certificates import Chain, IssuerRole
from protocol.grants import SessionRequest
from protocol.limits import RELAY_MESSAGE_MAX_BYTES
from protocol.noise import SESSION_PROTOCOL, HandshakeState, session_prologue
from protocol.session_rules import REQUEST_MAX_AGE_S
from protocol.session_state import SessionState
from protocol.statements import Envelope, SigningKey, StatementName
from protocol.strict_json import dump
from protocol.visit import Hello, Introduction, RefusalReason
from technician.session.events import Refused
from tests.agent.visiting import (
    ORG,
    ROOM,
    SCOPES,
    TICKET,
    Device,
    Encounter,
    chain_of,
    ephemeral,
    expired_by,
    revoked_serial,
    technician_keys,
    trusting,
)
from tests.making import DAY, NOW, Organisation, seed, serial, signing_key

OTHER = Organisation("Other Ltd")


def nothing_happened(visit: Encounter) -> None:
    """Not asked, not granted, not run."""
    kinds = {type(effect) for effect in visit.done}
    assert kinds.isdisjoint({AskCustomer, OpenBooks, Run})
    assert visit.steps.grant is None
    assert visit.steps.state is SessionState.ENDED


# --- certificates ----------------------------------------------------------------------------------------------------

KEYS = technician_keys()


def _forged() -> Chain:
    """Signed by the technician's own key instead of an issuer."""
    good = chain_of(KEYS)
    body = ORG.technician_body(
        signing_key=KEYS.verify_key.public, noise_key=KEYS.noise_public, age_recipient=KEYS.age_recipient
    )
    return Chain(issuer=good.issuer, leaf=signing_key(f"{ORG.name} Ada Tech").sign(body))


def _content_issuer() -> Chain:
    """Signed by an issuer that may not sign technicians."""
    body = ORG.technician_body(
        signing_key=KEYS.verify_key.public, noise_key=KEYS.noise_public, age_recipient=KEYS.age_recipient
    )
    return Chain(issuer=ORG.issuer(IssuerRole.CONTENT), leaf=ORG.content.sign(body))


def _altered() -> Chain:
    good = chain_of(KEYS)
    payload = good.leaf.payload.replace(b'"tier":1', b'"tier":3')
    return good.model_copy(update={"leaf": good.leaf.model_copy(update={"payload": payload})})


BAD_CHAINS: dict[str, Callable[[], Chain]] = {
    "another organisation's root": lambda: chain_of(KEYS, organisation=OTHER),
    "expired": lambda: chain_of(KEYS, **expired_by(1)),
    "not valid yet": lambda: chain_of(KEYS, not_before=NOW + 10, not_after=NOW + DAY),
    "outlives its issuer": lambda: chain_of(KEYS, not_after=NOW + 101 * DAY),
    "of a customer that is not this device's": lambda: chain_of(KEYS, customers=("Somebody Else",)),
    "of no customer": lambda: chain_of(KEYS, customers=()),
    "without the scopes asked for": lambda: chain_of(KEYS, scopes=(Scope.DIAGNOSE,)),
    "of no scope": lambda: chain_of(KEYS, scopes=()),
    "with another Noise key than the handshake's": lambda: chain_of(KEYS, noise_key=seed("another noise key")),
    "with another signing key than the request's": lambda: chain_of(KEYS, signing_key=signing_key("x").public),
    "naming another root inside": lambda: chain_of(KEYS, root=OTHER.root_hash),
    "signed by the technician": _forged,
    "signed by the content issuer": _content_issuer,
    "altered after signing": _altered,
    "the leaf where the issuer is due": lambda: Chain(issuer=chain_of(KEYS).leaf, leaf=chain_of(KEYS).leaf),
    "the issuer where the leaf is due": lambda: Chain(issuer=chain_of(KEYS).issuer, leaf=chain_of(KEYS).issuer),
    "a device's certificate": lambda: ORG.device(),
}


@pytest.mark.parametrize("fault", BAD_CHAINS)
def test_a_bad_certificate_is_refused_before_anybody_is_asked(fault: str) -> None:
    chain = BAD_CHAINS[fault]()
    visit = Encounter(keys=KEYS)
    visit.technician._chain = chain  # what the hostile program sends instead of its own
    visit.begin()
    nothing_happened(visit)
    assert visit.steps.refused is RefusalReason.NOT_CERTIFIED
    assert not any(isinstance(effect, StartHost) for effect in visit.done)


def test_a_revoked_certificate_is_refused() -> None:
    trust = ORG.trust.accept(ORG.revocations(version=2, serials=(revoked_serial(),)), NOW)
    visit = Encounter(trust=trust).begin()
    nothing_happened(visit)
    assert visit.said(Refused) == [Refused(RefusalReason.NOT_CERTIFIED)]


def test_revocations_that_the_other_end_brings_count_at_once() -> None:
    """A server withholds the list; the technician's program, or an attacker's own copy of it, has the newer one."""
    newer = ORG.revocations(version=7, serials=(revoked_serial(),))
    visit = Encounter(hello=Hello(checkpoint="seen", versions={}, revocations=newer)).begin()
    nothing_happened(visit)
    assert visit.steps.refused is RefusalReason.NOT_CERTIFIED


def test_older_revocations_from_the_other_end_change_nothing() -> None:
    trust = ORG.trust.accept(ORG.revocations(version=5, serials=(revoked_serial(),)), NOW)
    older = ORG.revocations(version=4)
    visit = Encounter(trust=trust, hello=Hello(checkpoint="seen", versions={}, revocations=older)).begin()
    nothing_happened(visit)


def test_two_lists_of_one_version_are_an_alarm() -> None:
    other = ORG.revocations(version=1, serials=(serial("somebody"),))
    visit = Encounter(hello=Hello(checkpoint="seen", versions={}, revocations=other)).begin()
    nothing_happened(visit)
    assert [effect.kind for effect in visit.done if isinstance(effect, RaiseAlarm)] == ["fork"]


def test_revocations_of_another_organisation_end_it() -> None:
    foreign = OTHER.revocations(version=9)
    visit = Encounter(hello=Hello(checkpoint="seen", versions={}, revocations=foreign)).begin()
    nothing_happened(visit)


def test_without_a_checkpoint_nobody_comes_in() -> None:
    visit = Encounter(hello=Hello(checkpoint="", versions={}, revocations=None)).begin()
    nothing_happened(visit)


# --- replays ---------------------------------------------------------------------------------------------------------


class Thief:
    """Holds a Noise key of its own, and whatever introductions it has collected."""

    def __init__(self, device: Device, room: str = ROOM, ticket: str = TICKET) -> None:
        self.handshake = HandshakeState(
            SESSION_PROTOCOL,
            initiator=True,
            prologue=session_prologue(ORG.root_hash, device.id, ticket, room),
            s=ephemeral("thief's static")(),
            rs=device.noise_public,
            ephemeral=ephemeral("thief"),
        )

    def knock(self, visit: Encounter, introduction: Introduction) -> None:
        visit.feed(Received(self.handshake.write_message()))
        self.handshake.read_message(visit.to_technician.pop(0))
        visit.feed(Received(self.handshake.write_message(dump(introduction))))


def collected(device: Device) -> tuple[Introduction, list[bytes]]:
    """What a device learns of a technician who visits it: chain, request, and the messages on the wire."""
    wire: list[bytes] = []

    def tap(direction: str, data: bytes) -> list[bytes]:
        if direction == "to device":
            wire.append(data)
        return [data]

    visit = Encounter(device=device, tamper=tap).begin()
    assert visit.steps.visitor is not None
    assert visit.technician.request is not None
    return Introduction(technician=visit.steps.visitor.chain, request=visit.technician.request), wire


def test_a_chain_and_request_that_a_decoy_collected_are_worth_nothing_under_another_static_key() -> None:
    stolen, _ = collected(Device("decoy"))
    victim = Encounter()
    Thief(victim.device).knock(victim, stolen)
    nothing_happened(victim)
    assert victim.steps.refused is RefusalReason.NOT_CERTIFIED


def test_they_are_worth_nothing_at_the_very_device_they_were_made_for() -> None:
    victim = Encounter()
    stolen, _ = collected(victim.device)
    Thief(victim.device).knock(victim, stolen)
    nothing_happened(victim)


def test_a_recorded_visit_played_again_opens_nothing() -> None:
    device = Device()
    _, wire = collected(device)
    again = Encounter(device=device)
    again.steps._door._handshake._make_ephemeral = ephemeral("the device never uses an ephemeral key twice")
    for data in wire:
        again.feed(Received(data))
    nothing_happened(again)


def _bent(**changes: object) -> Callable[[Encounter], None]:
    def bend(visit: Encounter) -> None:
        real = visit.technician._keys.sign

        def sign(body: object) -> Envelope:
            if isinstance(body, SessionRequest):
                body = body.model_copy(update=changes)
            return real(body)  # type: ignore[arg-type]

        visit.technician._keys.sign = sign  # type: ignore[method-assign, assignment]

    return bend


BENT_REQUESTS: dict[str, dict[str, object]] = {
    "another device": {"device": Device("other").id},
    "another organisation": {"root": OTHER.root_hash},
    "another room": {"room": "b" * 26},
    "another ticket": {"ticket": "01890a5d-ac96-7745-bcce-b302099a8058"},
    "no ticket": {"ticket": None},
    "another certificate": {"serial": serial("other")},
    "another ephemeral key": {"initiator_ephemeral": seed("other ephemeral")},
    "a time long ago": {"issued_at": NOW - REQUEST_MAX_AGE_S - 1},
    "a time to come": {"issued_at": NOW + REQUEST_MAX_AGE_S + 1},
}


@pytest.mark.parametrize("fault", BENT_REQUESTS)
def test_a_request_that_names_something_else_is_refused(fault: str) -> None:
    visit = Encounter(keys=technician_keys())
    _bent(**BENT_REQUESTS[fault])(visit)
    visit.begin()
    nothing_happened(visit)
    assert visit.steps.refused is RefusalReason.NOT_CERTIFIED


@pytest.mark.parametrize("name", [name for name in StatementName if name is not StatementName.SESSION_REQUEST])
def test_no_other_statement_passes_for_a_request(name: StatementName) -> None:
    """The technician's own signature over the very bytes of a request, under every other type."""

    class Disguised(SessionRequest):
        statement_name = name

    for rename in (False, True):
        visit = Encounter(keys=technician_keys())
        real = visit.technician._keys.sign
        key = signing_key(f"{ORG.name} Ada Tech")

        def sign(body: object, rename: bool = rename, key: SigningKey = key, real: object = real) -> Envelope:
            if not isinstance(body, SessionRequest):
                return real(body)  # type: ignore[operator, no-any-return]
            envelope = key.sign(Disguised(**body.model_dump()))
            renamed = {"payloadType": StatementName.SESSION_REQUEST.payload_type}
            return envelope.model_copy(update=renamed) if rename else envelope

        visit.technician._keys.sign = sign  # type: ignore[method-assign, assignment]
        visit.begin()
        nothing_happened(visit)


@pytest.mark.parametrize(
    ("room", "ticket"), [("b" * 26, TICKET), (ROOM, ""), (ROOM, "01890a5d-ac96-7745-bcce-b302099a8058")]
)
def test_the_prologue_binds_room_and_ticket(room: str, ticket: str) -> None:
    """A relay that puts a technician into another room, or an offer with another ticket: no handshake."""
    stolen, _ = collected(Device())
    victim = Encounter()
    thief = Thief(victim.device, room, ticket)
    victim.feed(Received(thief.handshake.write_message()))
    nothing_happened(victim)
    assert stolen.request is not None


# --- malformed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [b"", b"\0", b"\0" * 31, b"\0" * 48, b"\xff" * 48, bytes(RELAY_MESSAGE_MAX_BYTES), b"GET / HTTP/1.1\r\n\r\n" * 4],
)
def test_garbage_instead_of_a_handshake_ends_it(first: bytes) -> None:
    visit = Encounter()
    visit.feed(Received(first))
    nothing_happened(visit)


def test_a_payload_in_message_one_ends_it() -> None:
    visit = Encounter()
    thief = Thief(visit.device)
    visit.feed(Received(thief.handshake.write_message(b"early")))
    nothing_happened(visit)


@pytest.mark.parametrize(
    "introduction",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"technician":1,"request":2}',
        b'{"technician":{},"technician":{},"request":{}}',
        b"[" * 40_000,
        b"\xff\xfe",
        b'{"a":"\\ud800"}',
    ],
)
def test_an_introduction_that_is_none_ends_it(introduction: bytes) -> None:
    visit = Encounter()
    thief = Thief(visit.device)
    visit.feed(Received(thief.handshake.write_message()))
    thief.handshake.read_message(visit.to_technician.pop(0))
    visit.feed(Received(thief.handshake.write_message(introduction)))
    nothing_happened(visit)


def test_the_real_technician_is_let_in() -> None:
    """The control: the same harness without a fault."""
    visit = Encounter().begin()
    assert visit.steps.state is SessionState.ACTIVE
    assert visit.steps.grant is not None
    assert visit.steps.grant.grant.body.scopes == SCOPES
    assert visit.steps._trust == trusting()
