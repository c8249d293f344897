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
from installers import linux_layout
from installers.build_agent import ROOT, Row, measure, table
from installers.deb import build as deb
from installers.man_page import bash_completion, fish_completion, man_page, zsh_completion
from installers.rpm import build as rpm

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


OTHER_SHELLS = {"zsh": zsh_completion, "fish": fish_completion}


@pytest.mark.parametrize("shell", OTHER_SHELLS)
def test_the_other_shells_complete_the_same(shell: str, tmp_path: Path) -> None:
    """Their own parsers read it, and their own machinery answers."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell}: apt-get install {shell}")
    (tmp_path / "_bellpull-agent").write_text(OTHER_SHELLS[shell]())
    if shell == "fish":
        asked = "source _bellpull-agent; complete -C 'bellpull-agent le'; complete -C 'bellpull-agent leave --keep'"
        argv = ["fish", "--no-config", "-c", asked]
    else:
        # What _describe was given, after the file was loaded as compinit loads it.
        asked = (
            "fpath=($PWD); autoload -Uz _bellpull-agent; "
            "_describe() { print -l -- ${(P)${@[-1]}} | grep -E '^(leave|--keep)'; }; "
            "words=(bellpull-agent le) CURRENT=2; _bellpull-agent; "
            "words=(bellpull-agent leave --keep) CURRENT=3; _bellpull-agent"
        )
        argv = ["zsh", "-f", "-c", asked]
    done = subprocess.run(
        argv, cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    found = {re.split(r"[\t:]", line)[0] for line in done.stdout.splitlines()}
    assert found == {"leave", "--keep-receipts"}
    assert "keep receipts" in done.stdout, "with what --help says of it"


@pytest.mark.parametrize("script", sorted(rpm.SCRIPTS.iterdir()), ids=lambda path: path.name)
def test_scriptlets_are_shell_and_end_well(script: Path) -> None:
    """rpm goes on after a scriptlet that failed, half done: so none lets a command's failure be its own."""
    subprocess.run(["sh", "-n", script], check=True)
    for line in script.read_text().splitlines():
        if re.match(r"\s+systemctl", line):
            assert line.endswith("|| :"), line


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
        "./usr/share/zsh/vendor-completions/_bellpull-agent": "-rw-r--r--",
        "./usr/share/fish/vendor_completions.d/bellpull-agent.fish": "-rw-r--r--",
        "./usr/share/man/man1/bellpull-agent.1.gz": "-rw-r--r--",
        "./usr/share/doc/bellpull-agent/licences/python/LICENSE.txt": "-rw-r--r--",
    }.items():
        assert found[name] == (mode, "root/root"), name
    # No configuration in an installer: nothing below /var, and below /etc only what starts the helper.
    files = [name for name in found if not name.endswith("/") and name.startswith(("./etc", "./var"))]
    assert files == ["./etc/xdg/autostart/bellpull-helper.desktop"]
    control = subprocess.run(["dpkg-deb", "-I", package, "conffiles"], capture_output=True, text=True, check=True)
    assert control.stdout == "/etc/xdg/autostart/bellpull-helper.desktop\n"

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


@pytest.mark.skipif(
    shutil.which("rpmbuild") is None or shutil.which("dpkg-deb") is None, reason="rpmbuild: apt-get install rpm"
)
def test_the_rpm_holds_what_the_deb_holds(stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    package = rpm.build(stand_in, tmp_path / "out", "0.1.0")
    # %{FILEFLAGS}: 1 is a configuration file, 16 one that is kept as it was changed.
    asked = "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME} %{FILEFLAGS}\n]"
    told = subprocess.run(["rpm", "-qp", "--qf", asked, package], capture_output=True, text=True, check=True).stdout
    rows = {line.split()[0]: line.split()[1:] for line in told.splitlines()}
    assert {owner for _, owner, _ in rows.values()} == {"root"}
    assert [name for name, (_, _, flags) in rows.items() if int(flags) & 1] == [
        "/etc/xdg/autostart/bellpull-helper.desktop"
    ]
    assert int(rows["/etc/xdg/autostart/bellpull-helper.desktop"][2]) & 16

    listed = subprocess.run(
        ["dpkg-deb", "-c", deb.build(stand_in, tmp_path, "0.1.0")], capture_output=True, text=True, check=True
    ).stdout
    in_deb = {line.split()[5].lstrip("."): line.split()[0] for line in listed.splitlines() if line[0] != "d"}
    own = {"/usr/share/doc/bellpull-agent/changelog.gz"}
    at_home = {"/usr/share/zsh/vendor-completions/_bellpull-agent": f"{rpm.ZSH}/_bellpull-agent"}
    expected = {at_home.get(name, name): mode for name, mode in in_deb.items() if name not in own}
    assert {name: mode for name, (mode, _, _) in rows.items() if mode[0] != "d"} == expected
    # Folders that are ours alone go with an erase; those of the system are not ours.
    folders = {name for name, (mode, _, _) in rows.items() if mode[0] == "d"}
    assert "/usr/lib/bellpull-agent/_internal" in folders
    assert all("bellpull-agent" in name for name in folders)

    again = rpm.build(stand_in, tmp_path / "again", "0.1.0")
    assert again.read_bytes() == package.read_bytes(), "the same build gives the same package"


@pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump: apt-get install binutils")
def test_a_library_that_is_not_packed_is_noticed(stand_in: Path) -> None:
    shutil.copy(shutil.which("objdump") or "", stand_in / "_internal" / "tool")
    with pytest.raises(SystemExit, match="which the package does not hold"):
        linux_layout.libc_version(stand_in)


def test_the_table_says_what_is_over(stand_in: Path) -> None:
    assert [row.what for row in measure(stand_in)][:2] == ["unpacked", "compressed (xz)"]
    assert table([Row("unpacked", 61.0, 60.0, "MB")]).endswith("over")
    assert not table([Row("unpacked", 59.0, 60.0, "MB")]).endswith("over")
