"""A bundle of a ticket: what it says, its findings, its timeline, its files as text, and a search through all of them.

Opened in memory, kept there for the next click, never on the disk. `bellpull open-bundle FILE --page`
shows a bundle that lies here as a file by the same page.
"""

from starlette.requests import Request
from starlette.responses import Response

from technician.bundles import JudgedBundle, open_bundle_bytes
from technician.clock import now_s
from technician.evidence import fetch_blob
from technician.problems import Problem
from technician.workbench import triage
from technician.workbench.live import LiveVisit
from technician.workbench.state import desk_of, pages_of

#: Shown of one file; the rest is for `bellpull open-bundle --show`.
SHOWN_MAX_CHARS = 400_000
#: Of what somebody looks for.
WORDS_MAX_CHARS = 200
VIEWS = ("summary", "findings", "timeline", "search", "file")


async def bundle_page(request: Request) -> Response:
    return show_bundle(request, await _bundle(request), desk_of(request).live, request.path_params["ticket"])


def show_bundle(request: Request, bundle: JudgedBundle, live: LiveVisit | None, ticket: str) -> Response:
    """The part that the address asks for. `ticket` empty: this bundle belongs to none that is known here."""
    path = request.query_params.get("file")
    text = bundle.shown(path) if path else bundle.summary
    words = request.query_params.get("q", "").strip()[:WORDS_MAX_CHARS]
    view = "file" if path else "search" if words else request.query_params.get("view", "summary")
    return pages_of(request).page(
        request,
        "bundle.html",
        here="inbox",
        live=live,
        ticket=ticket,
        href=request.url.path,
        bundle=bundle,
        entry=bundle.entry(path) if path else None,
        view=view if view in VIEWS else "summary",
        words=words,
        hits=triage.search(bundle, words) if view == "search" else [],
        hits_max=triage.HITS_MAX,
        findings=triage.findings(bundle),
        events=triage.timeline(bundle) if view == "timeline" else [],
        text=text[:SHOWN_MAX_CHARS],
        cut=max(0, len(text) - SHOWN_MAX_CHARS),
        missing=[each for each in bundle.opened.manifest.files if each not in bundle.opened.manifest.present],
    )


async def _bundle(request: Request) -> JudgedBundle:
    """From memory, else fetched, checked and opened. One bundle is kept at a time."""
    desk = desk_of(request)
    ticket, wanted = request.path_params["ticket"], request.path_params["bundle"]
    if desk.bundle is not None and desk.bundle[0] == (ticket, wanted):
        return desk.bundle[1]
    async with desk.server() as api:
        rows = [row for row in (await api.ticket(ticket)).bundles if row.id == wanted and row.complete]
        if not rows:
            raise Problem("this ticket has no such bundle", expected="one that arrived whole", got=wanted[:40])
        data = await fetch_blob(api, rows[0])
    bundle = open_bundle_bytes(data, desk.keys, desk.technician.store.trust, now_s())
    desk.bundle = ((ticket, wanted), bundle)
    return bundle
