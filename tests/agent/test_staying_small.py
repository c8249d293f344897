"""What the idle service has loaded, what it gives back, and what it does when that is not enough."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from agent.heap import give_back_unused_code, unchanged_file_ranges
from agent.link.system_proxy import proxy_may_be_set
from agent.local.client import ServiceAbsent, call
from agent.paths import StateFolder
from agent.staying_small import LIMIT_BYTES, StayingSmall
from diagnostics.checks import agent_self
from tests.agent.doubles import MemoryLog, enrol_in_memory
from tests.making import Organisation

#: What a child may load and gives back with its end; in the service it would stay for months.
NOT_IN_THE_SERVICE = (
    # our own
    "diagnostics.bundle", "diagnostics.checks", "diagnostics.collectors", "diagnostics.examine",
    "diagnostics.knowledge", "diagnostics.machine.change", "diagnostics.machine.interface",
    "diagnostics.machine.local", "diagnostics.machine.read", "diagnostics.observations", "diagnostics.redaction",
    "diagnostics.remedies.catalogue", "diagnostics.remedies.remedy", "diagnostics.remedies.transaction",
    "diagnostics.system_observations", "agent.bundles.worker", "agent.mending.worker", "agent.page",
    "agent.watch.worker",
    # libraries
    "backports.zstd", "google", "greenlet", "httpx2", "jinja2", "psutil", "pyrage", "python_socks", "re2", "rich",
    "starlette", "structlog", "uvicorn",
    # and what they, or a careless line of ours, would bring of the standard library
    "csv", "email", "html", "http.client", "http.server", "importlib.metadata", "logging.handlers", "multiprocessing",
    "pickle", "sqlite3.dump", "tarfile", "tempfile", "tkinter", "unittest", "urllib.request", "xml", "zipfile",
)  # fmt: skip

# As `bellpull-agent run` begins; a look, a try to connect, and the list of fixes behind it.
_SERVICE = textwrap.dedent(
    """
    import asyncio, os, sys
    from pathlib import Path
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    from agent.heap import give_back_what_is_freed
    from agent.on_demand import leave_for_later
    give_back_what_is_freed()
    leave_for_later(proxy_may_be_set=False)
    from agent.app import Agent
    from agent.event_log import StructuredLog
    from agent.paths import Mode, StateFolder

    async def main():
        agent = Agent(StateFolder(Path(sys.argv[1]), Mode.USER), StructuredLog(None))
        assert agent.member is not None
        running = asyncio.create_task(agent.run())
        look = await agent.ground.watch.look()
        assert len(look.checks) > 40
        assert len(agent.mending.remedies()) > 20
        agent.small.look()
        agent.stop()
        await running

    asyncio.run(main())
    real = {name: module for name, module in sys.modules.items() if module is not None}
    loaded = [name for name, module in real.items() if type(module).__name__ != "_StandIn"]
    print("\\n".join(loaded))
    """
)


def test_after_a_start_and_a_look_nothing_is_loaded_that_belongs_into_a_child(
    folder: StateFolder, organisation: Organisation
) -> None:
    enrol_in_memory(folder, organisation)
    done = subprocess.run(
        [sys.executable, "-c", _SERVICE, str(folder.root)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    too_many = [name for name in loaded if any(name == no or name.startswith(f"{no}.") for no in NOT_IN_THE_SERVICE)]
    assert too_many == []
    # Another library, however small, is a decision: say here what it is worth.
    assert len(loaded) < 560


def _in_a_fresh_interpreter(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "import sys\nfrom agent.on_demand import leave_for_later\n" + textwrap.dedent(code)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_was_left_for_later_is_there_as_soon_as_it_is_asked_for() -> None:
    said = _in_a_fresh_interpreter(
        """
        leave_for_later(proxy_may_be_set=False)
        import urllib.request
        from importlib.metadata import entry_points
        import inspect
        inspect.getmodule(leave_for_later)
        print("email" in sys.modules, "http.client" in sys.modules)
        print(urllib.request.getproxies()["https"], len(entry_points(group="console_scripts")) > 0)
        import urllib.request as again, importlib.metadata
        print(again is sys.modules["urllib.request"], importlib.metadata.version("pydantic")[:2])
        """,
        https_proxy="http://proxy.example:3128",
    )
    assert said.splitlines() == ["False False", "http://proxy.example:3128 True", "True 2."]


def test_where_a_proxy_is_set_websockets_finds_it() -> None:
    said = _in_a_fresh_interpreter(
        """
        leave_for_later(proxy_may_be_set=True)
        from websockets.proxy import get_proxy
        from websockets.uri import parse_uri
        import websockets.asyncio.client
        print(get_proxy(parse_uri("wss://help.example/link")), sys.modules.get("python_socks", 0) is not None)
        """,
        https_proxy="http://proxy.example:3128",
        no_proxy="",
    )
    assert said == "http://proxy.example:3128 True"


@pytest.mark.parametrize(
    ("environment", "platform", "may"),
    [
        ({}, "linux", False),
        ({"HTTPS_PROXY": "http://p"}, "linux", True),
        ({"all_proxy": "socks5://p"}, "linux", True),
        ({"https_proxy": ""}, "linux", False),
        ({"PROXY": "http://p"}, "linux", False),
        ({}, "win32", True),
        ({}, "darwin", True),
    ],
)
def test_proxies_are_asked_for_only_where_there_can_be_one(
    environment: dict[str, str], platform: str, may: bool
) -> None:
    assert proxy_may_be_set(environment, platform) is may


SMAPS = """\
55d0a0000000-55d0a0001000 r-xp 00000000 fe:00 11                         /usr/bin/python3.11
Anonymous:             0 kB
7f0000000000-7f0000100000 r-xp 00028000 fe:00 1234                       /usr/lib/a folder/libcrypto.so.3
Size:               1024 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
7f0000100000-7f0000110000 r--p 00128000 fe:00 1234                       /usr/lib/libcrypto.so.3
Anonymous:            64 kB
7f0000110000-7f0000120000 rw-p 00138000 fe:00 1234                       /usr/lib/libcrypto.so.3
Anonymous:             0 kB
7f0000120000-7f0000130000 r--s 00000000 fe:00 99                         /home/anna/.cache/font
Anonymous:             0 kB
7f0000130000-7f0000140000 r-xp 00000000 00:00 0                          [vdso]
Anonymous:             0 kB
7f0000140000-7f0000150000 r--p 00000000 00:00 0
Anonymous:             0 kB
"""


def test_only_pages_that_are_a_files_own_are_let_go_of() -> None:
    """A relocated table is ours alone, though nobody may write it any more: it would be lost."""
    assert list(unchanged_file_ranges(SMAPS.splitlines(keepends=True))) == [
        (0x55D0A0000000, 0x55D0A0001000),
        (0x7F0000000000, 0x7F0000100000),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no madvise of this kind")
def test_a_process_goes_on_after_its_code_was_let_go_of() -> None:
    assert give_back_unused_code() > 1_000_000
    assert sum(range(1000)) == 499_500
    assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, check=True).stdout == b"1\n"


def test_only_what_stays_too_large_is_started_anew() -> None:
    sizes = [LIMIT_BYTES + 1, LIMIT_BYTES + 1, LIMIT_BYTES, *[LIMIT_BYTES + 1] * 4]
    begun: list[int] = []
    log = MemoryLog()
    small = StayingSmall(lambda: begun.append(len(sizes)), log=log, resident=lambda: sizes.pop(0))
    while sizes:
        small.look()
    assert begun == [1]  # at the third in a row, and once


def test_the_limit_is_the_one_that_the_owner_is_told_of() -> None:
    assert LIMIT_BYTES == agent_self.RSS_MAX_BYTES


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be taken over there")
async def test_a_service_that_is_too_large_takes_its_own_process_over(folder: StateFolder) -> None:
    """For real, with a limit that nothing fits under: the same process, the program anew, its socket answers again."""
    code = (
        "import sys; from agent import staying_small as s; s.LIMIT_BYTES, s.EVERY_S = 1, 0.5; "
        "from agent.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    log = folder.log
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "run", "--state", str(folder.root), start_new_session=True
    )
    try:
        async with asyncio.timeout(60):
            while not log.exists() or log.read_text("utf-8").count('"service-started"') < 2:
                assert process.returncode is None
                await asyncio.sleep(0.05)
            status = None
            while status is None:
                status = await asyncio.to_thread(_status, folder.root)
        assert status["pid"] == process.pid
        assert '"too-large"' in log.read_text("utf-8")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _status(root: Path) -> dict[str, object] | None:
    try:
        found: dict[str, object] = call(root, "status")["process"]
    except (ServiceAbsent, OSError):
        time.sleep(0.02)
        return None
    return found
