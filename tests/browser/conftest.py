"""A real Chromium for tests, and real servers on loopback for it to visit.

    def test_it(page, serve):
        origin = serve(app)                    # or serve(lambda origin: make_app(origin))
        page.goto(origin)

`page` fails its test when the browser reported anything a person should not meet: a violation of the content
security policy, a console error, an uncaught exception, a dialog. `complaints.allow(r"403")` makes one expected.

Tests that use these fixtures must not be `async def`: Playwright's sync API has a loop of its own.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Error, Page, sync_playwright
from starlette.types import ASGIApp

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--force-prefers-reduced-motion",  # nothing that moves is drawn sixty times a second for nobody
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-sync",
    "--disable-quic",
]
INSTALL = "install it with `apt-get install chromium` (Debian) and put it on the PATH"
START_TIMEOUT_S = 20.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything that asks for a page drives a browser, and says so."""
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def _set_running_loop(loop: asyncio.AbstractEventLoop | None) -> None:
    asyncio._set_running_loop(loop)


@dataclass
class _Session:
    browser: Browser
    loop: asyncio.AbstractEventLoop


@pytest.fixture(scope="session")
def _chromium() -> Iterator[_Session]:
    """One Chromium for the whole run.

    Playwright's sync API leaves its loop marked as running in this thread, in which async tests of the same
    worker would then refuse to start; so the mark is taken off outside browser tests (see `browser`).
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        reason = f"no Chromium on this machine; {INSTALL}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
    loop = asyncio.get_running_loop()
    _set_running_loop(None)
    yield _Session(browser, loop)
    _set_running_loop(loop)
    browser.close()
    playwright.stop()


@pytest.fixture
def browser(_chromium: _Session) -> Iterator[Browser]:
    """The running Chromium, for tests that need several contexts. Most want `page`."""
    _set_running_loop(_chromium.loop)
    yield _chromium.browser
    _set_running_loop(None)


@dataclass
class Complaints:
    """What the browser objected to during one test."""

    said: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        """Objections matching this regular expression are what the test is about."""
        self.allowed.append(pattern)

    def unexpected(self) -> list[str]:
        return [one for one in self.said if not any(re.search(pattern, one) for pattern in self.allowed)]

    def watch(self, context: BrowserContext) -> None:
        """Hears everything that pages of this context report."""
        context.expose_binding("bellpullViolation", lambda _source, text: self.said.append(f"policy: {text}"))
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => bellpullViolation("
            "`${e.effectiveDirective} blocked ${e.blockedURI} ${e.sample} at ${e.sourceFile}:${e.lineNumber}`))"
        )
        context.on("page", self._watch_page)

    def _watch_page(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", self._error)
        page.on("dialog", self._dialog)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.said.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _error(self, error: Error) -> None:
        self.said.append(f"exception: {error.message}")

    def _dialog(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.type} {dialog.message!r}")
        dialog.dismiss()


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(browser: Browser, complaints: Complaints, serve: Callable[..., str]) -> Iterator[Page]:
    """A page in a context of its own, 1280 px wide; the test fails on any unexpected complaint.

    It asks for `serve` to be taken down before it: a picture that is fetched late still finds its server.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900}, service_workers="block")
    complaints.watch(context)
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    page.evaluate("0")  # lets reports that are under way arrive
    context.close()
    assert complaints.unexpected() == []


# Elements that reach past the window; those inside a box that scrolls by itself are its own business.
_TOO_WIDE = """() => [...document.querySelectorAll('body *')].filter((e) => {
  const box = e.getBoundingClientRect();
  if (box.width === 0 || box.right <= innerWidth + 0.5) return false;
  for (let up = e.parentElement; up; up = up.parentElement)
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) return false;
  return true;
}).map((e) => `${e.tagName}.${e.className?.baseVal ?? e.className}`)"""


@pytest.fixture
def reaching_past() -> Callable[[Page], list[str]]:
    """`reaching_past(page) == []`: no element is wider than the window, and the page does not scroll sideways."""

    def measure(page: Page) -> list[str]:
        found: list[str] = page.evaluate(_TOO_WIDE)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append("the page scrolls sideways")
        return found

    return measure


class _Server(uvicorn.Server):
    """uvicorn in a thread: no signal handlers, a flag when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Runs an ASGI application on a free loopback port in a thread; returns its origin.

    `make`: called with the origin, returns the application; for applications that check who calls them.
    """
    running: list[tuple[_Server, threading.Thread, socket.socket]] = []

    def start(app: ASGIApp | None = None, *, make: Callable[[str], ASGIApp] | None = None) -> str:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        served = make(origin) if make is not None else app
        if served is None:
            raise TypeError("serve(app) or serve(make=...)")
        config = uvicorn.Config(
            served,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running.append((server, thread, listener))
        assert server.listening.wait(START_TIMEOUT_S), "the application did not start"
        return origin

    yield start
    for server, thread, listener in running:
        server.should_exit = True
        thread.join(START_TIMEOUT_S)
        listener.close()
        assert not thread.is_alive(), "the application did not stop"
