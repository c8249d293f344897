"""The local socket: real connections, kernel credentials, hostile bytes, processes of a session."""

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from agent.local.client import ServiceAbsent, call
from agent.local.limits import REQUEST_MAX_BYTES
from agent.local.peers import descends_from, peer_of
from agent.local.server import LocalServer, plain_value
from agent.local.verbs import Catalogue, NoArguments, Peer, Verb
from agent.paths import Mode, StateFolder
from agent.refusal import Refusal
from protocol.strict_json import WireModel
from tests.agent.doubles import MemoryLog


class Echo(WireModel):
    text: Annotated[str, Field(max_length=1000)]
    number: int = 0


class House:
    """A server with a few verbs, and what happened."""

    def __init__(self, folder: StateFolder, log: MemoryLog) -> None:
        self.folder, self.log = folder, log
        self.peers: list[Peer] = []
        self.hosts: set[int] = set()
        self.executed: list[str] = []
        catalogue = Catalogue(
            [
                Verb("echo", Echo, self.echo),
                Verb("broken", NoArguments, self.broken),
                Verb("refusing", NoArguments, self.refusing),
                Verb("approve", NoArguments, self.approve, refused_to_sessions=True),
                Verb("admin", NoArguments, self.approve, administrator=True),
            ]
        )
        self.server = LocalServer(folder, catalogue, log=log, session_hosts=lambda: self.hosts)

    async def echo(self, arguments: Echo, peer: Peer) -> object:
        self.peers.append(peer)
        return {"text": arguments.text, "number": arguments.number}

    async def broken(self, _: NoArguments, peer: Peer) -> object:
        raise ZeroDivisionError("a secret value")

    async def refusing(self, _: NoArguments, peer: Peer) -> object:
        raise Refusal("not now", expected="later", got="now", hint="wait")

    async def approve(self, _: NoArguments, peer: Peer) -> object:
        self.executed.append("approve")
        return {}


@pytest.fixture
async def house(folder: StateFolder, log: MemoryLog) -> AsyncIterator[House]:
    built = House(folder, log)
    await built.server.start()
    yield built
    await built.server.stop()


async def ask(house: House, verb: str, **arguments: Any) -> Any:
    return await asyncio.to_thread(call, house.folder.root, verb, **arguments)


async def raw(house: House, data: bytes) -> bytes:
    """What comes back for these bytes, until the server closes or has answered each line."""
    reader, writer = await asyncio.open_unix_connection(str(house.folder.socket))
    writer.write(data)
    writer.write_eof()
    async with asyncio.timeout(10):
        answer = await reader.read(-1)
    writer.close()
    return answer


async def test_a_verb_is_answered_and_its_peer_comes_from_the_kernel(house: House) -> None:
    assert await ask(house, "echo", text="hëllo \u202e", number=3) == {"text": "hëllo \u202e", "number": 3}
    (peer,) = house.peers
    assert (peer.uid, peer.pid, peer.is_administrator, peer.in_session) == (os.geteuid(), os.getpid(), True, False)


async def test_socket_and_folder_are_for_the_owner_alone(house: House) -> None:
    assert stat.S_IMODE(house.folder.run.stat().st_mode) == 0o700
    assert stat.S_IMODE(house.folder.socket.stat().st_mode) == 0o600


async def test_a_refusal_reaches_the_caller_with_its_four_fields(house: House) -> None:
    with pytest.raises(Refusal) as raised:
        await ask(house, "refusing")
    assert (raised.value.what, raised.value.expected, raised.value.got, raised.value.hint) == (
        "not now",
        "later",
        "now",
        "wait",
    )


async def test_a_defect_is_logged_without_its_values_and_the_service_goes_on(house: House) -> None:
    with pytest.raises(Refusal, match="made a mistake") as raised:
        await ask(house, "broken")
    assert "secret value" not in str(raised.value)
    assert house.log.events("defect") == ["verb-raised"]
    assert (await ask(house, "echo", text="still here"))["text"] == "still here"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "text: Field required"),
        ({"text": 5}, "string"),
        ({"text": "x", "number": "7"}, "integer"),
        ({"text": "x", "extra": 1}, "Extra inputs"),
        ({"text": "x" * 2000}, "at most 1000"),
    ],
)
async def test_wrong_arguments_are_refused_by_name(house: House, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        await ask(house, "echo", **arguments)


async def test_an_unknown_verb_lists_the_known_ones(house: House) -> None:
    with pytest.raises(Refusal, match="approve, broken, echo"):
        await ask(house, "run-shell")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"not json\n",
        b"[]\n",
        b'{"verb":"echo","arguments":{"text":"a"},"verb":"approve"}\n',
        b'{"verb":"echo","arguments":{"text":"a","text":"b"}}\n',
        b"{" * 5000 + b"\n",
        b'{"verb":"echo","arguments":{"text":"\xff\xfe"}}\n',
        b"\x00" * 100 + b"\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b'{"verb":"approve"',
    ],
    ids=lambda line: repr(line[:24]),
)
async def test_malformed_lines_execute_nothing(house: House, line: bytes) -> None:
    answer = await raw(house, line)
    for each in answer.splitlines():
        assert json.loads(each)["ok"] is False
    assert house.executed == []
    assert house.peers == []


async def test_a_line_without_an_end_is_cut(house: House) -> None:
    answer = await raw(house, b'{"verb":"' + b"x" * (REQUEST_MAX_BYTES + 100_000))
    assert b"too long" in answer


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.binary(max_size=3000))
def test_any_bytes_execute_nothing(data: bytes) -> None:
    async def throw() -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = StateFolder(Path(name) / "s", Mode.USER)
            folder.make()
            house = House(folder, MemoryLog())
            await house.server.start()
            for line in (await raw(house, data)).splitlines():
                assert json.loads(line)["ok"] is False
            assert house.executed == []
            assert house.log.events("defect") == []
            await house.server.stop()

    asyncio.run(throw())


@pytest.fixture
def open_folder() -> Iterator[StateFolder]:
    """A machine's state folder where others may come by; pytest's own folders are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        made = StateFolder(Path(name) / "m", Mode.MACHINE)
        made.make()
        yield made


async def test_in_machine_mode_everybody_reaches_the_door_and_is_asked_for(
    open_folder: StateFolder, log: MemoryLog
) -> None:
    folder = open_folder
    house = House(folder, log)
    await house.server.start()
    assert stat.S_IMODE(folder.run.stat().st_mode) == 0o755
    assert stat.S_IMODE(folder.socket.stat().st_mode) == 0o666
    if os.geteuid() == 0:
        said = await asyncio.to_thread(call_as_nobody, folder, "admin")
        assert "administrator" in said
        assert "only who sits at this machine" in await asyncio.to_thread(call_as_nobody, folder, "echo")
    await house.server.stop()


def call_as_nobody(folder: StateFolder, verb: str) -> str:
    """From a process of another user, over the real socket."""
    code = (
        "import os, socket, sys, json; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX); "
        "s.connect(sys.argv[1]); s.sendall((json.dumps({'verb': sys.argv[2]}) + chr(10)).encode()); "
        "e = json.loads(s.makefile().readline())['error']; print(e['what'] if 'admin' in e['what'] else e['got'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder.socket), verb], capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout.strip() or done.stderr[-300:]


async def test_a_stale_socket_of_a_dead_service_is_replaced(folder: StateFolder, log: MemoryLog) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder.socket))
    house = House(folder, log)
    await house.server.start()
    assert await ask(house, "echo", text="new") == {"text": "new", "number": 0}
    await house.server.stop()


def test_without_a_service_the_hint_names_the_command(folder: StateFolder) -> None:
    with pytest.raises(ServiceAbsent, match="bellpull-agent run"):
        call(folder.root, "status")


# --- processes of a session -------------------------------------------------------------------------------------

_CALLER = """
import sys
from pathlib import Path
from agent.local.client import call
from agent.refusal import Refusal
try:
    call(Path(sys.argv[1]), sys.argv[2])
except Refusal as refused:
    print(refused.what)
else:
    print("allowed")
"""


def call_from_child(folder: StateFolder, verb: str) -> str:
    repository = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _CALLER, str(folder.root), verb],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.strip()


async def test_a_program_that_a_session_started_cannot_approve(house: House) -> None:
    house.hosts = {os.getpid()}  # this test is the session host: its child is a process of the session
    assert "technician's session" in await asyncio.to_thread(call_from_child, house.folder, "approve")
    assert house.executed == []
    house.hosts = set()
    assert await asyncio.to_thread(call_from_child, house.folder, "approve") == "allowed"
    assert house.executed == ["approve"]


def test_descent_is_found_over_generations_and_a_vanished_process_is_not_trusted() -> None:
    assert descends_from(os.getpid(), {os.getppid()})
    assert descends_from(os.getpid(), {os.getpid()})
    assert not descends_from(os.getpid(), {999_999_999})
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert descends_from(ended.pid, {999_999_999})


def test_another_user_is_no_administrator() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    peer = peer_of(ours, ())
    assert peer.is_administrator
    foreign = Peer(uid=peer.uid + 1000, pid=peer.pid, is_administrator=False, in_session=False, sits_here=True)

    async def never(arguments: NoArguments, peer: Peer) -> object:
        raise AssertionError("must not run")

    catalogue = Catalogue([Verb("admin", NoArguments, never, administrator=True)])
    with pytest.raises(Refusal, match="this needs an administrator"):
        catalogue.allowed("admin", foreign)
    ours.close()
    theirs.close()


def test_a_verb_listed_twice_is_our_own_defect() -> None:
    async def nothing(arguments: NoArguments, peer: Peer) -> object:
        return None

    verb = Verb("one", NoArguments, nothing)
    with pytest.raises(ValueError, match="listed twice"):
        Catalogue([verb, verb])


def test_results_become_plain_json() -> None:
    assert plain_value({"a": (b"\x00\x01", {"x"}, Mode.USER, Echo(text="t"))}) == {
        "a": ["AAE=", ["x"], "user", {"text": "t", "number": 0}]
    }
