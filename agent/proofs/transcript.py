"""The transcript of a visit: what was asked, about what, how it ended, and what was said; sealed for the organisation.

    {"schema":1,"grant":"…","technician":"Tom Vale",…,
     "actions":[{"sequence":1,"at":…,"ended_at":…,"action":"logs","arguments":{…},"outcome":"done","detail":"",…}],
     "changes":[{"at":…,"kind":"narrowed","scopes":[…]}],
     "terminals":[{"action":3,"typed":"ls\\r","shown":"…","cut":false}],
     "messages":[{"number":1,"at":…,"by":"customer","name":"anna","text":"…"}]}

The receipt proves and holds commitments only; this is what stands behind them, for people to read. It goes once, with
the receipt's own copy; the customer reads the same on their page. Of results only what was typed and shown in a
terminal is in it.
"""

import json
from collections.abc import Callable

from agent.proofs.journal_store import JournalStore
from agent.proofs.kept_terminals import kept_terminals
from diagnostics.strict_json import dump_json, encode
from diagnostics.visit_rows import ChatMessage
from protocol.grants import GrantChange, Receipt
from protocol.journal import JournalWord
from protocol.proofs import ProofFile
from protocol.statements import parse_payload

SCHEMA = 1


def transcript(proof: ProofFile, journal: JournalStore, messages: Callable[[bytes], list[ChatMessage]]) -> bytes:
    """The document of a visit whose receipt was made. Arguments that were erased since are null."""
    receipt = parse_payload(proof.receipt, Receipt)
    entries = journal.of_grant(receipt.grant)
    asked = {
        entry.action_sequence: journal.value_of(entry.sequence)
        for entry in entries
        if entry.word in (JournalWord.ACTION_STARTED, JournalWord.ACTION_REFUSED)
    }
    return dump_json(
        {
            "schema": SCHEMA,
            "grant": receipt.grant.hex(),
            "technician": receipt.technician,
            "organisation": receipt.organisation,
            "ticket": receipt.ticket,
            "reason": receipt.reason,
            "scopes": [scope.value for scope in receipt.scopes],
            "granted_at": receipt.granted_at,
            "ended_at": receipt.ended_at,
            "ended_by": receipt.ended_by.value,
            "actions": [
                {
                    "sequence": action.sequence,
                    "at": action.started_at,
                    "ended_at": action.ended_at,
                    "action": action.action,
                    "arguments": _value(asked.get(action.sequence)),
                    "outcome": action.outcome.value,
                    "detail": action.detail,
                    "risk": action.risk,
                }
                for action in receipt.actions
            ],
            "terminals": kept_terminals(entries, journal),
            "changes": [
                {"at": change.changed_at, "kind": change.kind.value, "scopes": [scope.value for scope in change.scopes]}
                for change in (parse_payload(envelope, GrantChange) for envelope in proof.changes)
            ],
            # Of a visit that went on after a lost connection, each grant's transcript has what was said under it.
            "messages": [
                encode(message)
                for message in messages(receipt.grant)
                if receipt.granted_at <= message.at <= receipt.ended_at
            ],
        },
        indent=1,
    ).encode()


def _value(arguments: bytes | None) -> object:
    """As JSON where it is; a refused action may have come with anything."""
    if arguments is None:
        return None
    try:
        value: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments[:2000].decode("utf-8", "replace")
    return value
