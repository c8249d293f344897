"""Which visit goes on from which, among the kept receipts: what a page links, and what the offline check looks at.

a lost connection   the later grant names the earlier one as its predecessor: signed, proven by protocol/proofs.py
a hand-over         the later request says that it takes over; the visit it took over from is the newest one before
                    it that was still going on when it was granted
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent.proofs.receipts import KeptReceipt


@dataclass(frozen=True)
class Neighbours:
    """Grants of the visits before and after, None where there is none that is kept."""

    went_on_from: KeptReceipt | None = None
    went_on_in: KeptReceipt | None = None
    taken_over_from: KeptReceipt | None = None
    handed_over_to: KeptReceipt | None = None


ALONE: Final = Neighbours()


def neighbours(receipts: Sequence[KeptReceipt]) -> Mapping[bytes, Neighbours]:
    """By grant."""
    found = {kept.grant: ALONE for kept in receipts}
    by_grant = {kept.grant: kept for kept in receipts}
    for kept in receipts:
        before = by_grant.get(kept.grant_body.successor_of or b"")
        if before is not None:
            found[kept.grant] = replace(found[kept.grant], went_on_from=before)
            found[before.grant] = replace(found[before.grant], went_on_in=kept)
        elif kept.takes_over and (giver := _giver(kept, receipts)) is not None:
            found[kept.grant] = replace(found[kept.grant], taken_over_from=giver)
            found[giver.grant] = replace(found[giver.grant], handed_over_to=kept)
    return found


def _giver(heir: KeptReceipt, receipts: Sequence[KeptReceipt]) -> KeptReceipt | None:
    number, granted_at = heir.receipt.grant_number, heir.receipt.granted_at
    earlier = [
        kept
        for kept in receipts
        if kept.receipt.grant_number < number and kept.receipt.granted_at <= granted_at <= kept.receipt.ended_at
    ]
    return max(earlier, key=lambda kept: kept.receipt.grant_number, default=None)
