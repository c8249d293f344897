"""Run a program so that it ends with whoever started it: `python leash.py PARENT PROGRAM ARGUMENTS…`.

Linux only: the kernel sends SIGTERM when the parent dies, however it dies. Elsewhere programs are started without it,
and a demo that was killed hard leaves them behind. Standard library only: this runs before the program, in its place.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        if os.getppid() != int(parent):
            sys.exit(1)  # the parent died between the fork and the line above
    os.execv(program, [program, *arguments])  # noqa: S606 - in place of this process, on purpose


if __name__ == "__main__":
    main()
