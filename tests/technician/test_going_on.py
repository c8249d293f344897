"""Files and terminals over lost connections, at the technician's end: what is asked for again, and what never is."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from starlette.datastructures import UploadFile

from protocol import strict_json
from protocol.actions.files import (
    FileHead,
    FilesReadArguments,
    FilesWriteArguments,
    FileWritten,
    UploadFrom,
    UploadReady,
)
from protocol.actions.terminal import TerminalArguments, TerminalOpened
from protocol.journal import Outcome
from protocol.pieces import Piece
from protocol.strict_json import WireModel
from protocol.visit import ActionResult, Item
from technician.commands.acting import Acting
from technician.problems import Problem
from technician.session.files import download, upload
from technician.session.run import Run
from technician.workbench.downloads import Download
from technician.workbench.runs import ActionRun
from technician.workbench.shells import LOST, Shell
from technician.workbench.uploads import Upload
from tests.technician.test_session_commands import Told, Typed
from tests.technician.test_transfers import DATA, Scripted, a_run, item, sent

HALF = 5 * 65_000


class Connection:
    """What one action says until its end, and how it ends. `does`: what happens while it goes on."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        outcome: Outcome = Outcome.DONE,
        *,
        cut_off: bool = False,
        does: Callable[[], None] = lambda: None,
    ) -> None:
        self.pieces, self.outcome, self.cut_off, self.does = pieces, outcome, cut_off, does


class ScriptedRun(Scripted):
    def __init__(self, action: str, said: Connection) -> None:
        super().__init__(said.pieces)
        self.action, self._end = action, said
        self.result: ActionResult | None = None

    async def pieces(self) -> AsyncIterator[Piece]:
        async for piece in super().pieces():
            yield piece
        self._end.does()
        self.result = ActionResult(outcome=self._end.outcome, detail="as the test says")
        self.cut_off = self._end.cut_off


class ScriptedVisit:
    """One connection after another; a visit that is over when there is none left."""

    def __init__(self, *connections: Connection) -> None:
        self._left = list(connections)
        self.asked: list[tuple[str, WireModel]] = []
        self.runs: list[ScriptedRun] = []

    async def run(self, action: str, arguments: WireModel) -> Run:
        self.asked.append((action, arguments))
        if not self._left:
            raise Problem("the visit is over")
        self.runs.append(ScriptedRun(action, self._left.pop(0)))
        return self.runs[-1]  # type: ignore[return-value]


def until_the_cut(*pieces: Piece, outcome: Outcome = Outcome.CANCELLED) -> Connection:
    return Connection(pieces, outcome, cut_off=True)


# --- a download ------------------------------------------------------------------------------------------------------


async def test_a_download_goes_on_from_the_byte_it_had_and_its_whole_hash_is_proven(tmp_path: Path) -> None:
    visit = ScriptedVisit(
        until_the_cut(*sent(DATA)[:6]),
        until_the_cut(),  # lost again before a word came
        Connection(sent(DATA, HALF)),
    )
    carried = await download(visit, "Documents/a", tmp_path / "a", lambda _: None)  # type: ignore[arg-type]
    assert (tmp_path / "a").read_bytes() == DATA
    assert (carried.losses, carried.resumed_at, carried.sha256) == (2, 0, hashlib.sha256(DATA).digest())
    here = FilesReadArguments(path="Documents/a", offset=HALF, prefix_sha256=hashlib.sha256(DATA[:HALF]).digest())
    assert [asked for _, asked in visit.asked] == [FilesReadArguments(path="Documents/a"), here, here]


async def test_a_download_whose_last_bytes_were_lost_after_the_device_had_told_all_is_asked_for_again(
    tmp_path: Path,
) -> None:
    visit = ScriptedVisit(until_the_cut(*sent(DATA)[:6], outcome=Outcome.DONE), Connection(sent(DATA, HALF)))
    await download(visit, "Documents/a", tmp_path / "a", lambda _: None)  # type: ignore[arg-type]
    assert (tmp_path / "a").read_bytes() == DATA


async def test_a_download_whose_end_came_is_whole_even_when_its_result_did_not(tmp_path: Path) -> None:
    visit = ScriptedVisit(until_the_cut(*sent(DATA)))
    carried = await download(visit, "Documents/a", tmp_path / "a", lambda _: None)  # type: ignore[arg-type]
    assert carried.losses == 0
    assert len(visit.asked) == 1


async def test_a_file_that_changed_while_nobody_was_there_begins_anew_and_says_so(tmp_path: Path) -> None:
    anew = sent(b"another file" * 9000)
    anew[0] = item(
        "file-head", strict_json.parse(anew[0].body.encode(), FileHead).model_copy(update={"restarted": True})
    )  # type: ignore[union-attr]
    visit = ScriptedVisit(until_the_cut(*sent(DATA)[:6]), Connection(anew))
    carried = await download(visit, "Documents/a", tmp_path / "a", lambda _: None)  # type: ignore[arg-type]
    assert carried.restarted
    assert (tmp_path / "a").read_bytes() == b"another file" * 9000


async def test_a_refusal_after_the_cut_is_told_and_what_came_is_kept(tmp_path: Path) -> None:
    visit = ScriptedVisit(until_the_cut(*sent(DATA)[:6]), Connection((), Outcome.REFUSED))
    with pytest.raises(Problem, match="refused"):
        await download(visit, "Documents/a", tmp_path / "a", lambda _: None)  # type: ignore[arg-type]
    assert (tmp_path / "a.part").read_bytes() == DATA[:HALF]
    assert not (tmp_path / "a").exists()


async def test_the_workbenchs_download_goes_on_the_same_way(private: Path) -> None:
    asked, fetching = await Download.begin(private / "d", FilesReadArguments(path="Documents/a"))
    for said in (until_the_cut(*sent(DATA)[:6]), until_the_cut(), Connection(sent(DATA, HALF))):
        handle = ScriptedRun("files.read", said)
        await fetching.drive(handle, a_run())  # type: ignore[arg-type]
        again = fetching.again(handle) if handle.cut_off else None  # type: ignore[arg-type]
        if again is not None:
            assert (again.offset, again.prefix_sha256) == (HALF, hashlib.sha256(DATA[:HALF]).digest())
    assert asked.offset == 0
    assert fetching.path is not None
    assert fetching.path.read_bytes() == DATA
    assert (fetching.losses, fetching.resumed_at) == (2, 0)


# --- an upload -------------------------------------------------------------------------------------------------------

WRITTEN = FileWritten(size_bytes=len(DATA), sha256=hashlib.sha256(DATA).digest(), replaced=False)


def ready(offset: int = 0) -> Item:
    return item("upload-ready", UploadReady(offset=offset, prefix_sha256=hashlib.sha256(DATA[:offset]).digest()))


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "driver.bin"
    path.write_bytes(DATA)
    return path


async def test_an_upload_that_was_cut_off_goes_on_behind_what_the_device_kept(local: Path) -> None:
    visit = ScriptedVisit(until_the_cut(ready()), Connection((ready(300_000), item("file-written", WRITTEN))))
    carried = await upload(visit, local, "Documents/driver.bin", lambda _: None)  # type: ignore[arg-type]
    assert (carried.losses, carried.resumed_at) == (1, 0)
    first, second = visit.asked
    assert first == second, "the very same upload: the device knows it by name, size and hash"
    assert visit.runs[1].said == [("upload-from", UploadFrom(offset=300_000))]
    assert bytes(visit.runs[1].written) == DATA[300_000:]


async def test_an_upload_that_the_receipt_tells_as_done_is_not_sent_twice(local: Path) -> None:
    visit = ScriptedVisit(until_the_cut(ready(), outcome=Outcome.DONE))
    carried = await upload(visit, local, "Documents/driver.bin", lambda _: None)  # type: ignore[arg-type]
    assert carried.sha256 == hashlib.sha256(DATA).digest()
    assert len(visit.asked) == 1


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED, Outcome.UNKNOWN])
async def test_an_upload_that_came_to_another_end_is_told_and_not_tried_again(local: Path, outcome: Outcome) -> None:
    visit = ScriptedVisit(until_the_cut(ready(), outcome=outcome))
    with pytest.raises(Problem, match=outcome.value):
        await upload(visit, local, "Documents/driver.bin", lambda _: None)  # type: ignore[arg-type]
    assert len(visit.asked) == 1


async def test_a_visit_that_ends_for_good_says_what_is_known_of_the_file(local: Path) -> None:
    before_all_was_sent = ScriptedVisit(Connection((), Outcome.CANCELLED))
    with pytest.raises(Problem) as told:
        await upload(before_all_was_sent, local, "Documents/driver.bin", lambda _: None)  # type: ignore[arg-type]
    assert "Nothing there was changed" in told.value.hint
    after = ScriptedVisit(Connection((ready(),), Outcome.CANCELLED))
    with pytest.raises(Problem) as told:
        await upload(after, local, "Documents/driver.bin", lambda _: None)  # type: ignore[arg-type]
    assert "not known here" in told.value.hint


async def test_the_workbenchs_upload_goes_on_and_is_not_sent_twice(private: Path) -> None:
    taken = await Upload.taken(UploadFile(BytesIO(DATA), filename="driver.bin"), private / "u")
    asked = taken.arguments("Documents", replace=False)
    cut = ScriptedRun("files.write", until_the_cut(ready()))
    await taken.drive(cut, a_run())  # type: ignore[arg-type]
    assert taken.again(cut) == asked  # type: ignore[arg-type]
    told_done = ScriptedRun("files.write", until_the_cut(ready(300_000), outcome=Outcome.DONE))
    await taken.drive(told_done, a_run())  # type: ignore[arg-type]
    assert bytes(told_done.written) == DATA[300_000:]
    assert taken.again(told_done) is None  # type: ignore[arg-type]
    assert taken.done_by_receipt
    taken.close()
    assert isinstance(asked, FilesWriteArguments)


# --- a terminal ------------------------------------------------------------------------------------------------------

OPENED = item("terminal-opened", TerminalOpened(shell="bash", confined=True))  # noqa: S604 - a name


async def test_a_terminal_is_not_carried_over_says_so_and_another_is_opened_only_on_a_yes() -> None:
    typed = "no line for a shell"  # ends the typing, not the shell; the next line is the answer to the question
    for answers, terminals in ((("yes", typed, "no"), 1), (("yes", typed, "yes"), 2)):
        visit, face = ScriptedVisit(until_the_cut(OPENED, b"$ "), Connection((OPENED,))), Told()
        told: list[str] = []
        face.notice = lambda kind, text, told=told: told.append(text)  # type: ignore[method-assign, misc]
        await Acting(visit, face, Typed(answers)).act("terminal")  # type: ignore[arg-type]
        assert [name for name, _ in visit.asked] == ["terminal"] * terminals
        assert any("the shell ended with the connection" in text for text in told)


async def test_the_workbenchs_terminal_says_so_and_takes_no_keys_any_more() -> None:
    shell, handle = Shell(), ScriptedRun("terminal", until_the_cut(OPENED, b"$ "))
    run = ActionRun(1, "terminal", "open", "terminal", TerminalArguments(), 0)
    await shell.drive(handle, run)  # type: ignore[arg-type]
    assert shell.again(handle) is None  # type: ignore[arg-type, func-returns-value]
    assert shell.ended == LOST
    await shell.write(b"rm -rf /\n")
    assert handle.written == b""
