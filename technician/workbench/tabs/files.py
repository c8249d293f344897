"""Files: the folders that the machine's owner allows: browse, download (goes on after a cut), upload."""

from dataclasses import dataclass
from typing import Any, Final

from protocol.actions.files import (
    AllowedFolder,
    FilesListArguments,
    FilesReadArguments,
    FilesWriteArguments,
    FolderEntryRow,
)
from protocol.errors import RemoteProtocolError
from protocol.strict_json import WireModel, parse
from technician.problems import Problem
from technician.workbench.downloads import Download
from technician.workbench.live import LiveVisit
from technician.workbench.tabs.fields import make, ticked
from technician.workbench.tabs.spec import Act, Form, Tab, TabView
from technician.workbench.uploads import Upload

KEY: Final = "files"


@dataclass(frozen=True)
class Crumb:
    name: str
    path: str


def _list(form: Form) -> FilesListArguments:
    return make(FilesListArguments, path=form.get("path", ""), hidden=ticked(form, "hidden"))


def _read(form: Form) -> FilesReadArguments:
    return make(FilesReadArguments, path=form.get("path", ""))


def _write(_form: Form) -> FilesWriteArguments:
    raise Problem("a file to upload comes with its own form", expected="the form of the files tab")


async def _download(live: LiveVisit, asked: FilesReadArguments) -> tuple[WireModel, Download]:
    for run in live.runs.under_way:
        if isinstance(run.driven, Download) and run.driven.remote == asked.path:
            raise Problem(
                "this file is on its way already", expected="one download of it at a time", got=asked.path[:120]
            )
    return await Download.begin(live.home.downloads / live.device.device[:16], asked)


def crumbs(path: str) -> list[Crumb]:
    parts = path.split("/") if path else []
    return [Crumb(part, "/".join(parts[: number + 1])) for number, part in enumerate(parts)]


def _rows(view: TabView) -> tuple[list[AllowedFolder], list[FolderEntryRow], int]:
    folders: list[AllowedFolder] = []
    entries: list[FolderEntryRow] = []
    broken = 0
    for item in view.run.items if view.run else []:
        try:
            match item.kind:
                case "allowed-folder":
                    folders.append(parse(item.body.encode(), AllowedFolder, what=item.kind))
                case "folder-entry":
                    entries.append(parse(item.body.encode(), FolderEntryRow, what=item.kind))
                case _:
                    broken += 1
        except RemoteProtocolError:
            broken += 1
    entries.sort(key=lambda entry: (entry.kind != "folder", entry.name.casefold()))
    return folders, entries, broken


def _facts(view: TabView) -> dict[str, Any]:
    folders, entries, broken = _rows(view)
    path = str(getattr(view.run.arguments, "path", "")) if view.run else ""
    transfers = view.live.runs.of(KEY, "read", "write")
    return {
        "folders": folders,
        "entries": entries,
        "broken": broken,
        "path": path,
        "crumbs": crumbs(path),
        "downloads": [(run, run.driven) for run in transfers if isinstance(run.driven, Download)][:5],
        "uploads": [(run, run.driven) for run in transfers if isinstance(run.driven, Upload)][:5],
    }


FILES: Final = Tab(
    KEY,
    "Files",
    "folder",
    (
        Act("list", "files.list", _list, "Look into a folder"),
        Act("read", "files.read", _read, "Download", lists=False, driven=_download, shown=False),
        Act("write", "files.write", _write, "Upload", lists=False, shown=False),
    ),
    _facts,
)
