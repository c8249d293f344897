"""The rows of files.list, as people read them. Names come from the customer's machine: shown as text, never obeyed."""

from dataclasses import dataclass
from typing import Final

from technician.session.row_kind import Column, RowKind, time_text
from web.figures import size


@dataclass(frozen=True, slots=True)
class AllowedFolder:
    """A folder that the owner of the machine allows: what a path begins with."""

    label: str
    writable: bool


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """`usable`: the name is text, so that it can be asked for."""

    name: str
    kind: str
    size_bytes: int
    modified_at: int
    usable: bool


def _allowed(row: AllowedFolder) -> tuple[str, ...]:
    return (row.label, "yes" if row.writable else "no")


def _entry(row: FolderEntry) -> tuple[str, ...]:
    name = row.name + ("/" if row.kind == "folder" else "") + ("" if row.usable else "  (its name is no text)")
    return (name, row.kind, size(row.size_bytes) if row.kind == "file" else "", time_text(row.modified_at))


FILE_ROWS: Final[tuple[RowKind, ...]] = (
    RowKind(
        "allowed-folder",
        "Allowed folders",
        AllowedFolder,
        (Column("label", "Folder", "code"), Column("writable", "Can be written")),
        _allowed,
    ),
    RowKind(
        "folder-entry",
        "Files",
        FolderEntry,
        (
            Column("name", "Name", "code"),
            Column("kind", "Kind"),
            Column("size", "Size", "number"),
            Column("modified", "Changed (UTC)"),
        ),
        _entry,
    ),
)
