"""The whole service, as its own process: memory, a full disk, a restart, an order to stop."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.local.client import call
from agent.paths import StateFolder
from agent.refusal import Refusal
from tests.agent.desk_server import DeskServer
from tests.agent.doubles import enrol_in_memory
from tests.agent.test_cli import Service, agent
from tests.making import Organisation

# What the idle service must do without; a child may have them.
HEAVY = ("httpx2", "jinja2", "starlette", "uvicorn", "re2", "pyrage", "diagnostics.redaction", "diagnostics.examine",
         "diagnostics.bundle", "diagnostics.collectors.catalogue", "diagnostics.collectors.evidence", "rich",
         "psutil")  # fmt: skip


REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def enrolled_service(folder: StateFolder, organisation: Organisation) -> Iterator[Service]:
    enrol_in_memory(folder, organisation)
    running = Service(folder)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate(timeout=30)


def test_the_service_loads_nothing_that_belongs_into_a_child() -> None:
    code = f"import sys, agent.app; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


async def test_a_connected_service_stays_small(
    folder: StateFolder, organisation: Organisation, desk_server: DeskServer
) -> None:
    """The benchmark measures five minutes; this catches a heavy import the same day."""
    enrol_in_memory(folder, organisation, server_origin=desk_server.origin)
    running = await asyncio.to_thread(Service, folder)
    try:
        await desk_server.until(lambda: desk_server.logins == 1)
        status = await asyncio.to_thread(call, folder.root, "status")
    finally:
        await asyncio.to_thread(running.stop)
    assert status["process"]["rss_bytes"] <= 60_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE of another process is Linux's prlimit")
def test_a_full_disk_promises_nothing_says_why_and_recovers(enrolled_service: Service) -> None:
    import resource

    folder = enrolled_service.folder
    limit = resource.prlimit(enrolled_service.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(enrolled_service.process.pid, resource.RLIMIT_FSIZE, (1024, limit[1]))
    done = agent("ask", "x" * 3000, "--no-bundle", "--yes", "--json", "--state", str(folder.root))
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert "nothing could be written" in error["what"]
    assert "Nothing was promised or sent" in error["hint"]
    assert call(folder.root, "tickets")["tickets"] == []
    resource.prlimit(enrolled_service.process.pid, resource.RLIMIT_FSIZE, limit)
    done = agent("ask", "x" * 3000, "--no-bundle", "--yes", "--json", "--state", str(folder.root))
    assert done.returncode == 0, done.stderr
    assert call(folder.root, "outbox")["items"] == 1
    assert enrolled_service.stop() == 0


def test_what_was_promised_is_there_after_a_kill(enrolled_service: Service, folder: StateFolder) -> None:
    state = str(folder.root)
    asked = json.loads(agent("ask", "help", "--no-bundle", "--yes", "--json", "--state", state).stdout)
    enrolled_service.process.kill()
    enrolled_service.process.communicate(timeout=30)
    again = Service(folder)
    try:
        assert [ticket["ticket"] for ticket in call(folder.root, "tickets")["tickets"]] == [asked["ticket"]]
        assert call(folder.root, "outbox")["items"] >= 1
    finally:
        again.stop()


def test_words_of_the_customer_are_not_in_the_log(enrolled_service: Service) -> None:
    folder = enrolled_service.folder
    agent("ask", "my secret worry", "--no-bundle", "--yes", "--state", str(folder.root))
    enrolled_service.stop()
    log = folder.log.read_text(encoding="utf-8")
    assert "my secret worry" not in log
    assert not re.search(rf"\b{re.escape(os.uname().nodename)}\b", log) or len(os.uname().nodename) < 4


def test_a_second_enrolment_verb_from_a_stranger_changes_nothing(enrolled_service: Service) -> None:
    with pytest.raises(Refusal, match="does not know this request"):
        call(enrolled_service.folder.root, "set-policy")
    assert call(enrolled_service.folder.root, "status")["enrolled"] is True


def test_the_state_folder_holds_nothing_that_others_may_read(enrolled_service: Service, folder: StateFolder) -> None:
    call(folder.root, "check-now")
    loose = [str(path) for path in folder.root.rglob("*") if path.lstat().st_mode & 0o077]
    assert loose == []
    assert enrolled_service.stop() == 0


def test_children_are_a_closed_list(tmp_path: Path) -> None:
    from agent.children import CHILDREN, child_argv, child_environment

    with pytest.raises(ValueError, match="not one of our children"):
        child_argv("os")
    for module in CHILDREN:
        assert (REPOSITORY / Path(*module.split("."))).with_suffix(".py").exists(), module
    os.environ["BELLPULL_TEST_SECRET"] = "x"
    assert "BELLPULL_TEST_SECRET" not in child_environment()
    del os.environ["BELLPULL_TEST_SECRET"]
