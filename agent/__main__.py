"""`python -m agent …` is `bellpull-agent …`."""

import sys

from agent.cli.main import main

sys.exit(main())
