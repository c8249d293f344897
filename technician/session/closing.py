"""The end of a visit: what the technician countersigns, and whether the receipt tells what the technician saw.

`verify_proof` shows that a receipt is whole and the device's; here it is held against our own memory of the visit,
since a proof of another visit would be whole as well.
"""

from collections.abc import Sequence
from pathlib import Path

from protocol import strict_json
from protocol.errors import RemoteProtocolError
from protocol.grants import SessionClose
from protocol.limits import MIB
from protocol.proofs import ProofFile, ProvenVisit, verify_proof
from protocol.statements import Envelope, VerifyKey
from protocol.visit import SessionClosing
from technician.home import Home
from technician.session.actions import ActionChain, SentAction

#: 10 000 actions of 1 KiB and their journal: what protocol/proofs.py allows.
PROOF_MAX_BYTES = 64 * MIB
#: A relay that is stuck for 15 s is closed; a device that books answers at once.
UNACKNOWLEDGED_MAX_S = 30


def hidden(chain: ActionChain, told: int, now: int) -> list[SentAction]:
    """Our actions beyond the first `told` that the device must have had: those that it has acknowledged in any way, and
    those that it left without a word for longer than a connection may be slow.

    What is not hidden crossed the end of the visit on its way: the device never took it, and says nothing of it.
    """
    return [
        action for action in chain.sent[told:] if action.acknowledged or now - action.issued_at > UNACKNOWLEDGED_MAX_S
    ]


def close_body(closing: SessionClosing, chain: ActionChain, now: int) -> SessionClose | None:
    """What to countersign, or None when the device counts other actions than we asked for and it has taken."""
    if closing.journal_root is None or closing.actions > len(chain.sent) or hidden(chain, closing.actions, now):
        return None
    return SessionClose(
        grant=chain.grant.hash, journal_root=closing.journal_root, actions=closing.actions, issued_at=now
    )


def read_proof(data: bytes) -> ProofFile:
    return strict_json.parse(data, ProofFile, what="receipt", max_bytes=PROOF_MAX_BYTES)


def receipt_path(home: Home, proof: ProofFile) -> Path:
    """Where this visit's receipt is kept: one file a grant."""
    return home.receipts / f"{proof.grant.hash.hex()[:32]}.json"


def check_receipt(
    proof: ProofFile, chain: ActionChain, request: Envelope, root: VerifyKey, now: int
) -> tuple[ProvenVisit, tuple[SentAction, ...]]:
    """The proven visit, when it is ours, and the actions that the device never took: always our last ones.

    RemoteProtocolError names what does not fit.
    """
    proven = verify_proof(proof, root)
    check_same("request", request.hash, proof.request.hash)
    check_same("grant", chain.grant.hash, proof.grant.hash)
    told = len(proof.actions)
    _same_actions([action.statement for action in chain.sent[:told]], proof.actions)
    check_same("number of actions", told, told + len(hidden(chain, told, now)))
    check_outcomes(chain.sent[:told], proven)
    return proven, tuple(chain.sent[told:])


def check_outcomes(sent: Sequence[SentAction], proven: ProvenVisit) -> None:
    """What the device told of an action when it ended is what it tells now."""
    told = {action.sequence: action for action in proven.receipt.actions}
    for action in sent:
        if action.result is not None:
            check_same(f"outcome of action {action.sequence}", action.result.outcome, told[action.sequence].outcome)


def _same_actions(ours: Sequence[Envelope], theirs: Sequence[Envelope]) -> None:
    check_same("number of actions", len(ours), len(theirs))
    for number, (own, other) in enumerate(zip(ours, theirs, strict=True), start=1):
        check_same(f"action {number}", own.hash, other.hash)


def check_same(what: str, expected: object, got: object) -> None:
    if expected != got:
        raise RemoteProtocolError(
            f"the receipt tells another {what} than the one we know",
            expected=_short(expected),
            got=_short(got),
            hint="Keep this file and show it to the organisation.",
        )


def _short(value: object) -> str:
    return value.hex()[:16] if isinstance(value, bytes) else str(value)
