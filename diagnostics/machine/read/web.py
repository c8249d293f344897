"""The two questions a look asks of other machines over the web, and what they tell them.

*Portal*: does a plain HTTP request come out where it should? The address is the owner's own, written in the agent's
settings (`portal_probe`, expected to answer 204); there is no default, so no foreign company learns that this machine
is awake. The whole request is

    GET /204 HTTP/1.1
    Host: probe.example.org
    Connection: close

without a program's name, a language, a cookie or a number of this device. Nothing of the answer is kept but its status
and the host it sends us to.

*Server certificates*: a handshake with the servers this agent talks to anyway, under the name it uses anyway; then
nothing is said. Both stop at a deadline of their own: an answer that drips cannot hold a look.
"""

from __future__ import annotations

import base64
import socket
import time
from urllib.parse import urlsplit

from diagnostics.machine.interface import Native, Unreadable, UnreadableKind
from diagnostics.machine.own_use import AgentState

ANSWER_MAX_S = 4.0
_ANSWER_MAX_BYTES = 8 * 1024
SERVERS_MAX = 4


def ask_web(subject: Native, state: AgentState) -> object:
    if subject is Native.PORTAL:
        if state.portal_probe is None:
            raise Unreadable("no probe address is configured ([checks] portal_probe)", UnreadableKind.ABSENT)
        return probe(state.portal_probe)
    if not state.servers:
        raise Unreadable("this machine talks to no server over TLS", UnreadableKind.ABSENT)
    return [server_certificate(server) for server in state.servers[:SERVERS_MAX]]


def probe(url: str, *, max_s: float = ANSWER_MAX_S) -> dict[str, object]:
    """`{"host": …, "status": 302, "location_host": "login.hotel.example", "error": ""}`; status 0 with an error."""
    parts = urlsplit(url)
    host, port, path = parts.hostname or "", parts.port or 80, parts.path or "/"
    if parts.scheme != "http" or not host or not path.isascii() or not path.isprintable() or " " in path:
        raise Unreadable(f"the probe address is not plain http: {url!r}", UnreadableKind.REFUSED)
    shown = host if port == 80 else f"{host}:{port}"
    try:
        head = _ask(host, port, f"GET {path} HTTP/1.1\r\nHost: {shown}\r\nConnection: close\r\n\r\n".encode(), max_s)
    except OSError as error:
        return {"host": host, "status": 0, "location_host": "", "error": _words(error)}
    return {"host": host, **parse_answer(head)}


def parse_answer(head: bytes) -> dict[str, object]:
    """The beginning of an HTTP answer.

    HTTP/1.1 302 Found
    Location: http://login.hotel.example/?from=probe.example.org
    """
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not (len(words[1]) == 3 and words[1].isdecimal()):
        return {"status": 0, "location_host": "", "error": "the answer was not HTTP"}
    target = next((line[9:].strip() for line in lines[1:] if line[:9].lower() == "location:"), "")
    try:
        location_host = urlsplit(target).hostname or ""
    except ValueError:
        location_host = ""
    return {"status": int(words[1]), "location_host": location_host[:253], "error": ""}


def _ask(host: str, port: int, request: bytes, max_s: float) -> bytes:
    """The head of the answer, cut at its empty line. Raises OSError."""
    deadline_s = time.monotonic() + max_s
    with socket.create_connection((host, port), timeout=max_s) as connection:
        connection.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _ANSWER_MAX_BYTES:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            connection.settimeout(left_s)
            part = connection.recv(1024)
            if not part:
                break
            head += part
    return head.split(b"\r\n\r\n")[0]


def server_certificate(server: str, *, max_s: float = ANSWER_MAX_S) -> dict[str, object]:
    """`{"server": "desk.example.org:443", "der": base64, "trust_error": "self-signed certificate", "error": ""}`.

    `trust_error`: why the system's own store does not trust it; the agent itself judges by the same store."""
    import ssl  # 15 ms that a look without a server does not pay

    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    told: dict[str, object] = {"server": server, "der": "", "trust_error": "", "error": ""}
    try:
        # Only looks: it gives the certificate of whoever answers and says nothing to them.
        shown = ssl.get_server_certificate((host, int(port)), timeout=max_s)
        told["der"] = base64.b64encode(ssl.PEM_cert_to_DER_cert(shown)).decode()
        try:
            with (
                socket.create_connection((host, int(port)), timeout=max_s) as plain,
                ssl.create_default_context().wrap_socket(plain, server_hostname=host),
            ):
                pass  # whether this machine trusts it is known now
        except ssl.SSLCertVerificationError as error:
            told["trust_error"] = error.verify_message
    except (OSError, ValueError) as error:
        told["error"] = _words(error)
    return told


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()[:200]
