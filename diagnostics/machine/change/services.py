"""Starting, stopping, restarting one service through systemd. Never the one this program runs in.

    systemctl [--user] show NAME ─► is it a service, and not our own? ─► systemctl [--user] restart -- NAME ─► show

Commands are argv lists of four fixed acts; the only free part is the unit's name, which is checked and stands behind
`--`. systemd asks for no password here: what this user may not do is refused with systemd's own words.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from diagnostics.collectors.services import parse_systemctl_show
from diagnostics.machine.commands import SERVICES
from diagnostics.machine.control_group import control_group
from diagnostics.machine.interface import ActRefused
from diagnostics.machine.read.run_command import SYSTEM_PATH
from diagnostics.observations import Service
from diagnostics.plain_text import printable

#: A service may take long to stop; systemd itself goes on after this and ends it in its own time.
ACT_TIMEOUT_S: Final = 40.0
_SHOW_TIMEOUT_S: Final = 10.0
_UNIT: Final = re.compile(r"[A-Za-z0-9@:._\\][A-Za-z0-9@:._\\-]{0,199}")
_OTHER_UNITS: Final = (".socket", ".target", ".mount", ".timer", ".slice", ".scope", ".path", ".swap", ".device")
_PROPERTIES: Final = next(item for item in SERVICES.argv if item.startswith("--property="))


class ServiceAct(StrEnum):
    START = "start"
    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Ran:
    exit_code: int
    stdout: bytes
    stderr: bytes


Run = Callable[[Sequence[str], float], Ran]


def service_name(name: str) -> str:
    """`cups` and `cups.service` mean the same. Raises ActRefused for what is no service."""
    if _UNIT.fullmatch(name) is None:
        raise ActRefused("that is not the name of a service")
    if name.endswith(_OTHER_UNITS):
        raise ActRefused(f"{name} is not a service; other units are left alone")
    return name if name.endswith(".service") else f"{name}.service"


def argv(verb: str, name: str, *, user: bool, options: Sequence[str] = ()) -> list[str]:
    return ["systemctl", "--no-pager", "--no-ask-password", *(["--user"] if user else []), *options, verb, "--", name]


def control_service(
    name: str,
    act: ServiceAct,
    *,
    user: bool,
    boot_unix_s: int | None = None,
    own_group: str | None = None,
    run: Run | None = None,
) -> Service:
    """The service as it is afterwards. `own_group`: the control group this program runs in (read when None); `run`:
    how a command is run. Raises ActRefused; when systemd refused, with its words."""
    run = run or run_program
    unit = service_name(name)
    before, group = _shown(unit, user, boot_unix_s, run)
    if before.load_state == "not-found":
        raise ActRefused(f"there is no service {unit} here")
    if is_own(group, before.name, control_group() if own_group is None else own_group):
        raise ActRefused(f"{before.name} is what this agent runs in; it does not control itself")
    done = run(argv(act.value, unit, user=user), ACT_TIMEOUT_S)
    if done.exit_code != 0:
        raise ActRefused(_words(done.stderr) or f"systemctl ended with code {done.exit_code}")
    return _shown(unit, user, boot_unix_s, run)[0]


def is_own(group: str, unit: str, own_group: str) -> bool:
    """Whether stopping this unit would stop us: it is the agent's, or its control group holds ours. Pure."""
    if unit.startswith("bellpull-agent"):
        return True
    inside = group not in ("", "/") and (own_group == group or own_group.startswith(group + "/"))
    return inside or unit in own_group.split("/")


def _shown(unit: str, user: bool, boot_unix_s: int | None, run: Run) -> tuple[Service, str]:
    shown = run(argv("show", unit, user=user, options=(_PROPERTIES + ",ControlGroup",)), _SHOW_TIMEOUT_S)
    services = parse_systemctl_show(shown.stdout, boot_unix_s=boot_unix_s)
    if shown.exit_code != 0 or not services:
        words = _words(shown.stderr)
        if "not been booted with systemd" in words:
            words = "this system was not started by systemd, so nothing supervises services here"
        raise ActRefused(words or f"systemctl does not know {unit}")
    lines = shown.stdout.decode("utf-8", "replace").splitlines()
    group = next((line.partition("=")[2] for line in lines if line.startswith("ControlGroup=")), "")
    return services[0], group


def _words(stderr: bytes) -> str:
    return printable(stderr.strip().split(b"\n")[0])


def run_program(command: Sequence[str], timeout_s: float) -> Ran:
    """systemctl from the system's own folders, with a fixed environment. Raises ActRefused."""
    if sys.platform != "linux":
        raise ActRefused("services are controlled on Linux only in this version")
    program = next(
        (path for folder in SYSTEM_PATH.split(":") if os.access(path := f"{folder}/{command[0]}", os.X_OK)), None
    )
    if program is None:
        raise ActRefused(f"the program {command[0]} is not installed here")
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"}
    for name in ("HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"):  # systemctl --user finds its manager by these
        if name in os.environ:
            environment[name] = os.environ[name]
    try:
        done = subprocess.run(
            list(command), executable=program, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ActRefused(
            f"systemd did not finish within {timeout_s:g} s; it goes on by itself. Look at the service again later"
        ) from None
    return Ran(done.returncode, done.stdout[: 64 * 1024], done.stderr[: 8 * 1024])
