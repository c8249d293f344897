"""Canned replies of the organisation: words for what comes every day, with fields that are proven, and no others.

    Thank you. Your request {case} of {opened} is solved.

A field is filled from what was signed: the device's ticket, the organisation's certificate. What a person or a device
merely says of itself (a label, words) has no field here: it would look like ours. A field that is not known for this
ticket is said so, and the reply is not filled.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import delete, func, select, update

from protocol.limits import WORDS_MAX_CHARS
from protocol.statements import Envelope, parse_payload
from protocol.tickets import TicketStatement
from server.clock import Clock
from server.refusal import Refusal, not_found
from server.storage.engine import Database
from server.tickets.model import canned_replies

NAME_MAX_CHARS: Final = 60
REPLIES_MAX: Final = 200
_FIELD: Final = re.compile(r"\{([^{}\n]{0,40})\}")

#: Field → where it comes from.
FIELDS: Final[Mapping[str, str]] = {
    "case": "the case id of the device's signed ticket",
    "opened": "the day of the device's signed ticket, in UTC",
    "finding": "the finding's code, of the device's signed ticket",
    "customer": "the customer of the device's certificate",
}


@dataclass(frozen=True)
class Reply:
    id: int
    name: str
    text: str


def unknown_fields(text: str) -> list[str]:
    return sorted({name for name in _FIELD.findall(text) if name not in FIELDS})


def fields_of(statement: Envelope, customer: str | None) -> dict[str, str]:
    """`customer`: of the certificate; none before the device is approved."""
    body = parse_payload(statement, TicketStatement)
    found = {"case": body.case, "opened": datetime.fromtimestamp(body.opened_at, UTC).strftime("%Y-%m-%d")}
    if body.finding is not None:
        found["finding"] = body.finding
    if customer is not None:
        found["customer"] = customer
    return found


def filled(text: str, fields: Mapping[str, str]) -> tuple[str, list[str]]:
    """The text with its fields, and the names of those that are not known here (they stay as they are)."""
    lacking = sorted({name for name in _FIELD.findall(text) if name not in fields})
    return _FIELD.sub(lambda found: fields.get(found[1], found[0]), text), lacking


class Replies:
    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def all(self) -> tuple[Reply, ...]:
        query = select(canned_replies).order_by(func.lower(canned_replies.c.name), canned_replies.c.id)
        async with self._database.read() as connection:
            return tuple(_reply(row) for row in await connection.execute(query))

    async def get(self, reply: int) -> Reply:
        async with self._database.read() as connection:
            query = select(canned_replies).where(canned_replies.c.id == reply)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise not_found("reply")
        return _reply(row)

    async def keep(self, reply: int | None, name: str, text: str, *, by: str) -> None:
        """A new one, or another wording of `reply`. Refusal with what is wrong."""
        values = {"name": name.strip(), "text": text.strip(), "changed_at": self._now(), "changed_by": by}
        if not 0 < len(name.strip()) <= NAME_MAX_CHARS:
            raise Refusal(422, "a reply has a name", expected=f"1 to {NAME_MAX_CHARS} characters")
        if not 0 < len(text.strip()) <= WORDS_MAX_CHARS:
            raise Refusal(422, "a reply has words", expected=f"1 to {WORDS_MAX_CHARS} characters")
        if unknown := unknown_fields(text):
            expected = ", ".join(f"{{{each}}}" for each in FIELDS)
            raise Refusal(422, "there is no such field", expected=expected, got=f"{{{unknown[0]}}}")
        async with self._database.write() as connection:
            if reply is None:
                held = await connection.scalar(select(func.count()).select_from(canned_replies))
                if int(held or 0) >= REPLIES_MAX:
                    raise Refusal(409, "there are too many replies", expected=f"at most {REPLIES_MAX}")
                await connection.execute(canned_replies.insert().values(**values))
                return
            done = await connection.execute(update(canned_replies).where(canned_replies.c.id == reply).values(**values))
            if done.rowcount != 1:
                raise not_found("reply")

    async def remove(self, reply: int) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(canned_replies).where(canned_replies.c.id == reply))


def _reply(row: Any) -> Reply:
    return Reply(row.id, row.name, row.text)
