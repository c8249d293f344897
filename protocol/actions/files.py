"""files.list, files.read, files.write: the folders that the owner of the machine allows, and nothing else.

A path names an allowed folder by its label and goes down from there: `Documents/invoices/2026.pdf`. There is no way to
write an absolute path, `..`, or an empty part; links are not followed; the agent walks by folder handles.

    files.list    ◄─ rows       `allowed-folder` for the empty path, else `folder-entry`
    files.read    ◄─ pieces     item `file-head` · bytes · item `file-end`
    files.write   ─► pieces     (`upload-ready` ◄─) item `upload-from` · bytes · end of input   (◄─ `file-written`)

Resuming a download: `offset` and the SHA-256 of what is here already; the device hashes its own beginning, and begins
at 0 (`file-head.offset`) when they differ. Resuming an upload: `upload-ready` says what of the same upload (by path,
size and hash) the device kept, with its hash; the technician answers from where to go on.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from protocol.actions.scopes import Scope
from protocol.actions.spec import ActionSpec, Output
from protocol.fields import Count, Hash, UnixSeconds
from protocol.limits import MIB
from protocol.strict_json import WireModel

PATH_MAX_CHARS = 2000
PATH_MAX_PARTS = 64
#: Linux and most file systems: the longest name of one file.
NAME_MAX_BYTES = 255
#: Nothing larger is carried by a visit.
FILE_MAX_BYTES = 64 * 1024 * MIB
ENTRIES_MAX = 5000


def parts_of(path: str) -> tuple[str, ...]:
    """The parts of a path as the wire has it; ValueError for one that could mean something else."""
    parts = tuple(path.split("/"))
    if len(parts) > PATH_MAX_PARTS:
        raise ValueError(f"a path has at most {PATH_MAX_PARTS} parts")
    for part in parts:
        if part in ("", ".", "..") or "\0" in part:
            raise ValueError("a path is an allowed folder and names below it; no empty part, no . or ..")
        if len(part.encode()) > NAME_MAX_BYTES:
            raise ValueError(f"a name has at most {NAME_MAX_BYTES} bytes")
    return parts


def _good_path(path: str) -> str:
    parts_of(path)
    return path


Path = Annotated[str, Field(min_length=1, max_length=PATH_MAX_CHARS)]


class FilesListArguments(WireModel):
    """`path` empty: which folders are allowed."""

    path: Annotated[str, Field(max_length=PATH_MAX_CHARS)] = ""
    hidden: bool = False

    @field_validator("path")
    @classmethod
    def _path(cls, path: str) -> str:
        return _good_path(path) if path else path


class FilesReadArguments(WireModel):
    """`offset`, `prefix_sha256`: what of it is here already. Both or neither."""

    path: Path
    offset: Annotated[int, Field(ge=0, le=FILE_MAX_BYTES)] = 0
    prefix_sha256: Hash | None = None

    @field_validator("path")
    @classmethod
    def _path(cls, path: str) -> str:
        return _good_path(path)

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.prefix_sha256 is None) is (self.offset > 0):
            raise ValueError("an offset and the hash of what lies before it go together")
        return self


class FilesWriteArguments(WireModel):
    """`replace`: a file that is there already is replaced; otherwise it is refused."""

    path: Path
    size_bytes: Annotated[int, Field(ge=0, le=FILE_MAX_BYTES)]
    sha256: Hash
    replace: bool = False

    @field_validator("path")
    @classmethod
    def _path(cls, path: str) -> str:
        return _good_path(path)


# --- what is said on the streams -----------------------------------------------------------------------------------


class AllowedFolder(WireModel):
    label: str
    writable: bool


class FolderEntryRow(WireModel):
    """`usable`: the name is text; what is not can be seen here, not asked for."""

    name: str
    kind: Literal["file", "folder", "link", "other"]
    size_bytes: Count
    modified_at: int
    usable: bool = True


class FileHead(WireModel):
    """`offset`: where the bytes begin. `restarted`: what the technician has is not the beginning of this file."""

    size_bytes: Count
    modified_at: UnixSeconds
    offset: Count
    restarted: bool = False


class FileEnd(WireModel):
    """Of the whole file. `changed`: it was written to while it was read; the hash is of what was sent."""

    size_bytes: Count
    sha256: Hash
    changed: bool = False


class UploadReady(WireModel):
    """What the device holds of this very upload."""

    offset: Count
    prefix_sha256: Hash


class UploadFrom(WireModel):
    """0, or what `upload-ready` offered."""

    offset: Count


class FileWritten(WireModel):
    size_bytes: Count
    sha256: Hash
    replaced: bool


FILES_LIST = ActionSpec(
    "files.list", Scope.FILES_READ, FilesListArguments, "looked at the names of files in the folders you allow"
)
FILES_READ = ActionSpec(
    "files.read",
    Scope.FILES_READ,
    FilesReadArguments,
    "copied a file from the folders you allow",
    output=Output.BYTES,
    lasting=True,
    output_bytes=FILE_MAX_BYTES + FILE_MAX_BYTES // 1000,  # pieces have headers
)
FILES_WRITE = ActionSpec(
    "files.write",
    Scope.FILES_WRITE,
    FilesWriteArguments,
    "put a file into the folders you allow",
    output=Output.BYTES,
    changes=True,
    input=True,
    lasting=True,
    finishes=True,
)
