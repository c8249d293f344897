"""systemd units for user mode and machine mode.

Hardening must not falsify what the checks see: no PrivateTmp (a full /tmp would look empty), no ProtectHome=tmpfs or
PrivateDevices (disks and their use would vanish), no PrivateNetwork, no ProtectProc (processes are what we look at), no
ProtectKernelLogs, no IPAddressDeny. What is taken away is what a reader needs none of: raising privileges, writing to
/usr and /etc, new namespaces, system calls and capabilities that change the machine. tests/systemd runs every check in
the unit and outside of it and holds the two together.

Fixes that were agreed to run in a unit beside this one, which is not closed in (agent/mending/remedy_process.py).
"""

import re
from pathlib import Path

from agent.paths import Mode

UNIT_NAME = "bellpull-agent.service"
#: Takes up a token that an administrator, or what installs many machines, has laid into the state folder.
ENROL_PATH_NAME = "bellpull-enrol.path"
ENROL_NAME = "bellpull-enrol.service"
DROPPED_FILE = "enrolment-token"
#: What root must do in the service itself, and nothing else: systemd.exec(5), CapabilityBoundingSet=.
_CAPABILITIES = (
    "CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_CHOWN CAP_FSETID",  # read what is others', keep its owner
    "CAP_SYS_PTRACE CAP_KILL",  # open files and memory of others' processes; end one that the customer agreed to
    "CAP_SETUID CAP_SETGID",  # a visit runs as the person at the machine
    "CAP_SYSLOG",  # /dev/kmsg
    "CAP_SYS_RAWIO CAP_SYS_ADMIN",  # smartctl: SCSI and NVMe commands
    "CAP_NET_RAW",  # ping to the gateway
    "CAP_NET_ADMIN",  # the firewall's state
    "CAP_SYS_NICE CAP_SYS_RESOURCE",  # workers at idle priority
)
_MACHINE = (
    "User=root",
    "# /usr, /boot and /etc are not written; /home and /var are, for uploads that the owner allowed.",
    "ProtectSystem=full",
    "ProtectClock=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "# Programs of another architecture's calls, and calls that no reader makes: mount, reboot, swap, clocks, modules.",
    "SystemCallArchitectures=native",
    "# A list of what is forbidden: what is allowed grows with Python and the kernel. @system-service of systemd 252",
    "# lacks Landlock, which closes visits in.",
    "SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap",
    "SystemCallErrorNumber=EPERM",
    *(f"CapabilityBoundingSet={some}" for some in _CAPABILITIES),
)


def unit(*, program: Path, state: Path, mode: Mode) -> str:
    """The unit file's text. Raises ValueError for a path that a unit cannot name."""
    # systemd.service(5): variables are substituted in arguments, not in the program's own path.
    start = f"{_quoted(program)} run --state {_quoted(state).replace('$', '$$')} --mode {mode.value}"
    lines = [
        "[Unit]",
        "Description=Bellpull agent: you pull the bell, help comes, you hold the door",
        "Documentation=man:bellpull-agent(1)",
        "After=network.target",
        "# At most three starts in ten minutes: a service that cannot run must not keep the machine busy.",
        "StartLimitIntervalSec=600",
        "StartLimitBurst=3",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={start}",
        "Restart=on-failure",
        "RestartSec=20",
        "# Stop: the service ends visits itself, at once; what is left of them dies with the group.",
        "KillMode=control-group",
        "TimeoutStopSec=15",
        "# The watchdog of last resort: at 100 MB the service starts itself anew.",
        "MemoryHigh=200M",
        "MemoryMax=512M",
        "TasksMax=256",
        "NoNewPrivileges=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        "UMask=0077",
    ]
    if mode is Mode.MACHINE:
        lines += _MACHINE
    wanted_by = "multi-user.target" if mode is Mode.MACHINE else "default.target"
    return "\n".join([*lines, "", "[Install]", f"WantedBy={wanted_by}", ""])


def enrol_units(*, program: Path, state: Path) -> dict[str, str]:
    """Name → text: a dropped token file enrols the machine, whenever it comes. The token is in no process's arguments.

        install -m 600 token /var/lib/bellpull/enrolment-token  ─►  path unit  ─►  enrol - < token  ─►  the file goes

    Without a network it is tried again until the token's day is over; then it is left, and the unit says it failed.
    """
    token = state / DROPPED_FILE
    watch = [
        "[Unit]",
        "Description=Bellpull: a dropped token enrols this machine",
        "Documentation=man:bellpull-agent(1)",
        "",
        "[Path]",
        f"PathExists={_plain(token)}",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    enrol = [
        "[Unit]",
        "Description=Bellpull: meet the support organisation of the dropped token",
        "Documentation=man:bellpull-agent(1)",
        "Wants=network-online.target",
        "After=network-online.target bellpull-agent.service",
        "# A token lives for a day: every five minutes until then.",
        "StartLimitIntervalSec=2d",
        "StartLimitBurst=288",
        "",
        "[Service]",
        "Type=oneshot",
        "# Whoever drops it may still be writing; and may have left it readable.",
        "ExecStartPre=/bin/sleep 2",
        f"ExecStartPre=/bin/chmod 600 {_plain(token)}",
        f"ExecStart={_quoted(program)} enrol - --state {_quoted(state).replace('$', '$$')} --mode machine",
        f"ExecStartPost=/bin/rm -f {_plain(token)}",
        f"StandardInput=file:{_plain(token)}",
        "Restart=on-failure",
        "RestartSec=300",
        "TimeoutStartSec=120",
        "UMask=0077",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        f"ReadWritePaths={_plain(state)}",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "ProtectControlGroups=yes",
        "RestrictNamespaces=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "SystemCallErrorNumber=EPERM",
    ]
    return {ENROL_PATH_NAME: "\n".join([*watch, ""]), ENROL_NAME: "\n".join([*enrol, ""])}


def where(mode: Mode) -> str:
    return f"/etc/systemd/system/{UNIT_NAME}" if mode is Mode.MACHINE else f"~/.config/systemd/user/{UNIT_NAME}"


def how(mode: Mode) -> str:
    """The commands that take it into use."""
    user = "" if mode is Mode.MACHINE else "--user "
    return f"systemctl {user}daemon-reload && systemctl {user}enable --now {UNIT_NAME}"


def _quoted(path: Path) -> str:
    text = str(path)
    if any(ord(character) < 32 for character in text):
        raise ValueError("a unit cannot name a path with control characters")
    # systemd.syntax(7): quotes and backslashes are escaped, specifiers are doubled.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def _plain(path: Path) -> str:
    """For settings that take no quotes. Only the machine's own state folder comes here."""
    if not re.fullmatch(r"/[A-Za-z0-9/._-]+", str(path)):
        raise ValueError(f"this setting of a unit names plain paths only, not {str(path)!r}")
    return str(path)
