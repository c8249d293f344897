"""An X server that nobody sees, for tests of windows; and whether windows can be tested here at all."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# Where the window is expected (a Linux with Xvfb and tkinter, as CI installs them), its absence is a failure there.
MISSING = [
    name
    for name, there in (
        ("Xvfb", shutil.which("Xvfb") is not None),
        ("tkinter", importlib.util.find_spec("tkinter") is not None),
    )
    if not there
]
needs_window = pytest.mark.skipif(
    bool(MISSING) and os.environ.get("CI") != "true", reason=f"not here: {', '.join(MISSING)}"
)


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """An X server of these tests alone, that nobody sees."""
    assert not MISSING, f"the window is expected here, but this is missing: {', '.join(MISSING)}"
    reading, writing = os.pipe()
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x700x24", "-nolisten", "tcp"],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    process.terminate()
    process.wait(10)
