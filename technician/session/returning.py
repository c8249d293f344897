"""Going on after a lost connection, as the technician's end decides it. Pure.

    the grant whose connection was lost ─► a request that names it ─► the device's receipt for it ─► its successor grant

The receipt tells what the device had booked when the connection was lost, so of each action that has no result here:

    not told        it never reached the device; a plain read is asked for again, a change is not
    told, a read    its rows go on where they stopped
    told, else      it ended, in the way that is told
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.grants import Grant, ReceiptAction
from protocol.journal import Outcome
from protocol.proofs import ProofFile, ProvenVisit, verify_proof
from protocol.statements import Envelope, VerifyKey
from protocol.visit import ActionResult, RefusalReason
from technician.problems import Problem
from technician.session.actions import ActionChain, SentAction
from technician.session.closing import check_outcomes, check_same

#: What a receipt counts of a stream, beside its words: for whoever checks it, not for a screen.
_FIGURES: Final = re.compile(r"(got|gave) \d+ bytes sha256 [0-9a-f]{64}")
#: From this risk on an action changes the machine.
_CHANGES_RISK: Final = 2
#: A return that is refused with one of these may be tried again; with any other the visit is over.
TRY_AGAIN: Final = frozenset({RefusalReason.BUSY, RefusalReason.AUDIT_UNAVAILABLE})


def minutes_left(grant: Grant, now: int) -> int:
    """What to ask for: begun minutes count; the device knows to the second how many are left."""
    left_s = grant.not_after - now
    if left_s <= 0:
        raise Problem("the granted time is over", expected="time left under the grant", hint="Ask for a new visit.")
    return min(grant.minutes, math.ceil(left_s / 60))


def check_past_receipt(proof: ProofFile, chain: ActionChain, request: Envelope, root: VerifyKey) -> ProvenVisit:
    """The proven visit up to the loss, when it is ours: the device may have missed our last actions, and only those."""
    proven = verify_proof(proof, root)
    check_same("request", request.hash, proof.request.hash)
    check_same("grant", chain.grant.hash, proof.grant.hash)
    ours = [action.statement.hash for action in chain.sent][: len(proof.actions)]
    check_same("actions", ours, [action.hash for action in proof.actions])
    check_outcomes(chain.sent[: len(ours)], proven)
    missed = [action.sequence for action in chain.sent[len(ours) :] if action.acknowledged]
    check_same("actions it has taken", [], missed)
    return proven


@dataclass(frozen=True)
class Fate:
    """What became of an action that had no result when the connection was lost. `result` empty: its rows go on."""

    action: SentAction
    reached: bool
    result: ActionResult | None


def fates(chain: ActionChain, told: Sequence[ReceiptAction]) -> list[Fate]:
    by_sequence = {action.sequence: action for action in told}
    return [_fate(action, by_sequence.get(action.sequence)) for action in chain.sent if action.result is None]


def _fate(action: SentAction, told: ReceiptAction | None) -> Fate:
    reads = not action.spec.streams and not action.spec.changes and action.spec.risk < _CHANGES_RISK
    if told is None:
        missed = ActionResult(outcome=Outcome.CANCELLED, detail="it did not reach the device; nothing was run")
        return Fate(action, False, None if reads else missed)
    if told.outcome is not Outcome.REFUSED and reads:
        return Fate(action, True, None)
    detail = _FIGURES.sub("", told.detail).strip("; ")
    return Fate(action, True, ActionResult(outcome=told.outcome, detail=detail, rows=action.rows))
