"""The agent's journal: append-only, hash-chained, one entry before each act and one after.

Entry bytes are exact JSON; `chain(previous, bytes)` = SHA-256(label ‖ previous ‖ bytes). The hash of the last entry
of a range is the range's root: it stands in the receipt. What may hold names (arguments, texts) is in the entry as a
salted commitment; the value and its salt are kept beside it on the device, where they can be erased without breaking
the chain.
"""

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final

from pydantic import Field

from protocol import strict_json
from protocol.actions.scopes import Scope
from protocol.errors import RemoteProtocolError
from protocol.fields import Count, DottedName, Hash, UnixSeconds, sha256
from protocol.strict_json import WireModel

GENESIS: Final = bytes(32)


class JournalWord(StrEnum):
    """Everything the journal can say. A closed list: an auditor reads it in one minute."""

    SESSION_STARTED = "session-started"
    ACTION_STARTED = "action-started"
    ACTION_ENDED = "action-ended"
    ACTION_REFUSED = "action-refused"
    GRANT_CHANGED = "grant-changed"
    SESSION_ENDED = "session-ended"
    REMEDY_STARTED = "remedy-started"
    REMEDY_ENDED = "remedy-ended"


class Outcome(StrEnum):
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # the agent died between the two entries: it cannot say, and does not pretend


class JournalEntry(WireModel):
    """One line of the journal. `sequence` counts from 1 on this device and never restarts."""

    sequence: Annotated[int, Field(ge=1, le=1 << 53)]
    previous: Hash
    at: UnixSeconds
    word: JournalWord
    grant: Hash
    action_sequence: Count = 0
    action: DottedName | None = None
    scope: Scope | None = None
    risk: Annotated[int, Field(ge=0, le=3)] = 0
    arguments: Hash | None = None  # salted commitment
    outcome: Outcome | None = None
    detail: Annotated[str, Field(max_length=200)] = ""

    def to_bytes(self) -> bytes:
        return strict_json.dump(self)

    @property
    def hash(self) -> bytes:
        return chain(self.previous, self.to_bytes())


def chain(previous: bytes, entry: bytes) -> bytes:
    return sha256(b"bellpull journal v1\0", previous, entry)


def commitment(salt: bytes, value: bytes) -> bytes:
    """A salted hash that says nothing about `value` without `salt` (16 random bytes)."""
    if len(salt) != 16:
        raise ValueError(f"a salt is 16 bytes, not {len(salt)}")
    return sha256(b"bellpull commitment v1\0", salt, value)


def check_range(entries: Sequence[JournalEntry], root: bytes) -> None:
    """The entries follow one another and end in `root`. Raises RemoteProtocolError at the first that does not."""
    if not entries:
        raise RemoteProtocolError("an empty journal", expected="at least one entry", got="none")
    for before, after in pairwise(entries):
        if after.previous != before.hash or after.sequence != before.sequence + 1:
            raise RemoteProtocolError(
                "the journal is broken: an entry was changed, removed or moved",
                expected=f"entry {before.sequence + 1} to follow entry {before.sequence}",
                got=f"entry {after.sequence} with another history",
            )
    if entries[-1].hash != root:
        raise RemoteProtocolError(
            "the journal does not end where the receipt says",
            expected=root.hex()[:16],
            got=entries[-1].hash.hex()[:16],
        )
