"""A terminal in the real session host: it works as one, it ends with everything it started, and it reaches nothing."""

import asyncio
import hashlib
import os
import re
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("a terminal is opened on Linux only in this version", allow_module_level=True)

from agent.session.descendants import below
from protocol import strict_json
from protocol.actions.files import FilesReadArguments, FilesWriteArguments, UploadFrom
from protocol.actions.terminal import RESIZE_KIND, TerminalArguments, TerminalEnded, TerminalOpened, TerminalSize
from protocol.journal import Outcome
from protocol.limits import STOP_CHILDREN_S
from tests.agent.session.streaming import StreamingHost, StreamRun, streaming_host
from tests.agent.technician_end import until

CANARY = "CANARY-of-the-agents-own-folder"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "agent.db").write_text(CANARY)
    return folder


async def opened(host: StreamingHost) -> StreamRun:
    run = host.run("terminal", TerminalArguments(rows=33, columns=77))
    await run.item("terminal-opened")
    run.send(b"PS1=; stty -echo; echo be''gun\n")
    await run.until_shown(b"begun")
    return run


async def say(run: StreamRun, line: str) -> str:
    """One line typed; what was shown up to its end."""
    run.data.clear()
    run.send(line.encode() + b"; echo do''ne\n")
    await run.until_shown(b"done")
    return bytes(run.data).partition(b"done")[0].decode()


async def test_a_terminal_is_one(state: Path, tmp_path: Path) -> None:
    folder = tmp_path / "of-the-person"
    folder.mkdir()
    async with streaming_host(state, terminal=True) as host:
        run = await opened(host)
        assert run.body("terminal-opened", TerminalOpened).confined
        assert "33 77" in await say(run, "stty size")
        run.say(RESIZE_KIND, TerminalSize(rows=50, columns=132))
        assert "50 132" in await say(run, "stty size")

        # What it reaches: what the person reaches, and nothing of the agent's.
        await say(run, f"echo hello > {folder}/file")
        assert (folder / "file").read_text() == "hello\n"
        assert CANARY not in await say(run, f"cat {state}/agent.db; cat /proc/{os.getpid()}/root{state}/agent.db")
        await say(run, f"echo evil > {state}/agent.db; touch {state}/new; rm -f {state}/agent.db; mv {state} {state}2")
        assert os.listdir(state) == ["agent.db"]
        assert (state / "agent.db").read_text() == CANARY
        assert "NoNewPrivs:\t1" in (await say(run, "grep NoNewPrivs /proc/self/status")).replace("\r", "")
        # No signal, no memory of what is outside (this test itself).
        assert "not permitted" in await say(run, f"kill -CONT {os.getpid()}")
        assert "denied" in await say(run, f"head -c1 /proc/{os.getpid()}/mem")

        # A clean environment, and no open file of ours.
        names = set(re.findall(r"^([A-Za-z_]+)=", (await say(run, "cat /proc/$$/environ | tr '\\0' '\\n'")), re.M))
        assert names <= {
            "HOME", "USER", "LOGNAME", "SHELL", "PATH", "TERM", "LANG", "HISTFILE", "BELLPULL_TERMINAL",
            "BELLPULL_SESSION_HOST",
        }  # fmt: skip
        files = re.findall(r"-> (\S+)", await say(run, "ls -l /proc/$$/fd"))
        assert len(files) >= 3
        assert all(file.startswith("/dev/pts/") for file in files), files

        # Keys go to what runs in front: Ctrl-C ends it.
        run.data.clear()
        run.send(b"sleep 600\n")
        await asyncio.sleep(0.2)
        run.send(b"\x03")
        assert "130" in await say(run, "echo $?")

        run.send(b"exit 3\n")
        assert (await run.over()).outcome is Outcome.DONE
        assert run.body("terminal-ended", TerminalEnded).code == 3


async def test_everything_it_started_is_dead_after_stop(state: Path) -> None:
    async with streaming_host(state, terminal=True) as host:
        run = await opened(host)
        await say(run, "(setsid nohup sleep 601 > /dev/null 2>&1 &); sleep 602 & trap '' HUP TERM INT; disown -a")
        pid = host.host.pid
        assert pid is not None
        await until(lambda: sum("sleep" in _name(each) for each in below(pid)) == 2, 5)
        tree = below(pid)
        host.host.kill()
        await host.host.gone()
        await until(lambda: not any(_alive(each) for each in tree), STOP_CHILDREN_S)


async def test_what_is_left_when_the_shell_ends_or_the_technician_hangs_up_ends_too(state: Path) -> None:
    async with streaming_host(state, terminal=True) as host:
        pid = host.host.pid
        assert pid is not None
        run = await opened(host)
        await say(run, "(setsid nohup sleep 603 > /dev/null 2>&1 &)")
        run.send(b"exit\n")
        assert (await run.over()).outcome is Outcome.DONE
        await until(lambda: not below(pid), STOP_CHILDREN_S)
        run = await opened(host)
        await say(run, "{ (trap '' HUP; sleep 604) & }")
        run.close_input()
        assert (await run.over()).outcome is Outcome.DONE
        await until(lambda: not below(pid), STOP_CHILDREN_S)


async def test_a_flood_waits_for_the_technician_and_a_key_still_gets_through(state: Path) -> None:
    """Nobody takes what is shown: the terminal is held back, not the agent's memory; then it goes on, and stops."""
    async with streaming_host(state, terminal=True) as host:
        run = await opened(host)
        host.host.hold_back(run.sequence, True)
        run.send(b"yes\n")
        await asyncio.sleep(0.3)
        before = len(run.data)
        await asyncio.sleep(0.2)
        assert len(run.data) == before
        host.host.hold_back(run.sequence, False)
        await run.until_shown(b"y\r\ny\r\n")
        run.send(b"\x03")
        run.data.clear()
        run.send(b"echo still''here\n")
        await run.until_shown(b"stillhere")


async def test_where_nobody_enabled_it_there_is_none(state: Path) -> None:
    async with streaming_host(state, terminal=False) as host:
        end = await host.run("terminal", TerminalArguments()).over()
        assert end.outcome is Outcome.FAILED
        assert "no administrator" in end.detail


async def test_files_go_through_the_real_host(state: Path, tmp_path: Path) -> None:
    """Download and upload through the whole of it."""
    documents = tmp_path / "Documents"
    documents.mkdir()
    content = os.urandom(1_500_000)
    (documents / "a").write_bytes(content)
    async with streaming_host(state, folders=(documents,)) as host:
        run = host.run("files.read", FilesReadArguments(path="Documents/a"))
        assert (await run.over()).outcome is Outcome.DONE
        assert bytes(run.data) == content
        digest = hashlib.sha256(content).digest()
        run = host.run("files.write", FilesWriteArguments(path="Documents/b", size_bytes=len(content), sha256=digest))
        await run.item("upload-ready")
        run.say("upload-from", UploadFrom(offset=0))
        run.send(content[: 1 << 20])
        run.send(content[1 << 20 :])
        run.close_input()
        assert (await run.over()).outcome is Outcome.DONE
        assert (documents / "b").read_bytes() == content
        assert run.taken == len(content) + 2 * 5 + len(_said(UploadFrom(offset=0)))


def _said(body: UploadFrom) -> bytes:
    from protocol.pieces import pack_item
    from protocol.visit import Item

    return pack_item(Item(id=1, kind="upload-from", body=strict_json.dump(body).decode()))


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def _alive(pid: int) -> bool:
    """A zombie is dead: it waits for its parent only."""
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return status[status.rindex(b")") + 2 : status.rindex(b")") + 3] not in (b"Z", b"X")
