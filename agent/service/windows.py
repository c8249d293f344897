"""Command lines for a Windows service. Written from the documentation and not proven on Windows yet.

The local pipe is not built in this version, so a service there could watch and report, and nobody could ask it for
anything or answer for the customer: `supported` says no, and nothing pretends otherwise.
"""

from pathlib import Path

SERVICE_NAME = "BellpullAgent"
supported = False


def create_command(*, program: Path, state: Path) -> list[str]:
    """`sc.exe create …` as an argument list."""
    return [
        "sc.exe",
        "create",
        SERVICE_NAME,
        "start=",
        "delayed-auto",
        "DisplayName=",
        "Bellpull agent",
        "binPath=",
        f'"{program}" run --state "{state}" --mode machine',
    ]
