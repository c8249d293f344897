"""A real Debian 12 with a real systemd as its process 1, booted by systemd-nspawn, for tests that need to see one.

with booted(base, tmp_path) as debian: debian.run("systemctl", "status", …); debian.stop(); debian.boot()

    base (debootstrap, once a machine, kept in ~/.cache/bellpull-tests, read-only)
      └─ overlay: what this test changes, gone afterwards ─► systemd-nspawn --boot ─► systemd

The kernel and, unless `alone`, the network are this machine's; the control groups are the unified ones, without
controllers where this machine has those of old (limits of memory then count for nothing).
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NEEDED = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
#: No Python: whoever needs one binds this machine's own.
PACKAGES = (
    "systemd", "systemd-sysv", "systemd-coredump", "systemd-timesyncd", "libpam-systemd", "dbus", "polkitd", "cron",
    "cups-daemon", "cups-client", "ufw", "nftables", "iproute2", "procps", "apt-utils", "ca-certificates",
)  # fmt: skip
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
    "TERM": "dumb", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0",
}  # fmt: skip
BOOT_S = 60


def why_not() -> str:
    """What is missing here for booting a Debian, with the line that installs it; empty when nothing is."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "booting a Debian needs root on Linux"
    missing = sorted({package for program, package in NEEDED.items() if shutil.which(program) is None})
    return f"not here: {', '.join(missing)}. Say: apt-get install {' '.join(missing)}" if missing else ""


def debian_base() -> Path:
    """The root that all tests boot from, made at the first use. Skips where it cannot be made; fails in CI when only
    a package of Debian's is missing."""
    if why := why_not():
        if os.environ.get("CI") == "true" and "apt-get install" in why:
            pytest.fail(why)
        pytest.skip(why)
    wanted = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bellpull-tests"
    base = caches / f"debian-12-{wanted}"
    if base.is_dir():
        return base
    caches.mkdir(parents=True, exist_ok=True)
    making = caches / f"making-{os.getpid()}"
    mirror = [os.environ["DEBOOTSTRAP_MIRROR"]] if "DEBOOTSTRAP_MIRROR" in os.environ else []
    argv = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", making, *mirror]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(making, ignore_errors=True)
        pytest.skip(f"no Debian can be fetched here: {done.stdout[-300:]}{done.stderr[-300:]}")
    shutil.rmtree(making / "var/cache/apt/archives")
    (making / "var/cache/apt/archives/partial").mkdir(parents=True)
    # Two runs at once: the one who comes second throws its own away.
    try:
        making.rename(base)
    except OSError:
        shutil.rmtree(making)
    return base


class Booted:
    """One machine. `alone`: a network of its own with nothing in it, so that a firewall may be switched on."""

    def __init__(self, base: Path, folder: Path, *, alone: bool, binds: Sequence[str]) -> None:
        self._folder = folder
        self._alone = alone
        self._binds = binds
        self._nspawn: subprocess.Popen[bytes] | None = None
        self.name = f"bellpull-{os.getpid()}-{folder.name[-8:]}".replace("_", "-")
        self.root = folder / "root"
        for part in ("root", "upper", "work"):
            (folder / part).mkdir(parents=True)
        layers = f"lowerdir={base},upperdir={folder}/upper,workdir={folder}/work"
        done = subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o", layers, self.root], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"this kernel refuses an overlay file system here: {done.stderr.strip()}")

    def boot(self) -> None:
        """Returns when systemd says that it is up. Skips, loudly, where this kernel does not let it."""
        argv = [
            "systemd-nspawn", "--boot", "--quiet", "--register=no", "--keep-unit", "--console=pipe",
            f"--directory={self.root}", f"--machine={self.name}",
            # nspawn's own filter of 252 would take Landlock from everything in it.
            "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self",
            # Its own name: the machine's must not lie in what is recorded.
            "--hostname=debian",
            *(["--private-network", "--capability=CAP_NET_ADMIN"] if self._alone else []),
            *self._binds,
        ]  # fmt: skip
        log = (self._folder / "boot.log").open("ab")
        with log:
            self._nspawn = subprocess.Popen(
                argv,
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends = time.monotonic() + BOOT_S
        said = ""
        while time.monotonic() < ends and self._nspawn.poll() is None:
            if self._leader() is not None:
                done = self.run("systemctl", "is-system-running", "--wait", ok=False)
                said = done.stdout.strip()
                if said in ("running", "degraded"):
                    return
            time.sleep(0.05)
        log_text = (self._folder / "boot.log").read_text("utf-8", "replace")[-2000:]
        self.cut_power()
        pytest.skip(f"NOT PROVEN HERE: systemd does not boot on this kernel (said {said!r}):\n{log_text}")

    def _leader(self) -> int | None:
        """Its process 1, as this machine numbers it."""
        if self._nspawn is None or self._nspawn.poll() is not None:
            return None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        for child in children:
            if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                return int(child)
        return None

    def argv(self, *command: str) -> list[str]:
        environment = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        spaces = ["--mount", "--uts", "--ipc", "--pid", "--cgroup", *(["--net"] if self._alone else [])]
        return ["nsenter", f"--target={self._leader()}", *spaces, "--root", "--wd", "env", "-i", *environment, *command]

    def run(self, *command: str, ok: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
        given = {"stdin": subprocess.DEVNULL} if text is None else {"input": text}
        done = subprocess.run(  # type: ignore[call-overload]
            self.argv(*command), capture_output=True, text=True, check=False, timeout=300, **given
        )
        assert not ok or done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
        return done

    def json(self, *command: str, ok: bool = True) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*command, ok=ok).stdout)
        return found

    def shown(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit, in systemd's words."""
        lines = self.run("systemctl", "show", f"--property={','.join(names)}", unit).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file of the machine, which need not run."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def unit(self, name: str, text: str) -> None:
        """A unit file, read by systemd when it runs."""
        self.write(f"/etc/systemd/system/{name}", text)
        if self._leader() is not None:
            self.run("systemctl", "daemon-reload")

    def until(self, true: Callable[[], object], within_s: float = 60) -> None:
        ends = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < ends
            time.sleep(0.1)

    def stop(self) -> None:
        """Shut down as people do."""
        if self._nspawn is not None and (leader := self._leader()) is not None:
            os.kill(leader, signal.SIGRTMIN + 4)  # systemd(1): poweroff.target
            self._nspawn.wait(90)

    def cut_power(self) -> None:
        """Everything in it is killed at once: nspawn's leader is the first process of its number space."""
        if self._nspawn is None or self._nspawn.poll() is not None:
            return
        if (leader := self._leader()) is not None:
            os.kill(leader, signal.SIGKILL)
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait(30)

    def remove(self) -> None:
        self.cut_power()
        subprocess.run(["umount", self.root], check=True)
        shutil.rmtree(self._folder)
        # nspawn leaves the folders of its mounts where /run is no tmpfs.
        for left in ("propagate", "unix-export"):
            shutil.rmtree(Path("/run/systemd/nspawn") / left / self.name, ignore_errors=True)


@contextmanager
def booted(base: Path, folder: Path, *, alone: bool = False, binds: Sequence[str] = ()) -> Iterator[Booted]:
    """Booted, and gone without a trace afterwards."""
    debian = Booted(base, folder, alone=alone, binds=binds)
    try:
        debian.boot()
        yield debian
    finally:
        debian.remove()


def our_sources() -> list[str]:
    """This Python with its packages and our rooms, read-only at the same places: `bellpull-agent` without a build."""
    python = Path(sys.base_prefix)
    if python in (Path("/usr"), Path("/usr/local")):
        pytest.skip(
            f"this Python lies in {python} and cannot be lent to another root: use a venv of a Python elsewhere"
        )
    places = {ROOT, python, Path(sys.prefix)}
    return [
        f"--bind-ro={place}" for place in sorted(places) if not any(place.is_relative_to(p) for p in places - {place})
    ]


def programs(debian: Booted) -> None:
    """`bellpull-agent` and `diagnostics` as commands of the machine, from the lent sources."""
    for name, module in (("bellpull-agent", "agent"), ("diagnostics", "diagnostics")):
        lines = (
            f'#!/bin/sh\nexport PYTHONPATH={ROOT} PYTHONDONTWRITEBYTECODE=1\nexec {sys.executable} -m {module} "$@"\n'
        )
        debian.write(f"/usr/local/bin/{name}", lines, 0o755)


def exposure(told: str) -> float:
    """`→ Overall exposure level for bellpull-agent.service: 7.7 EXPOSED :-(`"""
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)
    assert found is not None, told
    return float(found.group(1))
