"""A change of an account, in the audit log before it is done. Who, whose and how stand behind a salted commitment."""

from protocol.audit import AuditWord
from server.office import Office


async def note_change(office: Office, name: str, change: str, *, by: str) -> None:
    commitment = await office.audit.commit_to(f"account {name}: {change}, by {by}")
    await office.record(AuditWord.ACCOUNT_CHANGE, commitment=commitment)
