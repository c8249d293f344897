"""Who is believed: chains of exactly root → issuer → leaf, and documents that only ever get newer."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.certificates import (
    BundleRecipients,
    Chain,
    Document,
    IssuerRole,
    KnownIssuePack,
    OrganisationPolicy,
    Recipient,
    Revocations,
    RootRotation,
    TechnicianCertificate,
)
from protocol.errors import RemoteProtocolError
from protocol.fields import root_hash
from protocol.limits import REVOCATIONS_FRESH_S
from protocol.statements import Envelope, StatementName, parse_payload
from protocol.trust import (
    Floor,
    ForkedDocumentError,
    RollbackError,
    Trust,
    documents_version,
    rotation_chain,
    trust_fingerprint,
)
from tests.making import AGE, DAY, NOW, Organisation, serial, signing_key

ORG = Organisation()
TRUST = ORG.trust


def recipients(version: int, name: str = "Ada", not_after: int = NOW + DAY, org: Organisation = ORG) -> Document:
    return org.publish(
        BundleRecipients(
            root=org.root_hash,
            version=version,
            issued_at=NOW,
            not_after=not_after,
            recipients=(Recipient(name=name, age=AGE),),
        )
    )


def test_a_technician_of_the_organisation_is_known() -> None:
    verified = TRUST.technician(ORG.technician(), NOW)
    assert verified.body.name == "Ada Tech"
    assert TRUST.device(ORG.device(), NOW).body.customer == "Acme"


def test_another_organisations_technician_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        TRUST.technician(Organisation("Evil Inc").technician(), NOW)


def test_a_leaf_under_a_foreign_issuer_is_refused() -> None:
    foreign = Organisation("Evil Inc")
    mixed = Chain(issuer=ORG.issuer(), leaf=foreign.technician().leaf)
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        TRUST.technician(mixed, NOW)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"not_after": NOW - 1, "not_before": NOW - 2}, "has expired"),
        ({"not_before": NOW + 10}, "not valid yet"),
        ({"not_after": ORG.not_after + 1}, "outlives its issuer"),
        ({"not_before": ORG.not_before - 1}, "outlives its issuer"),
        ({"root": bytes(32)}, "another organisation"),
    ],
)
def test_a_certificate_that_does_not_fit_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        TRUST.technician(ORG.technician(**changes), NOW)  # type: ignore[arg-type]


def test_the_issuer_is_checked_like_its_leaves() -> None:
    leaf = ORG.technician().leaf
    for changes, why in (
        ({"not_after": NOW - 1}, "has expired"),
        ({"root": bytes(32)}, "another organisation"),
        ({"signs": (StatementName.REVOCATIONS,)}, "may not sign"),
        ({"signs": ()}, "may not sign"),
        ({"signs": (StatementName.BUNDLE_RECIPIENTS,)}, "never signs"),
    ):
        with pytest.raises(RemoteProtocolError, match=why):
            TRUST.technician(Chain(issuer=ORG.issuer(**changes), leaf=leaf), NOW)  # type: ignore[arg-type]


def test_a_content_issuer_never_certifies_people() -> None:
    leaf = ORG.content.sign(ORG.technician_body())
    with pytest.raises(RemoteProtocolError, match="may not sign a technician-certificate"):
        TRUST.technician(Chain(issuer=ORG.issuer(IssuerRole.CONTENT), leaf=leaf), NOW)


def test_a_device_certificate_must_fit_its_key() -> None:
    with pytest.raises(RemoteProtocolError, match="names another device"):
        TRUST.device(ORG.device(device="d-" + "a" * 26), NOW)


def test_a_technician_certificate_is_no_device_certificate() -> None:
    with pytest.raises(RemoteProtocolError, match="wrong type"):
        TRUST.device(ORG.technician(), NOW)


def test_validity_must_have_a_length() -> None:
    with pytest.raises(RemoteProtocolError, match="later than not_before"):
        TRUST.technician(ORG.technician(not_after=NOW - DAY), NOW)


def test_a_newer_document_replaces_and_the_same_is_kept() -> None:
    first = TRUST.accept(recipients(1), NOW)
    second = first.accept(recipients(2, "Ben"), NOW)
    found = second.recipients(NOW)
    assert found is not None
    assert [recipient.name for recipient in found.recipients] == ["Ben"]
    assert second.accept(recipients(2, "Ben"), NOW) is second
    assert documents_version(second) == {"bundle-recipients": 2}
    assert trust_fingerprint(first) != trust_fingerprint(second)


def test_an_older_document_is_refused_for_ever() -> None:
    trust = TRUST.accept(recipients(5), NOW)
    with pytest.raises(RollbackError, match="version 5 or newer"):
        trust.accept(recipients(4), NOW)


def test_two_documents_of_one_version_raise_the_alarm() -> None:
    trust = TRUST.accept(recipients(5), NOW)
    with pytest.raises(ForkedDocumentError, match="two different"):
        trust.accept(recipients(5, "Mallory"), NOW)


def test_a_floor_from_the_token_holds_on_a_fresh_device() -> None:
    fresh = replace(TRUST, floors={"bundle-recipients": Floor(3)})
    with pytest.raises(RollbackError):
        fresh.accept(recipients(2), NOW)
    assert fresh.accept(recipients(3), NOW).recipients(NOW) is not None


def test_expired_recipients_seal_nothing() -> None:
    trust = TRUST.accept(recipients(1), NOW)
    assert trust.recipients(NOW + DAY + 1) is None
    assert TRUST.recipients(NOW) is None
    with pytest.raises(RemoteProtocolError, match="has expired"):
        TRUST.accept(recipients(1, not_after=NOW - 1), NOW)


def test_a_document_of_another_root_is_refused_even_if_our_issuer_signed_it() -> None:
    body = BundleRecipients(
        root=bytes(32), version=1, issued_at=NOW, not_after=NOW + 1, recipients=(Recipient(name="A", age=AGE),)
    )
    with pytest.raises(RemoteProtocolError, match="another organisation"):
        TRUST.accept(ORG.publish(body), NOW)


def test_a_pack_is_read_back_while_it_lasts_and_a_policy_until_the_next() -> None:
    policy = OrganisationPolicy(
        root=ORG.root_hash,
        version=1,
        issued_at=NOW,
        not_after=NOW + DAY,
        organisation=ORG.name,
        server_origin="https://help.example",
        log_name="help.example/log",
        log_key=bytes(32),
    )
    pack = KnownIssuePack(root=ORG.root_hash, version=1, issued_at=NOW, not_after=NOW + DAY, issues=())
    trust = TRUST.accept(ORG.publish(policy), NOW).accept(ORG.publish(pack), NOW)
    assert trust.policy() == policy
    assert trust.known_issues(NOW) == pack
    assert trust.known_issues(NOW + DAY + 1) is None
    assert TRUST.policy() is None
    assert TRUST.known_issues(NOW) is None


def test_only_published_documents_are_documents() -> None:
    with pytest.raises(RemoteProtocolError, match="not a document"):
        TRUST.accept(Document(issuer=ORG.issuer(), statement=ORG.technician().leaf), NOW)
    with pytest.raises(RemoteProtocolError, match="without an issuer"):
        TRUST.accept(Document(issuer=None, statement=recipients(1).statement), NOW)


def test_a_revoked_technician_is_refused_even_by_an_expired_list() -> None:
    trust = TRUST.accept(ORG.revocations(serials=(serial(f"{ORG.name} Ada Tech"),)), NOW)
    with pytest.raises(RemoteProtocolError, match="revoked"):
        trust.technician(ORG.technician(), NOW)
    late = ORG.technician(not_after=NOW + 90 * DAY)
    with pytest.raises(RemoteProtocolError, match="revoked"):
        trust.technician(late, NOW + 60 * DAY)


def test_revocations_are_fresh_for_72_hours() -> None:
    trust = TRUST.accept(ORG.revocations(), NOW)
    assert trust.revocations_fresh(NOW + REVOCATIONS_FRESH_S)
    assert not trust.revocations_fresh(NOW + REVOCATIONS_FRESH_S + 1)
    assert not TRUST.revocations_fresh(NOW)


def issuers_revoked(by_root: bool) -> Document:
    body = Revocations(
        root=ORG.root_hash,
        version=1,
        issued_at=NOW,
        not_after=NOW + DAY,
        kind="issuers",
        serials=(serial(f"{ORG.name} certifying"),),
    )
    if by_root:
        return Document(issuer=None, statement=ORG.root.sign(body))
    return ORG.publish(body, IssuerRole.CERTIFYING)


def test_only_the_root_revokes_issuers() -> None:
    trust = TRUST.accept(issuers_revoked(by_root=True), NOW)
    with pytest.raises(RemoteProtocolError, match="revoked"):
        trust.technician(ORG.technician(), NOW)
    with pytest.raises(RemoteProtocolError, match="wrong key"):
        TRUST.accept(issuers_revoked(by_root=False), NOW)
    leaves = ORG.root.sign(
        Revocations(root=ORG.root_hash, version=1, issued_at=NOW, not_after=NOW + 1, kind="leaves", serials=())
    )
    with pytest.raises(RemoteProtocolError, match="wrong key"):
        TRUST.accept(Document(issuer=None, statement=leaves), NOW)


def rotation(sequence: int = 1, **changes: object) -> RootRotation:
    new = signing_key("next root")
    body = RootRotation(
        old_root=ORG.root_hash,
        new_root=root_hash(new.public),
        new_root_key=new.public,
        sequence=sequence,
        issued_at=NOW,
    )
    return body.model_copy(update=changes)


def test_the_root_changes_only_with_both_signatures_and_in_sequence() -> None:
    new = signing_key("next root")
    trust = TRUST.accept(recipients(1), NOW)
    followed = trust.rotate(new.add_signature(ORG.root.sign(rotation())))
    assert followed.root == new.verify_key
    assert followed.documents == {}
    assert followed.floors == trust.floors
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        followed.technician(ORG.technician(), NOW)
    with pytest.raises(RollbackError, match="out of sequence"):
        trust.rotate(new.add_signature(ORG.root.sign(rotation(2))))
    with pytest.raises(RemoteProtocolError, match="wrong number"):
        trust.rotate(ORG.root.sign(rotation()))
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        trust.rotate(new.add_signature(signing_key("thief").sign(rotation())))
    with pytest.raises(RemoteProtocolError, match="names another key"):
        trust.rotate(new.add_signature(ORG.root.sign(rotation(new_root=bytes(32)))))
    with pytest.raises(RemoteProtocolError, match="another organisation"):
        trust.rotate(new.add_signature(ORG.root.sign(rotation(old_root=bytes(32)))))


def rotated(away: Organisation, to: Organisation, sequence: int) -> Envelope:
    body = RootRotation(
        old_root=away.root_hash,
        new_root=to.root_hash,
        new_root_key=to.root.public,
        sequence=sequence,
        issued_at=NOW,
    )
    return to.root.add_signature(away.root.sign(body))


SECOND, THIRD = Organisation("Helpful Ltd, second root"), Organisation("Helpful Ltd, third root")
TWO_ROTATIONS = (rotated(ORG, SECOND, 1), rotated(SECOND, THIRD, 2))


def test_a_device_that_was_away_follows_one_rotation_after_the_other() -> None:
    followed = TRUST.rotate(TWO_ROTATIONS[0]).rotate(TWO_ROTATIONS[1])
    assert followed.technician(THIRD.technician(), NOW).body.name == "Ada Tech"
    assert followed.roots == (THIRD.root.verify_key, SECOND.root.verify_key, ORG.root.verify_key)
    assert rotation_chain(ORG.root.verify_key, TWO_ROTATIONS) == followed
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        TRUST.rotate(TWO_ROTATIONS[1])


def test_a_device_enrolled_after_a_rotation_follows_the_next() -> None:
    """Its token says how many there were; from a list it may start anywhere."""
    fresh = replace(SECOND.trust, rotation_sequence=1)
    assert fresh.rotate(TWO_ROTATIONS[1]).root == THIRD.root.verify_key
    assert rotation_chain(SECOND.root.verify_key, TWO_ROTATIONS[1:]).rotation_sequence == 2


def test_a_rotation_shown_again_changes_nothing() -> None:
    followed = TRUST.rotate(TWO_ROTATIONS[0]).rotate(TWO_ROTATIONS[1])
    assert followed.rotate(TWO_ROTATIONS[0]) is followed
    assert followed.rotate(TWO_ROTATIONS[1]) is followed


def test_a_second_rotation_away_from_one_root_is_a_fork() -> None:
    """Somebody holds the root that was left; a forged one is no fork but nothing."""
    followed = TRUST.rotate(TWO_ROTATIONS[0])
    with pytest.raises(ForkedDocumentError, match="two different rotations"):
        followed.rotate(rotated(ORG, THIRD, 1))
    with pytest.raises(ForkedDocumentError, match="two different rotations"):
        followed.rotate(rotated(ORG, THIRD, 2))
    body = RootRotation(
        old_root=ORG.root_hash, new_root=THIRD.root_hash, new_root_key=THIRD.root.public, sequence=2, issued_at=NOW
    )
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        followed.rotate(THIRD.root.add_signature(signing_key("thief").sign(body)))


def test_no_rotation_leads_back_to_a_root_that_was_left() -> None:
    with pytest.raises(RollbackError, match="back to a root that was left"):
        TRUST.rotate(TWO_ROTATIONS[0]).rotate(rotated(SECOND, ORG, 2))


def test_a_rotation_sets_floors_back_that_a_thief_has_pushed_to_their_end() -> None:
    jammed = TRUST.accept(recipients(1 << 53, "Mallory"), NOW)
    body = parse_payload(TWO_ROTATIONS[0], RootRotation).model_copy(update={"floors": {"bundle-recipients": 7}})
    healed = jammed.rotate(SECOND.root.add_signature(ORG.root.sign(body)))
    assert documents_version(healed) == {"bundle-recipients": 7}
    with pytest.raises(RollbackError):
        healed.accept(recipients(6, org=SECOND), NOW)
    assert healed.accept(recipients(8, org=SECOND), NOW).recipients(NOW) is not None
    assert documents_version(jammed.rotate(TWO_ROTATIONS[0])) == {"bundle-recipients": 1 << 53}, "unless it names none"


LINE = [ORG, *(Organisation(f"Helpful Ltd, root {number}") for number in range(1, 9))]
HONEST = [rotated(away, to, number) for number, (away, to) in enumerate(itertools.pairwise(LINE), 1)]
FORKS = [rotated(away, Organisation(f"thief of {away.name}"), number) for number, away in enumerate(LINE[:-1], 1)]


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, len(HONEST) - 1)), max_size=30))
def test_whatever_a_server_shows_in_whatever_order_a_device_stays_on_one_line_of_roots(
    shown: list[tuple[bool, int]],
) -> None:
    """Withheld, repeated, out of order, and forks that a thief of an old root has signed: after all of it, a device
    that the forks came too late for follows the honest line to its end."""
    trust = TRUST
    misled = False
    for forked, at in shown:
        before = trust
        try:
            trust = trust.rotate((FORKS if forked else HONEST)[at])
        except RemoteProtocolError:
            assert trust is before
            continue
        misled |= forked and trust is not before
        assert set(before.roots) <= set(trust.roots), "what was left is not forgotten"
        assert trust.rotation_sequence - before.rotation_sequence in (0, 1)
    if misled:
        return  # the thief was faster: the old root's owner is who signs, and no device can tell
    for envelope in HONEST:
        trust = trust.rotate(envelope)
    assert trust.root == LINE[-1].root.verify_key


def issuers_list(*names: str, version: int = 1) -> Document:
    body = Revocations(
        root=ORG.root_hash,
        version=version,
        issued_at=NOW,
        not_after=NOW + DAY,
        kind="issuers",
        serials=tuple(serial(f"{ORG.name} {name}") for name in names),
    )
    return Document(issuer=None, statement=ORG.root.sign(body))


def test_what_a_revoked_content_issuer_published_is_no_longer_believed() -> None:
    trust = TRUST.accept(recipients(1), NOW).accept(issuers_list("content"), NOW)
    assert trust.recipients(NOW) is None
    assert trust.floors["bundle-recipients"].version == 1
    assert trust.technician(ORG.technician(), NOW)


def test_a_revoked_certifying_issuers_list_still_revokes_and_is_no_longer_fresh() -> None:
    trust = TRUST.accept(ORG.revocations(serials=("ab" * 16,)), NOW)
    assert trust.revocations_fresh(NOW)
    trust = trust.accept(issuers_list("certifying"), NOW)
    assert trust.is_revoked("ab" * 16)
    assert not trust.revocations_fresh(NOW)


def test_who_heard_that_issuers_were_revoked_and_lacks_the_list_trusts_no_issuer() -> None:
    """On a fresh device by its token's floor, and after a rotation: whoever withholds the list gains nothing."""
    fresh = replace(TRUST, floors={"revocations-issuers": Floor(1)})
    with pytest.raises(RemoteProtocolError, match="whether this issuer certificate was revoked is not known"):
        fresh.technician(ORG.technician(), NOW)
    with pytest.raises(RemoteProtocolError, match="is not known"):
        fresh.accept(recipients(1), NOW)
    informed = fresh.accept(issuers_list("content"), NOW)
    assert informed.technician(ORG.technician(), NOW)
    turned = informed.rotate(TWO_ROTATIONS[0])
    with pytest.raises(RemoteProtocolError, match="is not known"):
        turned.technician(SECOND.technician(), NOW)


def test_an_empty_list_of_customers_means_none() -> None:
    body: TechnicianCertificate = TRUST.technician(ORG.technician(customers=(), scopes=()), NOW).body
    assert body.customers == ()
    assert body.scopes == ()


def test_trust_starts_with_nothing_but_a_root() -> None:
    assert Trust(root=ORG.root.verify_key) == TRUST
    assert TRUST.revocations("leaves") is None
    assert not TRUST.is_revoked("00")


def test_a_document_tells_the_time_to_a_device_that_has_lost_it() -> None:
    """Its signatures hold whatever the clock says; a forged or foreign one tells nothing."""
    certifying, content = (serial(f"{ORG.name} {role}") for role in IssuerRole)
    long_ago = ORG.not_before - 1000 * DAY
    with pytest.raises(RemoteProtocolError, match="not valid yet"):
        TRUST.accept(ORG.revocations(), long_ago)
    assert TRUST.time_in(ORG.revocations(issued_at=NOW + 5)) == (NOW + 5, certifying)
    assert TRUST.time_in(recipients(1)) == (NOW, content)
    assert TRUST.time_in(issuers_list()) == (NOW, "root")
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        TRUST.time_in(Organisation("Evil Inc").revocations())
    with pytest.raises(RemoteProtocolError, match="may not sign"):
        TRUST.time_in(Document(issuer=ORG.issuer(IssuerRole.CONTENT), statement=ORG.revocations().statement))
    with pytest.raises(RemoteProtocolError, match="revoked"):
        TRUST.accept(issuers_list("content"), NOW).time_in(recipients(1))
