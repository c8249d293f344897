"""A key signs statements of a named type, and nothing else can be taken for one."""

import json
import os
import random

import pytest

from protocol import audit, certificates, enrolment, grants, owner, tickets
from protocol.certificates import BundleRecipients, KnownIssuePack, PackedIssue, Recipient, Revocations, RootRotation
from protocol.enrolment import DeviceLogin, TechnicianLogin
from protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocol.statements import (
    Envelope,
    SigningKey,
    Statement,
    StatementName,
    VerifyKey,
    parse_payload,
    pre_authentication_encoding,
    verify,
    verify_both,
)
from tests.making import AGE, NOW, Organisation, seed, signing_key

KEY = signing_key("somebody")
LOGIN = DeviceLogin(
    device="d-" + "a" * 26, root=bytes(32), origin="https://help.example", nonce=bytes(range(32)), issued_at=NOW
)


def all_statement_models() -> dict[StatementName, type[Statement]]:
    found: dict[StatementName, type[Statement]] = {}
    for module in (audit, certificates, enrolment, grants, owner, tickets):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Statement) and hasattr(value, "statement_name"):
                found[value.statement_name] = value
    return found


def test_the_encoding_is_the_one_dsse_publishes() -> None:
    # The example of the DSSE v1 specification.
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_statement_survives_the_wire_and_verifies() -> None:
    envelope = Envelope.parse(KEY.sign(LOGIN).to_bytes())
    verified = verify(envelope, DeviceLogin, KEY.verify_key)
    assert verified.body == LOGIN
    assert verified.hash == envelope.hash
    assert verified.key_id == KEY.verify_key.key_id


def test_a_statement_of_one_type_is_never_taken_for_another() -> None:
    models = all_statement_models()
    envelope = KEY.sign(LOGIN)
    for name, model in models.items():
        if name is StatementName.DEVICE_LOGIN:
            continue
        with pytest.raises(RemoteProtocolError, match="wrong type"):
            verify(envelope, model, KEY.verify_key)


def test_relabelling_the_type_breaks_the_signature() -> None:
    relabelled = KEY.sign(LOGIN).model_copy(update={"payloadType": StatementName.TECHNICIAN_LOGIN.payload_type})
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify(relabelled, TechnicianLogin, KEY.verify_key)


def test_another_key_does_not_verify() -> None:
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify(KEY.sign(LOGIN), DeviceLogin, signing_key("somebody else").verify_key)


def test_a_low_order_or_broken_key_accepts_nothing() -> None:
    for public in (bytes(32), b"\x01" + bytes(31), b"\xff" * 32):
        assert not VerifyKey(public).accepts(bytes(64), b"message")
    with pytest.raises(RemoteProtocolError, match="32 bytes"):
        VerifyKey(b"short")
    with pytest.raises(LocalProtocolError, match="32 bytes"):
        SigningKey(b"short")


def test_a_statement_too_large_for_its_type_is_not_signed() -> None:
    pack = KnownIssuePack(
        root=bytes(32),
        version=1,
        issued_at=NOW,
        not_after=NOW + 1,
        issues=tuple(PackedIssue(id=f"issue-{n}", toml="x" * 32_000) for n in range(40)),
    )
    with pytest.raises(LocalProtocolError, match="too large"):
        KEY.sign(pack)


def test_two_signatures_exist_only_on_a_root_rotation() -> None:
    old, new = signing_key("old root"), signing_key("new root")
    rotation = RootRotation(old_root=bytes(32), new_root=bytes(32), new_root_key=new.public, sequence=1, issued_at=NOW)
    both = new.add_signature(old.sign(rotation))
    assert verify_both(both, RootRotation, (old.verify_key, new.verify_key)).body == rotation
    with pytest.raises(RemoteProtocolError, match="wrong number of signatures"):
        verify(both, RootRotation, old.verify_key)
    with pytest.raises(RemoteProtocolError, match="wrong number of signatures"):
        verify_both(old.sign(rotation), RootRotation, (old.verify_key, new.verify_key))
    with pytest.raises(RemoteProtocolError, match="one key"):
        verify_both(old.add_signature(old.sign(rotation)), RootRotation, (old.verify_key, old.verify_key))
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify_both(both, RootRotation, (new.verify_key, old.verify_key))
    with pytest.raises(LocalProtocolError, match="only a root rotation"):
        KEY.add_signature(KEY.sign(LOGIN))
    with pytest.raises(LocalProtocolError, match="only a root rotation"):
        KEY.add_signature(both)


def test_a_signing_key_offers_no_way_to_sign_bytes() -> None:
    public = {name for name in dir(SigningKey) if not name.startswith("_")}
    assert public == {"sign", "add_signature", "public", "seed"}
    with pytest.raises(AttributeError):
        KEY.sign(b"bytes")  # type: ignore[arg-type]


def test_a_key_never_shows_its_secret() -> None:
    assert KEY.seed().hex() not in repr(KEY)
    assert KEY.seed() == seed("somebody")
    assert len(KEY.verify_key.fingerprint.split()) == 16
    assert {KEY.verify_key, VerifyKey(KEY.public)} == {KEY.verify_key}
    assert KEY.verify_key != "something else"


def test_payload_shape_is_checked_after_the_signature() -> None:
    body = Revocations(root=bytes(32), version=1, issued_at=NOW, not_after=NOW + 1, kind="leaves", serials=())
    envelope = KEY.sign(body)
    broken = json.loads(envelope.payload)
    broken["version"] = 1.0
    forged = envelope.model_copy(update={"payload": json.dumps(broken).encode()})
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify(forged, Revocations, KEY.verify_key)
    with pytest.raises(RemoteProtocolError, match="integer"):
        parse_payload(forged, Revocations)


def test_every_statement_name_has_exactly_one_model() -> None:
    assert set(all_statement_models()) == set(StatementName)


def test_mutated_envelopes_are_refused_and_never_crash() -> None:
    """Seeded byte mutations of an envelope: either refused, or the very same signed content."""
    rounds = 20_000 if os.environ.get("BELLPULL_SOAK") else 500
    recipients = BundleRecipients(
        root=Organisation().root_hash,
        version=3,
        issued_at=NOW,
        not_after=NOW + 60,
        recipients=(Recipient(name="Ada", age=AGE),),
    )
    envelope = KEY.sign(recipients)
    data = envelope.to_bytes()
    chance = random.Random(7)
    for _ in range(rounds):
        mutated = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(mutated))
            match chance.randrange(3):
                case 0:
                    mutated[at] ^= 1 << chance.randrange(8)
                case 1:
                    del mutated[at]
                case _:
                    mutated.insert(at, chance.randrange(256))
        try:
            verified = verify(Envelope.parse(bytes(mutated)), BundleRecipients, KEY.verify_key)
        except ProtocolError:
            continue
        # Only the key id hint is outside the signature.
        assert verified.body == recipients
        assert verified.hash == envelope.hash
