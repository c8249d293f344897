"""A face of the agent on loopback: a process of the user's own that shows pages and asks the service by its socket.

A random port of 127.0.0.1 and nothing else, a host name of this run alone (`bell-….localhost`), a one-use address,
Host and Origin checked on every request. Used by the customer's page and by the approval page, each in a process and
on an origin of its own.
"""

import json
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from agent.local.client import call
from agent.refusal import Refusal
from web.loopback import HostAndOrigin, LaunchToken, launch_host
from web.own_user import OwnUser
from web.security import SecurityHeaders

LOOPBACK: Final = "127.0.0.1"
#: A form of ours holds a customer's words (4 000 characters, percent-encoded) and some hundred ticks.
FORM_MAX_BYTES: Final = 512 * 1024


async def ask(state: Path, verb: str, /, **arguments: Any) -> Any:
    """The service's answer to `verb`; Refusal when it says no or is not there."""
    return await run_in_threadpool(call, state, verb, **arguments)


async def read_form(request: Request) -> Mapping[str, list[str]]:
    """The fields of a posted form, each with all its values. Refusal for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal("this is not a form of ours", expected="application/x-www-form-urlencoded", got=kind[:80])
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_MAX_BYTES:
            raise Refusal("the form is too large", expected=f"at most {FORM_MAX_BYTES} bytes", got="more")
    try:
        return parse_qs(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=2000)
    except ValueError as error:
        raise Refusal("the form is malformed", expected="name=value pairs in UTF-8", got=str(error)[:80]) from None


def one(form: Mapping[str, list[str]], name: str, default: str = "") -> str:
    """The one value of a field; two of them are none of ours."""
    values = form.get(name, [default])
    if len(values) != 1:
        raise Refusal(f"the field {name} came {len(values)} times", expected="once", got=str(len(values)))
    return values[0]


def serve_face(
    build: Callable[[str], Starlette],
    *,
    face: str,
    scripts: bool,
    browser: bool,
    wants_json: bool,
    plain_host: bool = False,
    token: str | None = None,
    until: Callable[[], bool] = lambda: False,
) -> int:
    """Serve until Ctrl-C (or `until` says so). `build` gets the origin. The address works once, in one browser."""
    import uvicorn  # half a second that the service does without

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.bind((LOOPBACK, 0))
        listening.listen(64)
        port = int(listening.getsockname()[1])
        origin = f"http://{LOOPBACK if plain_host else launch_host()}:{port}"
        door = LaunchToken(build(origin), face=face, port=port, token=token)
        app = SecurityHeaders(HostAndOrigin(OwnUser(door), origins={origin}), scripts=scripts)
        address = door.address(origin)
        _announce(address, port, wants_json=wants_json)
        if browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=2,
            limit_concurrency=64,
        )
        server = uvicorn.Server(config)
        _watch(server, until)
        server.run(sockets=[listening])
    return 0


def _announce(address: str, port: int, *, wants_json: bool) -> None:
    if wants_json:
        print(json.dumps({"url": address, "connect": f"{LOOPBACK}:{port}"}), flush=True)
        return
    print(f"Open this address in a browser on this computer (it works once):\n\n  {address}\n", flush=True)
    print("Ctrl-C closes the page. The service goes on.", file=sys.stderr, flush=True)


def _watch(server: Any, until: Callable[[], bool]) -> None:
    """Ask every second whether the face is still needed."""
    stopping = threading.Event()

    def look() -> None:
        while not stopping.wait(1.0):
            if until():
                server.should_exit = True
                return

    threading.Thread(target=look, daemon=True).start()
