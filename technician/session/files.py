"""A file from the device, and a file to it: whole or not at all, checked by hash, going on where a cut left them.

    download   LOCAL.part grows ─► hash as the device says ─► renamed to LOCAL
               LOCAL.part is there ─► its hash goes along; the device goes on behind it, or begins anew and says so
    upload     the device says what it has of this very file and its hash ─► ours is the same ─► go on behind it

A LOCAL that is there is never overwritten. What comes is written, never opened or run.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from protocol import strict_json
from protocol.actions.files import (
    FileEnd,
    FileHead,
    FilesReadArguments,
    FilesWriteArguments,
    FileWritten,
    UploadFrom,
    UploadReady,
)
from protocol.errors import RemoteProtocolError
from protocol.journal import Outcome
from protocol.pieces import BYTES_PIECE_MAX_BYTES
from protocol.visit import Item, Progress
from technician.problems import Problem
from technician.session.run import Run
from technician.session.visit import Visit

_CHUNK_BYTES: Final = BYTES_PIECE_MAX_BYTES
#: Told at these steps of bytes.
_PROGRESS_BYTES: Final = 4 << 20

Told = Callable[[Progress], None]


@dataclass(frozen=True)
class Carried:
    """One file that is whole on the other side. `resumed_at`: how much was there already. `changed`: it was being
    written to on the device while it was read; what came is what the hash is of."""

    path: Path
    size_bytes: int
    sha256: bytes
    resumed_at: int
    restarted: bool = False
    changed: bool = False


class _Waiting:
    """LOCAL.part: what is here already, and what comes. Hashed as it grows."""

    def __init__(self, local: Path) -> None:
        if local.exists():
            raise Problem("this file is here already", expected="a name that is free", got=str(local))
        self.local = local
        self.path = local.with_name(local.name + ".part")
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            self.file = os.fdopen(os.open(self.path, flags, 0o600), "r+b", buffering=0)
        except OSError as error:
            raise Problem("nothing can be written there", got=f"{self.path}: {error.strerror}") from None
        self.digest = hashlib.file_digest(self.file, "sha256")
        self.place = self.file.tell()
        self.announced = 0

    def begin(self, head: FileHead) -> None:
        """Where the device goes on: behind what is here, or at 0."""
        self.announced = head.size_bytes
        if head.offset not in (0, self.place):
            raise RemoteProtocolError("the file goes on from elsewhere", expected=str(self.place), got=str(head.offset))
        if head.offset != self.place:
            self.digest = hashlib.sha256()
            self.place = 0
        self.file.seek(self.place)
        self.file.truncate(self.place)

    def add(self, data: bytes) -> None:
        if self.place + len(data) > self.announced:
            raise RemoteProtocolError("more came than the file has", expected=f"{self.announced} bytes", got="more")
        self.file.write(data)
        self.digest.update(data)
        self.place += len(data)

    def finish(self, end: FileEnd) -> bytes:
        """Its hash, when it is what was read there; then it gets its name, and never over another file."""
        found = self.digest.digest()
        if (self.place, found) != (end.size_bytes, end.sha256):
            raise Problem(
                "what came is not what was read there",
                expected=f"{end.size_bytes} bytes, SHA-256 {end.sha256.hex()[:16]}",
                got=f"{self.place} bytes, SHA-256 {found.hex()[:16]}",
                hint=f"{self.path} is kept; remove it to begin anew.",
            )
        os.fsync(self.file.fileno())
        if self.local.exists():
            raise Problem("a file of this name came meanwhile", expected=f"{self.local} to be free", got=str(self.path))
        self.path.rename(self.local)
        return found


async def download(visit: Visit, remote: str, local: Path, told: Told) -> Carried:
    """Problem when the device refuses, the visit ends, or what came is not what was read there."""
    waiting = await asyncio.to_thread(_Waiting, local)
    with waiting.file:
        known = waiting.digest.digest() if waiting.place else None
        run = await visit.run("files.read", FilesReadArguments(path=remote, offset=waiting.place, prefix_sha256=known))
        head, end = await _take(run, waiting, told)
        _must_be_done(run)
        if head is None or end is None:
            raise RemoteProtocolError("the device said that the file is whole, and not what it is")
        found = await asyncio.to_thread(waiting.finish, end)
    return Carried(local, end.size_bytes, found, head.offset, head.restarted, end.changed)


async def _take(run: Run, waiting: _Waiting, told: Told) -> tuple[FileHead | None, FileEnd | None]:
    head: FileHead | None = None
    end: FileEnd | None = None
    said = 0
    async for piece in run.pieces():
        if isinstance(piece, bytes):
            if head is None:
                raise RemoteProtocolError("bytes of a file came before its head", expected="file-head first")
            waiting.add(piece)
            if waiting.place - said >= _PROGRESS_BYTES:
                said = waiting.place
                told(Progress(done=said, total=head.size_bytes))
        elif piece.kind == "file-head" and head is None:
            head = strict_json.parse(piece.body.encode(), FileHead)
            waiting.begin(head)
            said = head.offset
        elif piece.kind == "file-end":
            end = strict_json.parse(piece.body.encode(), FileEnd)
    return head, end


async def upload(visit: Visit, local: Path, remote: str, told: Told, *, replace: bool = False) -> Carried:
    """Problem when the device refuses or the visit ends; then the device keeps what came, for the next try."""
    size, digest = await asyncio.to_thread(_hash_of, local)
    arguments = FilesWriteArguments(path=remote, size_bytes=size, sha256=digest, replace=replace)
    run = await visit.run("files.write", arguments)
    written: FileWritten | None = None
    begun_at = 0
    async for piece in run.pieces():
        if not isinstance(piece, Item):
            continue
        if piece.kind == "upload-ready":
            ready = strict_json.parse(piece.body.encode(), UploadReady)
            begun_at = await _send(run, local, ready, size, told)
        elif piece.kind == "file-written":
            written = strict_json.parse(piece.body.encode(), FileWritten)
    _must_be_done(run)
    if written is None or written.sha256 != digest:
        raise RemoteProtocolError("the device said that it wrote the file, and not this one")
    return Carried(local, size, digest, begun_at)


async def _send(run: Run, local: Path, ready: UploadReady, size: int, told: Told) -> int:
    """Bytes behind what the device has of this file, if that is the beginning of ours. Where it began."""
    with local.open("rb") as file:
        same = ready.offset <= size and _hash_prefix(file, ready.offset) == ready.prefix_sha256
        begun_at = place = ready.offset if same else 0
        file.seek(place)
        said = place
        try:
            await run.say("upload-from", UploadFrom(offset=place))
            while piece := file.read(_CHUNK_BYTES):
                await run.write(piece)
                place += len(piece)
                if place - said >= _PROGRESS_BYTES:
                    said = place
                    told(Progress(done=place, total=size))
            await run.close_input()
        except Problem:
            if run.result is None:
                raise  # else: the device has ended it, and its own words are told
    return begun_at


def _must_be_done(run: Run) -> None:
    result = run.result
    if result is None or result.outcome is not Outcome.DONE:
        raise Problem(
            f"{run.action} was not done",
            expected="done",
            got="nothing" if result is None else f"{result.outcome.value}: {result.detail}",
        )


def _hash_of(path: Path) -> tuple[int, bytes]:
    """Size and SHA-256. Problem when it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            return file.tell(), digest
    except OSError as error:
        raise Problem("this file cannot be read", got=f"{path}: {error.strerror}") from None


def _hash_prefix(file: BinaryIO, count: int) -> bytes:
    digest = hashlib.sha256()
    while count and (piece := file.read(min(count, _CHUNK_BYTES))):
        digest.update(piece)
        count -= len(piece)
    return digest.digest()
