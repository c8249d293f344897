"""The pages of the live visit: phrase, consent, tabs with their runs, the end; and what their forms ask for.

GET  /visit?tab=KEY            the page; &run=N one of the tab's earlier runs; &do=ACT… a second question
GET  /visit?part=PART&seen=V   one part of it again, or 204 when it would look the same
WS   /visit/news?tab=KEY       one word whenever something changed; while it is open, so is the tab (news.py)
POST /visit/run /visit/cancel /visit/confirm /visit/end
"""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from protocol.errors import RemoteProtocolError
from protocol.proofs import ProvenVisit, verify_proof
from protocol.statements import VerifyKey
from technician.private_files import read_private
from technician.problems import Problem
from technician.session.closing import read_proof
from technician.session.outcome import EndedVisit
from technician.workbench.desk import Desk
from technician.workbench.live import LiveVisit, Phase
from technician.workbench.runs import ActionRun
from technician.workbench.state import desk_of, pages_of, visit_of
from technician.workbench.tabs.catalogue import FIRST, TABS
from technician.workbench.tabs.spec import Form, Tab, TabView
from web.pages import wants_fragment

#: The parts of the page that ask again by themselves.
NAME_MAX_CHARS = 120
PARTS = ("banner", "tabs", "ask", "main", "side", "hand")


async def visit_page(request: Request) -> Response:
    desk = desk_of(request)
    live = desk.live
    if live is None:
        return pages_of(request).page(request, "no_visit.html", here="visit", live=None)
    tab = TABS.get(request.query_params.get("tab", ""), FIRST)
    part = request.query_params.get("part", "")
    # The banner is on pages without tabs too; the row of tabs tells of all of them; handing over is for a visit under
    # way. Forms are left alone while somebody types in them: they come and go with the visit.
    version = {
        "banner": live.version(""),
        "tabs": live.anything,
        "ask": _over(live),
        "hand": live.phase.value,
    }.get(part, live.version(tab.key))
    if not wants_fragment(request):
        facts = await _facts(desk, live, tab, dict(request.query_params))
        return pages_of(request).page(request, "visit.html", seen=version, **facts)
    if part not in PARTS or request.query_params.get("seen") == version:
        return Response(status_code=204)  # nothing new: the page keeps what it shows
    facts = await _facts(desk, live, tab, dict(request.query_params))
    return pages_of(request).fragment(request, "visit.html", part, seen=version, **facts)


async def run_action(request: Request) -> Response:
    """POST: the tab's form becomes an action. What changes something is asked once more before it is done."""
    live = visit_of(request)
    form = {key: str(value) for key, value in (await request.form()).items()}
    tab = TABS.get(form.get("tab", ""))
    act = tab.act(form.get("do", "")) or tab.needs if tab else None
    if tab is None or act is None:
        raise Problem("this tab has no action", got=form.get("tab", "")[:40])
    arguments = act.arguments(form)
    if act.question is not None and form.get("sure") != "yes":
        asked = {key: value for key, value in form.items() if key != "sure"} | {"do": act.name}
        return RedirectResponse(f"/visit?{urlencode(asked)}#question", status_code=303)
    driven = None
    if act.driven is not None:
        arguments, driven = await act.driven(live, arguments)
    live.act(tab.key, act.name, act.action, arguments, driven=driven)
    return RedirectResponse(f"/visit?tab={tab.key}", status_code=303)


async def cancel_run(request: Request) -> Response:
    """POST: nobody wants the rest of a result."""
    live = visit_of(request)
    number = str((await request.form()).get("run", ""))
    run = live.runs.find(int(number)) if number.isascii() and number.isdecimal() and len(number) < 10 else None
    if run is None:
        raise Problem("there is no such action in this visit", got=number[:20])
    live.cancel(run)
    return RedirectResponse(f"/visit?tab={run.tab}", status_code=303)


async def confirm_words(request: Request) -> Response:
    """POST: two words the customer read out."""
    live = visit_of(request)
    form = await request.form()
    live.confirm({place: str(form.get(f"word{place}", "")) for place in live.places})
    return RedirectResponse("/visit", status_code=303)


async def hand_over(request: Request) -> Response:
    """POST: name the technician who is to go on. The customer is asked anew, about them."""
    live = visit_of(request)
    name = " ".join(str((await request.form()).get("to", "")).split())
    if not 1 <= len(name) <= NAME_MAX_CHARS:
        raise Problem("hand over to whom?", expected="their name, as their certificate says it", got=name[:40])
    live.hand_over(name)
    return RedirectResponse("/visit", status_code=303)


async def end_visit(request: Request) -> Response:
    """POST: end it. The receipt follows on the same page."""
    visit_of(request).end()
    return RedirectResponse("/visit", status_code=303)


async def _facts(desk: Desk, live: LiveVisit, tab: Tab, query: Form) -> dict[str, Any]:
    runs = live.runs.of(tab.key, *tab.lists) if tab.lists else []
    run = _chosen(runs, query.get("run", ""))
    aside = [act.name for act in tab.acts if act.shown and not act.lists]
    doing = live.runs.of(tab.key, *aside)[:2] if aside else []
    latest = live.runs.of(tab.key)
    return {
        "here": "visit",
        "live": live,
        "seen_all": live.anything,
        "seen_visit": live.phase.value,
        "seen_over": _over(live),
        "tab": tab,
        "tabs": [_shown_tab(each, live, here=each is tab) for each in TABS.values()],
        "allowed": {act.name: act.allowed(live) for act in tab.acts},
        "run": run,
        "newest": run is None or not runs or run is runs[0],
        "runs": runs,
        "doing": doing,
        "last": _last(latest),
        "query": query,
        "question": _question(tab, query),
        "phases": Phase,
        "proven": _proven(live.ended, desk.technician.store.trust.root) if live.ended else None,
        **tab.facts(TabView(live, run, query)),
        **({} if tab.load is None else await tab.load(desk, live)),
    }


def _over(live: LiveVisit) -> str:
    return "over" if live.phase.over else "on"


def _chosen(runs: list[ActionRun], number: str) -> ActionRun | None:
    """The run somebody wants to look at, else the newest."""
    for run in runs:
        if str(run.number) == number:
            return run
    return runs[0] if runs else None


def _last(runs: list[ActionRun]) -> dict[str, dict[str, Any]]:
    """By act, the arguments it was last asked with, so that its form need not be filled again."""
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        found.setdefault(run.act, run.arguments.model_dump())
    return found


def _shown_tab(tab: Tab, live: LiveVisit, *, here: bool) -> dict[str, Any]:
    """`closed`: the grant holds nothing that this tab could do."""
    return {
        "key": tab.key,
        "label": tab.label,
        "icon": tab.icon,
        "closed": live.phase is Phase.ACTIVE and bool(tab.acts) and not any(act.allowed(live) for act in tab.acts),
        "news": 0 if tab.news is None or here else tab.news(live),
        "busy": tab.news is None and any(run.tab == tab.key and not run.quiet for run in live.runs.under_way),
    }


def _question(tab: Tab, query: Form) -> dict[str, Any] | None:
    """The second question before a change, with what it was asked about."""
    act = tab.act(query.get("do", ""))
    if act is None or act.question is None:
        return None
    kept = {key: value for key, value in query.items() if key not in ("run", "part", "seen", "sure")}
    return {"act": act, "text": act.question(query), "values": kept}


def _proven(ended: EndedVisit, root: VerifyKey) -> ProvenVisit | None:
    """The kept receipt, proven again from its file."""
    if ended.receipt is None:
        return None
    try:
        return verify_proof(read_proof(read_private(ended.receipt, what="receipt")), root)
    except (RemoteProtocolError, Problem):
        return None
