"""What a refusal of macOS means, in words that say what would help.

    tmutil: latestbackup requires Full Disk Access privileges.       TCC: the person must allow it in the settings
    ls: /Users/anna/Library: Operation not permitted                 TCC, in the words of the C library
    log: Must be admin to run 'show' command                         an account that may administer this Mac
    powermetrics must be invoked as the superuser                    root

TCC answers EPERM, also to root; ordinary file rights answer EACCES ("Permission denied").
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from diagnostics.machine.interface import Command, Machine, Unreadable, UnreadableKind
from diagnostics.plain_text import printable

FULL_DISK_ACCESS: Final = (
    "macOS shows this only to programs with Full Disk Access (System Settings, Privacy & Security, Full Disk Access)"
)
AS_ADMINISTRATOR: Final = "macOS shows this only to administrators"
_TCC: Final = ("requires full disk access", "operation not permitted")
_ADMINISTRATOR: Final = (
    "must be admin",
    "must be invoked as the superuser",
    "must be root",
    "must be run as root",
    "you need administrator access",
    "permission denied",
)
_SHORT_BYTES: Final = 512


def refusal(words: str) -> Unreadable | None:
    """What this complaint of a program means; None when it is about something else."""
    low = words.lower()
    if any(sign in low for sign in _TCC):
        return Unreadable(FULL_DISK_ACCESS, UnreadableKind.DENIED)
    if any(sign in low for sign in _ADMINISTRATOR):
        return Unreadable(f"{AS_ADMINISTRATOR}: {words}", UnreadableKind.DENIED)
    return None


def told(machine: Machine, command: Command, *, fine: Collection[int] = (0,)) -> bytes:
    """What the command printed. Raises Unreadable with the reason when it refused, failed or said nothing."""
    output = machine.run(command)
    complaint = printable(output.stderr.strip().split(b"\n")[0], 200)
    empty = not output.stdout.strip()
    denied = refusal(complaint) if output.exit_code != 0 or empty else None
    if denied is None and len(output.stdout) < _SHORT_BYTES:
        denied = refusal(printable(output.stdout.strip().split(b"\n")[0], 200))  # systemsetup complains there
    if denied is not None:
        raise denied
    if output.exit_code not in fine:
        raise Unreadable(complaint or f"{command.argv[0]} ended with code {output.exit_code}")
    return output.stdout
