"""A process of a technician's session at the customer's own door: it may look and stop, it can allow nothing.

The real socket server with the real verbs, the real session host as a child, and in it an action that tries every
verb there is; then the same from a daemon that has left its parents, its session and its process group.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.app import Agent
from agent.event_log import StructuredLog
from agent.local.server import LocalServer
from agent.local.verbs import Peer
from agent.refusal import Refusal
from agent.session.host_process import SessionHost
from protocol.journal import Outcome
from tests.agent.desk_log import MemoryLogServer
from tests.agent.session.test_host import SECRET, Heard, do
from tests.agent.visit_rig import Rig

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="visits run on Linux only in this version")

REFUSED = "this is refused to programs started by a technician's session"
#: What may be used from within a session: it shows, or it takes away. Everything else must be refused.
HARMLESS = {
    "status",
    "findings",
    "known-issues",
    "check-now",
    "tickets",
    "ticket",
    "outbox",
    "dead-letters",
    "consent-list",
    "session-list",
    "session-stop",
    "session-narrow",
    "receipts",
    "receipt-file",
    "remedies",
    "remedy-preview",
    "abuse-list",
    "policy-show",
    "unattended-visits",
    "chat-list",
    "question-list",
}
#: Good enough arguments for the shape of each verb that takes any.
ARGUMENTS: dict[str, dict[str, object]] = {
    "ticket": {"ticket": "01890a5d-ac96-7745-bcce-b302099a8057"},
    "ticket-text": {"ticket": "01890a5d-ac96-7745-bcce-b302099a8057", "text": "let them in"},
    "consent-show": {"id": "1"},
    "consent-decide": {"id": "1", "approve": True},
    "session-narrow": {"scopes": ["logs"]},
    "receipt-file": {"grant": "0000"},
    "remedy-preview": {"remedy": "clean-user-cache"},
    "remedy-run": {"preview": "01890a5d-ac96-7745-bcce-b302099a8057"},
    "remedy-undo": {"run": "01890a5d-ac96-7745-bcce-b302099a8057"},
    "ask-send": {"words": "please connect"},
    "ask-show": {"preview": "01890a5d-ac96-7745-bcce-b302099a8057", "path": "x"},
    "ask-drop": {"preview": "01890a5d-ac96-7745-bcce-b302099a8057"},
    "finding-snooze": {"fingerprint": "x|y", "seconds": 60},
    "finding-ignore": {"fingerprint": "x|y"},
    "finding-unignore": {"fingerprint": "x|y"},
}
# These take seconds and touch nothing of consent; they are tried by their permission alone.
SLOW = {"check-now", "remedy-preview", "ask-preview"}


@dataclass
class Door:
    """The service's own socket, and a session host below this process."""

    agent: Agent
    server: LocalServer
    host: SessionHost
    heard: Heard
    state: Path

    @property
    def verbs(self) -> list[str]:
        return sorted(self.agent.ground.catalogue.verbs)

    async def try_all(self, how: str) -> dict[str, str]:
        wanted = [f"{name}={json.dumps(ARGUMENTS.get(name, {}), separators=(',', ':'))}" for name in self.verbs]
        (self.state / "verbs").write_text("\n".join(each for each in wanted if each.partition("=")[0] not in SLOW))
        do(self.host, how)
        end = await self.heard.end_of(1)
        assert end.outcome is Outcome.DONE, end
        return {each["verb"]: each["answer"] for each in self.heard.bodies if isinstance(each, dict)}


@pytest.fixture
async def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    Rig(tmp_path / "s", desk=MemoryLogServer()).close()  # an enrolled device; its server is never reached
    rig_folder = Rig(tmp_path / "s").folder
    agent = Agent(rig_folder, StructuredLog(None))
    heard = Heard()
    monkeypatch.setattr("agent.session.host_process.child_environment", lambda: {**os.environ})
    argv = [sys.executable, "-m", "tests.agent.session.mischief_host", str(rig_folder.root)]
    host = SessionHost(SECRET, heard, heard.lost.append, argv=argv)
    server = LocalServer(
        rig_folder,
        agent.ground.catalogue,
        log=agent.ground.log,
        session_hosts=lambda: [] if host.pid is None else [host.pid],
    )
    await server.start()
    await host.start()
    yield Door(agent, server, host, heard, rig_folder.root)
    host.kill()
    await host.gone()
    await server.stop()
    agent.ground.database.close()


@pytest.mark.parametrize("how", ["verbs", "daemon"])
async def test_a_process_of_the_session_can_allow_nothing(door: Door, how: str) -> None:
    answers = await door.try_all(how)
    assert set(answers) == set(door.verbs) - SLOW
    for verb, answer in answers.items():
        if verb not in HARMLESS:
            assert answer == REFUSED, f"{verb}: {answer}"
        else:
            assert answer != REFUSED, verb


def test_every_verb_that_is_not_known_to_be_harmless_is_refused_to_sessions(tmp_path: Path) -> None:
    """Held against the catalogue itself: a new verb is refused, or is put on the list above by a person."""
    folder = Rig(tmp_path / "s").folder
    agent = Agent(folder, StructuredLog(None))
    session = Peer(uid=os.getuid(), pid=os.getpid(), is_administrator=True, in_session=True)
    for name in agent.ground.catalogue.verbs:
        if name in HARMLESS:
            agent.ground.catalogue.allowed(name, session)
            continue
        with pytest.raises(Refusal, match=REFUSED):
            agent.ground.catalogue.allowed(name, session)
    assert set(agent.ground.catalogue.verbs) >= HARMLESS
    agent.ground.database.close()


async def test_the_customer_at_the_same_door_is_heard(door: Door) -> None:
    """The control: this very process, which is not below the host."""
    from agent.local.client import call

    answer = await asyncio.to_thread(call, door.state, "consent-list")
    assert answer["pending"] == []
    with pytest.raises(Refusal) as refused:
        await asyncio.to_thread(call, door.state, "consent-decide", id="1", approve=True)
    assert refused.value.what != REFUSED
