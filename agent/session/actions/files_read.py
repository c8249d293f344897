"""files.list and files.read: what is in the allowed folders, and a file out of them, with its hash.

A file is read up to the length that it had when it was opened: one that grows all the time ends all the same, and
`file-end` says that it changed. What was sent is what the hash is of.
"""

import hashlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from typing import Final

from agent.session.actions.inside_folders import Folders, open_regular, why
from agent.session.actions.workbench import Row, Workbench
from diagnostics.machine.interface import Unreadable, UnreadableKind
from protocol import strict_json
from protocol.actions.files import (
    ENTRIES_MAX,
    FILE_MAX_BYTES,
    AllowedFolder,
    FileEnd,
    FileHead,
    FilesListArguments,
    FilesReadArguments,
    FolderEntryRow,
)
from protocol.strict_json import WireModel

_CHUNK_BYTES: Final = 1 << 20


def folders_of(bench: Workbench) -> Folders:
    return Folders(bench.settings.folders, bench.settings.keep_out)


def plain_row(kind: str, body: WireModel) -> Row:
    """A row with names as they are: what was asked for are these very names."""
    return Row(kind, strict_json.dump(body).decode())


def do_files_list(arguments: FilesListArguments, bench: Workbench) -> Iterator[Row]:
    if sys.platform == "win32":
        raise Unreadable("files are carried on Linux only in this version", UnreadableKind.UNSUPPORTED)
    folders = folders_of(bench)
    if not arguments.path:
        for label, path in folders.by_label.items():
            yield plain_row("allowed-folder", AllowedFolder(label=label, writable=os.access(path, os.W_OK)))
        return
    with folders.folder(arguments.path) as handle:
        # The handle only names the folder; reading its entries needs one that is opened for it.
        try:
            listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=handle)
        except OSError as error:
            raise why(arguments.path, error) from None
        try:
            names = sorted(name for name in os.listdir(listing) if arguments.hidden or not name.startswith("."))
            for name in names[:ENTRIES_MAX]:
                try:
                    status = os.stat(name, dir_fd=listing, follow_symlinks=False)
                except FileNotFoundError:
                    continue  # it went while we looked
                yield plain_row("folder-entry", _entry(name, status))
        finally:
            os.close(listing)
    if len(names) > ENTRIES_MAX:
        bench.last_word = f"the first {ENTRIES_MAX} of {len(names)}"


def _entry(name: str, status: os.stat_result) -> FolderEntryRow:
    usable = True
    try:
        name.encode()
    except UnicodeEncodeError:
        name, usable = os.fsencode(name).decode("utf-8", "replace"), False
    mode = status.st_mode
    return FolderEntryRow(
        name=name,
        kind="file"
        if stat.S_ISREG(mode)
        else "folder"
        if stat.S_ISDIR(mode)
        else "link"
        if stat.S_ISLNK(mode)
        else "other",
        size_bytes=status.st_size,
        modified_at=int(status.st_mtime),
        usable=usable,
    )


def do_files_read(arguments: FilesReadArguments, bench: Workbench) -> Iterator[Row | bytes | memoryview]:
    with folders_of(bench).parent(arguments.path) as (folder, name):
        handle = open_regular(name, folder, arguments.path)
    try:
        yield from _read(handle, arguments)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise why(arguments.path, error) from None
    finally:
        os.close(handle)


def _read(handle: int, arguments: FilesReadArguments) -> Iterator[Row | bytes | memoryview]:
    before = os.fstat(handle)
    if before.st_size > FILE_MAX_BYTES:
        raise Unreadable(f"{arguments.path} is larger than {FILE_MAX_BYTES >> 30} GiB", UnreadableKind.REFUSED)
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    file = io.FileIO(handle, closefd=False)
    offset = _skip(file, arguments, before.st_size, digest, buffer)
    restarted = offset != arguments.offset
    if restarted:
        digest = hashlib.sha256()
        file.seek(0)
    modified_at = max(0, int(before.st_mtime))
    yield plain_row(
        "file-head",
        FileHead(size_bytes=before.st_size, modified_at=modified_at, offset=offset, restarted=restarted),
    )
    place = offset
    while place < before.st_size:
        count = file.readinto(buffer[: min(_CHUNK_BYTES, before.st_size - place)])
        if not count:
            break  # it was cut off meanwhile
        digest.update(buffer[:count])
        place += count
        yield buffer[:count]
    after = os.fstat(handle)
    changed = place != before.st_size or after.st_size != before.st_size or after.st_mtime_ns != before.st_mtime_ns
    yield plain_row("file-end", FileEnd(size_bytes=place, sha256=digest.digest(), changed=changed))


def _skip(
    file: io.FileIO, arguments: FilesReadArguments, size: int, digest: "hashlib._Hash", buffer: memoryview
) -> int:
    """Go past what the technician has, if it is the beginning of this file; 0 if it is not."""
    if not arguments.offset or arguments.offset > size:
        return 0
    left = arguments.offset
    while left:
        count = file.readinto(buffer[: min(_CHUNK_BYTES, left)])
        if not count:
            return 0
        digest.update(buffer[:count])
        left -= count
    return arguments.offset if digest.digest() == arguments.prefix_sha256 else 0
