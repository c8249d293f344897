"""What the package manager did lately, from its own log: known also on the first look, and to the second.

dpkg writes local time without a zone. The file was last written when its last line was: the distance of the two,
rounded to a quarter of an hour, is the zone. Lines from before a change of summer time may be an hour off.
"""

from __future__ import annotations

from calendar import timegm

from diagnostics.collectors.contract import LINUX_AND_MACOS, Collector, Cost, Personal
from diagnostics.machine.interface import Machine, Platform, Unreadable
from diagnostics.observations import PackageAction, PackageLog
from diagnostics.plain_text import printable

PATH = "/var/log/dpkg.log"
TAIL_BYTES = 512 * 1024
ACTIONS_MAX = 2_000
_QUARTER_S = 900
_VERBS = frozenset({"install", "upgrade", "remove", "purge"})


def parse_dpkg_log(content: bytes, *, modified_unix_s: int) -> tuple[PackageAction, ...]:
    """dpkg(1) --log; `install` has no version before, `remove` none after (`<none>`).

    2026-11-20 10:15:02 upgrade libc6:amd64 2.36-9+deb12u12 2.36-9+deb12u13
    2026-11-20 10:15:02 status half-configured libc6:amd64 2.36-9+deb12u12
    2026-11-20 10:15:09 install htop:amd64 <none> 3.2.2-2
    """
    lines = []
    last_local_s = None
    for line in content.decode("utf-8", "replace").splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        try:
            date, clock = fields[0].split("-"), fields[1].split(":")
            year, month, day, hour, minute, second = (int(part) for part in date + clock)
            local_s = timegm((year, month, day, hour, minute, second))
        except ValueError:
            continue
        last_local_s = local_s
        if len(fields) == 6 and fields[2] in _VERBS:
            lines.append((local_s, fields))
    if last_local_s is None:
        return ()
    zone_s = round((last_local_s - modified_unix_s) / _QUARTER_S) * _QUARTER_S

    def version(text: str) -> str:
        return "" if text == "<none>" else printable(text, 100)

    return tuple(
        PackageAction(
            local_s - zone_s,
            fields[2],
            printable(fields[3].partition(":")[0], 200),
            version(fields[4]),
            version(fields[5]),
        )
        for local_s, fields in lines[-ACTIONS_MAX:]
    )


def collect_package_log(machine: Machine) -> PackageLog:
    if machine.platform is Platform.MACOS:
        from diagnostics.collectors.macos.packages import collect_package_log as on_macos

        return on_macos(machine)
    tail = machine.read_tail(PATH, max_bytes=TAIL_BYTES)
    for entry in machine.list_folder("/var/log"):
        if entry.name == "dpkg.log":
            return PackageLog(parse_dpkg_log(tail.content, modified_unix_s=entry.modified_unix_s))
    raise Unreadable(f"{PATH} vanished while it was read")


PACKAGE_LOG = Collector(
    id="package-log",
    collect=collect_package_log,
    may_contain=frozenset({Personal.INSTALLED_SOFTWARE}),
    cost=Cost.CHEAP,
    platforms=LINUX_AND_MACOS,
)
