"""Local verbs of receipts: the list, and the proof file of one."""

from typing import Annotated, Any

from pydantic import Field

from agent.local.verbs import NoArguments, Peer, Verb
from agent.proofs.receipts import KeptReceipt, Receipts
from agent.refusal import Refusal
from protocol.strict_json import WireModel


class OneReceipt(WireModel):
    """`grant`: the hash of the grant in hex, or enough of its beginning to name one."""

    grant: Annotated[str, Field(pattern=r"^[0-9a-f]{4,64}$")]


class ReceiptVerbs:
    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts

    def verbs(self) -> tuple[Verb[Any], ...]:
        return (
            Verb("receipts", NoArguments, self._list),
            Verb("receipt-file", OneReceipt, self._file),
        )

    async def _list(self, arguments: NoArguments, peer: Peer) -> object:
        return {"receipts": [receipt_value(kept) for kept in self._receipts.list()]}

    async def _file(self, arguments: OneReceipt, peer: Peer) -> object:
        found = [kept for kept in self._receipts.list() if kept.grant.hex().startswith(arguments.grant)]
        if len(found) != 1:
            raise Refusal(
                "there is no such receipt" if not found else "that names more than one receipt",
                expected="the id of one receipt",
                got=arguments.grant,
                hint="List them: bellpull-agent receipts",
            )
        proof = self._receipts.proof(found[0].grant)
        assert proof is not None  # noqa: S101 - it was listed
        return {**receipt_value(found[0]), "proof": proof.decode("utf-8")}


def receipt_value(kept: KeptReceipt) -> dict[str, object]:
    receipt = kept.receipt
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
        "actions": [
            {
                "sequence": action.sequence,
                "action": action.action,
                "outcome": action.outcome.value,
                "detail": action.detail,
                "started_at": action.started_at,
                "ended_at": action.ended_at,
            }
            for action in receipt.actions
        ],
    }
