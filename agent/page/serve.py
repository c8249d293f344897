"""The customer's page as a process: `bellpull-agent page`, or `python -m agent.page.serve --state DIR`."""

import argparse
import sys
import time
from pathlib import Path
from typing import Final

from starlette.applications import Starlette

from agent.loopback import serve_face
from agent.page.about import About
from agent.page.abuse import Abuse
from agent.page.during import During
from agent.page.health import Health
from agent.page.help import Help
from agent.page.mend import Mend
from agent.page.receipts import Receipts
from agent.page.shell import Shell
from agent.page.tickets import Tickets
from agent.page.visits import Visits
from agent.page.wrong import Inquiries, Wrong
from agent.refusal import Refusal
from protocol.errors import ProtocolError
from web.pages import static_mount

#: Opened by a banner, the page ends by itself so long after its last tab was closed.
_CLOSED_S: Final = 120.0


def build(state: Path) -> Starlette:
    """The application without its doors; `serve_face` puts them around it."""
    return build_around(Shell(state))


def build_around(shell: Shell) -> Starlette:
    inquiries = Inquiries(shell)
    rooms = (
        shell,
        Health(shell),
        Help(shell, inquiries),
        Wrong(shell, inquiries),
        Tickets(shell),
        Visits(shell),
        Abuse(shell),
        During(shell),
        Receipts(shell),  # last of the three: its addresses begin like theirs
        Mend(shell, inquiries),
        About(shell),
    )
    return Starlette(
        routes=[*(route for room in rooms for route in room.routes()), static_mount()],
        exception_handlers={Refusal: shell.refusal, ProtocolError: shell.refusal},
    )


def open_page(
    state: Path, *, browser: bool, wants_json: bool, plain_host: bool = False, until_closed: bool = False
) -> int:
    """Serve until Ctrl-C; with `until_closed` until no tab shows it any more."""
    shell = Shell(state)
    return serve_face(
        lambda origin: build_around(shell),
        until=lambda: until_closed and time.monotonic() - shell.asked_at_s > _CLOSED_S,
        face="page",
        scripts=True,
        browser=browser,
        wants_json=wants_json,
        plain_host=plain_host,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="agent.page.serve", allow_abbrev=False)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--plain-host", action="store_true", help="127.0.0.1 in the address instead of *.localhost")
    parser.add_argument("--until-closed", action="store_true", help="end by itself when no tab shows it any more")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return open_page(
        arguments.state,
        browser=not arguments.no_browser,
        wants_json=arguments.json,
        plain_host=arguments.plain_host,
        until_closed=arguments.until_closed,
    )


if __name__ == "__main__":
    sys.exit(main())
