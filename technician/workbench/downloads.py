"""A file on its way here: into a folder of the workbench, mode 0600, under a harmless name, checked by its hash.

    NAME.HASH.part    while it comes; after a lost connection it goes on behind that by itself, and so does the next
                      download of the same file
    NAME              when the device's hash of the whole is ours

Never executed, never opened: a person does that, with a program of their own choice.
"""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from protocol.actions.files import FileEnd, FileHead, FilesReadArguments
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.journal import Outcome
from protocol.limits import MIB
from protocol.strict_json import parse
from protocol.visit import Item, Progress
from technician.private_files import private_folder
from technician.problems import Problem
from technician.session.run import Run
from technician.workbench.local_names import free_path, local_name
from technician.workbench.runs import ActionRun

#: Told at these steps: a page that hears of every part would do nothing else.
TOLD_BYTES: Final = MIB


@dataclass(frozen=True)
class Kept:
    """What is here already of a file."""

    part: Path
    offset: int
    digest: bytes


def kept_of(folder: Path, path: str) -> Kept:
    """The beginning of `path` that an earlier download left, hashed. Blocking."""
    private_folder(folder.parent)
    part = private_folder(folder) / f"{local_name(path)}.{sha256(path.encode()).hex()[:8]}.part"
    digest = hashlib.sha256()
    offset = 0
    if part.is_file() and not part.is_symlink():
        with part.open("rb") as file:
            while data := file.read(MIB):
                digest.update(data)
                offset += len(data)
    return Kept(part, offset, digest.digest())


class Download:
    """One file. `path` is there when it is whole and its hash is right."""

    def __init__(self, remote: str, kept: Kept) -> None:
        self.remote = remote
        self._part = kept.part
        self.total = 0
        self.have = kept.offset
        self.resumed_at = 0
        self.changed = False
        self.sha256 = ""
        self.path: Path | None = None
        self._digest = hashlib.sha256()
        self._prefix = kept.digest  # of what is here
        self._end: FileEnd | None = None
        self.losses = 0

    @classmethod
    async def begin(cls, folder: Path, asked: FilesReadArguments) -> tuple[FilesReadArguments, "Download"]:
        """What to ask, given what an earlier download left here, and who takes the answer."""
        kept = await asyncio.to_thread(kept_of, folder, asked.path)
        if kept.offset:
            asked = FilesReadArguments(path=asked.path, offset=kept.offset, prefix_sha256=kept.digest)
        return asked, cls(asked.path, kept)

    async def drive(self, handle: Run, run: ActionRun) -> None:
        head: FileHead | None = None
        told = 0
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(self._part, flags, 0o600), "r+b") as file:
            async for piece in handle.pieces():
                if isinstance(piece, Item):
                    if piece.kind == "file-head" and head is None:
                        head = parse(piece.body.encode(), FileHead, what="file-head")
                        await asyncio.to_thread(self._place, file, head)
                        run.tell(self._progress())
                    elif piece.kind == "file-end":
                        self._end = parse(piece.body.encode(), FileEnd, what="file-end")
                    continue
                if head is None:
                    raise RemoteProtocolError("bytes of a file came before its head", expected="file-head first")
                if self.have + len(piece) > head.size_bytes:
                    raise RemoteProtocolError("more came than the file has", expected=str(head.size_bytes), got="more")
                file.write(piece)
                self._digest.update(piece)
                self.have += len(piece)
                if self.have - told >= TOLD_BYTES:
                    told = self.have
                    run.tell(self._progress())
        if head is not None:
            self._prefix = self._digest.digest()
        if self._end is not None:
            self._judge(self._end)

    def again(self, handle: Run) -> FilesReadArguments | None:
        """The rest, unless the file's end has come; also where the device had told all of it and some was lost."""
        result = handle.result
        if self._end is not None or result is None or result.outcome not in (Outcome.CANCELLED, Outcome.DONE):
            return None
        self.losses += 1
        known = self._prefix if self.have else None
        return FilesReadArguments(path=self.remote, offset=self.have, prefix_sha256=known)

    def close(self) -> None:
        """What came stays where it is."""

    def _place(self, file: BinaryIO, head: FileHead) -> None:
        """Keep what both ends agree on, and go on after it. Blocking: what is kept is hashed once more."""
        self.total = head.size_bytes
        self.resumed_at = self.resumed_at if self.losses and head.offset else head.offset
        self._digest = hashlib.sha256()
        if head.offset not in (0, self.have):
            raise RemoteProtocolError("the file goes on from elsewhere", expected=str(self.have), got=str(head.offset))
        left = head.offset
        while left and (data := file.read(min(MIB, left))):
            self._digest.update(data)
            left -= len(data)
        file.seek(head.offset)
        file.truncate()
        self.have = head.offset

    def _progress(self) -> Progress:
        return Progress(done=self.have, total=max(self.total, self.have), text=local_name(self.remote))

    def _judge(self, end: FileEnd) -> None:
        """In its place under its own name, when all of it is what the device read."""
        digest = self._digest.digest()
        if (end.size_bytes, end.sha256) != (self.have, digest):
            self._part.unlink(missing_ok=True)
            raise Problem(
                "the file that came is not the one that was read",
                expected=f"{end.size_bytes} bytes, SHA-256 {end.sha256.hex()[:16]}",
                got=f"{self.have} bytes, SHA-256 {digest.hex()[:16]}",
                hint="It was removed here. Ask for it again.",
            )
        self.path = free_path(self._part.parent, local_name(self.remote))
        os.replace(self._part, self.path)
        self.sha256 = digest.hex()
        self.changed = end.changed
