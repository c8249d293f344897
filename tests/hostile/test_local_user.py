"""A local user without rights at the agent's door: every verb there is, from the wrong person, and noise.

Generated from the catalogue of the whole agent. In machine mode the socket can be reached by everybody on the machine,
so it is the kernel's word about who asks that decides; in user mode the folder keeps everybody else out.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.app import Agent
from agent.event_log import StructuredLog
from agent.local.server import LocalServer
from agent.local.verbs import Peer
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal
from tests.agent.doubles import enrol_in_memory
from tests.hostile.test_session_process import ARGUMENTS, HARMLESS
from tests.making import Organisation

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the socket is there on Linux and macOS only")

NOBODY = 65534
NOT_HEARD = "only who sits at this machine, or an administrator of it, is heard here"
NEEDS_ADMINISTRATOR = "this needs an administrator of the machine"
OF_A_SESSION = "this is refused to programs started by a technician's session"
#: What changes who may come in without a person: for administrators of the machine alone.
ADMINISTRATORS = {
    "enrolled", "may-enrol", "confirm-clock", "leave", "policy-sign", "policy-withdraw", "abuse-lift", "terminal-set",
    "watch-add", "watch-remove",
}  # fmt: skip
PEERS: dict[str, Peer] = {
    "root": Peer(uid=0, pid=2, is_administrator=True, in_session=False),
    "the person at the seat": Peer(uid=1000, pid=2, is_administrator=False, in_session=False, sits_here=True),
    "another user": Peer(uid=NOBODY, pid=2, is_administrator=False, in_session=False),
    "a session's process as root": Peer(uid=0, pid=2, is_administrator=True, in_session=True),
    "a session's process": Peer(uid=1000, pid=2, is_administrator=False, in_session=True, sits_here=True),
    "a session's process as another user": Peer(uid=NOBODY, pid=2, is_administrator=False, in_session=True),
}


@pytest.fixture
def folder() -> Iterator[StateFolder]:
    """A machine's state folder where others may come by; pytest's own folders are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        made = StateFolder(Path(name) / "m", Mode.MACHINE)
        made.make()
        enrol_in_memory(made, Organisation())
        yield made


@dataclass
class Door:
    agent: Agent
    folder: StateFolder

    @property
    def verbs(self) -> list[str]:
        return sorted(self.agent.ground.catalogue.verbs)

    def why_not(self, verb: str, who: str) -> str | None:
        try:
            self.agent.ground.catalogue.allowed(verb, PEERS[who])
        except Refusal as refusal:
            return refusal.what
        return None


@pytest.fixture
async def door(folder: StateFolder) -> AsyncIterator[Door]:
    agent = Agent(folder, StructuredLog(None))
    server = LocalServer(folder, agent.ground.catalogue, log=agent.ground.log)
    await server.start()
    yield Door(agent, folder)
    await server.stop()
    agent.ground.database.close()


async def test_every_verb_by_everybody(door: Door) -> None:
    """The whole matrix; what a verb asks for is written here by hand, and held against the catalogue."""
    assert set(door.verbs) > ADMINISTRATORS | HARMLESS
    for verb in door.verbs:
        administrator = door.agent.ground.catalogue.verbs[verb].administrator
        assert not (verb in ADMINISTRATORS and not administrator), verb
        assert not (verb in HARMLESS and administrator), verb
        assert door.why_not(verb, "root") is None
        assert door.why_not(verb, "the person at the seat") == (NEEDS_ADMINISTRATOR if administrator else None), verb
        assert door.why_not(verb, "another user") == NOT_HEARD, verb
        assert door.why_not(verb, "a session's process as another user") == NOT_HEARD, verb
        for who in ("a session's process", "a session's process as root"):
            assert door.why_not(verb, who) == (None if verb in HARMLESS else OF_A_SESSION), verb


async def test_what_opens_a_door_without_a_person_is_for_administrators(door: Door) -> None:
    """By name, so that a new verb of these kinds is seen: the owner's policy, the terminal, folders, the freeze."""
    for verb in door.verbs:
        kind = verb.partition("-")[0]
        changes = verb.rpartition("-")[2] in {"sign", "set", "enable", "lift", "allow", "install", "withdraw", "accept"}
        if kind in {"policy", "terminal", "folder", "folders", "abuse", "freeze", "owner"} and changes:
            spec = door.agent.ground.catalogue.verbs[verb]
            assert spec.administrator, verb
            assert spec.refused_to_sessions, verb


# --- over the real socket, as another user ---------------------------------------------------------------------------

#: Sends each line of its input, prints each answer; then what else it is told to do.
_CLIENT = """
import json, os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
path, how = sys.argv[1:]
def dial():
    s = socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect(path); return s
if how == "ask":
    s = dial(); f = s.makefile("rb")
    for line in sys.stdin.buffer:
        s.sendall(line); print(f.readline().decode(), end="")
elif how == "noise":
    answers = set()
    for chunk in json.load(sys.stdin):
        s = dial()
        try:
            s.sendall(bytes.fromhex(chunk)); s.shutdown(socket.SHUT_WR)
            for line in s.makefile("rb"): answers.add(json.loads(line)["ok"])
        except (BrokenPipeError, ConnectionResetError): pass
        s.close()
    print(json.dumps(sorted(answers)))
"""


async def as_nobody(folder: StateFolder, how: str, given: bytes) -> str:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-I", "-c", _CLIENT, str(folder.socket), how],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
        cwd="/",
    )
    return done.stdout.decode() or done.stderr.decode()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def everything(folder: StateFolder) -> dict[str, bytes]:
    files = (path for path in sorted(folder.root.rglob("*")) if path.is_file() and not path.name.startswith("agent.db"))
    return {str(path): path.read_bytes() for path in files}


@needs_root
async def test_another_user_of_the_machine_is_heard_by_no_verb(door: Door) -> None:
    before = everything(door.folder)
    lines = [json.dumps({"verb": verb, "arguments": ARGUMENTS.get(verb, {})}).encode() for verb in door.verbs]
    answers = [
        json.loads(line) for line in (await as_nobody(door.folder, "ask", b"\n".join(lines) + b"\n")).splitlines()
    ]
    assert len(answers) == len(door.verbs)
    assert {answer["error"]["what"] for answer in answers} == {NOT_HEARD}
    assert everything(door.folder) == before
    assert door.agent.ground.database.query("SELECT count(*) FROM tickets")[0][0] == 0


@needs_root
async def test_noise_from_another_user_is_answered_with_no_and_the_door_stays_open(door: Door) -> None:
    """About a million bytes in a few hundred connections: garbage, halves of requests, and requests in odd shapes."""
    rng = random.Random("noise at the door")
    wished = b'{"verb":"consent-decide","arguments":{"id":"1","approve":true}}\n'
    chunks = [rng.randbytes(rng.randrange(1, 6000)) for _ in range(100)]
    chunks += [wished[: rng.randrange(len(wished))] for _ in range(40)]
    for _ in range(100):
        bent = bytearray(wished)
        for place in rng.sample(range(len(wished)), 4):
            bent[place] ^= 1 << rng.randrange(8)
        chunks.append(bytes(bent))
    chunks += [wished * 50, b"\n" * 5000, b"[" * 70_000 + b"\n", b'{"verb":"' + b"x" * 400_000, bytes(100_000) + b"\n"]
    said = await as_nobody(door.folder, "noise", json.dumps([chunk.hex() for chunk in chunks]).encode())
    assert json.loads(said) == [False], "every answer is a no"
    answers = await as_nobody(door.folder, "ask", b'{"verb":"status"}\n')
    assert json.loads(answers)["error"]["what"] == NOT_HEARD, "and the door is still answered"


@needs_root
async def test_in_user_mode_another_user_does_not_even_reach_the_door(folder: StateFolder) -> None:
    own = StateFolder(folder.root.with_name("u"), Mode.USER)
    own.make()
    enrol_in_memory(own, Organisation())
    agent = Agent(own, StructuredLog(None))
    server = LocalServer(own, agent.ground.catalogue, log=agent.ground.log)
    await server.start()
    assert "PermissionError" in await as_nobody(own, "ask", b'{"verb":"status"}\n')
    await server.stop()
    agent.ground.database.close()
