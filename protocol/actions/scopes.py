"""Scopes: what a session may do, how dangerous that is, and the sentence a customer reads before saying yes.

Scope, risk, sentence and audit word stand together here so that none of them can drift from the others.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    DIAGNOSE = "diagnose"
    BUNDLE = "bundle"
    CHAT = "chat"
    LOGS = "logs"
    FILES_READ = "files.read"
    PROCESSES = "processes"
    SERVICES = "services"
    REMEDY = "remedy"
    PROCESSES_END = "processes.end"
    SERVICES_CONTROL = "services.control"
    FILES_WRITE = "files.write"
    TERMINAL = "terminal"


@dataclass(frozen=True)
class ScopeMeaning:
    """`risk`: 0 looks, 1 reads more, 2 changes, 3 full control of the session user's account."""

    risk: int
    sentence: str


#: Sentences follow "The technician may …".
MEANINGS: Final[dict[Scope, ScopeMeaning]] = {
    Scope.DIAGNOSE: ScopeMeaning(0, "run health checks and see their results"),
    Scope.BUNDLE: ScopeMeaning(0, "ask for a log bundle, which you see before it is sent"),
    Scope.CHAT: ScopeMeaning(0, "exchange messages with you"),
    Scope.LOGS: ScopeMeaning(1, "read system and application logs, with personal data replaced"),
    Scope.FILES_READ: ScopeMeaning(1, "look at files in the folders you allow"),
    Scope.PROCESSES: ScopeMeaning(1, "see which programs are running and what they use"),
    Scope.SERVICES: ScopeMeaning(1, "see background services and whether they work"),
    Scope.REMEDY: ScopeMeaning(1, "offer you prepared fixes; a fix that changes something asks you again"),
    Scope.PROCESSES_END: ScopeMeaning(2, "end a running program; work not saved in it is lost"),
    Scope.SERVICES_CONTROL: ScopeMeaning(2, "start, stop and restart background services"),
    Scope.FILES_WRITE: ScopeMeaning(2, "put files on this computer, in the folders you allow"),
    Scope.TERMINAL: ScopeMeaning(3, "type commands on this computer as if sitting at it"),
}


def highest_risk(scopes: tuple[Scope, ...]) -> int:
    return max((MEANINGS[scope].risk for scope in scopes), default=0)
