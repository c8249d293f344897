"""The real packaged agent, built once for the long tests of this folder. `make soak` has the minutes for it."""

import shutil
from pathlib import Path

import pytest

from installers.build_agent import build


@pytest.fixture(scope="session")
def built_agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built now from the sources as they are: what lies in dist/ may be of yesterday."""
    if shutil.which("objdump") is None:
        pytest.skip("PyInstaller needs objdump: apt-get install binutils")
    target = tmp_path_factory.mktemp("frozen") / "bellpull-agent"
    build(target)
    return target
