"""The Containerfile and the page, as far as they can be read without an engine and a booted machine."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

from installers.linux_layout import ROOT

CONTAINERFILE = ROOT / "installers" / "server" / "Containerfile"
PAGE = ROOT / "docs" / "run-on-debian.md"


def test_the_container_takes_our_versions_of_all_that_the_server_needs(tmp_path: Path) -> None:
    """The sed of the Containerfile on the real lock: each dependency has exactly one version."""
    found = re.search(r"&& (sed -n .*) requirements-dev\.lock >/versions", CONTAINERFILE.read_text())
    assert found is not None
    argv = [*shlex.split(found.group(1)), str(ROOT / "requirements-dev.lock")]
    pins = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    versions = dict(pin.split("==") for pin in pins)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wanted in [*project["dependencies"], *project["optional-dependencies"]["server"]]:
        name = re.split(r"[\[<>=!;, ]", wanted, maxsplit=1)[0]
        assert re.sub(r"[-_.]+", "-", name.lower()) in versions, name
    assert len(versions) == len(pins)


def test_it_runs_as_nobody_in_particular_and_stops_as_systemd_stops_it() -> None:
    lines = CONTAINERFILE.read_text().splitlines()
    last = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER 10001" in last
    assert "STOPSIGNAL SIGTERM" in last
    assert 'CMD ["run", "--data", "/data", "--listen", "0.0.0.0:8443"]' in last


def test_the_commands_of_the_page_are_shell() -> None:
    blocks = re.findall(r"^```sh ?[a-z ]*\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 8
    for block in blocks:
        subprocess.run(["sh", "-n"], input=block, text=True, check=True)
