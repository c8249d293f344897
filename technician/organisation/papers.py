"""Pure: which of the organisation's documents need something done, from its books and what the server holds.

    revocations   daily; devices trust less after 72 h     warned of after 30 h: one missed day
    the rest      before their end                         warned of in their last seventh

Both the daily timer's `--check` and `bellpull doctor` say what stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from protocol.certificates import Published, Revocations
from protocol.limits import REVOCATIONS_FRESH_S
from protocol.statements import parse_payload
from protocol.trust import PUBLISHED
from technician.organisation.records import Records

#: Published daily: one run was missed, and there is time for another before devices trust less.
REVOCATIONS_LATE_S: Final = 30 * 3600


@dataclass(frozen=True)
class Advice:
    """Something that needs doing. `grave`: devices trust less already, or will not work."""

    what: str
    do: str
    grave: bool = False


@dataclass(frozen=True)
class Paper:
    """One document: how old, and when it ends."""

    name: str
    version: int
    issued_at: int
    not_after: int
    daily: bool

    def advice(self, now: int) -> Advice | None:
        age_s, publish = now - self.issued_at, "bellpull org publish (daily, from a timer)"
        if self.daily and age_s > REVOCATIONS_FRESH_S:
            return Advice(f"{self.name} is {age_s // 3600} hours old: devices allow nothing of risk 2", publish, True)
        if self.daily and age_s > REVOCATIONS_LATE_S:
            return Advice(f"{self.name} is {age_s // 3600} hours old", publish)
        if now > self.not_after:
            return Advice(f"{self.name} has ended", publish, True)
        if self.not_after - now < (self.not_after - self.issued_at) // 7:
            return Advice(f"{self.name} ends in {(self.not_after - now) // 3600} hours", publish)
        return None


def paper_of(body: Published) -> Paper:
    daily = isinstance(body, Revocations) and body.kind == "leaves"
    return Paper(body.floor_name, body.version, body.issued_at, body.not_after, daily)


def papers_of(records: Records) -> list[Paper]:
    """The newest of each, as the books keep them."""
    return [
        paper_of(parse_payload(document.statement, model))
        for document in records.documents()
        for name, model in PUBLISHED.items()
        if name.payload_type == document.statement.payloadType
    ]


def paper_advice(records: Records, on_server: Mapping[str, int], now: int) -> list[Advice]:
    """`on_server`: floor name → version, the server's word."""
    papers = papers_of(records)
    found = [advice for paper in papers if (advice := paper.advice(now)) is not None]
    if not any(paper.daily for paper in papers):
        found.append(Advice("no revocations were ever published", "bellpull org publish", True))
    for paper in papers:
        held = on_server.get(paper.name, 0)
        if held < paper.version:
            text = f"the server holds {paper.name} version {held}, the books {paper.version}"
            found.append(Advice(text, "bellpull org publish", True))
        elif held > paper.version:
            text = f"the server holds {paper.name} version {held}, newer than the books ({paper.version})"
            found.append(Advice(text, "Were the books restored from an old backup? Find the newer ones.", True))
    return found
