"""What of a grant must survive a crash: its number, each use of a sequence number before the act, every change.

A sequence number is written once (primary key): the same action can never be booked, and so never run, twice.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.refusal import Refusal
from agent.session.effects import BookAction, OpenBooks
from agent.store.database import Database
from protocol import strict_json
from protocol.actions.scopes import Scope
from protocol.certificates import Chain, TechnicianCertificate
from protocol.grants import EndedBy, Grant, GrantChange, SessionRequest
from protocol.statements import Envelope, Verified, parse_payload

_CHAIN_MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class BookedAction:
    """One row: the technician's statement and what this device booked for it."""

    sequence: int
    envelope: Envelope
    action: str
    scope: Scope | None
    risk: int
    arguments: bytes  # the salted commitment
    started_at: int


@dataclass(frozen=True)
class StoredGrant:
    """A grant as it lies on the disk. `opened`: it was handed over to the technician."""

    number: int
    hash: bytes
    grant: Envelope
    request: Envelope
    technician: Chain
    device: Chain | None
    granted_at: int
    opened: bool
    ended_by: EndedBy | None
    ended_at: int | None

    @property
    def grant_body(self) -> Grant:
        return parse_payload(self.grant, Grant)

    @property
    def request_body(self) -> SessionRequest:
        return parse_payload(self.request, SessionRequest)

    @property
    def technician_body(self) -> TechnicianCertificate:
        return parse_payload(self.technician.leaf, TechnicianCertificate)


class GrantsStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def next_number(self) -> int:
        rows = self._database.query("SELECT max(number) AS newest FROM grants")
        return int(rows[0]["newest"] or 0) + 1

    def add(self, connection: sqlite3.Connection, books: OpenBooks) -> None:
        body = books.grant.body
        device = None if books.device_chain is None else strict_json.dump(books.device_chain)
        connection.execute(
            "INSERT INTO grants (number, hash, grant_envelope, request_envelope, technician_chain, device_chain,"
            " granted_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                body.number,
                books.grant.hash,
                books.grant.envelope.to_bytes(),
                books.request.envelope.to_bytes(),
                strict_json.dump(books.technician_chain),
                device,
                body.granted_at,
            ),
        )

    def add_action(self, connection: sqlite3.Connection, booked: BookAction, arguments: bytes, at: int) -> None:
        """`arguments`: their salted commitment. A sequence number that was used before raises Refusal."""
        body = booked.action.body
        try:
            connection.execute(
                "INSERT INTO grant_actions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    body.grant,
                    body.sequence,
                    booked.action.envelope.to_bytes(),
                    body.action,
                    booked.scope,
                    booked.risk,
                    arguments,
                    at,
                ),
            )
        except sqlite3.IntegrityError as error:
            raise Refusal(
                "this action was booked before", expected=f"a new number than {body.sequence}", got="the same"
            ) from error

    def add_change(self, connection: sqlite3.Connection, change: Verified[GrantChange]) -> None:
        connection.execute(
            "INSERT INTO grant_changes VALUES (?, ?, ?)",
            (change.body.grant, change.body.number, change.envelope.to_bytes()),
        )

    def opened(self, connection: sqlite3.Connection, grant: bytes) -> None:
        connection.execute("UPDATE grants SET opened = 1 WHERE hash = ?", (grant,))

    def ended(self, connection: sqlite3.Connection, grant: bytes, by: EndedBy, at: int) -> None:
        """The first end counts."""
        connection.execute(
            "UPDATE grants SET ended_by = ?, ended_at = ? WHERE hash = ? AND ended_by IS NULL", (by.value, at, grant)
        )

    def get(self, grant: bytes) -> StoredGrant | None:
        rows = self._database.query("SELECT * FROM grants WHERE hash = ?", (grant,))
        return _read(rows[0]) if rows else None

    def person_had_a_say_at(self) -> int | None:
        """When the newest grant ended that somebody at this machine stopped or narrowed; unix seconds."""
        rows = self._database.query(
            "SELECT max(ended_at) AS at FROM grants"
            " WHERE ended_by = ? OR hash IN (SELECT grant_hash FROM grant_changes)",
            (EndedBy.CUSTOMER.value,),
        )
        return None if rows[0]["at"] is None else int(rows[0]["at"])

    def without_receipt(self) -> list[StoredGrant]:
        """Grants that were signed and have no receipt yet: one that is in force, and those a crash left behind."""
        rows = self._database.query(
            "SELECT * FROM grants WHERE hash NOT IN (SELECT grant_hash FROM receipts) ORDER BY number"
        )
        return [_read(row) for row in rows]

    def actions(self, grant: bytes) -> list[BookedAction]:
        rows = self._database.query("SELECT * FROM grant_actions WHERE grant_hash = ? ORDER BY sequence", (grant,))
        return [
            BookedAction(
                sequence=row["sequence"],
                envelope=Envelope.parse(row["envelope"]),
                action=row["action"],
                scope=Scope(row["scope"]) if row["scope"] else None,
                risk=row["risk"],
                arguments=row["arguments"],
                started_at=row["started_at"],
            )
            for row in rows
        ]

    def changes(self, grant: bytes) -> Sequence[Envelope]:
        rows = self._database.query("SELECT envelope FROM grant_changes WHERE grant_hash = ? ORDER BY number", (grant,))
        return [Envelope.parse(row["envelope"]) for row in rows]


def _read(row: Any) -> StoredGrant:
    def chain(stored: bytes) -> Chain:
        return strict_json.parse(stored, Chain, what="certificate chain", max_bytes=_CHAIN_MAX_BYTES)

    grant = Envelope.parse(row["grant_envelope"])
    return StoredGrant(
        number=row["number"],
        hash=grant.hash,  # the column finds the row; what is signed says which grant it is
        grant=grant,
        request=Envelope.parse(row["request_envelope"]),
        technician=chain(row["technician_chain"]),
        device=None if row["device_chain"] is None else chain(row["device_chain"]),
        granted_at=row["granted_at"],
        opened=bool(row["opened"]),
        ended_by=EndedBy(row["ended_by"]) if row["ended_by"] else None,
        ended_at=row["ended_at"],
    )
