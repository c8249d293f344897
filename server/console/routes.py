"""All routes of the console, for server/app.py. Each stands in CONSOLE_DOORS of access.py, or is public and static."""

from typing import Final

from starlette.routing import BaseRoute

from server.console import audit, devices, handing, home, notices, replies, reports, service, ticket, tickets
from server.console.assets import asset_mount
from server.knowledge import desk_pages, public_pages
from server.people import own_account, pages, second_step, sign_in, token_pages
from web.pages import static_mount

routes: Final[list[BaseRoute]] = [
    *sign_in.routes,
    *second_step.routes,
    *own_account.routes,
    *token_pages.routes,
    *home.routes,
    *tickets.routes,
    *ticket.routes,
    *handing.routes,
    *service.routes,
    *replies.routes,
    *notices.routes,
    *devices.routes,
    *public_pages.routes,
    *desk_pages.routes,
    *reports.routes,
    *audit.routes,
    *pages.routes,
    static_mount(),
    asset_mount(),
]
