"""Asking the running service, from the command line and from the customer's page: one request, one answer."""

import json
import socket
import sys
from pathlib import Path
from typing import Any, Final

from agent.local.limits import ANSWER_MAX_BYTES
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal

# Building a preview of a bundle is the slowest answer.
_TIMEOUT_S: Final = 300.0


class ServiceAbsent(Refusal):
    """No service answers in this state folder."""


def call(state: Path, verb: str, /, **arguments: Any) -> Any:
    """The result of `verb`. Raises ServiceAbsent, or Refusal with what the service answered."""
    path = StateFolder(state, Mode.USER).socket
    if sys.platform == "win32":
        raise ServiceAbsent(
            "the local service cannot be asked on Windows yet",
            expected="a named pipe",
            got="not built in this version",
            hint="The offline commands work: bellpull-agent check, bundle, redact.",
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_TIMEOUT_S)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise ServiceAbsent(
                "the Bellpull service is not running",
                expected=f"a service with the state folder {state}",
                got="nobody answers there",
                hint=f"Start it: bellpull-agent run --state {state}",
            ) from None
        except OSError as error:
            raise ServiceAbsent(
                "the Bellpull service cannot be asked",
                expected="a socket that this user may use",
                got=error.strerror or str(error),
                hint="Run the command as the user whom the service runs as.",
            ) from None
        request = json.dumps({"verb": verb, "arguments": arguments}, ensure_ascii=False) + "\n"
        try:
            connection.sendall(request.encode())
            answer = _read_line(connection)
        except OSError as error:
            raise Refusal(
                "the service did not answer", expected="an answer", got=str(error) or type(error).__name__
            ) from None
    return _result(answer)


def _read_line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        piece = connection.recv(65_536)
        if not piece:
            raise ConnectionError("the service closed the connection")
        received += piece
        if len(received) > ANSWER_MAX_BYTES:
            raise ConnectionError("an answer larger than any")
    return bytes(received)


def _result(answer: bytes) -> Any:
    value = json.loads(answer)
    if value.get("ok") is True:
        return value.get("result")
    error = value.get("error") or {}
    raise Refusal(
        str(error.get("what", "the service refused")),
        expected=str(error.get("expected", "")),
        got=str(error.get("got", "")),
        hint=str(error.get("hint", "")),
    )
