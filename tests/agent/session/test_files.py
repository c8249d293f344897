"""Files of allowed folders: what comes out and goes in, and that nothing else is reached, by any name or trick."""

import hashlib
import os
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

if sys.platform != "linux":
    pytest.skip("files are carried on Linux only in this version", allow_module_level=True)

from agent.session.actions.files_read import do_files_list, do_files_read
from agent.session.actions.files_write import do_files_write
from agent.session.actions.own_pipe import OwnPipe
from agent.session.actions.workbench import Row, Workbench
from agent.session.host_wire import SessionSettings
from diagnostics.machine.interface import Unreadable
from diagnostics.machine.local import local_machine
from diagnostics.redaction import MachineNames, Redactor, harvest
from protocol import strict_json
from protocol.actions.files import (
    FILES_WRITE,
    FileEnd,
    FileHead,
    FilesListArguments,
    FilesReadArguments,
    FilesWriteArguments,
    FileWritten,
    FolderEntryRow,
    UploadFrom,
    UploadReady,
    parts_of,
)
from protocol.pieces import Piece, PieceReader, pack_bytes, pack_item
from protocol.strict_json import M
from protocol.visit import Item
from tests.making import NOW

CANARY = b"CANARY-of-a-file-that-nobody-allowed"


@dataclass
class Place:
    """A home with an allowed folder, the agent's folder, and secrets that nobody allowed."""

    home: Path

    def __post_init__(self) -> None:
        self.documents = self.home / "Documents"
        self.state = self.home / "state"
        for folder in (self.documents, self.state, self.home / ".ssh", self.documents / ".ssh"):
            folder.mkdir(parents=True)
        self.secret = self.home / "secret.txt"
        for file in (self.secret, self.state / "agent.db", self.home / ".ssh" / "id_ed25519"):
            file.write_bytes(CANARY)
        (self.documents / ".ssh" / "id_ed25519").write_bytes(CANARY)

    def bench(self, *folders: Path, pipe: OwnPipe | None = None) -> Workbench:
        settled = SessionSettings(
            folders=tuple(str(folder) for folder in folders or (self.documents,)), keep_out=str(self.state)
        )
        redactor = Redactor(harvest(MachineNames()), b"s" * 32)
        return Workbench(local_machine(), redactor, NOW, settings=settled, pipe=pipe)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "anna")


def body(said: list[Row | bytes], kind: str, model: type[M]) -> M:
    (row,) = [each for each in said if isinstance(each, Row) and each.kind == kind]
    return strict_json.parse(row.body.encode(), model)


def read(place: Place, path: str, **more: object) -> list[Row | bytes]:
    arguments = FilesReadArguments(path=path, **more)  # type: ignore[arg-type]
    return [each if isinstance(each, Row) else bytes(each) for each in do_files_read(arguments, place.bench())]


def data_of(said: list[Row | bytes]) -> bytes:
    return b"".join(each for each in said if isinstance(each, bytes))


# --- reading -------------------------------------------------------------------------------------------------------


def test_a_file_comes_whole_with_its_hash(place: Place) -> None:
    content = os.urandom(3_000_000)
    (place.documents / "a.bin").write_bytes(content)
    said = read(place, "Documents/a.bin")
    assert data_of(said) == content
    assert body(said, "file-head", FileHead).size_bytes == len(content)
    end = body(said, "file-end", FileEnd)
    assert (end.sha256, end.changed) == (hashlib.sha256(content).digest(), False)


def test_an_empty_file_comes(place: Place) -> None:
    (place.documents / "empty").touch()
    said = read(place, "Documents/empty")
    assert body(said, "file-end", FileEnd).sha256 == hashlib.sha256(b"").digest()


def test_a_download_goes_on_where_a_cut_left_it(place: Place) -> None:
    content = os.urandom(2_500_000)
    (place.documents / "a.bin").write_bytes(content)
    have = 1_100_000
    said = read(place, "Documents/a.bin", offset=have, prefix_sha256=hashlib.sha256(content[:have]).digest())
    head = body(said, "file-head", FileHead)
    assert (head.offset, head.restarted) == (have, False)
    assert data_of(said) == content[have:]
    assert body(said, "file-end", FileEnd).sha256 == hashlib.sha256(content).digest()


@pytest.mark.parametrize("now", [b"y" * 900, b"x" * 100, b""], ids=["other bytes", "cut off", "emptied"])
def test_a_file_that_changed_since_the_cut_begins_anew_and_says_so(place: Place, now: bytes) -> None:
    (place.documents / "a").write_bytes(now)
    said = read(place, "Documents/a", offset=500, prefix_sha256=hashlib.sha256(b"x" * 500).digest())
    head = body(said, "file-head", FileHead)
    assert (head.offset, head.restarted) == (0, True)
    assert data_of(said) == now


def test_a_file_that_grows_while_it_is_read_ends_and_says_that_it_changed(place: Place) -> None:
    file = place.documents / "log"
    file.write_bytes(b"a" * 2_500_000)
    said = []
    for each in do_files_read(FilesReadArguments(path="Documents/log"), place.bench()):
        said.append(each if isinstance(each, Row) else bytes(each))
        with file.open("ab") as growing:
            growing.write(b"more" * 100_000)
    assert data_of(said) == b"a" * 2_500_000
    assert body(said, "file-end", FileEnd).changed


def test_a_file_that_is_cut_off_while_it_is_read_ends_and_says_so(place: Place) -> None:
    file = place.documents / "log"
    file.write_bytes(b"a" * 2_500_000)
    said = []
    for each in do_files_read(FilesReadArguments(path="Documents/log"), place.bench()):
        said.append(each if isinstance(each, Row) else bytes(each))
        os.truncate(file, 10)
    end = body(said, "file-end", FileEnd)
    assert end.changed
    assert end.size_bytes == len(data_of(said)) < 2_500_000


def test_a_sparse_file_larger_than_any_visit_is_refused_at_once(place: Place) -> None:
    with (place.documents / "hole").open("wb") as file:
        file.truncate(70 << 30)
    with pytest.raises(Unreadable, match="larger than"):
        read(place, "Documents/hole")


def test_a_listing_tells_kinds_and_keeps_odd_names_as_they_are(place: Place) -> None:
    odd = "line\nbreak \x1b[31mred ‮"
    (place.documents / odd).write_text("x")
    (place.documents / os.fsdecode(b"not-\xff-text")).write_text("x")
    (place.documents / "sub").mkdir()
    (place.documents / "way-out").symlink_to(place.secret)
    os.mkfifo(place.documents / "fifo")
    rows = list(do_files_list(FilesListArguments(path="Documents"), place.bench()))
    entries = {row.name: row for row in (strict_json.parse(each.body.encode(), FolderEntryRow) for each in rows)}
    assert {name: row.kind for name, row in entries.items() if row.usable} == {
        odd: "file",
        "sub": "folder",
        "way-out": "link",
        "fifo": "other",
    }
    (unusable,) = [row for row in entries.values() if not row.usable]
    assert unusable.name == "not-�-text"
    assert data_of(read(place, f"Documents/{odd}")) == b"x"


def test_hidden_names_come_when_they_are_asked_for(place: Place) -> None:
    (place.documents / ".hidden").touch()
    names = [
        {strict_json.parse(row.body.encode(), FolderEntryRow).name for row in do_files_list(asked, place.bench())}
        for asked in (FilesListArguments(path="Documents"), FilesListArguments(path="Documents", hidden=True))
    ]
    assert names == [set(), {".hidden", ".ssh"}]


# --- what is not reached -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "..", "Documents/..", "Documents/../secret.txt", "Documents//a", "./Documents", "Documents/./a",
        "Documents/", "Documents/a\0b", "", "/".join(["a"] * 65), "Documents/" + "x" * 256,
    ],
)  # fmt: skip
def test_a_path_that_could_mean_something_else_is_no_argument(path: str) -> None:
    with pytest.raises(ValidationError):
        FilesReadArguments(path=path)
    with pytest.raises(ValidationError):
        FilesWriteArguments(path=path, size_bytes=0, sha256=bytes(32))


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text(alphabet="a./\\\0 Ü~", max_size=12))
def test_every_path_either_goes_down_by_names_or_is_refused(path: str) -> None:
    try:
        parts = parts_of(path)
    except ValueError:
        return
    assert all(part and part not in (".", "..") and "/" not in part and "\0" not in part for part in parts)


@pytest.mark.parametrize("path", ["secret.txt", "anna/secret.txt", "state/agent.db", "etc/passwd"])
def test_a_folder_that_is_not_allowed_has_no_name(place: Place, path: str) -> None:
    with pytest.raises(Unreadable, match=r"in no folder that the owner allows|an allowed folder"):
        read(place, path)


def links_out(place: Place) -> Iterator[str]:
    (place.documents / "file").symlink_to(place.secret)
    yield "Documents/file"
    (place.documents / "folder").symlink_to(place.home)
    yield "Documents/folder/secret.txt"
    (place.documents / "chain").symlink_to(place.documents / "file")
    yield "Documents/chain"
    (place.documents / "own").symlink_to("Documents")  # even one that stays inside: none is followed
    yield "Documents/own/file"


def test_no_link_is_followed(place: Place) -> None:
    for path in links_out(place):
        with pytest.raises(Unreadable, match="link"):
            read(place, path)


def test_fifos_devices_sockets_and_folders_are_no_files_and_never_hang(place: Place) -> None:
    os.mkfifo(place.documents / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        before = os.getcwd()
        os.chdir(place.documents)  # the path of a socket is short
        try:
            server.bind("socket")
        finally:
            os.chdir(before)
        (place.documents / "sub").mkdir()
        for name in ("fifo", "socket", "sub"):
            with pytest.raises(Unreadable):
                read(place, f"Documents/{name}")


def test_the_agents_own_folder_and_keys_are_not_entered_even_inside_an_allowed_one(place: Place) -> None:
    for path in ("anna/state/agent.db", "anna/.ssh/id_ed25519", "anna/Documents/.ssh/id_ed25519"):
        with pytest.raises(Unreadable, match="never opened"):
            list(do_files_read(FilesReadArguments(path=path), place.bench(place.home)))
    with pytest.raises(Unreadable, match="never opened"):
        list(do_files_list(FilesListArguments(path="anna/state"), place.bench(place.home)))


@pytest.mark.parametrize("begins_as", ["folder", "link"])
def test_a_folder_swapped_for_a_link_at_any_moment_never_leads_out(
    place: Place, monkeypatch: pytest.MonkeyPatch, begins_as: str
) -> None:
    """A race with somebody at the machine, at every step of the way: what lies there comes, or a refusal."""
    inside, aside = place.documents / "swapped", place.documents / "aside"
    inside.mkdir()
    (inside / "secret.txt").write_bytes(b"harmless")
    open_now = os.open

    def swap() -> None:
        if inside.is_symlink():
            inside.unlink()
            aside.rename(inside)
        else:
            inside.rename(aside)
            inside.symlink_to(place.home)  # where another secret.txt lies

    if begins_as == "link":
        swap()
    outcomes: list[str] = []
    for moment in range(len(place.documents.parts) + 6):
        opened = 0

        def opening(*given: Any, **named: Any) -> int:
            nonlocal opened
            opened += 1
            if opened == moment:  # noqa: B023 - used within this round only
                swap()
            return open_now(*given, **named)

        with monkeypatch.context() as patched:
            patched.setattr(os, "open", opening)
            try:
                outcomes.append(data_of(read(place, "Documents/swapped/secret.txt")).decode())
            except Unreadable:
                outcomes.append("refused")
        if inside.is_symlink() is (begins_as == "folder"):
            swap()
    assert set(outcomes) == {"harmless", "refused"}


# --- writing -------------------------------------------------------------------------------------------------------


class Upload:
    """The technician's end of an upload's pipe; the doing runs in a thread, as it runs in a process of its own."""

    def __init__(self, place: Place, arguments: FilesWriteArguments, *folders: Path) -> None:
        self._ours, theirs = socket.socketpair()
        self._pipe = OwnPipe(theirs, FILES_WRITE)
        self._reader = PieceReader("upload")
        self._came: list[Piece] = []
        self.failure: Unreadable | BrokenPipeError | None = None
        self.items: list[Item] = []
        bench = place.bench(*folders, pipe=self._pipe)

        def work() -> None:
            try:
                for said in do_files_write(arguments, bench):
                    self._pipe.say(said)
            except (Unreadable, BrokenPipeError) as error:
                self.failure = error
            finally:
                self._pipe.close()

        self._thread = threading.Thread(target=work)
        self._thread.start()

    def item(self) -> Item | None:
        """The next item; None at the end."""
        while not self._came:
            data = self._ours.recv(65_536)
            if not data:
                return None
            self._came += [piece for piece, _ in self._reader.feed(data)]
        found = self._came.pop(0)
        assert isinstance(found, Item)
        return found

    def ready(self) -> UploadReady | None:
        item = self.item()
        return None if item is None else strict_json.parse(item.body.encode(), UploadReady)

    def send(self, offset: int, data: bytes, *, says_the_end: bool = True) -> None:
        begin = Item(id=1, kind="upload-from", body=strict_json.dump(UploadFrom(offset=offset)).decode())
        try:
            self._ours.sendall(pack_item(begin))
            for at in range(0, len(data), 1 << 20):
                self._ours.sendall(pack_bytes(data[at : at + (1 << 20)]))
            if says_the_end:
                self._ours.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            return  # refused in the middle: `failure` says why

    def leave(self) -> None:
        """Cancelled: nobody listens and nobody says anything any more."""
        self._ours.close()
        self._thread.join(10)

    def over(self) -> list[Item]:
        items = []
        while (item := self.item()) is not None:
            items.append(item)
        self._thread.join(10)
        self._ours.close()
        return items


def put(place: Place, path: str, data: bytes, *folders: Path, replace: bool = False) -> Upload:
    digest = hashlib.sha256(data).digest()
    upload = Upload(
        place, FilesWriteArguments(path=path, size_bytes=len(data), sha256=digest, replace=replace), *folders
    )
    ready = upload.ready()
    if ready is not None:
        upload.send(0, data)
    upload.items = upload.over()
    return upload


def test_a_file_is_put_there_whole_and_nothing_else_stays(place: Place) -> None:
    data = os.urandom(2_000_000)
    done = put(place, "Documents/new.bin", data)
    assert done.failure is None
    file = place.documents / "new.bin"
    assert file.read_bytes() == data
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert sorted(os.listdir(place.documents)) == [".ssh", "new.bin"]
    (item,) = [each for each in done.items if each.kind == "file-written"]
    written = strict_json.parse(item.body.encode(), FileWritten)
    assert (written.sha256, written.replaced) == (hashlib.sha256(data).digest(), False)


def test_a_file_that_is_there_is_replaced_only_when_that_was_said_and_keeps_its_mode(place: Place) -> None:
    file = place.documents / "there"
    file.write_bytes(b"before")
    file.chmod(0o600)
    refused = put(place, "Documents/there", b"after")
    assert "there already" in str(refused.failure)
    assert file.read_bytes() == b"before"
    assert put(place, "Documents/there", b"after", replace=True).failure is None
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"after", 0o600)


def test_a_program_is_never_replaced_and_what_is_put_there_is_none(place: Place) -> None:
    """Something starts it sooner or later: a person, or the computer by itself."""
    script = place.documents / "backup.sh"
    for mode in (0o755, 0o744, 0o645):
        script.write_bytes(b"#!/bin/sh\n")
        script.chmod(mode)
        refused = put(place, "Documents/backup.sh", b"#!/bin/sh\nrm -rf ~\n", replace=True)
        assert "can be started" in str(refused.failure)
        assert script.read_bytes() == b"#!/bin/sh\n"
    put(place, "Documents/new.sh", b"#!/bin/sh\n")
    assert stat.S_IMODE((place.documents / "new.sh").stat().st_mode) & 0o111 == 0


def test_what_was_cut_off_is_kept_and_the_same_upload_goes_on(place: Place) -> None:
    data = os.urandom(3_000_000)
    arguments = FilesWriteArguments(path="Documents/big", size_bytes=len(data), sha256=hashlib.sha256(data).digest())
    first = Upload(place, arguments)
    assert first.ready() == UploadReady(offset=0, prefix_sha256=hashlib.sha256().digest())
    first.send(0, data[:1_200_000])
    first.over()
    assert "the rest can follow later" in str(first.failure)
    assert not (place.documents / "big").exists()
    second = Upload(place, arguments)
    kept = hashlib.sha256(data[:1_200_000]).digest()
    assert second.ready() == UploadReady(offset=1_200_000, prefix_sha256=kept)
    second.send(1_200_000, data[1_200_000:])
    second.over()
    assert second.failure is None
    assert (place.documents / "big").read_bytes() == data


def test_a_whole_file_gets_no_name_when_it_was_cancelled_before_its_end_was_said(place: Place) -> None:
    """As when the connection is lost behind its last byte: the receipt says that it was not done."""
    data = os.urandom(100_000)
    arguments = FilesWriteArguments(path="Documents/big", size_bytes=len(data), sha256=hashlib.sha256(data).digest())
    upload = Upload(place, arguments)
    assert upload.ready() is not None
    upload.send(0, data, says_the_end=False)
    upload.leave()
    assert isinstance(upload.failure, BrokenPipeError)
    assert not (place.documents / "big").exists()
    again = Upload(place, arguments)
    assert again.ready() == UploadReady(offset=len(data), prefix_sha256=arguments.sha256)
    again.send(len(data), b"")
    again.over()
    assert (place.documents / "big").read_bytes() == data


def test_other_bytes_than_announced_never_get_the_name(place: Place) -> None:
    arguments = FilesWriteArguments(path="Documents/x", size_bytes=4, sha256=hashlib.sha256(b"good").digest())
    for sent, why in ((b"evil", "another hash"), (b"much more", "more came"), (b"no", "the rest can follow")):
        upload = Upload(place, arguments)
        upload.ready()
        upload.send(0, sent)
        upload.over()
        assert why in str(upload.failure)
        assert not (place.documents / "x").exists()


@pytest.mark.parametrize(
    "path",
    [
        "anna/.ssh/authorized_keys", "anna/.bashrc", "anna/.profile", "anna/.zshenv",
        "anna/.config/autostart/x.desktop",
        "anna/.config/systemd/user/x.service", "anna/.local/share/applications/x", "anna/Documents/x.desktop",
        "anna/Documents/authorized_keys", "anna/Documents/Autostart/x", "anna/state/agent.db", "anna/state/config.toml",
        "anna/.bash_logout", "anna/Documents/.hidden",
    ],
)  # fmt: skip
def test_what_a_system_starts_or_believes_is_never_written_wherever_the_owner_allows(place: Place, path: str) -> None:
    """Not even with the whole home allowed, and `replace` said."""
    target = place.home.parent / path
    before = target.read_bytes() if target.exists() else None
    target.parent.mkdir(parents=True, exist_ok=True)
    done = put(place, path, b"ssh-ed25519 AAAA evil", place.home, replace=True)
    assert "never written" in str(done.failure) or "never opened" in str(done.failure)
    assert (target.read_bytes() if target.exists() else None) == before


def test_nothing_is_written_through_links_or_second_names(place: Place) -> None:
    victim = place.home / "victim"
    victim.write_bytes(CANARY)
    (place.documents / "link").symlink_to(victim)
    os.link(victim, place.documents / "second-name")
    assert "no regular file" in str(put(place, "Documents/link", b"evil", replace=True).failure)
    assert put(place, "Documents/second-name", b"new", replace=True).failure is None
    assert victim.read_bytes() == CANARY  # the name went to the new file; the old one is untouched
    (place.documents / "out").symlink_to(place.home)
    assert "link" in str(put(place, "Documents/out/victim", b"evil", replace=True).failure)
    assert victim.read_bytes() == CANARY


def test_a_trap_under_the_waiting_name_is_not_written_through(place: Place) -> None:
    """Somebody at the machine, or an earlier visit, has put a link where uploads wait."""
    data = b"x" * 1000
    arguments = FilesWriteArguments(path="Documents/t", size_bytes=len(data), sha256=hashlib.sha256(data).digest())
    first = Upload(place, arguments)
    first.ready()
    first.send(0, data[:10])
    first.over()
    (waiting,) = [name for name in os.listdir(place.documents) if name.startswith(".bellpull")]
    (place.documents / waiting).unlink()
    victim = place.home / "victim"
    victim.write_bytes(CANARY)
    for trap in (os.symlink, os.link):
        trap(victim, place.documents / waiting)
        assert put(place, "Documents/t", data).failure is not None
        assert victim.read_bytes() == CANARY
        (place.documents / waiting).unlink()
