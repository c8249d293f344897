"""Local verbs of receipts: the list; the proof file of one, and what each action was about.

The receipt itself holds salted commitments to arguments. What they were lies beside the journal on this device alone,
until it is erased: it is told here to the customer, and never part of a proof file.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from agent.consent.telling import may_have_changed, told, undo
from agent.local.verbs import NoArguments, Peer, Verb
from agent.proofs.chain import ALONE, Neighbours, neighbours
from agent.proofs.journal_store import JournalStore
from agent.proofs.receipts import KeptReceipt, Receipts
from agent.refusal import Refusal
from protocol.journal import JournalWord
from protocol.strict_json import WireModel


class OneReceipt(WireModel):
    """`grant`: the hash of the grant in hex, or enough of its beginning to name one."""

    grant: Annotated[str, Field(pattern=r"^[0-9a-f]{4,64}$")]


class ReceiptVerbs:
    """`journal`: where what the actions were about is kept; without it receipts tell only what they prove."""

    def __init__(self, receipts: Receipts, journal: JournalStore | None = None) -> None:
        self._receipts = receipts
        self._journal = journal

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("receipts", NoArguments, self._list),
            Verb("receipt-file", OneReceipt, self._file),
        )

    async def _list(self, arguments: NoArguments, peer: Peer) -> object:
        kept = self._receipts.list()
        beside = neighbours(kept)
        return {"receipts": [receipt_value(each, beside=beside[each.grant]) for each in kept]}

    async def _file(self, arguments: OneReceipt, peer: Peer) -> object:
        listed = self._receipts.list()
        found = [kept for kept in listed if kept.grant.hex().startswith(arguments.grant)]
        if len(found) != 1:
            raise Refusal(
                "there is no such receipt" if not found else "that names more than one receipt",
                expected="the id of one receipt",
                got=arguments.grant,
                hint="List them: bellpull-agent receipts",
            )
        proof = self._receipts.proof(found[0].grant)
        assert proof is not None  # noqa: S101 - it was listed
        # What an earlier visit was about is the customer's to know, not the next technician's.
        about = {} if peer.in_session else self._arguments(found[0].grant)
        beside = neighbours(listed)[found[0].grant]
        return {**receipt_value(found[0], about, beside), "proof": proof.decode("utf-8")}

    def _arguments(self, grant: bytes) -> Mapping[int, bytes]:
        """The arguments of each action of this grant that were not erased, by its number."""
        if self._journal is None:
            return {}
        kept = {}
        for entry in self._journal.of_grant(grant):
            if entry.word in (JournalWord.ACTION_STARTED, JournalWord.ACTION_REFUSED):
                value = self._journal.value_of(entry.sequence)
                if value is not None:
                    kept[entry.action_sequence] = value
        return kept


def receipt_value(
    kept: KeptReceipt, arguments: Mapping[int, bytes] = MappingProxyType({}), beside: Neighbours = ALONE
) -> dict[str, object]:
    receipt, consent = kept.receipt, kept.grant_body.consent
    return {
        "grant": kept.grant.hex(),
        "number": receipt.grant_number,
        "technician": receipt.technician,
        "organisation": receipt.organisation,
        "reason": receipt.reason,
        "ticket": receipt.ticket,
        "scopes": [scope.value for scope in receipt.scopes],
        "granted_at": receipt.granted_at,
        "ended_at": receipt.ended_at,
        "ended_by": receipt.ended_by.value,
        "rebuilt": kept.rebuilt,
        "countersigned": receipt.technician_close is not None,
        "sent": kept.sent,
        "minutes": kept.grant_body.minutes,
        "method": consent.method.value,
        "local_user": consent.local_user,
        "decided_at": consent.decided_at,
        "successor_of": None if kept.grant_body.successor_of is None else kept.grant_body.successor_of.hex(),
        "went_on_from": _neighbour(beside.went_on_from),
        "went_on_in": _neighbour(beside.went_on_in),
        "taken_over_from": _neighbour(beside.taken_over_from),
        "handed_over_to": _neighbour(beside.handed_over_to),
        "changes": [
            {"kind": change.kind.value, "scopes": [scope.value for scope in change.scopes], "at": change.changed_at}
            for change in kept.changes
        ],
        "actions": [
            {
                "sequence": action.sequence,
                "action": action.action,
                "sentence": told(action.action, arguments.get(action.sequence)),
                "changed": may_have_changed(action.action, action.outcome.value),
                "undo": undo(action.action) if may_have_changed(action.action, action.outcome.value) else "",
                "outcome": action.outcome.value,
                "detail": action.detail,
                "started_at": action.started_at,
                "ended_at": action.ended_at,
            }
            for action in receipt.actions
        ],
    }


def _neighbour(kept: KeptReceipt | None) -> dict[str, object] | None:
    if kept is None:
        return None
    return {
        "grant": kept.grant.hex(),
        "technician": kept.receipt.technician,
        "granted_at": kept.receipt.granted_at,
    }
