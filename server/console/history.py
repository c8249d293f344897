"""Pure: what happened to a ticket, as lines of a timeline."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, assert_never

from protocol.messages.desk import TicketState
from server.console.words import STATE_WORDS
from server.tickets.history import BY_CLOCK, Author, AuthorKind, Event, EventKind
from server.tickets.levels import LEVEL_WORDS, OUTCOME_WORDS, Level, Outcome
from server.tickets.service_clock import ClockKind

_TONES: Final = {
    TicketState.SOLVED: "ok",
    TicketState.CLOSED: "none",
    TicketState.REOPENED: "warning",
}
_LATE: Final = {
    ClockKind.ANSWER: "No answer within the time promised",
    ClockKind.SOLVE: "No solution within the time promised",
}


def timeline_of(events: Iterable[Event], technicians: Mapping[str, str]) -> list[dict[str, Any]]:
    """For `ui.timeline`, in the order given. `technicians`: certificate serial → name."""
    return [{**_told(event), "at": event.at, "who": who(event.by, technicians)} for event in events]


def who(by: Author, technicians: Mapping[str, str]) -> str:
    match by.kind:
        case AuthorKind.ACCOUNT:
            return by.name or "the desk"
        case AuthorKind.TECHNICIAN:
            return technicians.get(by.name, f"certificate {by.name[:8]}…")
        case AuthorKind.DEVICE:
            return "the device"
        case AuthorKind.SERVER:
            return "by the clock" if by == BY_CLOCK else "as it was found at an upgrade"
        case never:
            assert_never(never)


def _told(event: Event) -> dict[str, str]:
    text = event.note or ""
    match event.kind:
        case EventKind.STATE:
            state = TicketState(event.after or "")
            return _line(STATE_WORDS[state][1], text, tone=_TONES.get(state, "info"), icon="ticket")
        case EventKind.LEVEL:
            up = int(event.after or 0) > int(event.before or 0)
            title = f"{'Passed on to' if up else 'Handed back to'} {_level(event.after)}"
            return _line(title, text, tone="accent", icon="arrow-up" if up else "arrow-left")
        case EventKind.OWNER:
            return _line(f"{event.after or 'Nobody'} has it", text, icon="user")
        case EventKind.OUTCOME:
            if event.after is None:
                return _line("Not over after all", text, tone="warning", icon="refresh")
            return _line(OUTCOME_WORDS[Outcome(event.after)], text, tone="ok", icon="check")
        case EventKind.ANSWERED:
            return _line("First answer of a person", text, tone="ok", icon="chat")
        case EventKind.WROTE:
            return _line("The customer wrote again", text, icon="chat")
        case EventKind.VERDICT:
            helped, _, mark = (event.after or "").partition(" ")
            title = "The customer says that it helped" if helped == "yes" else "The customer says that it did not help"
            text = f"{mark} of 5" if mark else ""
            return _line(title, text, tone="ok" if helped == "yes" else "warning", icon="chat")
        case EventKind.TRACKER:
            return _line("Linked to an outside tracker", text, tone="accent", icon="arrow-right")
        case EventKind.NOTED:
            return _line("Note to colleagues", text, icon="chat")
        case EventKind.PRIORITY:
            return _line(f"Priority {event.after}", text, icon="clock")
        case EventKind.LATE:
            return _line(_LATE[ClockKind(event.after or "")], text, tone="error", icon="clock")
        case never:
            assert_never(never)


def _level(after: str | None) -> str:
    return LEVEL_WORDS[Level(int(after or 0))].lower()


def _line(title: str, text: str, *, tone: str = "none", icon: str) -> dict[str, str]:
    return {"title": title, "text": text, "tone": tone, "icon": icon}
