"""From a request to the desk and the pages it belongs to."""

from starlette.requests import Request

from technician.workbench.desk import Desk
from web.pages import Pages


def desk_of(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101 - set by build_app, never by a request
    return desk


def pages_of(request: Request) -> Pages:
    pages = request.app.state.pages
    assert isinstance(pages, Pages)  # noqa: S101 - set by build_app
    return pages
