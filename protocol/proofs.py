"""The proof file of a visit: everything needed to show, offline and without any server, what was done.

The customer keeps it, the organisation keeps it; `bellpull-agent receipts verify` and `bellpull receipt verify` both
call `verify_proof`. It proves: the technician's certificate leads to the root; the request, every action and the
closing word are theirs; the grant, the changes and the receipt are the device's; the journal is whole and the receipt
tells it exactly. It does not prove that the machine itself was honest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from protocol.certificates import Chain, DeviceCertificate, IssuerCertificate, TechnicianCertificate
from protocol.errors import RemoteProtocolError
from protocol.fields import PublicKey, root_hash
from protocol.grants import (
    ActionStatement,
    ChangeKind,
    EndedBy,
    Grant,
    GrantChange,
    Receipt,
    ReceiptAction,
    SessionClose,
    SessionRequest,
)
from protocol.journal import JournalEntry, JournalWord, Outcome, check_range
from protocol.session_rules import check_successor
from protocol.statements import Envelope, Verified, VerifyKey, parse_payload, verify
from protocol.strict_json import WireModel
from protocol.trust import Trust


class ProofFile(WireModel):
    """One visit. `device`: the device's certificate, absent for a device that was not approved yet."""

    technician: Chain
    device: Chain | None
    device_key: PublicKey
    request: Envelope
    grant: Envelope
    changes: Annotated[tuple[Envelope, ...], Field(max_length=1000)]
    actions: Annotated[tuple[Envelope, ...], Field(max_length=10_000)]
    journal: Annotated[tuple[JournalEntry, ...], Field(max_length=50_000)]
    receipt: Envelope


@dataclass(frozen=True)
class ProvenVisit:
    """What a proof file proves. `countersigned`: the technician confirmed the journal's root at the end."""

    technician: TechnicianCertificate
    request: SessionRequest
    granted: Verified[Grant]
    receipt: Receipt
    changes: tuple[GrantChange, ...]
    countersigned: bool
    certified_device: bool

    @property
    def grant(self) -> Grant:
        return self.granted.body


def verify_proof(proof: ProofFile, root: VerifyKey, *left: VerifyKey) -> ProvenVisit:
    """Check everything against the organisation's root. Raises RemoteProtocolError at the first thing that fails.

    Certificates are judged at the time the grant was given, not now: a proof does not expire with them. `left`: roots
    that were rotated away from; a visit under one of them is proven under that one alone.
    """
    root = _root_of(proof, (root, *left))
    device_key = VerifyKey(proof.device_key)
    grant = verify(proof.grant, Grant, device_key)
    at = grant.body.granted_at
    trust = Trust(root=root)
    technician = trust.technician(proof.technician, at).body
    technician_key = VerifyKey(technician.signing_key)
    request = verify(proof.request, SessionRequest, technician_key)
    receipt = verify(proof.receipt, Receipt, device_key)
    certified = _check_device(proof, trust, at, grant.body.device)
    changes = tuple(verify(change, GrantChange, device_key).body for change in proof.changes)
    actions = [verify(action, ActionStatement, technician_key) for action in proof.actions]

    _same("grant's request", request.hash, grant.body.request)
    _same("grant's certificate", technician.serial, grant.body.serial)
    _same("grant's predecessor", request.body.resumes, grant.body.successor_of)
    _same("request's device", grant.body.device, request.body.device)
    for what, expected, got in (
        ("grant", grant.hash, receipt.body.grant),
        ("request", request.hash, receipt.body.request),
        ("certificate", technician.serial, receipt.body.serial),
        ("technician", technician.name, receipt.body.technician),
        ("device", grant.body.device, receipt.body.device),
        ("reason", request.body.reason, receipt.body.reason),
        ("scopes", grant.body.scopes, receipt.body.scopes),
        ("ticket", grant.body.ticket, receipt.body.ticket),
    ):
        _same(f"receipt's {what}", expected, got)
    if not set(grant.body.scopes) <= set(request.body.scopes):
        raise RemoteProtocolError("the grant allows more than was asked", expected="a subset", got="more")
    for number, change in enumerate(changes, start=1):
        _same("change's grant", grant.hash, change.grant)
        _same("change's number", number, change.number)
    _check_actions(actions, grant, receipt.body)
    _check_journal(proof.journal, grant.hash, receipt.body)
    countersigned = _check_close(receipt.body, technician_key, grant.hash)
    return ProvenVisit(technician, request.body, grant, receipt.body, changes, countersigned, certified)


def verify_succession(first: ProvenVisit, following: ProvenVisit) -> None:
    """Two proven visits, the second under a successor grant of the first: one visit over a lost connection.

    The first says that it ended by that, nothing was taken back by Stop, and nothing was added. Raises
    RemoteProtocolError.
    """
    _same("end of a visit that went on", EndedBy.CONNECTION_LOST, first.receipt.ended_by)
    scopes = first.grant.scopes
    for change in first.changes:
        _same("change of a visit that went on", ChangeKind.NARROWED, change.kind)
        scopes = tuple(scope for scope in scopes if scope in change.scopes)
    check_successor(first.granted, scopes, following.grant)


def succession_faults(visits: Iterable[ProvenVisit], *, complete: bool) -> list[str]:
    """What does not fit among proven visits: a successor that goes beyond the grant before, or two successors of one.

    `complete`: these are all there are, so that a successor without the visit before is a fault as well.
    """
    faults: list[str] = []
    known = {visit.granted.hash: visit for visit in visits}
    followed: set[bytes] = set()
    for visit in known.values():
        name, before = visit.granted.hash.hex()[:16], visit.grant.successor_of
        if before is None:
            continue
        if before in followed:
            faults.append(f"visit {name} goes on with {before.hex()[:16]}, and so does another")
        followed.add(before)
        if before in known:
            try:
                verify_succession(known[before], visit)
            except RemoteProtocolError as error:
                faults.append(f"visit {name} does not go on with {before.hex()[:16]} as it may: {error}")
        elif complete:
            faults.append(f"visit {name} goes on with {before.hex()[:16]}, whose receipt is missing")
    return faults


def _root_of(proof: ProofFile, roots: Sequence[VerifyKey]) -> VerifyKey:
    """The root that the technician's certificate names, when it is one of ours; else ours of now, which refuses it."""
    named = parse_payload(proof.technician.leaf, TechnicianCertificate).root
    return next((each for each in roots if root_hash(each.public) == named), roots[0])


def _check_device(proof: ProofFile, trust: Trust, at: int, device: str) -> bool:
    if proof.device is None:
        return False
    certificate: DeviceCertificate = trust.device(proof.device, at).body
    _same("device certificate's key", proof.device_key, certificate.signing_key)
    _same("device certificate's device", device, certificate.device)
    return True


def _check_actions(actions: Sequence[Verified[ActionStatement]], grant: Verified[Grant], receipt: Receipt) -> None:
    """Every action in the receipt was asked for, in order, by a statement of the technician, and none is left out."""
    previous = grant.hash
    for number, action in enumerate(actions, start=1):
        _same("action's grant", grant.hash, action.body.grant)
        _same("action's sequence", number, action.body.sequence)
        _same("action's predecessor", previous, action.body.previous)
        previous = action.hash
    _same(
        "receipt's actions",
        [(action.body.sequence, action.body.action) for action in actions],
        [(action.sequence, action.action) for action in receipt.actions],
    )


def _check_journal(journal: Sequence[JournalEntry], grant: bytes, receipt: Receipt) -> None:
    check_range(journal, receipt.journal_root)
    _same("journal's first entry", receipt.journal_first, journal[0].sequence)
    _same("journal's last entry", receipt.journal_last, journal[-1].sequence)
    told = {action.sequence: action for action in receipt.actions}
    ended: set[int] = set()
    for entry in journal:
        if entry.grant != grant or entry.word not in (JournalWord.ACTION_ENDED, JournalWord.ACTION_REFUSED):
            continue
        action = told.get(entry.action_sequence)
        if action is None:
            raise RemoteProtocolError(
                "the receipt leaves out an action", expected="every action", got=str(entry.action)
            )
        _same("outcome in the receipt", entry.outcome, action.outcome)
        _same("action in the receipt", entry.action, action.action)
        ended.add(entry.action_sequence)
    for sequence, action in told.items():
        if sequence not in ended:
            _same("outcome of an action without an end", Outcome.UNKNOWN, action.outcome)


def _check_close(receipt: Receipt, key: VerifyKey, grant: bytes) -> bool:
    if receipt.technician_close is None:
        return False
    close = verify(receipt.technician_close, SessionClose, key).body
    _same("closing word's grant", grant, close.grant)
    return close.journal_root == receipt.journal_root


def technician_in(proof: ProofFile) -> tuple[IssuerCertificate, TechnicianCertificate]:
    """Who the proof says it was, WITHOUT verification: for a list of files before they are checked."""
    return (
        parse_payload(proof.technician.issuer, IssuerCertificate),
        parse_payload(proof.technician.leaf, TechnicianCertificate),
    )


def action_line(action: ReceiptAction) -> str:
    """One line for people: `2. processes — done`."""
    detail = f" ({action.detail})" if action.detail else ""
    return f"{action.sequence}. {action.action} — {action.outcome}{detail}"


def _same(what: str, expected: object, got: object) -> None:
    if expected != got:
        raise RemoteProtocolError(
            f"the proof contradicts itself: {what}",
            expected=_short(expected),
            got=_short(got),
            hint="Something in this file was changed after it was signed, or belongs to another visit.",
        )


def _short(value: object) -> str:
    return value.hex()[:16] if isinstance(value, bytes) else str(value)[:120]
