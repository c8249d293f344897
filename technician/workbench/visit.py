"""The pages of the live visit: phrase, consent, tabs with results, transcript, the end."""

import shlex
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from protocol.actions.catalogue import ACTIONS, find_action
from protocol.errors import RemoteProtocolError
from protocol.proofs import ProvenVisit, verify_proof
from protocol.statements import VerifyKey
from technician.private_files import read_private
from technician.problems import Problem
from technician.session.closing import read_proof
from technician.session.commands import parse_command
from technician.session.outcome import EndedVisit
from technician.session.rows import show
from technician.workbench.live import LiveVisit, Phase
from technician.workbench.state import desk_of, pages_of
from web.pages import wants_fragment

#: Tab → (label, the action behind it). The transcript has none.
TABS: dict[str, tuple[str, str | None]] = {
    "checks": ("Checks", "diagnose"),
    "processes": ("Processes", "processes"),
    "services": ("Services", "services"),
    "logs": ("Logs", "logs"),
    "transcript": ("Transcript", None),
}
#: The parts of the page that ask again by themselves.
PARTS = ("banner", "main", "side")
#: What a form of a tab is, as the words a technician would type in `bellpull connect`.
COMMAND_OF = {"diagnose": "diagnose", "processes": "ps", "services": "services", "logs": "logs"}


async def visit_page(request: Request) -> Response:
    desk = desk_of(request)
    live = desk.live
    if live is None:
        return pages_of(request).page(request, "no_visit.html", here="visit", live=None)
    tab = request.query_params.get("tab", "checks")
    tab = tab if tab in TABS else "checks"
    facts = _facts(live, tab, desk.technician.store.trust.root)
    if not wants_fragment(request):
        return pages_of(request).page(request, "visit.html", **facts)
    part = request.query_params.get("part", "main")
    if part not in PARTS or request.query_params.get("seen") == str(live.version):
        return Response(status_code=204)  # nothing new: the page keeps what it shows
    return pages_of(request).fragment(request, "visit.html", part, **facts)


async def run_action(request: Request) -> Response:
    """POST: the tab's form becomes the command a technician would have typed."""
    live = _under_way(request)
    form = await request.form()
    tab = str(form.get("tab", "checks"))
    name = TABS.get(tab, ("", None))[1]
    if name is None:
        raise Problem("this tab has no action", got=tab[:40])
    words = [COMMAND_OF[name], *(_words(name, {key: str(value) for key, value in form.items()}))]
    typed = parse_command(" ".join(words))
    live.act(typed.name, typed.arguments)
    return RedirectResponse(f"/visit?tab={tab}", status_code=303)


async def confirm_words(request: Request) -> Response:
    """POST: two words the customer read out."""
    live = _under_way(request)
    form = await request.form()
    live.confirm({place: str(form.get(f"word{place}", "")) for place in live.places})
    return RedirectResponse("/visit", status_code=303)


async def end_visit(request: Request) -> Response:
    """POST: end it. The receipt follows on the same page."""
    _under_way(request).end()
    return RedirectResponse("/visit", status_code=303)


def _under_way(request: Request) -> LiveVisit:
    live = desk_of(request).live
    if live is None or live.phase.over:
        raise Problem("no visit is under way", hint="Ask for one on a ticket's page.")
    return live


def _facts(live: LiveVisit, tab: str, root: VerifyKey) -> dict[str, Any]:
    action = TABS[tab][1]
    run = live.runs.get(action) if action else None
    return {
        "here": "visit",
        "live": live,
        "tab": tab,
        "tabs": [{"key": key, "label": label, "href": f"/visit?tab={key}"} for key, (label, _) in TABS.items()],
        "action": find_action(action) if action else None,
        "allowed": action is not None and ACTIONS[action].scope in live.scopes,
        "run": run,
        "last": run.arguments.model_dump() if run else {},
        "tables": show(run.items) if run else [],
        "phases": Phase,
        "proven": _proven(live.ended, root) if live.ended else None,
    }


def _proven(ended: EndedVisit, root: VerifyKey) -> ProvenVisit | None:
    """The kept receipt, proven again from its file."""
    if ended.receipt is None:
        return None
    try:
        return verify_proof(read_proof(read_private(ended.receipt, what="receipt")), root)
    except (RemoteProtocolError, Problem):
        return None


def _words(name: str, form: dict[str, str]) -> list[str]:
    """Fields of a tab's form as words of a command; empty ones are left out."""
    given = {key: value.strip() for key, value in form.items() if value.strip()}
    match name:
        case "processes":
            return [shlex.quote(given.get("sort", "cpu")), shlex.quote(given.get("limit", "50"))]
        case "services":
            return [shlex.quote(given.get("state", "all"))]
        case "logs":
            source = given.get("source", "journal")
            named = [f"{key}={given[key]}" for key in ("unit", "severity", "since", "text", "lines") if key in given]
            return [shlex.quote(word) for word in ([source] if source == "list" else [source, *named])]
        case _:
            return [shlex.quote(check) for check in given.get("checks", "").split()]
