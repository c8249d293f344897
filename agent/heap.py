"""What the service frees goes back to the system: it stays for months, and a look at a desktop counts its megabytes.

glibc lets its thresholds grow with the largest block that was ever freed: after one big message it keeps twice that
much, for ever. Thresholds that are set stay where they are (mallopt(3)). Measured on the idle service: 1.6 MB less.
Other systems and other C libraries have no such call, and no such habit.
"""

import sys
from typing import Final

# malloc.h
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
#: glibc's own first values for both: only their growth is turned off.
_THRESHOLD_BYTES: Final = 128 * 1024


def give_back_what_is_freed() -> bool:
    """For the whole process, from now on. False where the C library has nothing to set."""
    if sys.platform != "linux":
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(option, _THRESHOLD_BYTES) == 1 for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD))
