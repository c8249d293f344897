"""Pure: who may write what into the log, and how a person appears in it."""

from typing import Final

from protocol.audit import AuditEntry, AuditWord
from protocol.fields import sha256

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


def commitment(salt: bytes, value: str) -> bytes:
    """What stands in the log for `value`. Without the salt it says nothing, also not to who guesses."""
    return sha256(b"bellpull audit commitment v1\0", salt, value.encode())
