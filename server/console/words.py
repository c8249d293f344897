"""How the console says things: titles of tickets and findings, names of states, of metrics and of audit words."""

import re
from typing import Final

from protocol.audit import AuditWord
from protocol.messages.desk import TicketState

STATE_WORDS: Final[dict[TicketState, tuple[str, str]]] = {
    # state → (the badge's kind, the word)
    TicketState.NEW: ("new", "New"),
    TicketState.OPEN: ("open", "Open"),
    TicketState.WAITING_CUSTOMER: ("waiting", "Waiting for the customer"),
    TicketState.WAITING_THIRD_PARTY: ("waiting", "Waiting for a third party"),
    TicketState.SOLVED: ("solved", "Solved"),
    TicketState.CLOSED: ("closed", "Closed"),
    TicketState.REOPENED: ("reopened", "Reopened"),
}

AUDIT_WORDS: Final[dict[AuditWord, tuple[str, str, str]]] = {
    # word → (title, tone, icon)
    AuditWord.SESSION_OFFERED: ("Session asked for", "none", "bell"),
    AuditWord.SESSION_STARTED: ("Session allowed", "accent", "check"),
    AuditWord.ACTION_STARTED: ("Action started", "info", "play"),
    AuditWord.ACTION_ENDED: ("Action ended", "none", "dot"),
    AuditWord.ACTION_REFUSED: ("Action refused", "warning", "minus"),
    AuditWord.GRANT_CHANGED: ("Permission changed", "warning", "shield"),
    AuditWord.SESSION_ENDED: ("Session ended", "none", "stop"),
    AuditWord.RECEIPT_MADE: ("Receipt signed", "ok", "receipt"),
    AuditWord.REMEDY_STARTED: ("Fix started", "info", "wrench"),
    AuditWord.REMEDY_ENDED: ("Fix ended", "none", "wrench"),
    AuditWord.DEVICE_ENROLLED: ("Device enrolled", "accent", "device"),
    AuditWord.DOCUMENT_PUBLISHED: ("Document published", "accent", "file"),
    AuditWord.SIGN_IN: ("Sign-in", "none", "user"),
    AuditWord.ACCOUNT_CHANGE: ("Account change", "warning", "users"),
    AuditWord.ARTICLE_PUBLISHED: ("Article published", "accent", "book"),
    AuditWord.ARTICLE_WITHDRAWN: ("Article withdrawn", "warning", "book"),
    AuditWord.VALUE_ERASED: ("Value erased", "warning", "minus"),
}

TITLE_CHARS: Final = 72
_SENTENCE: Final = re.compile(rf"(.{{12,{TITLE_CHARS - 1}}}?[.!?])\s")
_SHORT_FOR: Final = frozenset({"cpu", "dns", "io", "ip", "os", "tls", "usb"})


def from_code(code: str) -> str:
    """`disk-space-low` → `Disk space low`; `dns` → `DNS`."""
    words = [word.upper() if word in _SHORT_FOR else word for word in code.replace(".", "-").split("-")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def ticket_title(words: str, finding: str | None) -> str:
    """The finding in words, else the first line, or sentence, of what the customer wrote."""
    if finding is not None:
        return from_code(finding)
    line = " ".join(next((line for line in words.splitlines() if line.strip()), "").split())
    if len(line) <= TITLE_CHARS:
        return line or "Asks for help"
    if sentence := _SENTENCE.match(line):
        return sentence[1]
    # Not within a word, unless the word is all there is.
    cut = line[:TITLE_CHARS].rsplit(" ", 1)[0] or line[:TITLE_CHARS]
    return cut.rstrip(" ,;:-") + "…"
