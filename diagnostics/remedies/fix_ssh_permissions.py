"""``fix-ssh-permissions`` (risk 2, reversible): ssh refuses keys that others may read; their rights are narrowed.

The folder itself 0700, private keys and settings without any right for others; public keys and known_hosts at most
readable. Rights are only taken away, never given.
"""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.machine.interface import EntryKind
from diagnostics.remedies.remedy import Means
from diagnostics.remedies.set_mode import SetMode, by_mode
from diagnostics.wording import Words

FOLDER = "home"
_PLACE = ".ssh"
_PUBLIC = (".pub", "known_hosts", "known_hosts.old")


def wanted(path: str, mode: int) -> int:
    if path == _PLACE:
        return mode & 0o700
    return mode & (0o644 if path.endswith(_PUBLIC) else 0o600)


def _find(means: Means, root: str) -> Sequence[str]:
    # Of the whole home only this folder is looked at: it is a root of its own.
    inside = means.changes.list_tree(means.folder("ssh"), max_entries=500)
    files = [f"{_PLACE}/{path}" for path, entry in inside if "/" not in path and entry.kind is EntryKind.FILE]
    return [_PLACE, *files]


REMEDY = by_mode(
    "fix-ssh-permissions",
    SetMode(FOLDER, _find, wanted),
    Words(
        "Correct the rights of SSH keys",
        "Keys that other users may read are refused. The rights of your SSH folder are narrowed to you alone.",
    ),
    Words(
        "Исправить права на ключи SSH",
        "Ключи, доступные другим пользователям, не принимаются. Права на вашу папку SSH останутся только у вас.",
    ),
    cures=(),
)
