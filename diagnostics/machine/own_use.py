"""What only the running agent can tell about itself, handed to the machine that measures the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

# The agent's own folder holds a database and a few bundles; more entries than this is a defect to be seen.
_ENTRIES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class AgentState:
    """Handed to `local_machine` by the agent's check worker. None: not known, and then not judged."""

    pid: int
    data_folder: str | None = None
    queued_items: int | None = None
    oldest_queued_s: int | None = None
    last_upload_unix_s: int | None = None
    knowledge_age_s: int | None = None
    # `host:port` of the servers this agent talks to anyway, and the owner's own address that answers HTTP 204.
    servers: tuple[str, ...] = ()
    portal_probe: str | None = None


def folder_bytes(folder: str | None) -> int | None:
    """Space taken below the agent's own folder, without following links; None when there is no folder."""
    if folder is None:
        return None
    total, seen, waiting = 0, 0, [folder]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except OSError:
            continue  # gone or not ours: it is not counted
        with entries:
            for entry in entries:
                seen += 1
                if seen > _ENTRIES_MAX:
                    return total
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    total += getattr(status, "st_blocks", 0) * 512 or status.st_size
    return total


def servers_of(origin: str) -> tuple[str, ...]:
    """`https://desk.example.org` → `desk.example.org:443`; nothing for a server that does not speak TLS."""
    parts = urlsplit(origin)
    if parts.scheme != "https" or not parts.hostname:
        return ()
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return (f"{host}:{parts.port or 443}",)
