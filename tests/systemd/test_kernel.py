"""A real kernel kills a process for want of memory; the check reads it from the kernel's ring. Nothing is booted."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.soak
LIMIT_BYTES = 32 * 1024 * 1024


@pytest.fixture
def narrow_group() -> Iterator[Path]:
    """A control group that gives little memory and no swap, of whichever kind this machine has."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a control group needs root on Linux")
    old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    is_old = (old / "memory.limit_in_bytes").exists()
    if not is_old and "memory" not in (new / "cgroup.subtree_control").read_text():
        pytest.skip("NOT PROVEN HERE: this machine's control groups do not limit memory")
    group = (old if is_old else new) / f"bellpull-test-{os.getpid()}"
    group.mkdir()
    (group / ("memory.limit_in_bytes" if is_old else "memory.max")).write_text(str(LIMIT_BYTES))
    yield group
    group.rmdir()


@pytest.mark.skipif(shutil.which("tail") is None, reason="tail: apt-get install coreutils")
def test_a_process_that_the_kernel_killed_for_memory_is_told(narrow_group: Path, tmp_path: Path) -> None:
    # Its own name, so that no other tail's end is meant.
    hungry = tmp_path / f"hungry{os.getpid() % 10**7}"
    shutil.copy(shutil.which("tail") or "", hungry)
    script = f'echo $$ > {narrow_group}/cgroup.procs && exec "{hungry}" /dev/zero'
    killed = subprocess.run(["sh", "-c", script], capture_output=True, check=False, timeout=60)
    assert killed.returncode == -9
    argv = [sys.executable, "-m", "diagnostics", "check", "--only", "kernel-events", "--json"]
    told = json.loads(subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60).stdout)
    found = {finding["fingerprint"]: finding["facts"] for finding in told["findings"]}
    assert found[f"out-of-memory|process:{hungry.name}"]["name"] == hungry.name
