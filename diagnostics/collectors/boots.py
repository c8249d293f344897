"""When the machine started, and whether it had been shut down before: /var/log/wtmp, and what dying kernels saved.

wtmp is a row of fixed records (utmp(5)): a boot record after another boot record without a shutdown between them
means that the power went, or the kernel died. On 64-bit Linux a record has 384 bytes, times in 32 bits:

    0 type(2) pad(2) pid(4) line(32) id(4) user(32) host(256) exit(4) session(4) seconds(4) microseconds(4) …
"""

from __future__ import annotations

import struct

from diagnostics.collectors.contract import ALL_PLATFORMS, Collector, Cost
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.plain_text import printable
from diagnostics.system_observations import Boot, Boots

WTMP = "/var/log/wtmp"
RECORD_BYTES = 384
BOOTS_MAX = 100
_RUN_LEVEL, _BOOT_TIME = 1, 2
_HEAD = struct.Struct("<hxxi32s4s32s256s4xi2i")
PSTORE_FOLDERS = ("/sys/fs/pstore", "/var/lib/systemd/pstore")


def parse_wtmp(content: bytes) -> tuple[Boot, ...]:
    """Oldest first, the newest BOOTS_MAX. Raises Unreadable on a file of another form."""
    if len(content) % RECORD_BYTES:
        raise Unreadable(f"{WTMP} has records of another size than {RECORD_BYTES} bytes")
    boots: list[Boot] = []
    shut_down = False
    for start in range(0, len(content), RECORD_BYTES):
        kind, _, _, _, user, _, _, seconds, _ = _HEAD.unpack_from(content, start)
        name = user.split(b"\0", 1)[0]
        if kind == _RUN_LEVEL and name == b"shutdown":
            shut_down = True
        elif kind == _BOOT_TIME:
            boots.append(Boot(seconds & 0xFFFFFFFF, shut_down if boots or shut_down else None))
            shut_down = False
    return tuple(boots[-BOOTS_MAX:])


def collect_boots(machine: Machine) -> Boots:
    if machine.platform is Platform.WINDOWS:
        from diagnostics.collectors.windows.starts import read_boots

        return read_boots(machine)
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.boots import collect_boots as on_macos

        return on_macos(machine)
    panics = []
    for folder in PSTORE_FOLDERS:
        try:
            panics += [printable(entry.name, 100) for entry in machine.list_folder(folder)]
        except Unreadable:
            continue  # no such store on this machine, or for administrators only
    boots = parse_wtmp(machine.read_file(WTMP))
    if not boots:
        raise Unreadable(f"{WTMP} knows of no start of this machine (a container, or just rotated)")
    return Boots(boots, tuple(sorted(panics)))


BOOTS = Collector(id="boots", collect=collect_boots, may_contain=frozenset(), cost=Cost.CHEAP, platforms=ALL_PLATFORMS)
