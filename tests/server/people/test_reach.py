"""Whose tickets an account sees, from certificates proven now."""

from protocol.certificates import Chain
from server.people.reach import KnownTechnician, known_technicians, reach_of
from server.people.rules import Role
from tests.making import DAY, NOW, Organisation, serial, signing_key

ORGANISATION = Organisation()
ADA = signing_key("Helpful Ltd Ada Tech").public


def known(*chains: Chain, now: int = NOW) -> tuple[KnownTechnician, ...]:
    return known_technicians(chains, ORGANISATION.trust, now)


def test_a_technician_sees_the_customers_of_their_certificate() -> None:
    found = known(ORGANISATION.technician(customers=("Acme", "Bluebird")))
    assert reach_of(Role.TECHNICIAN, ADA, found).customers == {"Acme", "Bluebird"}


def test_others_see_all_customers_linked_or_not() -> None:
    for role in (Role.VIEWER, Role.ADMIN, Role.AUDITOR):
        assert reach_of(role, None, ()).customers is None
        assert reach_of(role, ADA, ()).customers is None


def test_without_a_link_a_technician_sees_nothing_and_is_told_why() -> None:
    reach = reach_of(Role.TECHNICIAN, None, known(ORGANISATION.technician()))
    assert reach.customers == frozenset()
    assert "not linked" in reach.lack


def test_an_expired_certificate_shows_nothing() -> None:
    reach = reach_of(Role.TECHNICIAN, ADA, known(ORGANISATION.technician(), now=NOW + 2 * DAY))
    assert reach.customers == frozenset()
    assert "expired" in reach.lack


def test_a_revoked_certificate_shows_nothing() -> None:
    chain = ORGANISATION.technician()
    trust = ORGANISATION.trust.accept(ORGANISATION.revocations(serials=(serial("Helpful Ltd Ada Tech"),)), NOW)
    assert reach_of(Role.TECHNICIAN, ADA, known_technicians([chain], trust, NOW)).customers == frozenset()


def test_a_certificate_of_another_organisation_shows_nothing() -> None:
    stranger = Organisation("Helpful Ltd").technician()
    forged = Organisation("Evil Ltd").technician(customers=("Acme",), signing_key=ADA)
    assert known(stranger)[0].holds
    assert reach_of(Role.TECHNICIAN, ADA, known(forged)).customers == frozenset()


def test_a_renewed_certificate_counts_for_the_same_person_and_the_newest_valid_one_wins() -> None:
    newest = ORGANISATION.technician(serial=serial("newer"), customers=("Bluebird",))
    older = ORGANISATION.technician(customers=("Acme",))
    assert reach_of(Role.TECHNICIAN, ADA, known(newest, older)).customers == {"Bluebird"}
    ended = ORGANISATION.technician(serial=serial("ended"), not_after=NOW - 1)
    assert reach_of(Role.TECHNICIAN, ADA, known(ended, older)).customers == {"Acme"}


def test_without_an_organisation_nobody_is_known_to_hold_anything() -> None:
    assert not known_technicians([ORGANISATION.technician()], None, NOW)[0].holds
