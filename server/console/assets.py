"""The console's own stylesheet and script, beside web's: addresses with a hash of the content, cached for ever."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from web.pages import FOR_EVER

STATIC: Final = Path(__file__).resolve().parent / "static"
PREFIX: Final = "/console-static"


@lru_cache(maxsize=16)
def asset_url(name: str) -> str:
    """`console.css` → `/console-static/3f2a9c1d0b7e/console.css`."""
    return f"{PREFIX}/{_content_hash(name)}/{name}"


def _content_hash(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


class _Assets:
    """Serves `/HASH/NAME`; whatever the hash says, the file is the one that is there, cached only under its own."""

    def __init__(self) -> None:
        self._files = StaticFiles(directory=STATIC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head, _, rest = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/").partition("/")
        known = rest in {path.name for path in STATIC.iterdir()}
        response = await self._files.get_response(rest if known else "absent", scope)
        response.headers["cache-control"] = FOR_EVER if known and head == _content_hash(rest) else "no-cache"
        await response(scope, receive, send)


def asset_mount() -> Mount:
    return Mount(PREFIX, _Assets())
