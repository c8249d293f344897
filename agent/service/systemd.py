"""systemd units for user mode and machine mode.

Hardening must not falsify what the checks see: no PrivateTmp (a full /tmp would look empty), no ProtectHome=tmpfs or
PrivateDevices (disks and their use would vanish), no PrivateNetwork, no ProtectProc (processes are what we look at).
What stays is what a reader needs none of: raising privileges, writing outside the state folder, new namespaces.
"""

from pathlib import Path

from agent.paths import Mode

UNIT_NAME = "bellpull-agent.service"


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
        "# The watchdog of last resort; the agent's own check warns long before.",
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
        lines += [
            "User=root",
            "ProtectSystem=full",
            "ProtectClock=yes",
            "ProtectKernelModules=yes",
            "ProtectHostname=yes",
            "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        ]
    wanted_by = "multi-user.target" if mode is Mode.MACHINE else "default.target"
    return "\n".join([*lines, "", "[Install]", f"WantedBy={wanted_by}", ""])


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
