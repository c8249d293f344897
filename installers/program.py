"""Where the packaged agent starts: the same `main` as in a checkout, after undoing one thing of the packager.

The boot loader puts its own library folder into LD_LIBRARY_PATH. Our own libraries are loaded by then or found beside
the one that needs them, and a program of the system (a browser, systemctl) must not be given ours.
"""

import os
import sys

before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if before is None:
    os.environ.pop("LD_LIBRARY_PATH", None)
else:
    os.environ["LD_LIBRARY_PATH"] = before

from agent.cli import main  # noqa: E402 - the environment first

sys.exit(main())
