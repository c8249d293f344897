"""A file from the device, and a file to it: whole or not at all, checked by hash, going on where a cut left them.

    download   LOCAL.part grows ─► hash as the device says ─► renamed to LOCAL
               LOCAL.part is there ─► its hash goes along; the device goes on behind it, or begins anew and says so
    upload     the device says what it has of this very file and its hash ─► ours is the same ─► go on behind it

A connection that is lost on the way is waited for, and the file goes on behind what is there; an upload that the
device's receipt tells as done is done, and is not sent again. A LOCAL that is there is never overwritten. What comes is
written, never opened or run.
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
from technician.session.going_on import attempts, not_to_its_end
from technician.session.run import Run
from technician.session.visit import Visit

_CHUNK_BYTES: Final = BYTES_PIECE_MAX_BYTES
#: Told at these steps of bytes.
_PROGRESS_BYTES: Final = 4 << 20

Told = Callable[[Progress], None]


@dataclass(frozen=True)
class Carried:
    """One file that is whole on the other side. `resumed_at`: how much was there already. `changed`: it was being
    written to on the device while it was read; what came is what the hash is of. `losses`: so often the connection was
    lost on the way."""

    path: Path
    size_bytes: int
    sha256: bytes
    resumed_at: int
    restarted: bool = False
    changed: bool = False
    losses: int = 0


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

    def asked(self, remote: str) -> FilesReadArguments:
        """The rest of it, behind what is here."""
        known = self.digest.digest() if self.place else None
        return FilesReadArguments(path=remote, offset=self.place, prefix_sha256=known)

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


class _Download:
    """What one download has heard, over as many connections as it takes."""

    def __init__(self, remote: str, waiting: _Waiting, told: Told) -> None:
        self._remote = remote
        self._waiting = waiting
        self._told = told
        self.first: FileHead | None = None
        self.restarted = False
        self.end: FileEnd | None = None
        self.losses = 0

    async def take(self, run: Run) -> None:
        waiting, head, said = self._waiting, None, 0
        async for piece in run.pieces():
            if isinstance(piece, bytes):
                if head is None:
                    raise RemoteProtocolError("bytes of a file came before its head", expected="file-head first")
                waiting.add(piece)
                if waiting.place - said >= _PROGRESS_BYTES:
                    said = waiting.place
                    self._told(Progress(done=said, total=head.size_bytes))
            elif piece.kind == "file-head" and head is None:
                head = strict_json.parse(piece.body.encode(), FileHead)
                waiting.begin(head)
                said = head.offset
                self.first = self.first or head
                self.restarted = self.restarted or head.restarted
            elif piece.kind == "file-end":
                self.end = strict_json.parse(piece.body.encode(), FileEnd)

    def again(self, run: Run) -> FilesReadArguments | None:
        """The rest, unless the file's end has come; also where the device had told all of it and some was lost."""
        if self.end is not None or run.result is None or run.result.outcome not in (Outcome.CANCELLED, Outcome.DONE):
            return None
        self.losses += 1
        return self._waiting.asked(self._remote)


async def download(visit: Visit, remote: str, local: Path, told: Told) -> Carried:
    """Problem when the device refuses, the visit ends, or what came is not what was read there."""
    waiting = await asyncio.to_thread(_Waiting, local)
    with waiting.file:
        taking = _Download(remote, waiting, told)
        async for run in attempts(visit, "files.read", waiting.asked(remote), taking.again):
            await taking.take(run)
        if taking.end is None:
            _must_be_done(run)
        if taking.first is None or taking.end is None:
            raise RemoteProtocolError("the device said that the file is whole, and not what it is")
        found = await asyncio.to_thread(waiting.finish, taking.end)
    size, began = taking.end.size_bytes, taking.first.offset
    return Carried(local, size, found, began, taking.restarted, taking.end.changed, taking.losses)


class _Upload:
    """What one upload has heard. `sent_whole`: all of it went out and its end was said, on the newest connection."""

    def __init__(self, local: Path, arguments: FilesWriteArguments, told: Told) -> None:
        self._local = local
        self._arguments = arguments
        self._told = told
        self.begun_at: int | None = None
        self.sent_whole = False
        self.written: FileWritten | None = None
        self.losses = 0

    async def take(self, run: Run) -> None:
        self.sent_whole = False
        async for piece in run.pieces():
            if not isinstance(piece, Item):
                continue
            if piece.kind == "upload-ready":
                ready = strict_json.parse(piece.body.encode(), UploadReady)
                begun_at = await self._send(run, ready)
                self.begun_at = begun_at if self.begun_at is None else self.begun_at
            elif piece.kind == "file-written":
                self.written = strict_json.parse(piece.body.encode(), FileWritten)

    def again(self, run: Run) -> FilesWriteArguments | None:
        """Only where the receipt says that it did not come to its end: a file that lies there is not sent twice."""
        if self.written is not None or not not_to_its_end(run):
            return None
        self.losses += 1
        return self._arguments

    async def _send(self, run: Run, ready: UploadReady) -> int:
        """Bytes behind what the device has of this file, if that is the beginning of ours. Where it began."""
        size = self._arguments.size_bytes
        with self._local.open("rb") as file:
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
                        self._told(Progress(done=place, total=size))
                await run.close_input()
                self.sent_whole = True
            except Problem:
                if run.result is None:
                    raise  # else: the device has ended it, and its own words are told
        return begun_at

    def fate(self, run: Run) -> str:
        """What is known of the device's file when this did not come to its end, in words for the technician."""
        if run.result is not None and run.result.outcome is not Outcome.CANCELLED:
            return ""
        if self.sent_whole:
            return "Whether it was put in its place is not known here: the customer's receipt tells it."
        return "Nothing there was changed; what came waits beside its place, and the same upload goes on from there."


async def upload(visit: Visit, local: Path, remote: str, told: Told, *, replace: bool = False) -> Carried:
    """Problem when the device refuses or the visit ends; then the device keeps what came, for the next try."""
    size, digest = await asyncio.to_thread(_hash_of, local)
    arguments = FilesWriteArguments(path=remote, size_bytes=size, sha256=digest, replace=replace)
    sending = _Upload(local, arguments, told)
    async for run in attempts(visit, "files.write", arguments, sending.again):
        await sending.take(run)
    if sending.written is None:
        _must_be_done(run, sending.fate(run))
    # Done, by the receipt of a lost connection, means that the device found the hash that this very action announces.
    by_receipt = sending.written is None and run.cut_off
    if not by_receipt and (sending.written is None or sending.written.sha256 != digest):
        raise RemoteProtocolError("the device said that it wrote the file, and not this one")
    return Carried(local, size, digest, sending.begun_at or 0, losses=sending.losses)


def _must_be_done(run: Run, hint: str = "") -> None:
    result = run.result
    if result is None or result.outcome is not Outcome.DONE:
        raise Problem(
            f"{run.action} was not done",
            expected="done",
            got="nothing" if result is None else f"{result.outcome.value}: {result.detail}",
            hint=hint,
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
