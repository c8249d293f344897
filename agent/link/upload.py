"""Carries one sealed bundle over HTTP, resumably. A child process: `python -m agent.link.upload` < Job > Outcome

    HEAD path ──► Upload-Offset, or 404: POST path (Upload-Length) ──► 201
    PATCH path, Upload-Offset: n, ≤ 1 MiB ──► 204, or 409 with the true offset
A cut connection is resumed from what the server has: at most one chunk is sent again. The token is good for this blob
and for minutes; when it ends, the service asks for another and starts this program anew.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from agent.refusal import Refusal
from diagnostics.strict_json import decode, dump_json, encode, load_json
from protocol.limits import BUNDLE_HARD_CAP_BYTES, UPLOAD_CHUNK_BYTES

# Failures in a row without any progress before the service is asked to try later.
TRIES_MAX: Final = 5
# The type of resumable chunks (tus.io), which the server insists on.
CHUNK_TYPE: Final = "application/offset+octet-stream"
_REQUEST_MAX_BYTES: Final = 64 * 1024


class Result(StrEnum):
    COMPLETE = "complete"
    REFUSED = "refused"  # this blob will never be taken
    LATER = "later"  # the network, or a token that ran out


@dataclass(frozen=True)
class Job:
    origin: str
    path: str
    token: str
    file: str
    size_bytes: int


@dataclass(frozen=True)
class UploadOutcome:
    result: Result
    reason: str
    sent_bytes: int


@dataclass(frozen=True)
class Answer:
    status: int
    offset: int | None
    reason: str


#: One HTTP request: method, headers, body. Raises Refusal when no answer came.
Send = Callable[[str, dict[str, str], bytes], Answer]


def upload(job: Job, send: Send, read: Callable[[int, int], bytes], pause: Callable[[float], None]) -> UploadOutcome:
    """The conversation, apart from sockets and files. `read(offset, length)` reads the blob."""
    sent, failures = 0, 0
    offset: int | None = None
    while failures < TRIES_MAX:
        try:
            if offset is None:
                offset = _where(job, send)
            if offset == job.size_bytes:
                return UploadOutcome(Result.COMPLETE, "", sent)
            chunk = read(offset, UPLOAD_CHUNK_BYTES)
            answer = send("PATCH", {"Upload-Offset": str(offset), "Content-Type": CHUNK_TYPE}, chunk)
            sent += len(chunk)
            if answer.status == 409 and answer.offset is not None:
                offset = _sane(job, answer.offset)
                failures += 1  # an offset that never fits must end somewhere
                continue
            _check(answer, 204)
            offset, failures = offset + len(chunk), 0
        except _Never as never:
            return UploadOutcome(Result.REFUSED, str(never), sent)
        except _NewToken as ended:
            return UploadOutcome(Result.LATER, str(ended), sent)
        except Refusal as lost:
            failures += 1
            offset = None
            if failures == TRIES_MAX:
                return UploadOutcome(Result.LATER, str(lost), sent)
            pause(2.0**failures)
    return UploadOutcome(Result.LATER, "the server and this program do not agree how much it has", sent)


def _where(job: Job, send: Send) -> int:
    """How much the server has; the upload is created when it does not know it yet."""
    answer = send("HEAD", {}, b"")
    if answer.status == 404:
        _check(send("POST", {"Upload-Length": str(job.size_bytes)}, b""), 201)
        return 0
    _check(answer, 200, 204)
    if answer.offset is None:
        raise Refusal("the server does not say how much it has", expected="Upload-Offset", got="none")
    return _sane(job, answer.offset)


def _sane(job: Job, offset: int) -> int:
    if not 0 <= offset <= job.size_bytes:
        raise Refusal("the server claims a wrong offset", expected=f"0–{job.size_bytes}", got=str(offset))
    return offset


def _check(answer: Answer, *good: int) -> None:
    if answer.status in good:
        return
    words = answer.reason or f"status {answer.status}"
    if answer.status in (401, 403):
        raise _NewToken(f"the upload token is not taken any more: {words}")
    if 400 <= answer.status < 500 and answer.status not in (404, 408, 409, 422, 429):
        raise _Never(words)
    # 422: damaged on its way, the server starts anew; 5xx, 408, 429: later.
    raise Refusal("the server did not take a part", expected=" or ".join(map(str, good)), got=words)


class _Never(Exception):
    """The server will not take this blob."""


class _NewToken(Exception):
    """The token is used up or refused: ask on the link for another."""


def main() -> int:
    from agent.link import http

    job = decode(Job, load_json(sys.stdin.buffer.read(_REQUEST_MAX_BYTES)))
    if job.size_bytes > BUNDLE_HARD_CAP_BYTES:
        raise SystemExit("a bundle larger than any")
    with http.open_client(job.origin) as client, Path(job.file).open("rb") as file:

        def send(method: str, headers: dict[str, str], body: bytes) -> Answer:
            headers = {**headers, "Authorization": f"Bearer {job.token}"}
            status, found, said = http.send(client, method, job.path, headers=headers, content=body or None)
            offset = found.get("upload-offset", "")
            reason = "" if status < 400 or not said else http.error_of(status, said).what
            return Answer(status, int(offset) if offset.isascii() and offset.isdigit() else None, reason)

        def read(offset: int, length: int) -> bytes:
            file.seek(offset)
            return file.read(length)

        outcome = upload(job, send, read, time.sleep)
    sys.stdout.write(dump_json(encode(outcome)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
