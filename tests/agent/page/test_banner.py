"""The banner after a yes in the window: really drawn under Xvfb, with a real visit behind it, and Stop pressed."""

import asyncio
import json
import os
import sys
from pathlib import Path

from agent.consent.banner import acts, headline
from agent.session.questions import Asked, QuestionKind
from protocol.actions.logs import LogsArguments
from protocol.actions.scopes import Scope
from protocol.grants import EndedBy
from tests.agent.visit_rig import Rig
from tests.agent.xvfb import REPOSITORY, needs_window

DRIVER = Path(__file__).with_name("banner_driver.py")
LIVE = {
    "technician": "Ada Tech",
    "state": "active",
    "seconds_left": 300,
    "doing": ["looked at the running programs"],
    "done": [{"sentence": f"did thing {number}", "outcome": "done"} for number in range(9)],
}


@needs_window
async def test_the_banner_shows_the_visit_and_stops_it(service: Rig, display: str) -> None:
    technician = await service.let_in(scopes=(Scope.DIAGNOSE, Scope.LOGS))
    await technician.act("logs", LogsArguments(unit="ssh.service"))
    asked = Asked(QuestionKind.UNDO, technician="Ada Tech", organisation="Helpful Ltd", title="Put it back", text="")
    asking = asyncio.create_task(service.questions.ask(asked))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(DRIVER),
        str(service.folder.root),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "DISPLAY": display, "PYTHONPATH": str(REPOSITORY)},
    )
    async with asyncio.timeout(30):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    seen = json.loads(out)
    assert seen["who"] == "Ada Tech is connected, 15 min left."
    assert "unit “ssh.service” — done" in seen["doing"]
    assert "They ask you: Put it back." in seen["doing"]
    asking.cancel()
    assert service.hosts[0].killed
    await service.over()
    assert service.proofs()[0].receipt.ended_by is EndedBy.CUSTOMER
    assert seen["after"] == "The visit is over. Nothing of it runs any more."
    assert seen["stop_is_disabled"]


def test_the_newest_acts_come_first_and_old_ones_leave() -> None:
    lines = acts(LIVE).split("\n")
    assert lines[0] == "Now: they looked at the running programs"
    assert lines[1:] == [f"Did thing {number} — done" for number in (8, 7, 6, 5, 4)]
    assert acts({**LIVE, "doing": [], "done": []}) == "Now: nothing."


def test_a_second_question_stands_above_everything() -> None:
    lines = acts(LIVE, [{"title": "Clear the cache"}]).split("\n")
    assert lines[0] == "They ask you: Clear the cache. Open your page to read it; without an answer it is no."


def test_every_state_of_a_visit_has_its_headline() -> None:
    assert headline(LIVE) == "Ada Tech is connected, 5 min left."
    assert headline({**LIVE, "seconds_left": 90}) == "Ada Tech is connected, 90 s left."
    assert "lost the connection" in headline({**LIVE, "state": "paused"})
    assert headline({**LIVE, "state": "stopping"}) == "Ada Tech is leaving."
