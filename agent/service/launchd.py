"""launchd property lists: the service, and the helper in each person's session. Written from launchd.plist(5), proven
on no Mac yet.

The helper is what brings a question to the screen: a daemon of root cannot open a window
(agent/consent/desktop_helper.py).
"""

import plistlib
from pathlib import Path

from agent.paths import Mode

LABEL = "org.bellpull.agent"
HELPER_LABEL = "org.bellpull.helper"


def property_list(*, program: Path, state: Path, mode: Mode) -> bytes:
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": [str(program), "run", "--state", str(state), "--mode", mode.value],
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 20,
            "ProcessType": "Background",
            "Umask": 0o077,
        }
    )


def helper_property_list(*, program: Path, state: Path) -> bytes:
    """/Library/LaunchAgents/org.bellpull.helper.plist: started in each session that has a screen, and kept there."""
    return plistlib.dumps(
        {
            "Label": HELPER_LABEL,
            "ProgramArguments": [str(program), "--child", "agent.consent.desktop_helper", "--state", str(state)],
            "LimitLoadToSessionType": "Aqua",
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 20,
            "ProcessType": "Interactive",
            "Umask": 0o077,
        }
    )


def where(mode: Mode) -> str:
    folder = "/Library/LaunchDaemons" if mode is Mode.MACHINE else "~/Library/LaunchAgents"
    return f"{folder}/{LABEL}.plist"


def how(mode: Mode) -> str:
    domain = "system" if mode is Mode.MACHINE else "gui/$(id -u)"
    return f"launchctl bootstrap {domain} {where(mode)}"
