"""HTTP to the organisation's server, for commands and child processes only: the idle service never imports it.

The system's trust store, no redirects (the origin is pinned), no proxy for loopback, small answers.
"""

import ssl
from typing import Any, Final

import httpx2

from agent.link.connection import is_loopback, tls_context
from agent.refusal import Refusal
from diagnostics.plain_text import printable
from protocol import strict_json
from protocol.errors import RemoteProtocolError

TIMEOUT_S: Final = 30.0
ANSWER_MAX_BYTES: Final = 64 * 1024


def open_client(origin: str, *, timeout_s: float = TIMEOUT_S) -> httpx2.Client:
    secure = origin.startswith("https://")
    if not secure and not is_loopback(origin):
        raise Refusal(
            "the server's address is not encrypted",
            expected="https://…, or this machine itself",
            got=origin,
            hint="Ask the support organisation for a new token with its https address.",
        )
    try:
        return _client(origin, secure=secure, timeout_s=timeout_s)
    except ImportError:
        raise Refusal(
            "the proxy that this system names is a SOCKS proxy, which this program does not use",
            expected="an HTTP proxy, or none",
            got="socks in HTTPS_PROXY or ALL_PROXY",
            hint="Name an HTTP proxy in HTTPS_PROXY, or except the server in NO_PROXY.",
        ) from None


def _client(origin: str, *, secure: bool, timeout_s: float) -> httpx2.Client:
    return httpx2.Client(
        base_url=origin,
        # Plain http is for this machine alone: a context that trusts nobody, so that nothing else can come of it.
        verify=tls_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=not is_loopback(origin),
        follow_redirects=False,
        timeout=timeout_s,
        headers={"User-Agent": "bellpull-agent"},
    )


def send(client: httpx2.Client, method: str, path: str, **given: Any) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower case), and at most ANSWER_MAX_BYTES of body. Refusal when it cannot be had."""
    try:
        with client.stream(method, path, **given) as answer:
            body = bytearray()
            for piece in answer.iter_raw():
                body += piece
                if len(body) > ANSWER_MAX_BYTES:
                    raise Refusal(
                        "the server answered too much", expected=f"at most {ANSWER_MAX_BYTES} bytes", got="more"
                    )
            return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, bytes(body)
    except httpx2.HTTPError as error:
        raise Refusal(
            "the server cannot be reached",
            expected=f"an answer from {client.base_url}",
            got=printable(str(error) or type(error).__name__, 200),
            hint="Check the network connection, then try again.",
        ) from None


def error_of(status: int, body: bytes) -> Refusal:
    """The server's own error, shown as its words: `{"error":{"what","expected","got","hint"}}`."""
    try:
        value = strict_json.check_json(body, what="answer", max_bytes=ANSWER_MAX_BYTES)
        fields = value["error"]
        said = {name: printable(str(fields.get(name, "")), 300) for name in ("what", "expected", "got", "hint")}
    except (RemoteProtocolError, KeyError, TypeError, AttributeError):
        return Refusal("the server refused", expected="a JSON answer", got=f"status {status}")
    return Refusal(
        f"the server refused: {said['what'] or f'status {status}'}",
        expected=said["expected"],
        got=said["got"],
        hint=said["hint"],
    )
