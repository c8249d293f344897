"""A proof file proves a visit offline; bending any part of it breaks it."""

import pytest

from protocol.actions.scopes import Scope
from protocol.errors import RemoteProtocolError
from protocol.grants import ChangeKind, EndedBy, GrantChange, Receipt
from protocol.journal import GENESIS, JournalEntry, JournalWord, Outcome, check_range, commitment
from protocol.proofs import (
    ProofFile,
    ProvenVisit,
    action_line,
    succession_faults,
    technician_in,
    verify_proof,
    verify_succession,
)
from protocol.strict_json import dump, parse
from tests.making import NOW, Organisation, signing_key
from tests.protocol.visits import DEVICE, DEVICE_ID, ORG, TECHNICIAN, Visit, request

ROOT = ORG.root.verify_key


def test_an_honest_visit_is_proven() -> None:
    visit = Visit()
    proof = parse(dump(visit.proof()), ProofFile, max_bytes=1 << 20)
    proven = verify_proof(proof, ROOT)
    assert proven.technician.name == "Ada Tech"
    assert proven.countersigned
    assert proven.certified_device
    assert [action_line(row) for row in proven.receipt.actions] == ["1. diagnose — done", "2. logs — refused"]
    assert technician_in(proof)[1].name == "Ada Tech"


def test_a_device_not_yet_approved_is_said_to_be_so() -> None:
    assert not verify_proof(Visit().proof(device=None), ROOT).certified_device


def test_a_visit_without_a_closing_word_is_proven_but_not_countersigned() -> None:
    visit = Visit()
    assert not verify_proof(visit.proof(visit.receipt(technician_close=None)), ROOT).countersigned
    other = visit.close(journal_root=bytes(32))
    assert not verify_proof(visit.proof(visit.receipt(technician_close=other)), ROOT).countersigned


def test_another_organisation_proves_nothing() -> None:
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify_proof(Visit().proof(), Organisation("Evil Inc").root.verify_key)


def test_a_visit_under_a_root_that_was_left_stays_proven_and_under_that_one_alone() -> None:
    newer, other = Organisation("Helpful Ltd, second root").root.verify_key, Organisation("Evil Inc").root.verify_key
    assert verify_proof(Visit().proof(), newer, other, ROOT).technician.name == "Ada Tech"
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify_proof(Visit().proof(), newer, other)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"technician": "Somebody Else"}, "receipt's technician"),
        ({"reason": "Another reason"}, "receipt's reason"),
        ({"grant": bytes(32)}, "receipt's grant"),
        ({"request": bytes(32)}, "receipt's request"),
        ({"ticket": None}, "receipt's ticket"),
        ({"scopes": (Scope.DIAGNOSE,)}, "receipt's scopes"),
        ({"actions": ()}, "receipt's actions"),
        ({"journal_root": bytes(32)}, "does not end where"),
        ({"journal_first": 2}, "first entry"),
        ({"journal_last": 4}, "last entry"),
    ],
)
def test_a_receipt_that_tells_another_story_is_refused(changes: dict[str, object], why: str) -> None:
    visit = Visit()
    with pytest.raises(RemoteProtocolError, match=why):
        verify_proof(visit.proof(visit.receipt(**changes)), ROOT)


def bent_rows(visit: Visit, number: int, **changes: object) -> Receipt:
    rows = [row.model_copy(update=changes) if row.sequence == number else row for row in visit.rows]
    return visit.receipt(actions=tuple(rows))


def test_an_outcome_in_the_receipt_must_be_the_journals() -> None:
    visit = Visit()
    with pytest.raises(RemoteProtocolError, match="outcome in the receipt"):
        verify_proof(visit.proof(bent_rows(visit, 2, outcome=Outcome.DONE)), ROOT)


def test_an_action_missing_from_the_receipt_or_the_requests_is_found() -> None:
    visit = Visit()
    without = visit.receipt(actions=visit.rows[:1])
    with pytest.raises(RemoteProtocolError, match="receipt's actions"):
        verify_proof(visit.proof(without), ROOT)
    only_first = (visit.actions[0].envelope,)
    with pytest.raises(RemoteProtocolError, match="leaves out an action"):
        verify_proof(visit.proof(without, actions=only_first), ROOT)


def test_an_action_without_an_end_is_unknown_and_says_so() -> None:
    visit = Visit()
    del visit.journal[2:]
    rows = visit.rows[:1]
    told = (visit.actions[0].envelope,)
    honest = visit.receipt(actions=(rows[0].model_copy(update={"outcome": Outcome.UNKNOWN}),), rebuilt=True)
    assert verify_proof(visit.proof(honest, actions=told), ROOT).receipt.rebuilt
    with pytest.raises(RemoteProtocolError, match="without an end"):
        verify_proof(visit.proof(visit.receipt(actions=rows), actions=told), ROOT)


def test_actions_out_of_order_are_found() -> None:
    visit = Visit()
    swapped = tuple(each.envelope for each in reversed(visit.actions))
    with pytest.raises(RemoteProtocolError, match="sequence"):
        verify_proof(visit.proof(actions=swapped), ROOT)


def test_an_edited_journal_is_found() -> None:
    visit = Visit()
    edited = [*visit.journal]
    edited[1] = edited[1].model_copy(update={"action": "processes"})
    with pytest.raises(RemoteProtocolError, match="journal is broken"):
        verify_proof(visit.proof(journal=tuple(edited)), ROOT)
    with pytest.raises(RemoteProtocolError, match="empty journal"):
        verify_proof(visit.proof(journal=()), ROOT)
    relabelled = [*visit.journal]
    relabelled[2] = relabelled[2].model_copy(update={"action": "logs"})
    for at in range(3, 5):
        relabelled[at] = relabelled[at].model_copy(update={"previous": relabelled[at - 1].hash})
    with pytest.raises(RemoteProtocolError, match="action in the receipt"):
        verify_proof(visit.proof(visit.receipt(journal_root=relabelled[-1].hash), journal=tuple(relabelled)), ROOT)


def test_changes_are_the_devices_own_and_in_order() -> None:
    visit = Visit()

    def change(number: int) -> GrantChange:
        return GrantChange(
            device=DEVICE_ID,
            grant=visit.grant.hash,
            number=number,
            kind=ChangeKind.STOPPED,
            scopes=(),
            changed_at=NOW,
        )

    proven = verify_proof(visit.proof(changes=(DEVICE.sign(change(1)),)), ROOT)
    assert [each.kind for each in proven.changes] == [ChangeKind.STOPPED]
    with pytest.raises(RemoteProtocolError, match="change's number"):
        verify_proof(visit.proof(changes=(DEVICE.sign(change(2)),)), ROOT)
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify_proof(visit.proof(changes=(TECHNICIAN.sign(change(1)),)), ROOT)


def test_a_grant_beyond_its_request_is_found() -> None:
    visit = Visit(request=request(scopes=(Scope.DIAGNOSE,)))
    with pytest.raises(RemoteProtocolError, match="more than was asked"):
        verify_proof(visit.proof(), ROOT)


def test_a_device_key_that_is_not_the_certified_one_is_found() -> None:
    other = ORG.device("other machine")
    with pytest.raises(RemoteProtocolError, match="device certificate's key"):
        verify_proof(Visit().proof(device=other), ROOT)
    with pytest.raises(RemoteProtocolError, match="does not verify"):
        verify_proof(Visit().proof(device_key=signing_key("other").public), ROOT)


def test_the_journal_chain_and_its_commitments() -> None:
    entry = JournalEntry(sequence=1, previous=GENESIS, at=NOW, word=JournalWord.SESSION_STARTED, grant=bytes(32))
    check_range([entry], entry.hash)
    with pytest.raises(RemoteProtocolError, match="does not end where"):
        check_range([entry], bytes(32))
    assert commitment(bytes(16), b"a") != commitment(b"\1" * 16, b"a")
    with pytest.raises(ValueError, match="16 bytes"):
        commitment(b"", b"a")


def change(visit: Visit, kind: ChangeKind, *scopes: Scope) -> GrantChange:
    return GrantChange(
        device=DEVICE_ID, grant=visit.grant.hash, number=1, kind=kind, scopes=scopes, changed_at=NOW + 10
    )


def cut(visit: Visit, *changes: GrantChange, **receipt: object) -> ProvenVisit:
    """What the device proves of a visit whose connection was lost."""
    body = visit.receipt(**{"ended_by": EndedBy.CONNECTION_LOST, "technician_close": None, **receipt})
    return verify_proof(visit.proof(body, changes=tuple(DEVICE.sign(each) for each in changes)), ROOT)


def after(visit: Visit, **granted: object) -> ProvenVisit:
    following = visit.following(**granted)
    scopes = following.grant.body.scopes
    return verify_proof(following.proof(following.receipt(grant_number=2, scopes=scopes)), ROOT)


def test_a_visit_that_went_on_is_proven_by_two_receipts() -> None:
    visit = Visit()
    verify_succession(cut(visit), after(visit))
    narrowed = cut(visit, change(visit, ChangeKind.NARROWED, Scope.DIAGNOSE))
    verify_succession(narrowed, after(visit, scopes=(Scope.DIAGNOSE,)))


def test_a_successor_after_any_other_end_is_found() -> None:
    visit = Visit()
    with pytest.raises(RemoteProtocolError, match="end of a visit that went on"):
        verify_succession(cut(visit, ended_by=EndedBy.CUSTOMER), after(visit))
    with pytest.raises(RemoteProtocolError, match="change of a visit that went on"):
        verify_succession(cut(visit, change(visit, ChangeKind.STOPPED)), after(visit))


def test_a_successor_with_what_was_taken_back_is_found() -> None:
    visit = Visit()
    with pytest.raises(RemoteProtocolError, match="beyond its predecessor: scopes"):
        verify_succession(cut(visit, change(visit, ChangeKind.NARROWED, Scope.DIAGNOSE)), after(visit))


def test_a_successor_that_nobody_asked_for_as_such_proves_nothing() -> None:
    visit = Visit(granted={"successor_of": bytes(32)})
    with pytest.raises(RemoteProtocolError, match="grant's predecessor"):
        verify_proof(visit.proof(), ROOT)


def test_visits_are_held_against_each_other() -> None:
    visit = Visit()
    first, second = cut(visit), after(visit)
    assert succession_faults([first, second], complete=True) == []
    assert succession_faults([second], complete=False) == []
    (missing,) = succession_faults([second], complete=True)
    assert "whose receipt is missing" in missing
    (beyond,) = succession_faults([cut(visit, ended_by=EndedBy.CUSTOMER), second], complete=True)
    assert "does not go on" in beyond
    (twice,) = succession_faults([first, second, after(visit, number=3)], complete=True)
    assert "so does another" in twice
