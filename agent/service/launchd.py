"""A launchd property list. Written from launchd.plist(5) and not proven on a Mac yet."""

import plistlib
from pathlib import Path

from agent.paths import Mode

LABEL = "org.bellpull.agent"


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


def where(mode: Mode) -> str:
    folder = "/Library/LaunchDaemons" if mode is Mode.MACHINE else "~/Library/LaunchAgents"
    return f"{folder}/{LABEL}.plist"


def how(mode: Mode) -> str:
    domain = "system" if mode is Mode.MACHINE else "gui/$(id -u)"
    return f"launchctl bootstrap {domain} {where(mode)}"
