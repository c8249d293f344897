"""The customer's receipts without the service: read from the agent's file, which is opened for reading only.

The proofs in it need nobody: each is checked under the organisation's root as any proof file is.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from agent.proofs.chain import neighbours
from agent.proofs.receipts import kept_receipt, proof_in
from agent.proofs.verbs import receipt_value
from agent.refusal import Refusal
from protocol.statements import VerifyKey


def kept_receipts(database: Path) -> list[dict[str, Any]]:
    """As the verb `receipts` lists them, each with its `proof`. Newest first; none where there is no file."""
    if not database.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute("SELECT * FROM receipts ORDER BY made_at DESC, rowid DESC").fetchall()
    except sqlite3.Error as error:
        raise Refusal(
            "the kept receipts cannot be read",
            expected=f"the agent's database {database}",
            got=str(error),
            hint="Start the service (bellpull-agent run), or restore the state folder from a backup.",
        ) from error
    kept = [kept_receipt(row, VerifyKey(proof_in(row["proof"]).device_key)) for row in rows]
    beside = neighbours(kept)
    return [
        {**receipt_value(each, beside=beside[each.grant]), "proof": bytes(row["proof"]).decode("utf-8")}
        for each, row in zip(kept, rows, strict=True)
    ]
