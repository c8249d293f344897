"""Pure: the four facts as a form. What leaves it is whole, or it comes back with what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from protocol.messages.desk import FourFacts, TicketState
from server.tickets.rules import OPEN_STATES, PAUSED_STATES

FACT_MAX_CHARS: Final = 500
KEEP: Final = "keep"
AT: Final = "at"
#: seconds from now → how people say it
SOON: Final[dict[int, str]] = {
    1800: "In half an hour",
    3600: "In 1 hour",
    2 * 3600: "In 2 hours",
    4 * 3600: "In 4 hours",
    8 * 3600: "In 8 hours",
    86_400: "In 1 day",
    2 * 86_400: "In 2 days",
    3 * 86_400: "In 3 days",
    7 * 86_400: "In 1 week",
    14 * 86_400: "In 2 weeks",
}
FARTHEST_S: Final = 366 * 86_400
_FIELDS: Final = ("cost", "doing", "next")


@dataclass(frozen=True)
class FactsForm:
    """What the form shows. `eta_choice`: keep | at | seconds from now; `eta_at`: `2026-11-21T14:30`, UTC."""

    cost: str
    doing: str
    next: str
    eta_choice: str
    eta_at: str
    state: TicketState
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: FourFacts, state: TicketState) -> "FactsForm":
        return cls(facts.cost, facts.doing, facts.next, KEEP, utc_minute(facts.eta), state)


def read_facts(form: Mapping[str, str], standing: FourFacts, state: TicketState, now: int) -> FourFacts | FactsForm:
    """The new facts, or the same form with what is wrong beside each field. `state`: the wanted one."""
    texts = {name: form.get(name, "").strip() for name in _FIELDS}
    errors: dict[str, str] = {}
    for name, text in texts.items():
        if not text:
            errors[name] = "The customer always sees this. It cannot be empty."
        elif len(text) > FACT_MAX_CHARS:
            errors[name] = f"At most {FACT_MAX_CHARS} characters; these are {len(text)}."
    choice, at = form.get("eta_choice", ""), form.get("eta_at", "")
    eta = _eta(choice, at, standing.eta, now)
    if eta is None:
        errors["eta"] = "Choose when the customer may expect it."
    elif eta <= now and state in OPEN_STATES - PAUSED_STATES:
        errors["eta"] = "This time has passed. When may they expect it now?"
    elif eta > now + FARTHEST_S and eta != standing.eta:
        errors["eta"] = "That is more than a year away."
    if errors or eta is None:
        return FactsForm(**texts, eta_choice=choice, eta_at=at[:16], state=state, errors=errors)
    return FourFacts(**texts, eta=eta)


def utc_minute(moment: int) -> str:
    """For `<input type=datetime-local>`; empty for a time no calendar has."""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M")
    except (OverflowError, OSError, ValueError):
        return ""


def _eta(choice: str, at: str, standing: int, now: int) -> int | None:
    if choice == KEEP:
        return standing
    if choice == AT:
        try:
            moment = int(datetime.strptime(at[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC).timestamp())
        except ValueError:
            return None
        return max(0, moment)
    return next((now + seconds for seconds in SOON if str(seconds) == choice), None)
