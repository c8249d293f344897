"""From a request to the desk and the pages it belongs to."""

from starlette.requests import Request

from technician.problems import Problem
from technician.workbench.desk import Desk
from technician.workbench.live import LiveVisit
from web.pages import Pages


def desk_of(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101 - set by build_app, never by a request
    return desk


def pages_of(request: Request) -> Pages:
    pages = request.app.state.pages
    assert isinstance(pages, Pages)  # noqa: S101 - set by build_app
    return pages


def visit_of(request: Request) -> LiveVisit:
    """The visit under way; Problem when there is none."""
    live = desk_of(request).live
    if live is None or live.phase.over:
        raise Problem("no visit is under way", hint="Ask for one on a ticket's page.")
    return live
