"""Templates, static files and responses, the same for the three faces.

    pages = Pages(page_environment([Path(__file__).parent / "templates"], face="Workbench", nav=NAV))
    app = Starlette(routes=[Route("/", inbox), static_mount()])
    async def inbox(request): return pages.page(request, "inbox.html", tickets=...)

Every `{{ expression }}` is first made plain (web/plain_text.py) and then escaped; a name that was not passed
is an error, not an empty string. Static addresses carry a hash of the content, so they may be
cached for ever.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from jinja2.runtime import Macro
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from web import figures
from web.plain_text import one_line, plain

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"
STATIC_PREFIX = "/static"
FOR_EVER = "public, max-age=31536000, immutable"
# The Windows registry may call scripts text/plain, and `nosniff` would then refuse to run them.
mimetypes.add_type("text/javascript", ".js")
# Anything else in a link (javascript:, data:, //other.example) becomes a dead link.
_LOCAL_HREF = re.compile(r"(?:/(?![/\\])|[?#])[^\x00-\x20\x7f\\]*\Z")


class MissingStaticFileError(LookupError):
    """A template named a file that is not there; for vendor/ the build step was not run."""


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the main navigation. `key` is what a page passes as `here`."""

    key: str
    label: str
    href: str
    icon: str
    count: int | None = None


@lru_cache(maxsize=256)
def _content_hash(path: Path, mtime_ns: int, size_bytes: int) -> str:
    """The first 12 hex digits of the file's SHA-256; read again only when the file changed."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def content_hash(name: str) -> str:
    """The hash that stands in the address of static file `name`."""
    path = STATIC / name
    try:
        status = path.stat()
    except FileNotFoundError:
        hint = " Run `make vendor` once." if name.startswith("vendor/") else ""
        raise MissingStaticFileError(f"web/static/{name} is not there.{hint}") from None
    return _content_hash(path, status.st_mtime_ns, status.st_size)


def static_url(name: str, prefix: str = STATIC_PREFIX) -> str:
    """`bellpull.css` → `/static/bellpull.css?v=3f2a9c1d0b7e`."""
    return f"{prefix}/{name}?v={content_hash(name)}"


@lru_cache(maxsize=1)
def icon_names() -> frozenset[str]:
    """The names in static/icons.svg."""
    return frozenset(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))


def icon_url(name: str) -> str:
    """The address of one icon in the sprite; a name that is not there is an error, not an empty square."""
    if name not in icon_names():
        raise LookupError(f"no icon {name!r} in web/static/icons.svg; there are {', '.join(sorted(icon_names()))}")
    return f"{static_url('icons.svg')}#{name}"


def local_href(target: object) -> str:
    """`target` if it stays on this origin (`/path`, `?query`, `#place`), else `#`.

    For links built from data: `javascript:` and other hosts never become clickable.
    """
    text = str(target)
    return text if _LOCAL_HREF.match(text) else "#"


def _finalize(value: object) -> object:
    """What Jinja does to each expression before escaping it: plain text, unless it is our own markup."""
    if isinstance(value, Markup | Undefined):
        return value
    return figures.NOTHING if value is None else plain(value)


def page_environment(
    extra_template_dirs: Sequence[Path] = (),
    *,
    face: str,
    product: str = "Bellpull",
    nav: Iterable[NavItem] = (),
    layout: str = "side",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    **extra_globals: Any,
) -> Environment:
    """The Jinja environment of one face: its own template folders first, then ours.

    `layout`: `side` (navigation beside the content on wide screens) or `column` (one narrow column).
    Components are there as `ui` without an import; see README.md.
    """
    if layout not in ("side", "column"):
        raise ValueError(f"layout is `side` or `column`; got {layout!r}")
    environment = Environment(
        loader=FileSystemLoader([*extra_template_dirs, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        size=figures.size,
        duration=figures.duration,
        percent=figures.percent,
        count_of=figures.count,
        when=figures.when,
        plain=plain,
        one_line=one_line,
        local_href=local_href,
    )
    environment.globals.update(
        static_url=static_url,
        icon_url=icon_url,
        curve=figures.curve,
        product=product,
        face=face,
        nav=tuple(nav),
        layout=layout,
        now=now,
        here="",
        flashes=(),
        language="en",
        **extra_globals,
    )
    environment.globals["ui"] = _components(environment)
    return environment


def _components(environment: Environment) -> SimpleNamespace:
    """Every public macro of templates/components/ under one name, so that templates need no imports."""
    found: dict[str, Macro] = {}
    for path in sorted((TEMPLATES / "components").glob("*.html")):
        module = environment.get_template(f"components/{path.name}").module
        for name, member in vars(module).items():
            if isinstance(member, Macro) and not name.startswith("_"):
                found[name] = member
    return SimpleNamespace(**found)


class Pages:
    """Renders templates of one environment into responses."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def page(self, request: Request, template: str, *, status_code: int = 200, **context: object) -> HTMLResponse:
        """A whole page. `request` is there for templates as `request`."""
        text = self.environment.get_template(template).render(request=request, **context)
        return HTMLResponse(text, status_code)

    def fragment(
        self, request: Request, template: str, block: str, *, status_code: int = 200, **context: object
    ) -> HTMLResponse:
        """One `{% block %}` of a template alone: what htmx swaps in."""
        found = self.environment.get_template(template)
        values = found.new_context({"request": request, **context})
        return HTMLResponse("".join(found.blocks[block](values)), status_code)

    def problem(
        self, request: Request, *, status_code: int, title: str, text: str, hint: str = "", back: str = "/"
    ) -> HTMLResponse:
        """An error page that says what happened and what to do. `back`: where to go on from."""
        context: Mapping[str, object] = {"title": title, "text": text, "hint": hint, "back": back}
        return self.page(request, "problem.html", status_code=status_code, **context)


def wants_fragment(request: Request) -> bool:
    """Whether htmx asked for a part of a page rather than the whole."""
    return request.headers.get("hx-request-type") == "partial"


class HashedStaticFiles(StaticFiles):
    """Static files; cached for ever when the address carries the right hash, else checked each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if Path(path).name.startswith("."):
            raise HTTPException(status_code=404)
        response = await super().get_response(path, scope)
        version = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
        fresh = version == content_hash(Path(path).as_posix())
        # 304 too: its headers replace those of the stored copy.
        response.headers["cache-control"] = FOR_EVER if fresh else "no-cache"
        return response


def static_mount(prefix: str = STATIC_PREFIX) -> Mount:
    """The route that serves web/static. It holds nothing private: no sign-in is asked for it."""
    return Mount(prefix, HashedStaticFiles(directory=STATIC), name="static")
