"""What a session may touch, by the owner's settings: folders, the terminal's switch, and as whom."""

import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if sys.platform != "linux":
    pytest.skip("visits run on Linux only in this version", allow_module_level=True)

from agent.config import load_config
from agent.local.verbs import Catalogue, Peer
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal
from agent.session.host_wire import SessionSettings
from agent.session.own_settings import (
    OwnSettings,
    allowed_folders,
    default_folders,
    person_at_the_machine,
    seat_uid,
    settle,
)
from agent.store.database import Database
from agent.store.kept_values import KeptValues
from protocol.actions.files import FilesReadArguments, FilesWriteArguments, UploadFrom
from protocol.actions.scopes import Scope
from protocol.journal import Outcome
from tests.agent.session.streaming import StreamingHost

ADMINISTRATOR = Peer(uid=os.getuid(), pid=os.getpid(), is_administrator=True, in_session=False)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "state", Mode.USER)
    folder.make()
    return folder


# --- folders -------------------------------------------------------------------------------------------------------


def test_the_desktops_own_names_are_taken_and_a_home_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "user-dirs.dirs").write_text(
        '# made by xdg-user-dirs-update\nXDG_DESKTOP_DIR="$HOME/Arbeitsfläche"\nXDG_DOCUMENTS_DIR="$HOME"\n'
        'XDG_DOWNLOAD_DIR="/srv/down"\nXDG_MUSIC_DIR="$HOME/Musik"\n'
    )
    assert default_folders(tmp_path) == [str(tmp_path / "Arbeitsfläche"), str(tmp_path / "Documents"), "/srv/down"]


def test_without_a_desktop_they_have_their_plain_names(tmp_path: Path) -> None:
    assert default_folders(tmp_path) == [str(tmp_path / name) for name in ("Desktop", "Documents", "Downloads")]


def test_folders_are_real_ones_that_are_there_and_never_the_disk_or_the_agents_own(tmp_path: Path) -> None:
    for name in ("Documents", "scans", "state/inside"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "to-the-scans").symlink_to(tmp_path / "scans")
    (tmp_path / "to-the-disk").symlink_to("/")
    (tmp_path / "file").touch()
    named = (
        "~/Documents", "~/to-the-scans", str(tmp_path / "gone"), str(tmp_path / "file"), "/", "~/to-the-disk",
        str(tmp_path / "state"), str(tmp_path / "state" / "inside"), "relative",
    )  # fmt: skip
    found = list(allowed_folders(tmp_path, named, tmp_path / "state"))
    assert found == [str(tmp_path / "Documents"), str(tmp_path / "scans")]


@pytest.mark.parametrize("folders", ['["relative"]', '["../x"]', '"~/Documents"', "[1]", '["~other/x"]'])
def test_a_folder_that_could_mean_anything_is_refused_with_its_place(tmp_path: Path, folders: str) -> None:
    (tmp_path / "config.toml").write_text(f"[files]\nfolders = {folders}\n")
    with pytest.raises(Refusal) as refused:
        load_config(tmp_path / "config.toml")
    assert "files.folders" in refused.value.got


def test_an_empty_list_allows_none_and_the_scopes_are_not_offered(state: StateFolder) -> None:
    database = Database(state.database)
    own = OwnSettings(state, (), KeptValues(database))
    assert own.now().folders == ()
    assert own.not_served() == {Scope.FILES_READ, Scope.FILES_WRITE, Scope.TERMINAL}
    database.close()


# --- the terminal's switch -----------------------------------------------------------------------------------------


async def test_the_terminal_is_off_until_an_administrator_enables_it_and_stays_so_over_a_restart(
    state: StateFolder,
) -> None:
    database = Database(state.database)
    own = OwnSettings(state, None, KeptValues(database))
    told: list[str] = []
    own.when_disabled = lambda: told.append("disabled")
    verbs = Catalogue(own.verbs())
    assert own.now().terminal is False
    assert Scope.TERMINAL in own.not_served()
    verb = verbs.allowed("terminal-set", ADMINISTRATOR)
    assert await verb.handle(verb.arguments(enabled=True), ADMINISTRATOR) == {"terminal": True, "changed": True}
    assert OwnSettings(state, None, KeptValues(database)).now().terminal is True
    assert Scope.TERMINAL not in own.not_served()
    assert told == []
    assert await verb.handle(verb.arguments(enabled=False), ADMINISTRATOR) == {"terminal": False, "changed": True}
    assert told == ["disabled"]
    database.close()


@pytest.mark.parametrize(
    "peer",
    [
        Peer(uid=1, pid=1, is_administrator=True, in_session=True),
        Peer(uid=1, pid=1, is_administrator=False, in_session=False, sits_here=True),
        Peer(uid=1, pid=1, is_administrator=False, in_session=False),
    ],
    ids=["a session's process", "who sits here", "another user"],
)
def test_nobody_else_can_enable_it(state: StateFolder, peer: Peer) -> None:
    database = Database(state.database)
    verbs = Catalogue(OwnSettings(state, None, KeptValues(database)).verbs())
    with pytest.raises(Refusal):
        verbs.allowed("terminal-set", peer)
    database.close()


# --- as whom -------------------------------------------------------------------------------------------------------


def test_the_seat_is_read_as_logind_writes_it(tmp_path: Path) -> None:
    seat = tmp_path / "seat0"
    assert seat_uid(seat) is None
    seat.write_text("# This is private data. Do not parse.\nIS_SEAT0=1\nACTIVE=3\nACTIVE_UID=1000\nSESSIONS=3 c1\n")
    assert seat_uid(seat) == 1000
    seat.write_text("ACTIVE=c1\nACTIVE_UID=117\n")  # the login screen
    assert seat_uid(seat) is None


@settings(deadline=None, derandomize=True, max_examples=60)
@given(content=st.binary(max_size=200))
def test_whatever_stands_there_is_a_person_or_nobody(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    seat = tmp_path_factory.getbasetemp() / "seat-of-anything"
    seat.write_bytes(content)
    found = seat_uid(seat)
    assert found is None or found >= 1000


def test_where_nobody_sits_a_machines_service_serves_no_files_and_no_terminal(tmp_path: Path) -> None:
    assert person_at_the_machine(Mode.MACHINE, active_uid=lambda: None) is None
    assert person_at_the_machine(Mode.MACHINE, active_uid=lambda: 4_000_000_000) is None
    if seat_uid() is None:
        assert settle(StateFolder(tmp_path, Mode.MACHINE), None, terminal=True) == SessionSettings(
            keep_out=str(tmp_path)
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
async def test_where_the_service_is_root_files_are_the_persons(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the person may not read is not read, and what is written belongs to the person."""
    import pwd

    person = pwd.getpwnam("nobody")
    base = Path("/tmp") / f"bellpull-test-{os.getpid()}"  # pytest's own folders are root's alone
    folder, state = base / "Documents", base / "state"
    for each in (folder, state):
        each.mkdir(parents=True)
        each.chmod(0o755)
    base.chmod(0o755)
    os.chown(folder, person.pw_uid, person.pw_gid)
    (folder / "of-root").write_text("secret")
    (folder / "of-root").chmod(0o600)
    (folder / "of-all").write_text("hello")
    (folder / "of-all").chmod(0o644)
    settled = SessionSettings(folders=(str(folder),), person="nobody", keep_out=str(state))
    host = StreamingHost(settled, state)
    await host.host.start()
    try:
        refused = await host.run("files.read", FilesReadArguments(path="Documents/of-root")).over()
        assert refused.outcome is Outcome.FAILED
        assert "may not touch" in refused.detail
        run = host.run("files.read", FilesReadArguments(path="Documents/of-all"))
        assert (await run.over()).outcome is Outcome.DONE
        assert bytes(run.data) == b"hello"
        digest = bytes.fromhex("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
        run = host.run("files.write", FilesWriteArguments(path="Documents/new", size_bytes=5, sha256=digest))
        await run.item("upload-ready")
        run.say("upload-from", UploadFrom(offset=0))
        run.send(b"hello")
        run.close_input()
        assert (await run.over()).outcome is Outcome.DONE
        written = (folder / "new").stat()
        assert (written.st_uid, written.st_gid, stat.S_IMODE(written.st_mode)) == (person.pw_uid, person.pw_gid, 0o644)
    finally:
        host.host.kill()
        await host.host.gone()
        import shutil

        shutil.rmtree(base)
