"""What every page of the console has: the frame, the navigation of the visitor's role, the token for forms."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse

from protocol.messages.desk import TicketState
from server.access import may
from server.console.assets import asset_url
from server.console.words import AUDIT_WORDS, STATE_WORDS, from_code, ticket_title
from server.people.reach import KnownTechnician, Reach
from server.people.rules import ROLE_MEANINGS, Role, form_token
from server.people.store import Account, OpenSession
from server.refusal import Refusal
from server.reports.behind import Kind, RowColumn
from server.reports.figures import Column
from server.tickets.service_rules import length_text
from web.pages import NavItem, Pages, page_environment

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"

NAV: Final = (
    NavItem("home", "Now", "/", "bell"),
    NavItem("tickets", "Tickets", "/tickets", "ticket"),
    NavItem("notices", "Notices", "/notices", "chat"),
    NavItem("devices", "Devices", "/devices", "device"),
    NavItem("knowledge", "Knowledge", "/knowledge", "book"),
    NavItem("reports", "Reports", "/reports", "chart"),
    NavItem("audit", "Audit", "/audit", "shield"),
    NavItem("people", "People", "/people", "users"),
)

_TITLES: Final = {
    400: "This could not be read",
    401: "Not signed in",
    403: "Not for you",
    404: "There is nothing here",
    405: "There is nothing here",
    409: "Not like this",
    413: "Too large",
    415: "This could not be read",
    422: "Not like this",
    429: "Too many at once",
    500: "Something went wrong here",
    503: "Not ready yet",
}


@dataclass(frozen=True)
class Visitor:
    """Who asks, by a session that holds now. `token` is the cookie's. `lacks_factor`: the role must have a second
    factor, and the account has none: nothing but its own set-up is open."""

    account: Account
    token: str
    reach: Reach
    session: OpenSession
    lacks_factor: bool = False

    @property
    def form_token(self) -> str:
        return form_token(self.token)

    def may(self, method: str, path: str) -> bool:
        """For templates: whether to offer what the route table would refuse."""
        return may(method, path, self.account.role)


@dataclass(frozen=True)
class Flash:
    text: str
    tone: str = "ok"


@lru_cache(maxsize=1)
def _pages() -> Pages:
    environment = page_environment(
        [TEMPLATES],
        face="Console",
        role_meanings=ROLE_MEANINGS,
        asset_url=asset_url,
        state_words=STATE_WORDS,
        audit_words=AUDIT_WORDS,
        ticket_title=ticket_title,
        role_options=role_options,
        technician_options=technician_options,
    )
    environment.filters["from_code"] = from_code
    environment.filters["state_option"] = state_option
    environment.filters["twice"] = twice
    environment.filters["working"] = working_time
    environment.filters["row_column"] = row_column
    environment.filters["number_column"] = number_column
    # A global, not an import: parts that refresh themselves are rendered without the page around them.
    environment.globals["parts"] = environment.get_template("parts.html").module
    return Pages(environment)


def show(
    request: Request, template: str, *, status_code: int = 200, flash: Flash | None = None, **context: Any
) -> HTMLResponse:
    """A whole page for whoever asks."""
    flashes = () if flash is None else (flash,)
    return _pages().page(request, template, status_code=status_code, flashes=flashes, **_frame(request), **context)


def show_part(request: Request, template: str, block: str, **context: Any) -> HTMLResponse:
    """One block of a page, for what refreshes itself."""
    return _pages().fragment(request, template, block, **_frame(request), **context)


def show_refusal(request: Request, refusal: Refusal) -> HTMLResponse:
    """The refusal as a page: what happened, what was expected, what to do."""
    facts = refusal.facts
    text = facts.what[:1].upper() + facts.what[1:] + "."
    if facts.expected:
        text += f" Expected: {facts.expected}."
    if facts.got:
        text += f" Got: {facts.got}."
    answer = show(
        request,
        "refused.html",
        status_code=refusal.status,
        title=_TITLES.get(refusal.status, "This did not work"),
        text=text,
        hint=facts.hint,
    )
    if refusal.retry_after_s:
        answer.headers["retry-after"] = str(refusal.retry_after_s)
    return answer


def role_options(chosen: Role = Role.TECHNICIAN) -> list[dict[str, object]]:
    """For `ui.checks`."""
    return [
        {"value": role.value, "label": role.value.capitalize(), "hint": meaning, "checked": role == chosen}
        for role, meaning in ROLE_MEANINGS.items()
    ]


def state_option(state: TicketState) -> tuple[str, str]:
    """For `ui.select`."""
    return state.value, STATE_WORDS[state][1]


def number_column(column: Column) -> dict[str, str]:
    """For `ui.row_table`: a figure's column."""
    return {"label": column.label, "kind": "number"}


def row_column(column: RowColumn) -> dict[str, str]:
    """For `ui.row_table`: a column of the rows behind a figure."""
    return {"label": column.label, "kind": "number" if column.kind in (Kind.SECONDS, Kind.NUMBER) else "text"}


def twice(name: str) -> tuple[str, str]:
    """For `ui.select`: a name that is its own label."""
    return name, name


def working_time(seconds: int) -> str:
    """`1 h 30 min`, never in days: a day of work is not 24 hours. The sign is the caller's to tell."""
    return length_text(abs(seconds) // 60)


def technician_options(technicians: tuple[KnownTechnician, ...]) -> list[tuple[str, str]]:
    """For `ui.select`: by signing key, so that a renewed certificate is the same person."""
    named = [
        (one.key.hex(), f"{one.name}, tier {one.tier}" + ("" if one.holds else " (certificate ended)"))
        for one in technicians
    ]
    return [("", "Nobody"), *named]


def _frame(request: Request) -> dict[str, Any]:
    visitor: Visitor | None = getattr(request.state, "person", None)
    open_to_them = visitor is not None and not visitor.lacks_factor
    nav = tuple(item for item in NAV if visitor is not None and open_to_them and visitor.may("GET", item.href))
    return {"visitor": visitor, "nav": nav, "layout": "column" if visitor is None else "side"}
