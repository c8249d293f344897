"""A booted Debian for each file of this folder, with the agent of these sources as its service. `make soak` runs them:
the first run fetches a Debian (minutes), each boot takes seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.paths import Mode
from agent.service import systemd
from tests.booted import Booted, booted, debian_base, our_sources, programs

STATE = Path("/var/lib/bellpull")


@pytest.fixture(scope="session")
def base() -> Path:
    return debian_base()


@pytest.fixture(scope="module")
def alone(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """With a network of its own that holds nothing; `diagnostics` and `bellpull-agent` are commands of it."""
    with booted(base, tmp_path_factory.mktemp("booted") / "machine", alone=True, binds=our_sources()) as debian:
        programs(debian)
        yield debian


def install_service(debian: Booted) -> None:
    """The unit of machine mode, as the package brings it, with the program of these sources."""
    text = systemd.unit(program=Path("/usr/local/bin/bellpull-agent"), state=STATE, mode=Mode.MACHINE)
    debian.unit("bellpull-agent.service", text)
    debian.run("systemctl", "enable", "--now", "bellpull-agent")
    answers(debian)


def answers(debian: Booted) -> None:
    debian.until(lambda: debian.run("bellpull-agent", "status", "--json", ok=False).stdout.count('"enrolled"'))
