"""A file on its way to the device: taken from the browser into an unnamed file, hashed, then sent in one piece.

    upload-ready ◄─ the device says what it has of this very file ─► upload-from ─► bytes ─► end ─► file-written ◄─

The device refuses a place it does not allow, and puts the file in its place only when size and hash are as announced.
After a lost connection it goes on behind what the device kept, unless the device's receipt tells it as done.
"""

import asyncio
import hashlib
import tempfile
from pathlib import Path
from typing import IO, Final

from starlette.datastructures import UploadFile

from protocol.actions.files import FILE_MAX_BYTES, FilesWriteArguments, FileWritten, UploadFrom, UploadReady
from protocol.journal import Outcome
from protocol.limits import KIB, MIB
from protocol.strict_json import parse
from protocol.visit import Item, Progress
from technician.private_files import private_folder
from technician.problems import Problem
from technician.session.going_on import not_to_its_end
from technician.session.run import Run
from technician.workbench.runs import ActionRun

PART_BYTES: Final = 256 * KIB
TOLD_BYTES: Final = MIB


class Upload:
    """One file. `written` is the device's word that it lies there whole."""

    def __init__(self, name: str, file: IO[bytes], size_bytes: int, digest: bytes) -> None:
        self.name = name
        self.sha256 = digest
        self.size_bytes = size_bytes
        self.resumed_at = 0
        self.written: FileWritten | None = None
        self.losses = 0
        self.done_by_receipt = False  # its last words were lost with the connection; the receipt tells it as done
        self._asked: FilesWriteArguments | None = None
        self._file = file

    @classmethod
    async def taken(cls, upload: UploadFile, folder: Path) -> "Upload":
        """The browser's file, copied to where nobody else reads it; it has no name there and goes with the program."""
        private_folder(folder)
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as the upload
        digest, size = hashlib.sha256(), 0
        while data := await upload.read(MIB):
            size += len(data)
            if size > FILE_MAX_BYTES:
                file.close()
                raise Problem("the file is too large", expected=f"at most {FILE_MAX_BYTES} bytes", got="more")
            digest.update(data)
            await asyncio.to_thread(file.write, data)
        return cls(upload.filename or "file", file, size, digest.digest())

    def arguments(self, folder: str, *, replace: bool) -> FilesWriteArguments:
        """`ValueError` for a name the device would not take."""
        name = self.name.replace("\\", "/").rsplit("/", 1)[-1]
        self._asked = FilesWriteArguments(
            path=f"{folder}/{name}", size_bytes=self.size_bytes, sha256=self.sha256, replace=replace
        )
        return self._asked

    async def drive(self, handle: Run, run: ActionRun) -> None:
        async for piece in handle.pieces():
            if not isinstance(piece, Item):
                continue
            match piece.kind:
                case "upload-ready":
                    await self._send(handle, run, parse(piece.body.encode(), UploadReady, what="upload-ready"))
                case "file-written":
                    self.written = parse(piece.body.encode(), FileWritten, what="file-written")
                case _:
                    pass  # of a newer device

    def again(self, handle: Run) -> FilesWriteArguments | None:
        """Only where the receipt says that it did not come to its end: a file that lies there is not sent twice."""
        if self.written is not None or not not_to_its_end(handle) or self._asked is None:
            self.done_by_receipt = handle.result is not None and handle.result.outcome is Outcome.DONE
            return None
        self.losses += 1
        return self._asked

    def close(self) -> None:
        self._file.close()

    async def _send(self, handle: Run, run: ActionRun, ready: UploadReady) -> None:
        place = await asyncio.to_thread(self._agreed, ready)
        self.resumed_at = self.resumed_at or place
        try:
            await handle.say("upload-from", UploadFrom(offset=place))
            told = place
            while data := await asyncio.to_thread(self._file.read, PART_BYTES):
                await handle.write(data)
                place += len(data)
                if place - told >= TOLD_BYTES:
                    told = place
                    run.tell(Progress(done=place, total=self.size_bytes, text=self.name[:200]))
            await handle.close_input()
        except Problem:
            if handle.result is None:
                raise  # else: it has ended there, and the device's own words are told

    def _agreed(self, ready: UploadReady) -> int:
        """From where to send: after what the device holds, if that is the beginning of this file. Blocking."""
        self._file.seek(0)
        digest, left = hashlib.sha256(), min(ready.offset, self.size_bytes)
        while left and (data := self._file.read(min(MIB, left))):
            digest.update(data)
            left -= len(data)
        same = ready.offset <= self.size_bytes and digest.digest() == ready.prefix_sha256
        place = ready.offset if same else 0
        self._file.seek(place)
        return place
