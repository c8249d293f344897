"""Pure: which event of a ticket is told to whom, what a mail holds, and when a mail is tried again.

    event of a ticket ─► owner · watchers · whoever is @mentioned · admins, when it is late and nobody has it
                         (never whoever did it)

A mail travels and is kept in the clear, so it holds the ticket's number, its state and a link, and nothing else: who
reads it signs in for the rest.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from enum import StrEnum
from typing import Final

from protocol.messages.desk import TicketState
from server.tickets.history import AuthorKind, Event, EventKind


class NoticeKind(StrEnum):
    YOURS = "yours"
    MENTIONED = "mentioned"
    PASSED_ON = "passed-on"
    WROTE = "wrote"
    REOPENED = "reopened"
    LATE = "late"
    CHANGED = "changed"


NOTICE_WORDS: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.YOURS: "You have it now",
    NoticeKind.MENTIONED: "You were mentioned",
    NoticeKind.PASSED_ON: "Handed to another line",
    NoticeKind.WROTE: "The customer wrote",
    NoticeKind.REOPENED: "Open again",
    NoticeKind.LATE: "Later than promised",
    NoticeKind.CHANGED: "Its state changed",
}

_MENTION: Final = re.compile(r"(?<![\w.@-])@([a-z0-9][a-z0-9._@-]{0,39})", re.ASCII | re.IGNORECASE)
MENTIONS_MAX: Final = 20


def mentioned(text: str, accounts: Collection[str]) -> set[str]:
    """Accounts named as `@anna`; a full stop at its end is the sentence's."""
    found: set[str] = set()
    for name in _MENTION.findall(text)[:MENTIONS_MAX]:
        for spelled in (name.lower(), name.lower().rstrip(".-")):
            if spelled in accounts:
                found.add(spelled)
                break
    return found


@dataclass(frozen=True)
class Audience:
    """Who may hear of a ticket. `accounts`: all names; `admins`: those of that role."""

    owner: str | None
    watchers: frozenset[str]
    accounts: frozenset[str]
    admins: frozenset[str]


def told_to(event: Event, audience: Audience) -> dict[str, NoticeKind]:
    """Account → what to tell them. What concerns them most wins."""
    near = audience.watchers | ({audience.owner} if audience.owner else set())
    found: dict[str, NoticeKind] = {}
    match event.kind:
        case EventKind.OWNER if event.after:
            found = {event.after: NoticeKind.YOURS}
        case EventKind.LEVEL:
            found = dict.fromkeys(near, NoticeKind.PASSED_ON)
        case EventKind.WROTE:
            found = dict.fromkeys(near, NoticeKind.WROTE)
        case EventKind.LATE:
            found = dict.fromkeys(near or audience.admins, NoticeKind.LATE)
        case EventKind.STATE if event.after == TicketState.REOPENED:
            found = dict.fromkeys(near, NoticeKind.REOPENED)
        case EventKind.STATE:
            found = dict.fromkeys(audience.watchers, NoticeKind.CHANGED)
        case _:
            found = {}
    if event.note and event.by.kind is AuthorKind.ACCOUNT:
        found |= dict.fromkeys(mentioned(event.note, audience.accounts), NoticeKind.MENTIONED)
    author = event.by.name if event.by.kind is AuthorKind.ACCOUNT else None
    return {name: kind for name, kind in found.items() if name in audience.accounts and name != author}


# --- mails -----------------------------------------------------------------------------------------------------------

GIVE_UP_S: Final = 3 * 86_400
_FIRST_WAIT_S: Final = 60
_LONGEST_WAIT_S: Final = 6 * 3600


def wait_s(attempts: int) -> int:
    """After the given number of failures: a minute, two, four … six hours."""
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S << min(max(0, attempts - 1), 20))


def mail_of(*, sender: str, to: str, case: str, ticket: str, state: str, origin: str, now: int) -> EmailMessage:
    """Number, state, link."""
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    message["Subject"] = f"Ticket {case}: {state}"
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
    message.set_content(f"Ticket: {case}\nState: {state}\n\n{origin}/tickets/{ticket}\n")
    return message
