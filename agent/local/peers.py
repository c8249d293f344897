"""Who is on the other end of the socket: asked of the kernel, at the moment of the connection.

Linux: SO_PEERCRED (pid, uid, gid). macOS: LOCAL_PEERCRED and LOCAL_PEERPID, written from the documentation and not
proven on a Mac yet. A process of a technician's session is one that descends from a session host: the host is a
subreaper, so a daemonised grandchild is still below it. When the kernel no longer knows the process, it counts as one
of a session: whoever cannot be looked at is not trusted with consent.
"""

import os
import socket
import struct
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from agent.local.seat import sits_here
from agent.local.verbs import Peer
from agent.refusal import Refusal

# Deeper trees of processes do not occur; a loop in /proc (pids reused while walking) ends here.
_DEPTH_MAX: Final = 128
# sys/un.h and sys/ucred.h of macOS.
_SOL_LOCAL: Final = 0
_LOCAL_PEERCRED: Final = 1
_LOCAL_PEERPID: Final = 2


def peer_of(connection: socket.socket, session_hosts: Collection[int]) -> Peer:
    pid, uid = _credentials(connection)
    return Peer(
        uid=uid,
        pid=pid,
        is_administrator=_is_administrator(uid),
        in_session=bool(session_hosts) and descends_from(pid, session_hosts),
        sits_here=sits_here(uid),
    )


def _is_administrator(uid: int) -> bool:
    if sys.platform == "win32":
        return False
    return uid in (0, os.geteuid())


def _credentials(connection: socket.socket) -> tuple[int, int]:
    if sys.platform == "linux":
        pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return pid, uid
    if sys.platform == "darwin":
        # struct xucred { u_int version; uid_t uid; short ngroups; gid_t groups[16]; }
        _version, uid = struct.unpack_from("Ii", connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 76))
        (pid,) = struct.unpack("i", connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID, 4))
        return pid, uid
    raise Refusal("the local socket is not there on this system", expected="Linux or macOS", got=sys.platform)


def descends_from(pid: int, roots: Collection[int]) -> bool:
    """Whether `pid` is one of `roots` or below one. True when it cannot be told."""
    for _ in range(_DEPTH_MAX):
        if pid in roots:
            return True
        if pid <= 1:
            return False
        parent = _parent(pid)
        if parent is None:
            return True
        pid = parent
    return True


def _parent(pid: int) -> int | None:
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        # pid (name, which may hold anything, even `) `) state ppid …
        return int(stat[stat.rindex(b")") + 2 :].split()[1])
    import psutil

    try:
        return psutil.Process(pid).ppid()
    except psutil.Error:
        return None
