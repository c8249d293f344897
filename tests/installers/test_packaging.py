"""What the packages are made of, without the minutes of a real build: pages, completion, scripts, locks, the layout.

The package here is a real one around a stand-in program; the real program is in test_frozen_agent.py and
test_debian_root.py, which `make soak` runs.
"""

import gzip
import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.cli.command import parser_for
from agent.cli.main import COMMANDS
from installers.build_agent import ROOT, Row, measure, table
from installers.deb import build as deb
from installers.man_page import bash_completion, man_page

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb: apt-get install dpkg")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def test_the_manual_page_tells_every_command_and_option() -> None:
    page = man_page("0.1.0", "2026-11-21")
    for name, (module, _) in COMMANDS.items():
        assert f".SS {name.replace('-', chr(92) + '-')}\n" in page
        for action in parser_for(importlib.import_module(module).COMMAND)._actions:
            if action.option_strings and action.help != "==SUPPRESS==" and "--help" not in action.option_strings:
                assert action.option_strings[-1].replace("-", "\\-") in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff: apt-get install groff-base")
def test_groff_has_nothing_to_complain_about() -> None:
    argv = ["groff", "-man", "-Tutf8", "-K", "utf8", "-ww"]
    done = subprocess.run(
        argv, input=man_page("0.1.0", "2026-11-21").encode(), capture_output=True, check=True, timeout=60
    )
    assert done.stderr == b""
    assert "bellpull-agent leave --keep-receipts" in re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout.decode())


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["le"], {"leave"}),
        (["leave", "--keep"], {"--keep-receipts"}),
        (["receipts", "ver"], {"verify"}),
        (["check", "--j"], {"--json"}),
        (["nonsense", "--j"], set()),
    ],
)
def test_completion_in_a_real_shell(typed: list[str], offered: set[str], tmp_path: Path) -> None:
    (tmp_path / "completion").write_text(bash_completion())
    words = " ".join(["bellpull-agent", *typed])
    script = f'. ./completion; COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _bellpull_agent; echo "${{COMPREPLY[*]}}"'
    done = subprocess.run(["bash", "-uc", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offered


@pytest.mark.parametrize("script", sorted(deb.SCRIPTS.iterdir()), ids=lambda path: path.name)
def test_maintainer_scripts_are_shell_that_stops_at_an_error(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True)
    assert "\nset -e\n" in script.read_text()


def test_the_build_lock_adds_the_packager_and_changes_nothing() -> None:
    """One version of each dependency: the agent is built from what it is tested with. No index is named."""
    text = (ROOT / "requirements-build.lock").read_text()
    base, building = (
        dict(PIN.findall((ROOT / name).read_text())) for name in ("requirements.lock", "requirements-build.lock")
    )
    assert base.items() <= building.items()
    assert {"pyinstaller", "hatchling"} <= building.keys() - base.keys()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z])", text))


def test_every_data_file_of_the_agent_is_named_in_the_spec() -> None:
    """A template that is forgotten is found here, not at a customer's."""
    spec = (ROOT / "installers" / "agent.spec").read_text()
    for room in ("agent", "diagnostics", "protocol", "web"):
        for path in (ROOT / room).rglob("*"):
            known = path.suffix in {".py", ".pyc", ".typed", ".md"} or path.is_dir()
            if known or path.is_relative_to(ROOT / "web" / "static"):
                continue
            folder = path.relative_to(ROOT).parent
            named = [str(parent) for parent in (folder, *folder.parents) if f'folder("{parent}")' in spec]
            assert named or f'"{path.relative_to(ROOT)}"' in spec, f"{path} would not be packed"
    assert '"web" / "static"' in spec


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A built agent that is a script, with one data file that the umask of the builder left unreadable."""
    built = tmp_path / "built"
    (built / "_internal").mkdir(parents=True)
    (built / "licences" / "python").mkdir(parents=True)
    (built / "licences" / "python" / "LICENSE.txt").write_text("PSF")
    (built / "bellpull-agent").write_text("#!/bin/sh\necho bellpull-agent stand-in\n")
    (built / "bellpull-agent").chmod(0o700)
    (built / "_internal" / "data").write_text("data")
    (built / "_internal" / "data").chmod(0o600)
    return built


@needs_dpkg
def test_the_package_lays_everything_where_debian_has_it(stand_in: Path, tmp_path: Path) -> None:
    package = deb.build(stand_in, tmp_path / "out", "0.1.0")
    listed = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    found = {line.split()[5]: tuple(line.split()[:2]) for line in listed.splitlines()}
    for name, mode in {
        "./usr/bin/bellpull-agent": "lrwxrwxrwx",
        "./usr/lib/bellpull-agent/bellpull-agent": "-rwxr-xr-x",
        "./usr/lib/bellpull-agent/_internal/data": "-rw-r--r--",
        "./usr/lib/systemd/system/bellpull-agent.service": "-rw-r--r--",
        "./usr/share/bash-completion/completions/bellpull-agent": "-rw-r--r--",
        "./usr/share/man/man1/bellpull-agent.1.gz": "-rw-r--r--",
        "./usr/share/doc/bellpull-agent/licences/python/LICENSE.txt": "-rw-r--r--",
    }.items():
        assert found[name] == (mode, "root/root"), name
    # No configuration in an installer: nothing below /etc or /var.
    assert not [name for name in found if name.startswith(("./etc", "./var"))]

    subprocess.run(["dpkg-deb", "-x", package, tmp_path / "tree"], check=True)
    assert (tmp_path / "tree/usr/bin/bellpull-agent").resolve().is_file()
    unit = (tmp_path / "tree/usr/lib/systemd/system/bellpull-agent.service").read_text()
    assert 'ExecStart="/usr/lib/bellpull-agent/bellpull-agent" run --state "/var/lib/bellpull" --mode machine' in unit
    page = gzip.decompress((tmp_path / "tree/usr/share/man/man1/bellpull-agent.1.gz").read_bytes())
    assert page.startswith(b".TH BELLPULL-AGENT 1")


@needs_dpkg
def test_the_same_build_gives_the_same_package(stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    one, two = (deb.build(stand_in, tmp_path / name, "0.1.0").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump: apt-get install binutils")
def test_a_library_that_is_not_packed_is_noticed(stand_in: Path) -> None:
    shutil.copy(shutil.which("objdump") or "", stand_in / "_internal" / "tool")
    with pytest.raises(SystemExit, match="which the package does not hold"):
        deb.libc_version(stand_in)


def test_the_table_says_what_is_over(stand_in: Path) -> None:
    assert [row.what for row in measure(stand_in)][:2] == ["unpacked", "compressed (xz)"]
    assert table([Row("unpacked", 61.0, 60.0, "MB")]).endswith("over")
    assert not table([Row("unpacked", 59.0, 60.0, "MB")]).endswith("over")
