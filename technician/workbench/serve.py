"""A socket on loopback, uvicorn on it, and the one-use address to open.

Never another interface: whoever can send requests here acts with the technician's keys. The host name is of this run
alone (`bell-….localhost`), so that pages of other programs on this machine do not get its cookie.
"""

import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from technician.problems import Problem
from technician.workbench.app import behind_doors
from web.loopback import launch_host

LOOPBACK = "127.0.0.1"


def serve(pages: Starlette, *, port: int, own_host: bool, announce: Callable[[str], None]) -> None:
    """Serve these pages until Ctrl-C. `announce` gets the address with its one-use token. Port 0: any free one."""
    listening = _listen(port)
    taken = listening.getsockname()[1]
    host = launch_host() if own_host else LOOPBACK
    origin = f"http://{host}:{taken}"
    app, door = behind_doors(pages, port=taken, origins={origin})
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,  # a polling page must not hold the program
    )
    announce(door.address(origin))
    uvicorn.Server(config).run(sockets=[listening])


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.bind((LOOPBACK, port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        raise Problem(
            "the workbench cannot listen",
            expected=f"{LOOPBACK}:{port} free",
            got=error.strerror or str(error),
            hint="Leave --port out to take any free one.",
        ) from None
    return listening
