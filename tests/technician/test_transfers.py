"""Files that come and go in a visit, at the technician's end: names, hashes, going on after a cut, terminals."""

import asyncio
import hashlib
import json
import os
import stat
from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import UploadFile

from protocol import strict_json
from protocol.actions.files import FileEnd, FileHead, FilesReadArguments, FileWritten, UploadFrom, UploadReady
from protocol.actions.terminal import TerminalArguments, TerminalEnded, TerminalOpened, TerminalSize
from protocol.pieces import Piece
from protocol.strict_json import WireModel
from protocol.visit import Item
from technician.problems import Problem
from technician.workbench.downloads import Download
from technician.workbench.local_names import free_path, local_name
from technician.workbench.runs import ActionRun
from technician.workbench.shells import KEPT_BYTES, Shell
from technician.workbench.uploads import Upload

DATA = bytes(range(256)) * 4000


class Scripted:
    """The other end of an action: what it says is given; what it is told is kept."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self.written = bytearray()
        self.said: list[tuple[str, WireModel]] = []
        self.closed = False
        self.cut_off = False

    async def pieces(self) -> AsyncIterator[Piece]:
        for piece in self._pieces:
            await asyncio.sleep(0)
            yield piece

    async def write(self, data: bytes) -> None:
        self.written += data

    async def say(self, kind: str, body: WireModel) -> None:
        self.said.append((kind, body))

    async def close_input(self) -> None:
        self.closed = True


def item(kind: str, body: WireModel) -> Item:
    return Item(id=1, kind=kind, body=strict_json.dump(body).decode())


def a_run() -> ActionRun:
    return ActionRun(1, "files", "read", "files.read", FilesReadArguments(path="Documents/a"), 0)


def sent(data: bytes, offset: int = 0, digest: bytes = b"", size: int | None = None) -> list[Piece]:
    """What a device says when it is asked for `data` from `offset` on."""
    total = len(data) if size is None else size
    return [
        item("file-head", FileHead(size_bytes=total, modified_at=1, offset=offset, restarted=False)),
        *(data[at : at + 65_000] for at in range(offset, len(data), 65_000)),
        item("file-end", FileEnd(size_bytes=total, sha256=digest or hashlib.sha256(data).digest())),
    ]


async def fetch(folder: Path, remote: str, pieces: Sequence[Piece]) -> tuple[FilesReadArguments, Download]:
    asked, download = await Download.begin(folder, FilesReadArguments(path=remote))
    await download.drive(Scripted(pieces), a_run())  # type: ignore[arg-type]
    return asked, download


async def test_a_download_lies_whole_and_private_under_a_harmless_name(private: Path) -> None:
    _, download = await fetch(private / "d", "Documents/invoice 2026.pdf", sent(DATA))
    assert download.path == private / "d" / "invoice 2026.pdf"
    assert download.path.read_bytes() == DATA
    assert stat.S_IMODE(download.path.stat().st_mode) == 0o600
    assert download.sha256 == hashlib.sha256(DATA).hexdigest()
    assert [path.name for path in (private / "d").iterdir()] == ["invoice 2026.pdf"]
    _, again = await fetch(private / "d", "Elsewhere/invoice 2026.pdf", sent(b"other"))
    assert again.path == private / "d" / "invoice 2026 (2).pdf", "nothing is overwritten"


async def test_after_a_cut_the_next_download_goes_on_where_it_stopped(private: Path) -> None:
    cut = sent(DATA)[:5]
    _, broken = await fetch(private / "d", "Documents/big.iso", cut)
    assert broken.path is None
    assert broken.have == 4 * 65_000
    asked, _ = await Download.begin(private / "d", FilesReadArguments(path="Documents/big.iso"))
    assert asked.offset == broken.have
    assert asked.prefix_sha256 == hashlib.sha256(DATA[: broken.have]).digest()
    _, rest = await fetch(private / "d", "Documents/big.iso", sent(DATA, broken.have))
    assert rest.path is not None
    assert rest.path.read_bytes() == DATA
    assert rest.resumed_at == broken.have


async def test_a_file_that_is_another_by_now_begins_anew(private: Path) -> None:
    await fetch(private / "d", "Documents/log", sent(b"old" * 50_000)[:2])
    _, fresh = await fetch(private / "d", "Documents/log", sent(DATA))
    assert fresh.path is not None
    assert fresh.path.read_bytes() == DATA


async def test_another_hash_than_the_devices_is_no_file(private: Path) -> None:
    with pytest.raises(Problem, match="not the one that was read"):
        await fetch(private / "d", "Documents/a", sent(DATA, digest=bytes(32)))
    assert list((private / "d").iterdir()) == []


async def test_a_link_that_lies_where_the_file_would_come_is_not_followed(private: Path, tmp_path: Path) -> None:
    await fetch(private / "d", "Documents/a", sent(DATA)[:2])
    (part,) = (private / "d").iterdir()
    part.unlink()
    part.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        await fetch(private / "d", "Documents/a", sent(DATA))
    assert not (tmp_path / "elsewhere").exists()


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text(max_size=400))
def test_no_path_of_a_device_names_anything_but_a_plain_file_here(path: str) -> None:
    name = local_name(path)
    assert name == os.path.basename(name) != ""
    assert not name.startswith((".", " "))
    assert name.isprintable()
    assert len(name.encode()) < 200
    assert name not in (".", "..")
    assert not set(name) & set('/\\:*?"<>|')


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Desktop/Invoice.desktop", "Invoice.desktop.file"),
        ("a/../../.bashrc", "bashrc"),
        ("a/CON", "_CON"),
        ("a/nul.txt", "_nul.txt"),
        ("a/setup.EXE", "setup.EXE.file"),
        ("a/x\u202egpj.exe", "x_gpj.exe.file"),
        ("a/Übersicht 2026.pdf", "Übersicht 2026.pdf"),
        ("a/" + "n" * 300 + ".pdf", "n" * 176 + ".pdf"),
        ("..", "file"),
    ],
)
def test_a_name_is_kept_as_far_as_it_is_harmless(path: str, name: str) -> None:
    assert local_name(path) == name


def test_a_taken_name_gets_a_number_also_where_a_link_dangles(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "a (2).txt").symlink_to("nowhere")
    assert free_path(tmp_path, "a.txt").name == "a (3).txt"
    assert free_path(tmp_path, "none").name == "none"


async def upload(folder: Path, ready: UploadReady) -> tuple[Upload, Scripted]:
    taken = await Upload.taken(UploadFile(BytesIO(DATA), filename="C:\\Users\\tom\\driver.bin"), folder)
    written = FileWritten(size_bytes=len(DATA), sha256=hashlib.sha256(DATA).digest(), replaced=False)
    device = Scripted([item("upload-ready", ready), item("file-written", written)])
    await taken.drive(device, a_run())  # type: ignore[arg-type]
    return taken, device


async def test_an_upload_names_size_and_hash_first_and_leaves_nothing_here(private: Path) -> None:
    taken, device = await upload(private / "u", UploadReady(offset=0, prefix_sha256=hashlib.sha256(b"").digest()))
    arguments = taken.arguments("Documents", replace=False)
    assert arguments.path == "Documents/driver.bin"
    assert (arguments.size_bytes, arguments.sha256) == (len(DATA), hashlib.sha256(DATA).digest())
    assert device.said == [("upload-from", UploadFrom(offset=0))]
    assert bytes(device.written) == DATA
    assert device.closed
    assert taken.written is not None
    assert list((private / "u").iterdir()) == []


async def test_an_upload_goes_on_after_what_the_device_kept_and_only_then(private: Path) -> None:
    kept = hashlib.sha256(DATA[:300_000]).digest()
    _, device = await upload(private / "u", UploadReady(offset=300_000, prefix_sha256=kept))
    assert device.said == [("upload-from", UploadFrom(offset=300_000))]
    assert bytes(device.written) == DATA[300_000:]
    for lie in (UploadReady(offset=300_000, prefix_sha256=bytes(32)), UploadReady(offset=1 << 40, prefix_sha256=kept)):
        _, device = await upload(private / "u", lie)
        assert device.said == [("upload-from", UploadFrom(offset=0))]
        assert bytes(device.written) == DATA


class Screen:
    """A page's end of the terminal's socket."""

    def __init__(self) -> None:
        self.shown = bytearray()
        self.told: list[dict[str, Any]] = []

    async def send_bytes(self, data: bytes) -> None:
        self.shown += data

    async def send_text(self, text: str) -> None:
        self.told.append(json.loads(text))


async def test_a_page_that_comes_late_sees_what_was_shown_and_how_it_ended() -> None:
    shell, screen = Shell(), Screen()
    pieces = [
        item("terminal-opened", TerminalOpened(shell="bash", confined=True)),  # noqa: S604 - a name
        b"$ ls\r\n",
        b"a b c\r\n",
        item("terminal-ended", TerminalEnded(code=0)),
    ]
    run = ActionRun(1, "terminal", "open", "terminal", TerminalArguments(), 0)
    await shell.drive(Scripted(pieces), run)  # type: ignore[arg-type]
    await shell.show_to(screen)  # type: ignore[arg-type]
    assert bytes(screen.shown) == b"$ ls\r\na b c\r\n"
    assert shell.program == "bash"
    assert screen.told == [{"ended": "The shell ended with 0."}]
    await shell.write(b"too late")
    await shell.resize(TerminalSize(rows=1, columns=1))


async def test_a_terminal_keeps_its_newest_part_from_a_whole_line_on() -> None:
    shell, screen = Shell(), Screen()
    line = b"\x1b[31m" + b"x" * 94 + b"\n"
    run = ActionRun(1, "terminal", "open", "terminal", TerminalArguments(), 0)
    await shell.drive(Scripted([line * 1000] * 30), run)  # type: ignore[arg-type]
    await shell.show_to(screen)  # type: ignore[arg-type]
    assert KEPT_BYTES // 2 < len(screen.shown) <= KEPT_BYTES
    assert bytes(screen.shown[:100]) == line
