"""A question as every surface needs it: the text the service wrote, what can be ticked, how long, and how to answer.

The rules of asking stand here once, for the window, the native box and the page: what changes the computer is not
ticked beforehand; never more minutes than were asked; a surface that cannot reach the service has said nothing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from agent.local.client import call
from agent.refusal import Refusal
from protocol.grants import ConsentMethod

_CHOICES: Final = (5, 10, 15, 30, 60, 120, 240)


@dataclass(frozen=True)
class Option:
    """One thing that was asked. `ticked`: whether it is offered with a tick already."""

    scope: str
    sentence: str
    risk: int
    ticked: bool


@dataclass(frozen=True)
class AskedQuestion:
    """From `consent-show`. `text`: exactly what must be shown; its hash goes back with a yes."""

    id: str
    technician: str
    headline: str
    text: str
    text_sha256: str
    options: tuple[Option, ...]
    minutes: int
    risk: int
    phrase: tuple[str, ...]

    @classmethod
    def of(cls, shown: dict[str, Any]) -> Self:
        return cls(
            id=shown["id"],
            technician=shown["technician"],
            headline=shown["headline"],
            text=shown["text"],
            text_sha256=shown["text_sha256"],
            options=tuple(
                Option(each["scope"], each["sentence"], each["risk"], ticked=each["risk"] < 2)
                for each in shown["scopes"]
            ),
            minutes=shown["minutes"],
            risk=shown["risk"],
            phrase=tuple(shown["phrase"]),
        )

    @property
    def minute_choices(self) -> list[int]:
        """How long it may be, the longest last: never more than was asked."""
        return [*(choice for choice in _CHOICES if choice < self.minutes), self.minutes]


def answer_no(state: Path, question: AskedQuestion) -> None:
    call(state, "consent-decide", id=question.id, approve=False)


def answer_yes(state: Path, question: AskedQuestion, scopes: list[str], minutes: int, method: ConsentMethod) -> None:
    """Raises Refusal when the service does not take it: too soon, too late, not this text."""
    call(
        state,
        "consent-decide",
        id=question.id,
        approve=True,
        text_sha256=question.text_sha256,
        scopes=scopes,
        minutes=minutes,
        method=method.value,
    )


def still_open(state: Path, question: AskedQuestion) -> bool:
    """Whether this question still waits for an answer. A service that is gone asks nothing."""
    try:
        return any(each["id"] == question.id for each in call(state, "consent-list")["pending"])
    except Refusal:
        return False
