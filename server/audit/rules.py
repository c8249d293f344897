"""Pure: who may write what into the log, and how a person appears in it."""

from enum import StrEnum
from typing import Final

from protocol.audit import AuditEntry, AuditWord

#: What only a device can know. The rest is the server's own to say.
DEVICE_WORDS: Final = frozenset(
    {
        AuditWord.SESSION_STARTED,
        AuditWord.ACTION_STARTED,
        AuditWord.ACTION_ENDED,
        AuditWord.ACTION_REFUSED,
        AuditWord.GRANT_CHANGED,
        AuditWord.SESSION_ENDED,
        AuditWord.RECEIPT_MADE,
        AuditWord.REMEDY_STARTED,
        AuditWord.REMEDY_ENDED,
    }
)


def fault_of(entry: AuditEntry, device: str) -> str:
    """Why `device` may not write this entry, or nothing."""
    if entry.author != device:
        return "an entry's author must be the device that sends it"
    if entry.device not in (None, device):
        return "an entry of a device must not speak of another device"
    if entry.word not in DEVICE_WORDS:
        return f"a device does not write {entry.word} into the log"
    return ""


class Kind(StrEnum):
    """Who a value behind a commitment can speak of."""

    ACCOUNT = "account"
    TECHNICIAN = "technician"
    ISSUER = "issuer"


def speaks_of(value: str, kind: Kind, name: str) -> bool:
    """`account anna`, `account anna: role admin, by ben`, `technician 5f… room x…`; an account also as the one who did
    it."""
    words = f"{kind} {name}"
    if value == words or value.startswith((f"{words} ", f"{words}:")):
        return True
    return kind is Kind.ACCOUNT and value.endswith(f", by {name}")
