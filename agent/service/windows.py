"""How the Windows service is made known to the system: names and command lines. Pure; proven by no Windows yet.

The service itself: windows_service.py. The local pipe is not built in this version, so a service there watches, reports
and keeps the line, and nobody can ask it for anything or answer for the customer: who may come in is for the owner's
signed policy alone, and `bellpull-agent service` says so.
"""

from pathlib import Path, PureWindowsPath
from typing import Final

SERVICE_NAME: Final = "BellpullAgent"
DISPLAY_NAME: Final = "Bellpull agent"
DESCRIPTION: Final = "You pull the bell; help comes; you hold the door."
#: %ProgramData%, where a machine's own data lies.
STATE: Final = PureWindowsPath("C:/ProgramData/bellpull")
#: An administrator, or what installs many machines, lays the signed token there; the next start takes it up.
DROPPED_FILE: Final = "enrolment-token"
supported = False


def image_path(*, program: Path | PureWindowsPath, state: Path | PureWindowsPath) -> str:
    """What the service control manager starts. Raises ValueError for a path that would end the quotes."""
    for path in (program, state):
        if '"' in str(path):
            raise ValueError(f"no path of Windows holds a quotation mark: {path}")
    return f'"{program}" --child agent.service.windows_service --state "{state}"'


def close_command(state: Path | PureWindowsPath) -> list[str]:
    """The state folder for SYSTEM (S-1-5-18) and administrators (S-1-5-32-544): %ProgramData% lets everybody read."""
    everything = "(OI)(CI)F"
    grants = [f"*S-1-5-18:{everything}", f"*S-1-5-32-544:{everything}"]
    return [r"C:\Windows\System32\icacls.exe", str(state), "/inheritance:r", "/grant:r", *grants]


def create_commands(*, program: Path | PureWindowsPath, state: Path | PureWindowsPath) -> list[list[str]]:
    """`sc.exe …` as argument lists: made, described, and started again after a failure, also one it tells itself."""
    create = ["sc.exe", "create", SERVICE_NAME, "start=", "delayed-auto", "DisplayName=", DISPLAY_NAME]
    return [
        [*create, "binPath=", image_path(program=program, state=state)],
        ["sc.exe", "description", SERVICE_NAME, DESCRIPTION],
        # As systemd does it: at most three starts, 20 s apart, counted anew after ten minutes.
        ["sc.exe", "failure", SERVICE_NAME, "reset=", "600", "actions=", "restart/20000/restart/20000/restart/20000"],
        ["sc.exe", "failureflag", SERVICE_NAME, "1"],
    ]
