"""Away completely: told, stopped, deleted; receipts where the customer says; and who may not."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli.command import Exit
from agent.cli.main import main
from agent.leaving import WORDS, Leaving
from agent.local.verbs import Catalogue, Peer
from agent.mending.step_journal import Run, StepJournal
from agent.paths import StateFolder
from agent.refusal import Refusal
from agent.session.host_wire import MARK
from agent.store.database import Database
from diagnostics.remedies.journal import Phase, Record, Step
from protocol.messages.items import TicketItem
from protocol.statements import verify
from protocol.tickets import TicketStatement
from tests.agent.desk_server import DeskServer
from tests.agent.doubles import enrol_in_memory
from tests.agent.proofs.test_offline import visited
from tests.agent.test_cli import REPOSITORY, Service
from tests.making import NOW, Organisation


def leave(
    folder: StateFolder, *more: str, environment: dict[str, str] | None = None
) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "agent", "leave", "--json", "--state", str(folder.root), *more],
        cwd=REPOSITORY,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    """Every file, without what SQLite lays beside a database that is read."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("agent.db-")]
    return {str(path): path.read_bytes() for path in files}


@pytest.fixture
def enrolled(folder: StateFolder, organisation: Organisation) -> StateFolder:
    enrol_in_memory(folder, organisation)
    Database(folder.database).close()
    (folder.bundles / "old.tar.age").write_bytes(b"sealed")
    folder.config.write_text("[tickets]\n")
    return folder


def test_without_a_service_everything_goes_and_nobody_is_said_to_be_told(enrolled: StateFolder) -> None:
    code, told, _ = leave(enrolled, "--yes")
    assert code == Exit.FINE
    assert (told["told"], told["why_not_told"], told["undelivered"]) == (False, "the service did not run", None)
    assert told["device"].startswith("d-")
    assert not enrolled.root.exists()


def test_what_is_not_ours_stays_and_is_named(enrolled: StateFolder) -> None:
    (enrolled.root / "holiday.jpg").write_bytes(b"sun")
    assert leave(enrolled, "--yes")[1]["not_ours"] == ["holiday.jpg"]
    assert [path.name for path in enrolled.root.iterdir()] == ["holiday.jpg"]


def test_without_a_yes_nothing_changes(enrolled: StateFolder) -> None:
    before = contents(enrolled.root)
    code, told, said = leave(enrolled)
    assert (code, told["error"]["what"]) == (Exit.PROBLEM, "nothing was changed")
    assert "Nobody can be asked" in said
    assert contents(enrolled.root) == before


def test_a_program_of_a_session_may_not(enrolled: StateFolder) -> None:
    code, told, _ = leave(enrolled, "--yes", environment={MARK: "0123"})
    assert (code, "session" in told["error"]["what"]) == (Exit.PROBLEM, True)
    assert enrolled.identity.is_dir()


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        (Peer(uid=0, pid=1, is_administrator=True, in_session=True), "technician's session"),
        (
            Peer(uid=4000, pid=1, is_administrator=False, in_session=False, sits_here=True),
            "this needs an administrator",
        ),
    ],
)
def test_the_service_refuses_who_must_not(database: Database, peer: Peer, why: str) -> None:
    catalogue = Catalogue(Leaving(StepJournal(database), None, stop=lambda: None).verbs())
    with pytest.raises(Refusal, match=why):
        catalogue.allowed("leave", peer)


async def test_a_fix_that_is_not_finished_is_not_torn_apart(database: Database) -> None:
    journal, stopped = StepJournal(database), []
    journal.begin(Run("r-1", "clean-user-cache", None, None, NOW, "anna"))
    journal.append(Record("r-1", "clean-user-cache", Step.APPLY, Phase.BEGUN, NOW, ""))
    catalogue = Catalogue(Leaving(journal, None, stop=lambda: stopped.append(True)).verbs())
    verb = catalogue.allowed("leave", Peer(uid=0, pid=1, is_administrator=True, in_session=False))
    with pytest.raises(Refusal, match="a fix is not finished"):
        await verb.handle(verb.arguments(), Peer(uid=0, pid=1, is_administrator=True, in_session=False))
    assert stopped == []


def test_files_put_aside_by_a_fix_are_not_deleted(enrolled: StateFolder) -> None:
    (enrolled.root / "mending" / "r-1").mkdir(parents=True)
    (enrolled.root / "mending" / "r-1" / "letter.odt").write_text("dear")
    assert leave(enrolled, "--yes")[0] == Exit.PROBLEM
    assert (enrolled.root / "mending" / "r-1" / "letter.odt").exists()


def test_a_folder_that_is_none_of_ours_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "log").write_text("mine")
    assert main(["leave", "--yes", "--state", str(tmp_path)]) == Exit.PROBLEM
    assert (tmp_path / "log").read_text() == "mine"


def test_a_link_in_place_of_the_folder_is_not_followed(enrolled: StateFolder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(enrolled.root)
    assert main(["leave", "--yes", "--state", str(tmp_path / "link")]) == Exit.PROBLEM
    assert enrolled.identity.is_dir()


def test_receipts_inside_what_is_deleted_are_wrong_use(enrolled: StateFolder) -> None:
    code = main(["leave", "--yes", "--state", str(enrolled.root), "--keep-receipts", str(enrolled.root / "kept")])
    assert code == Exit.WRONG_USE
    assert enrolled.identity.is_dir()


async def test_kept_receipts_hold_without_the_state_that_made_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = await visited(tmp_path / "s")
    root = rig.organisation.root.public.hex()
    rig.close()
    kept = tmp_path / "kept"
    assert main(["leave", "--yes", "--state", str(tmp_path / "s"), "--keep-receipts", str(kept)]) == Exit.FINE
    assert not (tmp_path / "s").exists()
    (proof,) = kept.glob("receipt-*.json")
    assert proof.stat().st_mode & 0o777 == 0o600
    assert root in (kept / "README.txt").read_text()
    argv = ["receipts", "verify", str(proof), "--root", root, "--state", str(tmp_path / "none")]
    assert main(argv) == Exit.FINE
    assert "Ada Tech" in capsys.readouterr().out


async def test_receipts_that_cannot_be_kept_stop_the_deletion(tmp_path: Path) -> None:
    (await visited(tmp_path / "s")).close()
    (tmp_path / "kept").write_text("a file, not a folder")
    argv = ["leave", "--yes", "--state", str(tmp_path / "s"), "--keep-receipts", str(tmp_path / "kept")]
    assert main(argv) == Exit.PROBLEM
    assert (tmp_path / "s" / "agent.db").exists()
    assert (tmp_path / "s" / "identity" / "signing.key").exists()


async def test_a_running_service_tells_the_desk_by_a_signed_ticket_and_ends(
    folder: StateFolder, organisation: Organisation, desk_server: DeskServer
) -> None:
    identity = enrol_in_memory(folder, organisation, server_origin=desk_server.origin)
    desk_server.device_key = identity.signing.public
    service = await asyncio.to_thread(Service, folder)
    try:
        await desk_server.until(lambda: desk_server.logins == 1)
        code, told, said = await asyncio.to_thread(leave, folder, "--yes")
        assert (code, told["told"], told["undelivered"]) == (Exit.FINE, True, 0), said
        await asyncio.to_thread(service.process.communicate, timeout=30)
        assert service.process.returncode == 0
    finally:
        service.process.kill()
    assert not folder.root.exists()
    (ticket,) = [item.ticket for item in desk_server.received if isinstance(item, TicketItem)]
    assert verify(ticket, TicketStatement, identity.signing.verify_key).body.words == WORDS


async def test_a_desk_that_refuses_was_not_told(
    folder: StateFolder, organisation: Organisation, desk_server: DeskServer
) -> None:
    identity = enrol_in_memory(folder, organisation, server_origin=desk_server.origin)
    desk_server.device_key = identity.signing.public
    desk_server.refuse = lambda _: "no"
    service = await asyncio.to_thread(Service, folder)
    try:
        await desk_server.until(lambda: desk_server.logins == 1)
        _, told, _ = await asyncio.to_thread(leave, folder, "--yes")
        await asyncio.to_thread(service.process.communicate, timeout=30)
    finally:
        service.process.kill()
    assert (told["told"], told["why_not_told"]) == (False, "the server refused it")
    assert not folder.root.exists()
