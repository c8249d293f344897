"""What this program allows itself to read and to change, whoever asks.

A closed list, checked before a path is opened and again after every symbolic link on the way. It is short on
purpose: a compromised session or a bug in a collector still cannot read a home folder, a key or /etc/shadow.
"""

from __future__ import annotations

import re
from collections.abc import Collection

# Files whose change is noticed; only their sums leave the collector. World-readable by their packages, no secrets.
WATCHED_FILES = (
    "/etc/fstab",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/nsswitch.conf",
    "/etc/crontab",
    "/etc/environment",
    "/etc/sysctl.conf",
    "/etc/default/grub",
    "/etc/apt/sources.list",
    "/etc/ssh/sshd_config",
    "/etc/security/limits.conf",
    "/etc/systemd/journald.conf",
    "/etc/systemd/system.conf",
    "/etc/systemd/logind.conf",
    "/etc/systemd/resolved.conf",
    "/etc/systemd/timesyncd.conf",
    "/etc/NetworkManager/NetworkManager.conf",
    "/etc/chrony/chrony.conf",
    "/etc/chrony.conf",
    "/etc/ufw/ufw.conf",
)
WATCHED_FOLDERS = ("/etc/sysctl.d", "/etc/modprobe.d", "/etc/modules-load.d", "/etc/systemd/journald.conf.d")
# Folders of things that start by themselves: only listed.
STARTUP_FOLDERS = (
    "/etc/xdg/autostart",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/etc/systemd/system",
)
# The same on macOS, where /etc is a link to /private/etc.
MACOS_WATCHED_FILES = (
    "/private/etc/hosts",
    "/private/etc/shells",
    "/private/etc/ntp.conf",
    "/private/etc/sysctl.conf",
    "/private/etc/auto_master",
    "/private/etc/pam.d/sudo",
    "/private/etc/ssh/sshd_config",
    "/Library/Preferences/com.apple.alf.plist",
    "/Library/Preferences/SystemConfiguration/preferences.plist",
)
MACOS_STARTUP_FOLDERS = ("/Library/LaunchAgents", "/Library/LaunchDaemons", "/Library/StartupItems")
# Settings of launchd's jobs of other makers, what is installed in which version, when updates and backups were made.
_MACOS_FILES = re.compile(
    r"/Library/Launch(Agents|Daemons)/[^/]+\.plist"
    r"|/Applications/[^/]+\.app/Contents/Info\.plist"
    r"|/Library/Preferences/com\.apple\.(SoftwareUpdate|TimeMachine)\.plist"
    r"|/Library/Receipts/InstallHistory\.plist"
)
_MACOS_FOLDERS = re.compile(r"/Users|/Applications|/Users/[^/]+/Library/(LaunchAgents|Logs/DiagnosticReports)")
# Certificates are public; keys lie elsewhere (/etc/ssl/private), and only these endings are opened.
CERTIFICATE_FOLDERS = (
    "/usr/local/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
)
_CERTIFICATES = re.compile(rf"({'|'.join(CERTIFICATE_FOLDERS)})/[^/]+\.(pem|crt|cer)")
# Settings of applications. Nobody reads them but a machine that was made for a watch that is on (diagnostics/vendors):
# one that names exactly this file. /etc/opt is where programs that are no part of the system keep theirs.
WATCHABLE_FOLDERS = ("/etc/apache2", "/etc/httpd", "/etc/nginx", "/etc/opt", "/etc/postgresql")
_WATCHABLE = re.compile(rf"({'|'.join(WATCHABLE_FOLDERS)})/(?:[^/\s*?\[\]]+/)*[^/\s*?\[\]]+\.conf")
# What people call keys and password files, whatever their ending: not even a watch reads these.
_SECRET_NAME = re.compile(
    r"(?<![a-z])(keys?|apikeys?|passwds?|passwords?|pgpass|htpasswd|secrets?|tokens?|credentials?|private)(?![a-z])",
    re.IGNORECASE,
)
# Who may sign in, and with what: only the sum of these is taken, to know that they changed.
_SUM_ONLY = frozenset({"pg_hba.conf", "pg_ident.conf"})
# Names, sizes and dates may be seen, content may not: homes, memory images of crashed programs, virus signatures.
LISTABLE_FOLDERS = frozenset(
    {
        *STARTUP_FOLDERS,
        *MACOS_STARTUP_FOLDERS,
        "/home",
        "/boot",
        "/run/log/journal",
        "/var/crash",
        "/var/lib/systemd/coredump",
        "/var/lib/systemd/pstore",
        "/sys/fs/pstore",
        "/var/lib/clamav",
        "/var/lib/apt/lists",
        "/var/cache/dnf",
        "/var/lib/pacman/sync",
        "/timeshift/snapshots",
        "/run/timeshift/backup/timeshift/snapshots",
        *CERTIFICATE_FOLDERS,
    }
)
# What backup programs keep of their own past; its names are times and sums.
_LISTABLE = re.compile(
    r"/home/[^/]+/\.config/autostart"
    r"|(/root|/home/[^/]+)/\.cache/((restic|deja-dup)(/[^/]+(/snapshots)?)?|borg(/[^/]+)?)"
)

# Single files. Where one is a symbolic link (os-release, resolv.conf), the target must be listed too.
READABLE_FILES = frozenset(
    {
        "/proc/meminfo",
        "/proc/stat",
        "/proc/loadavg",
        "/proc/uptime",
        "/proc/cpuinfo",
        "/proc/version",
        "/proc/vmstat",
        "/proc/swaps",
        "/proc/diskstats",
        "/proc/self/mountinfo",
        "/proc/net/dev",
        "/proc/net/route",
        "/proc/net/ipv6_route",
        "/proc/net/snmp",
        "/proc/net/sockstat",
        "/proc/net/tcp",
        "/proc/net/tcp6",
        "/proc/net/wireless",
        "/proc/sys/net/ipv4/ip_local_port_range",
        "/proc/sys/net/netfilter/nf_conntrack_count",
        "/proc/sys/net/netfilter/nf_conntrack_max",
        "/etc/os-release",
        "/usr/lib/os-release",
        "/etc/hostname",
        "/etc/hosts",
        "/etc/fstab",
        "/etc/resolv.conf",
        "/run/resolvconf/resolv.conf",
        "/run/NetworkManager/resolv.conf",
        "/run/NetworkManager/no-stub-resolv.conf",
        "/mnt/wsl/resolv.conf",
        "/etc/systemd/journald.conf",
        "/var/lib/dpkg/status",
        "/run/reboot-required",
        "/run/reboot-required.pkgs",
        *WATCHED_FILES,
        *MACOS_WATCHED_FILES,
    }
)
# Whole folders, with everything below.
READABLE_FOLDERS = (
    "/proc/pressure",
    "/sys/devices/virtual/dmi/id",
    "/run/systemd/resolve",
    "/var/log",
    "/Library/Logs",
    "/private/var/log",
    *WATCHED_FOLDERS,
)
# A log with a second name elsewhere may be somebody else's file linked into a folder its owner can write to.
SINGLE_NAME_FOLDERS = ("/var/log", "/Library/Logs", "/private/var/log")

# /proc/self is a link to our own number; /proc/net is a link to self/net.
_OWN_PROC = re.compile(r"/proc/(?:self|[0-9]+)/(mountinfo|net/(dev|route|ipv6_route|snmp|sockstat|tcp|tcp6|wireless))")
# Sensors, batteries and processors: by class, and where the class's links lead to.
_SENSOR = r"(hwmon/hwmon[0-9]+|power_supply/[^/]+|thermal/thermal_zone[0-9]+)"
_SENSOR_FOLDERS = re.compile(
    rf"/sys/class/(hwmon|power_supply|thermal|{_SENSOR})|/sys/devices/(?:[^/]+/)+{_SENSOR}|/sys/devices/system/cpu"
)
_SENSOR_FILES = re.compile(
    rf"/sys/(?:class/|devices/(?:[^/]+/)+){_SENSOR}/(name|type|uevent|temp|temp[0-9]+_(input|max|crit|label))"
    r"|/sys/devices/system/cpu/cpu[0-9]+/thermal_throttle/(core|package)_throttle_count"
)


def _is_plain(path: str) -> bool:
    if not path.startswith("/") or "\0" in path:
        return False
    return all(part not in ("", ".", "..") for part in path[1:].split("/"))


def is_inside(path: str, folders: tuple[str, ...]) -> bool:
    """True for a folder of the list and for everything below it. `path` must be plain (absolute, no `..`)."""
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def is_readable(path: str) -> bool:
    """True when `path`, taken literally, is on the list."""
    if not _is_plain(path):
        return False
    if path in READABLE_FILES or is_inside(path, READABLE_FOLDERS):
        return True
    return any(pattern.fullmatch(path) for pattern in (_OWN_PROC, _SENSOR_FILES, _CERTIFICATES, _MACOS_FILES))


def is_watchable(path: str) -> bool:
    """True when an owner may let this one file of settings be watched. Nothing is read by this alone."""
    return _is_plain(path) and _WATCHABLE.fullmatch(path) is not None and _SECRET_NAME.search(path) is None


def is_shown(path: str) -> bool:
    """True when the content of a watched file may stand in a bundle; of the others only the sum is taken."""
    return is_watchable(path) and path.rpartition("/")[2] not in _SUM_ONLY


class Readable:
    """The list of one machine: what everybody may read, and the settings that its watches name."""

    def __init__(self, watched: Collection[str] = ()) -> None:
        wrong = sorted(path for path in watched if not is_watchable(path))
        if wrong:
            raise ValueError(f"no watch may read {wrong[0]!a}")
        self._watched = frozenset(watched)

    def __call__(self, path: str) -> bool:
        return is_readable(path) or path in self._watched


def is_listable(path: str) -> bool:
    """True when the names in the folder `path` may be seen; what may be read may be listed too."""
    if not _is_plain(path):
        return False
    if path in LISTABLE_FOLDERS or is_readable(path):
        return True
    return any(pattern.fullmatch(path) for pattern in (_LISTABLE, _SENSOR_FOLDERS, _MACOS_FOLDERS))
