"""files.write: a file into an allowed folder, whole or not at all.

    upload-ready ─►   ◄─ upload-from, bytes, end of input
    .NAME.bellpull-upload-… in the same folder ─► size and hash as announced? ─► fsync ─► in its place ─► file-written

What was cut off stays under its temporary name, which is made of the name, the size and the hash: the same upload
finds it again. Nothing is ever written into a file that is there: a link or a second name of some other file cannot be
written through. Hidden files and folders are refused, and with them every place where a system looks for what it is to
start or whom to let in: shell start-up, autostart, SSH, the agent's own. What can be started is not replaced, and what
is put there cannot be started.
"""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from typing import Final

from agent.session.actions.files_read import folders_of, plain_row
from agent.session.actions.inside_folders import Folders, why
from agent.session.actions.own_pipe import OwnPipe
from agent.session.actions.workbench import Row, Workbench
from diagnostics.machine.interface import Unreadable, UnreadableKind
from protocol import strict_json
from protocol.actions.files import FilesWriteArguments, FileWritten, UploadFrom, UploadReady
from protocol.visit import Item

_CHUNK_BYTES: Final = 1 << 20
#: Told at these steps: an upload of this size takes a moment.
_PROGRESS_BYTES: Final = 8 << 20
#: Started or believed by name, wherever they lie; compared without regard to case.
_STARTED_BY_NAME: Final = frozenset(
    {"autostart", "startup", "authorized_keys", "authorized_keys2", "sudoers", "crontab"}
)
_STARTED_BY_ENDING: Final = (".desktop", ".service", ".timer", ".lnk", ".url")


def refused_place(folders: Folders, path: str) -> str:
    """Why nothing is ever written there; empty where it may be. By names alone, before anything is opened."""
    for part in folders.real_path(path).parts[1:]:
        if part.startswith("."):
            return f"{part} is hidden: settings, keys and start-up files live in such places"
        if part.lower() in _STARTED_BY_NAME or part.lower().endswith(_STARTED_BY_ENDING):
            return f"{part} could be started or believed by this computer by itself"
    return ""


def do_files_write(arguments: FilesWriteArguments, bench: Workbench) -> Iterator[Row | bytes | memoryview]:
    if bench.pipe is None or sys.platform != "linux":
        raise Unreadable("files are carried on Linux only in this version", UnreadableKind.UNSUPPORTED)
    folders = folders_of(bench)
    if refusal := refused_place(folders, arguments.path):
        raise Unreadable(f"{arguments.path} is never written: {refusal}", UnreadableKind.REFUSED)
    try:
        with folders.parent(arguments.path) as (folder, name):
            yield from _upload(arguments, bench, bench.pipe, folder, name)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise why(arguments.path, error) from None


def _upload(arguments: FilesWriteArguments, bench: Workbench, pipe: OwnPipe, folder: int, name: str) -> Iterator[Row]:
    there = _status_of(name, folder)
    if there is not None and not stat.S_ISREG(there.st_mode):
        raise Unreadable(f"{arguments.path} is there and is no regular file", UnreadableKind.REFUSED)
    if there is not None and not arguments.replace:
        raise Unreadable(f"{arguments.path} is there already; say that it is to be replaced", UnreadableKind.REFUSED)
    if there is not None and stat.S_IMODE(there.st_mode) & 0o111:
        raise Unreadable(f"{arguments.path} is a program; what can be started is not replaced", UnreadableKind.REFUSED)
    waiting = _waiting_name(arguments, name)
    handle = _open_waiting(waiting, folder)
    try:
        digest = hashlib.sha256()
        kept = _hash_kept(handle, arguments.size_bytes, digest)
        yield plain_row("upload-ready", UploadReady(offset=kept, prefix_sha256=digest.digest()))
        place = _begin_at(pipe, kept)
        if place != kept:
            digest = hashlib.sha256()
        os.ftruncate(handle, place)
        os.lseek(handle, place, os.SEEK_SET)
        yield from _receive(arguments, bench, pipe, handle, digest, place)
        if digest.digest() != arguments.sha256:
            os.ftruncate(handle, 0)
            raise Unreadable(f"{arguments.path}: what came has another hash than was announced", UnreadableKind.REFUSED)
        if sys.platform != "win32":
            os.fchmod(handle, 0o644 if there is None else stat.S_IMODE(there.st_mode) & 0o777)
        os.fsync(handle)
    finally:
        os.close(handle)
    _put_in_place(waiting, name, folder, arguments)
    yield plain_row(
        "file-written",
        FileWritten(size_bytes=arguments.size_bytes, sha256=arguments.sha256, replaced=there is not None),
    )


def _receive(
    arguments: FilesWriteArguments, bench: Workbench, pipe: OwnPipe, handle: int, digest: "hashlib._Hash", place: int
) -> Iterator[Row]:
    told = place
    for piece in pipe.pieces():
        if isinstance(piece, Item):
            raise Unreadable("an upload is bytes after its beginning", UnreadableKind.REFUSED)
        place += len(piece)
        if place > arguments.size_bytes:
            raise Unreadable(f"{arguments.path}: more came than was announced", UnreadableKind.REFUSED)
        digest.update(piece)
        _write_all(handle, piece)
        if place - told >= _PROGRESS_BYTES:
            told = place
            yield bench.progress(place, arguments.size_bytes)
    if pipe.deserted:
        raise BrokenPipeError  # cancelled, or the visit is over: not even a whole file gets its name any more
    if place != arguments.size_bytes:
        raise Unreadable(
            f"{arguments.path}: {place} of {arguments.size_bytes} bytes came; the rest can follow later",
            UnreadableKind.ABSENT,
        )


def _begin_at(pipe: OwnPipe, kept: int) -> int:
    """From where the technician goes on: 0 or what is kept."""
    said = pipe.read()
    if not isinstance(said, Item) or said.kind != "upload-from":
        raise Unreadable("an upload begins with where it goes on", UnreadableKind.REFUSED)
    offset = strict_json.parse(said.body.encode(), UploadFrom).offset
    if offset not in (0, kept):
        raise Unreadable(f"an upload goes on at {kept} or begins anew", UnreadableKind.REFUSED)
    return offset


def _waiting_name(arguments: FilesWriteArguments, name: str) -> str:
    """Hidden, in the same folder (a rename must not cross file systems), the same for the same upload."""
    mark = hashlib.sha256(f"{name}\0{arguments.size_bytes}\0".encode() + arguments.sha256).hexdigest()[:24]
    return f".bellpull-upload-{mark}"


def _open_waiting(waiting: str, folder: int) -> int:
    """For reading and writing; a link or a file with other names under it is not believed."""
    if sys.platform == "win32":
        raise Unreadable("files are carried on Linux only in this version", UnreadableKind.UNSUPPORTED)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(waiting, flags, 0o600, dir_fd=folder)
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_uid != os.geteuid():
        os.close(handle)
        raise Unreadable("something else has the name under which uploads wait", UnreadableKind.REFUSED)
    return handle


def _hash_kept(handle: int, most: int, digest: "hashlib._Hash") -> int:
    """How much is there already of at most `most` bytes; into the digest. Too much: it is none of ours."""
    if os.fstat(handle).st_size > most:
        os.ftruncate(handle, 0)
    kept = 0
    while piece := os.read(handle, _CHUNK_BYTES):
        digest.update(piece)
        kept += len(piece)
    return kept


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _put_in_place(waiting: str, name: str, folder: int, arguments: FilesWriteArguments) -> None:
    """The finished file gets its name; without `replace` never in the place of one that came meanwhile."""
    if sys.platform == "win32":
        raise Unreadable("files are carried on Linux only in this version", UnreadableKind.UNSUPPORTED)
    if arguments.replace:
        os.rename(waiting, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        try:
            os.link(waiting, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            raise Unreadable(f"{arguments.path} is there already", UnreadableKind.REFUSED) from None
        except PermissionError:
            # A file system without second names (FAT): take the name first, then put the file over it.
            try:
                os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=folder))
            except FileExistsError:
                raise Unreadable(f"{arguments.path} is there already", UnreadableKind.REFUSED) from None
            os.rename(waiting, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.unlink(waiting, dir_fd=folder)
    listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fsync(listing)
    finally:
        os.close(listing)


def _status_of(name: str, folder: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
