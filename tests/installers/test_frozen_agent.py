"""The packaged agent does the whole job: every child process, every template, with no Python of the machine's."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.children import CHILDREN
from agent.cli.main import COMMANDS
from diagnostics.checks.catalogue import CATALOGUE
from installers.build_agent import COMPRESSED_MAX_BYTES, UNPACKED_MAX_BYTES, measure

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(900),  # the build takes a minute on a free machine
    pytest.mark.skipif(sys.platform != "linux", reason="built and proven on Linux only"),
]
#: No PATH to a Python, no variable that helps one: what a service has.
BARE = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}


def agent(built: Path, *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [built / "bellpull-agent", *arguments], env=BARE, capture_output=True, text=True, timeout=120, **more
    )


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Path]:
    """Short enough for a unix socket."""
    with tempfile.TemporaryDirectory(prefix="bp-") as folder:
        yield Path(folder)


def test_it_is_as_small_as_promised(built_agent: Path) -> None:
    unpacked, compressed, start = measure(built_agent)
    assert unpacked.value * 1e6 <= UNPACKED_MAX_BYTES
    assert compressed.value * 1e6 <= COMPRESSED_MAX_BYTES
    assert start.unit == "s"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_it(built_agent: Path, command: str) -> None:
    done = agent(built_agent, command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: bellpull-agent {command}" in done.stdout


@pytest.mark.parametrize("module", sorted(CHILDREN))
def test_every_child_is_in_it(built_agent: Path, module: str) -> None:
    """Given nothing, each ends by itself; what must not be seen is that it, or something it needs, is missing."""
    done = agent(built_agent, "--child", module, stdin=subprocess.DEVNULL)
    assert "ModuleNotFoundError" not in done.stderr
    assert "No module named" not in done.stderr


@pytest.mark.parametrize("module", ["os", "agent.cli.main", "agent.session", "http.server", ""])
def test_no_other_module_is_started(built_agent: Path, module: str) -> None:
    done = agent(built_agent, "--child", module)
    assert (done.returncode, done.stdout) == (2, "")


def test_check_sees_the_machine(built_agent: Path, short: Path) -> None:
    done = agent(built_agent, "check", "--json", "--state", str(short / "none"))
    seen = json.loads(done.stdout)
    assert [check["id"] for check in seen["checks"]] == [check.id for check in CATALOGUE]
    assert [check for check in seen["checks"] if check["status"] == "failed"] == []
    assert sum(check["status"] in ("ok", "finding") for check in seen["checks"]) >= 8


def test_our_libraries_are_not_forced_on_programs_of_the_system(built_agent: Path, short: Path) -> None:
    """The boot loader sets LD_LIBRARY_PATH for itself; a browser that `page` opens must have the one of before."""
    browser = short / "browser"
    browser.write_text(
        f'#!/bin/sh\nprintf "%s" "${{LD_LIBRARY_PATH-none}}" > {short}/seen.new; mv {short}/seen.new {short}/seen\n'
    )
    browser.chmod(0o755)
    for before, after in ((None, "none"), ("/opt/theirs", "/opt/theirs")):
        (short / "seen").unlink(missing_ok=True)
        environment = BARE | {"BROWSER": str(browser)} | ({} if before is None else {"LD_LIBRARY_PATH": before})
        page = subprocess.Popen(
            [built_agent / "bellpull-agent", "page", "--state", short], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            wait_for(short / "seen", page)
        finally:
            page.terminate()
            page.wait(30)
        assert (short / "seen").read_text() == after


def test_the_customers_page_has_all_its_files(built_agent: Path, short: Path) -> None:
    service = subprocess.Popen([built_agent / "bellpull-agent", "run", "--state", short], env=BARE)
    page = None
    try:
        wait_for(short / "run" / "agent.sock", service)
        page = subprocess.Popen(
            [built_agent / "bellpull-agent", "page", "--no-browser", "--plain-host", "--json", "--state", short],
            env=BARE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert page.stdout is not None
        told = json.loads(page.stdout.readline())
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        address = next(value for value in told.values() if str(value).startswith("http"))
        with opener.open(address, timeout=30) as answer:
            body = answer.read().decode()
        assert "This computer" in body
        origin = "/".join(address.split("/")[:3])
        linked = sorted({piece.split('"')[0] for piece in body.split('="/static/')[1:]})
        assert any(name.startswith("vendor/htmx") for name in linked)
        for name in linked:
            with opener.open(f"{origin}/static/{name}", timeout=30) as answer:
                assert answer.status == 200, name
    finally:
        for process in (page, service):
            if process is not None:
                process.terminate()
                process.wait(30)


def wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    import time

    ends = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, "the service ended"
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_the_main_job_with_the_packaged_agent(built_agent: Path, short: Path) -> None:
    """`bellpull demo --once`: enrolment, checks, ticket, bundle, visit, Stop, receipt, proofs; the agent is frozen."""
    beside = Path(sys.executable).parent
    programs = short / "bin"
    programs.mkdir()
    (programs / "bellpull-agent").symlink_to(built_agent / "bellpull-agent")
    (programs / "python").write_text(f'#!/bin/sh\nexec {beside / "python"} "$@"\n')
    (programs / "python").chmod(0o755)
    for name, package in (("bellpull-server", "server"), ("bellpull", "technician")):
        script = f"#!{beside / 'python'}\nimport sys\nfrom {package}.cli import main\nsys.exit(main())\n"
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    # The demo looks for the other programs beside its own Python.
    play = (
        f"import sys; sys.executable = {str(programs / 'python')!r}; from technician.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", play, "demo", "--once", "--json", "--state", short / "demo"],
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line for line in told if not line.get("ok")] == [], done.stderr
    assert told[-1]["step"] == "done"
