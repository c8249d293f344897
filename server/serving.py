"""Running: the socket, uvicorn, and an end that is polite and soon.

On SIGTERM or Ctrl-C agents are told when to come back, visits are told why they end, and the process is gone within
about three seconds, with exit code 0.
"""

import contextlib
import json
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from protocol.limits import CONTROL_MESSAGE_MAX_BYTES
from server.app import build
from server.config import Config, ConfigError
from server.logs import log
from server.office import Office
from server.sockets import Requests, Sockets

#: What uvicorn waits for requests in flight, after everyone was told.
GRACE_S = 1


def listen(address: str) -> socket.socket:
    """A listening socket for `host:port`; port 0 takes a free one. Raises ConfigError with what to do."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ConfigError(f"--listen must be like 127.0.0.1:8443, not {address}")
    host = host.strip("[]")
    try:
        family, kind, number, _, where = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, number)
    except OSError as error:
        raise ConfigError(f"cannot listen on {address}: {error.strerror or error}") from None
    try:
        if os.name != "nt":  # there, reuse would let a second server take the same port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"cannot listen on {address}: {error.strerror}. "
            "Another program may use this port; name another with --listen, or port 0 for any free one."
        ) from None
    return listening


def address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class PoliteServer(uvicorn.Server):
    """uvicorn that opens the office before it listens, says goodbye before it closes sockets, and ends with 0."""

    def __init__(self, office: Office, tls: "Tls | None" = None) -> None:
        super().__init__(uvicorn_config(office, tls))
        self._office = office
        self.on_started: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._office.open()
        try:
            await super().startup(sockets)
            self.on_started()
        except BaseException:
            await self._office.close()  # its database threads would keep the process alive
            raise

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._office.goodbye()
        await super().shutdown(sockets)
        await self._office.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass(frozen=True)
class Tls:
    """PEM files. Read at start: a renewed certificate counts after a restart."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raises ConfigError when these do not make a server's certificate."""
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key, password="")
        except OSError as error:  # ssl's own errors are OSErrors
            raise ConfigError(
                f"--tls-certificate {self.certificate} with --tls-key {self.key} cannot be used:"
                f" {error.strerror or error}. Both are PEM files; the key has no passphrase."
            ) from None


def uvicorn_config(office: Office, tls: Tls | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        build(office),
        ws=Sockets,
        http=Requests,
        ws_per_message_deflate=False,
        ws_max_size=CONTROL_MESSAGE_MAX_BYTES,
        loop="auto",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(office.config.settings.trusted_proxies),
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=15,
        h11_max_incomplete_event_size=32 * 1024,
        # PoliteServer opens and closes the office itself: what stops the start is then said as it is.
        lifespan="off",
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )


def serve(config: Config, listening: socket.socket, *, as_json: bool, tls: Tls | None = None) -> int:
    """Run until asked to stop. The exit code: 0 when asked, 1 when something in it died."""
    office = Office(config)
    server = PoliteServer(office, tls)

    def opened() -> None:
        address = address_of(listening)
        write_address(config.data, address)
        announce(config, address, as_json=as_json)

    def stop() -> None:
        server.should_exit = True

    server.on_started = opened
    office.on_failure = stop
    with only_one(config.data):
        server.run(sockets=[listening])
    return 0 if office.failure is None and server.started else 1


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold DIR/lock while running: two servers on one directory would each believe the log is theirs."""
    with (data / "lock").open("a") as file:
        try:
            _lock(file.fileno())
        except OSError:
            raise ConfigError(f"another bellpull-server runs on {data} already") from None
        yield


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_address(data: Path, address: str) -> None:
    """`DIR/address`, replaced in one step: a reader sees the old or the new one."""
    fresh = data / "address.new"
    fresh.write_text(address + "\n", encoding="utf-8")
    fresh.replace(data / "address")


def announce(config: Config, address: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"event": "listening", "address": address, "origin": config.origin}), flush=True)
    print(f"Bellpull server: {config.origin}, listening on {address}. Ctrl-C stops it.", file=sys.stderr, flush=True)
    log.info("listening", listen=address)
