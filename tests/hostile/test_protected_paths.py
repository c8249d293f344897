"""A session's process at every protected path: the agent's keys, database, log, socket and memory.

It runs as the same person as the service, so the modes of files keep nothing from it. What keeps it out is the kernel
(agent/session/confinement.py); and there is nothing in its own hands to begin with: its environment, open files and
memory hold no key.
"""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.session.descendants import below
from agent.session.host_process import SessionHost
from protocol.actions.processes import ProcessesArguments
from protocol.actions.scopes import Scope
from protocol.journal import Outcome
from technician.devices import find_device
from technician.session.visit import Visit
from tests.agent.session.test_host import SECRET, Heard
from tests.hostile.evil_server import EvilServer
from tests.hostile.machine import Machine, Time, enrolled, technicians_time
from tests.hostile.visitors import technician_at
from tests.making import NOW, Organisation

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="visits run on Linux only in this version")


@dataclass
class Pried:
    """A host with an action that tries everything, below a real service; and what it got."""

    machine: Machine
    host: SessionHost
    heard: Heard
    wanted: Path
    number: int = 0

    async def try_all(self, paths: list[Path], unit: str = "") -> dict[tuple[str, str], str]:
        """(how, path) → what came of it."""
        self.number += 1
        self.wanted.write_text("\n".join(map(str, paths)))
        seen = len(self.heard.bodies)
        arguments = json.dumps({"text": str(self.wanted), "unit": unit}).encode()
        self.host.run(self.number, "logs", arguments, NOW)
        end = await self.heard.end_of(self.number)
        assert end.outcome is Outcome.DONE, end
        return {(each["how"], each["path"]): each["got"] for each in self.heard.bodies[seen:]}  # type: ignore[index]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def protected(machine: Machine) -> list[Path]:
    """Every file of the state folder, and a few that are not there yet."""
    folder = machine.folder
    files = [path for path in sorted(folder.root.rglob("*")) if not path.is_dir()]
    return [*files, folder.bundles / "x.tar.zst.age", folder.identity / "new.key"]


@pytest.fixture
async def pried(
    tmp_path: Path, evil: EvilServer, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pried]:
    monkeypatch.setattr("agent.session.host_process.child_environment", lambda: {**os.environ})
    async with enrolled(tmp_path / "s", evil, organisation) as machine:
        machine.ask_for_help()
        machine.folder.log.write_text("a line of the log\n")
        open_to_all = tmp_path / "open"
        open_to_all.mkdir()
        heard = Heard()
        argv = [sys.executable, "-m", "tests.hostile.prying_host", str(os.getpid())]
        host = SessionHost(SECRET, heard, heard.lost.append, keep_out=machine.folder.root, argv=argv)
        await host.start()
        await machine.until(lambda: host.confined is not None or heard.lost)
        assert heard.lost == []
        yield Pried(machine, host, heard, open_to_all / "wanted")
        host.kill()
        await host.gone()


def needs_landlock(pried: Pried) -> None:
    if not pried.host.confined:
        pytest.skip("this kernel has no Landlock: file modes alone keep a session's process out, of other users' files")


@pytest.mark.parametrize("unit", ["", "daemon"], ids=["an action", "a daemon of an action"])
async def test_a_process_of_the_session_reaches_no_protected_path(pried: Pried, unit: str) -> None:
    needs_landlock(pried)
    folder = pried.machine.folder
    keys = contents(folder.identity)
    assert "keys.check" in {Path(name).name for name in keys}
    assert len(keys) == 6
    paths = protected(pried.machine)
    assert {folder.database, folder.socket, folder.log} <= set(paths)
    got = await pried.try_all(paths, unit)
    assert len(got) == 11 * len(paths) + 5, "every way at every path, and what was tried at the service"
    reached = {each: what for each, what in got.items() if what.startswith("ok")}
    assert reached == {}
    assert contents(folder.identity) == keys
    assert not list(folder.root.rglob("*.new"))


async def test_the_control_what_it_may_read_it_reads(pried: Pried) -> None:
    """And it changes nothing there either, where the kernel helps."""
    file = pried.wanted.with_name("anybody's")
    file.write_text("for everybody")
    got = await pried.try_all([file])
    assert got[("read", str(file))] == f"ok {b'for everybody'.hex()}"
    if pried.host.confined:
        assert [how for (how, _), what in got.items() if what.startswith("ok") and "read" not in how] == []
        assert file.read_text() == "for everybody"


async def test_what_is_handed_to_a_session_holds_no_key(
    tmp_path: Path, evil: EvilServer, organisation: Organisation
) -> None:
    """The real host in a real visit: its whole memory, environment, arguments and open files, and those of its actions.

    The secret for pseudonyms is handed over by design: that it is found proves that the search finds.
    """
    documents = (organisation.revocations(),)
    with pytest.MonkeyPatch.context() as patch, technicians_time(patch, Time()):
        async with (
            enrolled(tmp_path / "s", evil, organisation, documents=documents) as machine,
            technician_at(tmp_path / "t", evil, organisation) as technician,
            technician.signed_in() as api,
        ):
            ticket = machine.ask_for_help()
            device = find_device((await api.devices()).devices, machine.device, technician.store.trust, NOW)
            scopes = (Scope.PROCESSES,)
            async with Visit.open(technician, api, device, ticket, scopes, 15, "why") as visit:
                machine.say_yes(await machine.question())
                await visit.granted()
                run = await visit.run("processes", ProcessesArguments(limit=5))
                assert [item async for item in run]
                (pid,) = machine.member.session_hosts()
                found = {each: await asyncio.to_thread(memory_of, each) for each in {pid, *below(pid)}}
                keys = {path.stem: path.read_bytes() for path in machine.folder.identity.glob("*.key")}
                everything = b"\n".join(found.values())
                assert len(everything) > 1_000_000
                assert spelled(keys.pop("secret"), everything), "the search finds what is there"
                assert set(keys) == {"signing", "noise", "witness"}
                for name, key in keys.items():
                    assert not spelled(key, everything), name
                    assert not spelled(key[:16], everything), name
                files = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
                assert [name for name in files if str(machine.folder.root) in name] == []
                sockets = [name.removeprefix("socket:[").rstrip("]") for name in files if "socket:" in name]
                assert [_name_of(inode) for inode in sockets] == [""], "one nameless pair, from which pipes come"
                assert str(machine.folder.root).encode() not in started_with(pid)
                await visit.end()


def started_with(pid: int) -> bytes:
    """Arguments and environment."""
    return Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()


def spelled(key: bytes, where: bytes) -> bool:
    """Raw, in hexadecimal, in either base64."""
    half = base64.b64encode(key)[:20]
    return any(one in where for one in (key, key.hex().encode(), half, base64.urlsafe_b64encode(key)[:20]))


def memory_of(pid: int) -> bytes:
    """Every readable private page of a process below us."""
    found = bytearray()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, mode = line.split(maxsplit=2)[:2]
            if not mode.startswith("rw") or "[vvar" in line or "[vsyscall" in line:
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            memory.seek(start)
            try:
                found += memory.read(end - start)
            except OSError:
                continue  # unmapped meanwhile, or never touched
    return bytes(found)


def _name_of(inode: str) -> str | None:
    """The name of a UNIX socket; empty for one half of a pair; None when it is none at all."""
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[6] == inode:
            return fields[7] if len(fields) > 7 else ""
    return None
