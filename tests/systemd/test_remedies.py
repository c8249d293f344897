"""What systemd, CUPS, ufw, apt, dpkg and logind do with the commands of the fixes, run by the real service in its unit.

The service starts each fix in a unit beside its own; what these tests see is the machine afterwards, asked without us.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.booted import Booted, exposure
from tests.systemd.conftest import STATE, answers, install_service

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]  # the first run fetches a Debian


@pytest.fixture(scope="module")
def debian(alone: Booted) -> Iterator[Booted]:
    install_service(alone)
    yield alone
    print(alone.run("journalctl", "--unit=bellpull-agent", "--no-pager", "--lines=40").stdout)


def mended(debian: Booted, remedy: str, finding: str = "") -> dict[str, Any]:
    """The fix, agreed to; how it ended."""
    about = ("--finding", finding) if finding else ()
    done = debian.run("bellpull-agent", "mend", "run", remedy, *about, "--yes", "--json", ok=False)
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def watched(debian: Booted, remedy: str, finding: str = "") -> str:
    """It did what it promised, and can be undone for a day; the run."""
    ending = mended(debian, remedy, finding)
    assert ending.get("phase") == "watching" or ending.get("detail") == "watching", ending
    return str(ending["run"])


def undone(debian: Booted, run: str) -> dict[str, Any]:
    told = debian.json("bellpull-agent", "mend", "undo", run, "--json", ok=False)
    assert told["outcome"] == "rolled-back", told
    return told


def not_needed(debian: Booted, remedy: str, finding: str = "") -> str:
    """Why there is nothing to do."""
    told = mended(debian, remedy, finding)
    return str(told.get("error", told).get("got", told))


def said(debian: Booted, *command: str) -> str:
    return debian.run(*command, ok=False).stdout.strip()


def afresh(debian: Booted) -> None:
    """As if it had never mended anything."""
    debian.run("systemctl", "stop", "bellpull-agent")
    debian.run("rm", "-r", str(STATE))
    debian.run("systemctl", "start", "bellpull-agent")
    answers(debian)


def test_the_hardening_is_worth_something_and_the_fixes_are_beside_it(debian: Booted) -> None:
    told = debian.run("systemd-analyze", "security", "bellpull-agent").stdout
    print(f"systemd-analyze security: {exposure(told)}")
    assert exposure(told) <= 5.0


def test_a_failed_service_is_started_again(debian: Booted) -> None:
    debian.unit("press.service", "[Service]\nExecStart=/bin/sh -c '[ -e /root/paper ] && exec sleep 1000'\n")
    debian.run("systemctl", "start", "press")
    debian.until(lambda: said(debian, "systemctl", "is-active", "press") == "failed")
    debian.write("/root/paper", "")
    watched(debian, "restart-failed-service", "service-failed|service:press.service")
    assert said(debian, "systemctl", "is-active", "press") == "active"
    assert "does not stand as failed" in not_needed(
        debian, "restart-failed-service", "service-failed|service:press.service"
    )


def test_a_service_that_fails_again_is_told(debian: Booted) -> None:
    afresh(debian)
    debian.unit("hopeless.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    debian.run("systemctl", "start", "hopeless", ok=False)
    ending = mended(debian, "restart-failed-service", "service-failed|service:hopeless.service")
    assert ending["outcome"] == "rolled-back", ending
    assert "Job for hopeless.service failed" in ending["detail"]
    assert said(debian, "systemctl", "is-active", "hopeless") == "failed"


def test_a_restart_loop_is_stopped_and_the_way_back_starts_it(debian: Booted) -> None:
    loop = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 0.3\nRestart=always\nRestartSec=100ms\n"
    debian.unit("looping.service", loop)
    debian.run("systemctl", "start", "looping")
    run = watched(debian, "stop-restart-loop", "service-restart-loop|service:looping.service")
    assert said(debian, "systemctl", "is-active", "looping") == "inactive"
    undone(debian, run)
    assert said(debian, "systemctl", "is-active", "looping") in ("active", "activating")
    debian.run("systemctl", "stop", "looping")


def test_the_agent_does_not_stop_itself(debian: Booted) -> None:
    for name in ("bellpull-agent", "bellpull-agent-mending-1"):
        ending = mended(debian, "stop-restart-loop", f"service-restart-loop|service:{name}.service")
        assert "watching" not in str(ending), ending
    assert said(debian, "systemctl", "is-active", "bellpull-agent") == "active"


def test_a_timer_is_armed_and_disarmed(debian: Booted) -> None:
    debian.unit("nightly.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
    debian.unit("nightly.timer", "[Timer]\nOnCalendar=03:00\n[Install]\nWantedBy=timers.target\n")
    debian.run("systemctl", "enable", "nightly.timer")
    run = watched(debian, "arm-timer", "timer-not-armed|timer:nightly.timer")
    assert "nightly.timer" in said(debian, "systemctl", "list-timers")
    undone(debian, run)
    assert said(debian, "systemctl", "is-active", "nightly.timer") == "inactive"


def test_time_is_kept_by_timedated_and_left_again(debian: Booted) -> None:
    debian.unit("systemd-timesyncd.service.d/here.conf", "[Unit]\nConditionVirtualization=\n")
    assert said(debian, "timedatectl", "show", "--property=NTP", "--value") == "no"
    run = watched(debian, "keep-clock-right")
    assert said(debian, "timedatectl", "show", "--property=NTP", "--value") == "yes"
    assert said(debian, "systemctl", "is-enabled", "systemd-timesyncd") == "enabled"
    undone(debian, run)
    assert said(debian, "timedatectl", "show", "--property=NTP", "--value") == "no"


def test_settings_below_etc_are_made_and_taken_back(debian: Booted) -> None:
    """What the hardening of the service's own unit would refuse."""
    for remedy, file in (("limit-journal-size", "journald"), ("limit-crash-dumps", "coredump")):
        run = watched(debian, remedy)
        drop_in = debian.root / f"etc/systemd/{file}.conf.d/60-bellpull.conf"
        assert "500M" in drop_in.read_text()
        if file == "journald":
            debian.run("systemctl", "restart", "systemd-journald")
            told = said(debian, "journalctl", "--unit=systemd-journald", "--output=cat", "--lines=50")
            assert "max 500.0M" in told, told
        undone(debian, run)
        assert not drop_in.exists()


def test_archived_journals_are_put_aside_and_come_back(debian: Booted) -> None:
    folder = debian.root / "var/log/journal"
    folder.mkdir(exist_ok=True)
    debian.run("systemctl", "restart", "systemd-journald")
    debian.run("journalctl", "--flush")
    for _ in range(16):  # less than 50 MB would not be worth it
        debian.run("sh", "-c", "yes a line | head -2000 | logger")
        debian.run("journalctl", "--sync")
        debian.run("journalctl", "--rotate")
    # The newest may still be written to its end.
    archived = sorted(folder.rglob("*@*.journal"), key=lambda path: path.stat().st_mtime)[:-1]
    assert archived
    for path in archived:
        old = time.time() - 60 * 86_400
        os.utime(path, (old, old))
    run = watched(debian, "clean-old-journal", "disk-space-low|disk:/")
    assert not [path for path in archived if path.exists()]
    assert "PASS" in debian.run("journalctl", "--verify").stderr + debian.run("journalctl", "--verify").stdout
    undone(debian, run)
    assert all(path.exists() for path in archived)


def test_the_firewall_is_switched_on_and_off(debian: Booted) -> None:
    run = watched(debian, "enable-firewall")
    assert said(debian, "ufw", "status").startswith("Status: active")
    assert "ufw-user-input" in said(debian, "iptables", "--list-rules")
    undone(debian, run)
    assert said(debian, "ufw", "status").startswith("Status: inactive")


@pytest.fixture
def printer(debian: Booted) -> str:
    """A queue of CUPS's own whose printer is a port where nobody listens."""
    debian.run("systemctl", "start", "cups")
    debian.until(lambda: debian.run("lpstat", "-r", ok=False).stdout.startswith("scheduler is running"))
    debian.run(
        "lpadmin", "-p", "Office", "-E", "-v", "ipp://127.0.0.1:9/nobody", "-o", "printer-error-policy=stop-printer"
    )
    return "Office"


def test_a_stopped_printer_goes_on_and_its_queue_is_emptied(debian: Booted, printer: str) -> None:
    debian.run("cupsdisable", printer)
    for _ in range(2):
        debian.run("lp", "-d", printer, "/etc/hostname")
    found = debian.json("diagnostics", "check", "--only", "print-queue", "--json", ok=False)["findings"]
    assert [(each["fingerprint"], each["facts"]["jobs"], each["facts"]["disabled"]) for each in found] == [
        ("print-jobs-stuck|printer:Office", 2, True)
    ]
    watched(debian, "clear-print-queue", "print-jobs-stuck|printer:Office")
    assert said(debian, "lpstat", "-o", printer) == ""
    run = watched(debian, "resume-printer", "print-jobs-stuck|printer:Office")
    assert "idle" in said(debian, "lpstat", "-p", printer)
    undone(debian, run)
    assert "disabled since" in said(debian, "lpstat", "-p", printer)


def package(debian: Booted, name: str, postinst: str) -> str:
    """A package made by the root's own dpkg-deb; where it lies."""
    debian.write(f"/srv/{name}/DEBIAN/control", f"Package: {name}\nVersion: 1\nArchitecture: all\n"
                 "Maintainer: Nobody <nobody@localhost>\nDescription: made by a test\n")  # fmt: skip
    debian.write(f"/srv/{name}/DEBIAN/postinst", f"#!/bin/sh\nset -e\n{postinst}\n", 0o755)
    debian.run("dpkg-deb", "--build", f"/srv/{name}", f"/srv/{name}.deb")
    return f"/srv/{name}.deb"


def test_half_set_up_packages_are_finished_by_dpkg(debian: Booted) -> None:
    """Its script writes what a package may: below /usr and /etc, with a set-uid bit."""
    script = "cp /bin/true /usr/bin/halfway; chmod u+s /usr/bin/halfway; echo done > /etc/halfway"
    debian.run("dpkg", "--unpack", package(debian, "halfway", script))
    assert "halfway" in said(debian, "dpkg", "--audit")
    watched(debian, "finish-package-setup", "packages-half-installed|packages:all")
    assert said(debian, "dpkg-query", "-W", "-f", "${db:Status-Status}", "halfway") == "installed"
    assert (debian.root / "usr/bin/halfway").stat().st_mode & 0o4000
    assert (debian.root / "etc/halfway").read_text() == "done\n"


def test_lists_of_updates_are_fetched_by_apt(debian: Booted) -> None:
    """From a folder of the machine's own: it has no network."""
    package(debian, "novelty", "true")
    debian.run("sh", "-c", "cd /srv && apt-ftparchive packages . > Packages && apt-ftparchive release . > Release")
    debian.run("sh", "-c", "rm -f /etc/apt/sources.list; echo 'deb [trusted=yes] file:/srv ./' > /etc/apt/sources.list")
    assert said(debian, "apt-cache", "show", "novelty") == ""
    watched(debian, "look-for-updates")
    assert "Package: novelty" in said(debian, "apt-cache", "show", "novelty")


def test_a_restart_is_planned_with_logind_and_called_off(debian: Booted) -> None:
    run = watched(debian, "plan-restart", "restart-pending|system")
    shown = ("busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
             "org.freedesktop.login1.Manager", "ScheduledShutdown")  # fmt: skip
    assert '"reboot"' in said(debian, *shown)
    undone(debian, run)
    assert '"reboot"' not in said(debian, *shown)
    # Somebody's plan to switch it off is theirs.
    afresh(debian)
    debian.run("shutdown", "-h", "23:59")
    assert "planned already" in not_needed(debian, "plan-restart", "restart-pending|system")
    assert '"poweroff"' in said(debian, *shown)
    debian.run("shutdown", "-c")


def test_a_start_up_program_is_hidden_and_shown_again(debian: Booted) -> None:
    entry = debian.root / "root/.config/autostart/noise.desktop"
    debian.write("/root/.config/autostart/noise.desktop", "[Desktop Entry]\nType=Application\nExec=/bin/true\n")
    run = watched(debian, "disable-startup-item", "startup-items-changed|startup:all")
    assert "Hidden=true" in entry.read_text()
    undone(debian, run)
    assert "Hidden" not in entry.read_text()


def test_a_service_that_is_killed_in_the_middle_of_a_fix_leaves_nothing_half(debian: Booted) -> None:
    """dpkg runs in the worker's own unit, goes to its end there, and the next start of the service waits for it."""
    afresh(debian)  # a fix rests between two runs
    slow = "echo begun > /root/slow; sleep 5; echo ended >> /root/slow"
    debian.run("dpkg", "--unpack", package(debian, "slow", slow))
    fix = subprocess.Popen(
        debian.argv("bellpull-agent", "mend", "run", "finish-package-setup", "--finding",
                    "packages-half-installed|packages:all", "--yes", "--json"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        debian.until(lambda: (debian.root / "root/slow").exists())
        debian.run("systemctl", "kill", "--signal=KILL", "bellpull-agent")
        fix.wait(60)
        debian.until(lambda: (debian.root / "root/slow").read_text() == "begun\nended\n")
        debian.until(lambda: said(debian, "systemctl", "is-active", "bellpull-agent") == "active")
        assert said(debian, "dpkg-query", "-W", "-f", "${db:Status-Status}", "slow") == "installed"
        # No worker is left beside it, and dpkg was run once only.
        debian.until(lambda: "bellpull-agent-mending" not in said(debian, "systemctl", "list-units", "--plain"))
        assert (debian.root / "root/slow").read_text() == "begun\nended\n"
    finally:
        if fix.poll() is None:
            fix.kill()
            fix.wait(30)
