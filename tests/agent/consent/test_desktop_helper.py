"""The helper of a desktop session: what it brings to its screen, and whose screen a question comes up on."""

import asyncio
import configparser
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.consent.desktop_helper import Helper, only_one
from agent.consent.gate import No
from agent.consent.verbs import ConsentVerbs
from agent.local import peers
from agent.local.seat import sits_here
from agent.local.server import LocalServer
from agent.local.verbs import Catalogue
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal
from agent.service.xdg import autostart
from protocol.visit import RefusalReason
from tests.agent.consent.test_gate import Table
from tests.agent.doubles import MemoryLog
from tests.agent.test_seat import sitting
from tests.agent.xvfb import REPOSITORY, needs_window

ANNA, BEN = 61_001, 61_002


async def until(true: Callable[[], object]) -> None:
    """Windows come and go with the helpers' looks, every few seconds."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - what other processes do has no event here
            await asyncio.sleep(0.1)


class Desk:
    """What the service answers, and what came up on the screen."""

    def __init__(self) -> None:
        self.answer: list[str] | None = []
        self.shown: list[str] = []
        self.log = MemoryLog()
        self.helper = Helper(self._ask, self._bring, log=self.log)

    def _ask(self) -> list[str]:
        if self.answer is None:
            raise Refusal("only who sits at this machine is heard here", expected="the person", got="user 61002")
        return self.answer

    async def _bring(self, question: str) -> None:
        self.shown.append(question)

    async def look(self, answer: list[str] | None) -> float:
        self.answer = answer
        again_in_s = await self.helper.look()
        await asyncio.sleep(0)
        return again_in_s


async def test_each_question_comes_up_once_and_again_after_the_people_switched() -> None:
    desk = Desk()
    heard_s = await desk.look(["3"])
    await desk.look(["3"])
    await desk.look(["3", "4"])
    assert desk.shown == ["3", "4"]
    assert await desk.look(None) > heard_s
    assert desk.shown == ["3", "4"]
    await desk.look(["4"])
    assert desk.shown == ["3", "4", "4"]


async def test_it_writes_a_line_when_it_is_heard_and_when_not_and_no_line_between() -> None:
    desk = Desk()
    answers: list[list[str] | None] = [[], [], None, None, []]
    for answer in answers:
        await desk.look(answer)
    assert desk.log.events() == ["heard-by-the-service", "not-heard-by-the-service", "heard-by-the-service"]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing starts it there")
def test_one_helper_for_a_display(tmp_path: Path) -> None:
    here = {"XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":0"}
    first = only_one(here)
    assert first is not None
    assert only_one(here) is None
    assert only_one({**here, "DISPLAY": ":1"}) is not None
    del first
    assert only_one(here) is not None


def test_the_entry_is_one_that_desktops_read_and_names_the_machines_own_state() -> None:
    entry = configparser.RawConfigParser()
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read_string(autostart(program=Path("/usr/bin/bellpull-agent"), state=Path("/var/lib/bellpull")))
    said = entry["Desktop Entry"]
    assert said["Type"] == "Application"
    assert said["Exec"] == "/usr/bin/bellpull-agent --child agent.consent.desktop_helper --state /var/lib/bellpull"
    with pytest.raises(ValueError, match="plain paths"):
        autostart(program=Path("/opt/a b/agent"), state=Path("/var/lib/bellpull"))


class Person:
    """A real process of the helper, as a user of its own. It may read our sources where they lie, like any user's
    installed program; the service sees its user number and nothing else of it."""

    def __init__(self, uid: int, display: str, state: Path, runtime: Path) -> None:
        self.uid = uid
        runtime.mkdir()
        if sys.platform != "win32":
            os.chown(runtime, uid, uid)
        self.process = subprocess.Popen(
            [
                "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=+dac_read_search",
                "--ambient-caps=+dac_read_search", sys.executable, "-m", "agent.consent.desktop_helper",
                "--state", str(state),
            ],
            env={
                "PATH": os.environ["PATH"], "DISPLAY": display, "PYTHONPATH": str(REPOSITORY), "HOME": str(runtime),
                "XDG_RUNTIME_DIR": str(runtime), "PYTHONDONTWRITEBYTECODE": "1",
            },
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def windows(self) -> list[int]:
        """Process ids of this person's question windows."""
        found = []
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                words = (status.parent / "cmdline").read_bytes().split(b"\0")
                if b"agent.consent.window" in words and f"\nUid:\t{self.uid}\t" in status.read_text():
                    found.append(int(status.parent.name))
            except OSError:
                continue  # it ended while we looked
        return found


@pytest.fixture
def people(display: str, tmp_path: Path) -> Iterator[tuple[Person, Person]]:
    tmp_path.chmod(0o755)
    both = tuple(Person(uid, display, tmp_path / "s", tmp_path / str(uid)) for uid in (ANNA, BEN))
    yield both  # type: ignore[misc]
    for person in both:
        person.process.terminate()
        person.process.wait(10)


@pytest.mark.soak
@needs_window
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a service of root, and two users, need root")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv: apt-get install util-linux")
async def test_the_question_follows_the_active_seat(
    people: tuple[Person, Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service of root, two people with a helper each, real windows; logind's files say who is at the screen."""
    anna, ben = people
    logind = tmp_path / "logind"
    (logind / "seats").mkdir(parents=True)
    (logind / "sessions").mkdir()
    sitting(logind, ANNA, "2")
    monkeypatch.setattr(peers, "sits_here", lambda uid: sits_here(uid, logind))
    folder = StateFolder(tmp_path / "s", Mode.MACHINE)
    folder.make()
    table = Table(folder.database)
    server = LocalServer(folder, Catalogue(ConsentVerbs(table.gate, table.clocks).verbs()), log=MemoryLog())
    await server.start()
    try:
        task = await table.asked()
        (prompt,) = table.gate.pending()
        await until(lambda: bool(anna.windows()) and prompt.first_shown_boot_s is not None)
        assert ben.windows() == []

        # Ben takes the seat: hers goes, his comes. Back again: the other way round.
        sitting(logind, BEN, "3")
        await until(lambda: not anna.windows() and bool(ben.windows()))
        sitting(logind, ANNA, "2")
        await until(lambda: not ben.windows() and bool(anna.windows()))

        table.gate.refuse(prompt.id)
        assert await task == No(RefusalReason.CUSTOMER)
        await until(lambda: not anna.windows())
        assert [person.process.poll() for person in people] == [None, None], "they wait for the next question"
    finally:
        await server.stop()
        table.database.close()
