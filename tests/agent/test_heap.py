"""What is freed goes back to the system, also after a large block has come and gone."""

import subprocess
import sys

import pytest

# A large block, mapped and freed, makes glibc raise its thresholds; then 24 MB come and go in the ordinary heap.
_PROGRAM = """
import sys
from agent.heap import give_back_what_is_freed

def resident_kib():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))

if sys.argv[1] == "set":
    assert give_back_what_is_freed()
bytearray(16 << 20)
before = resident_kib()
held = [b"x" * 100_000 for _ in range(240)]
assert resident_kib() > before + 20_000
del held
print(resident_kib() - before)
"""


def _kept_kib(mode: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, mode], capture_output=True, text=True, check=True, timeout=60
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no mallopt")
def test_freed_memory_goes_back_where_glibc_alone_would_keep_it() -> None:
    assert _kept_kib("leave") > 20_000
    assert _kept_kib("set") < 2_000
