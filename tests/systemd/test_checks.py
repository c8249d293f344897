"""What the checks say of a real systemd: units that fail and loop, timers, boots, power cuts, crashes."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.paths import Mode
from agent.service import systemd
from tests.booted import ROOT, Booted
from tests.systemd.conftest import STATE

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]  # the first run fetches a Debian


def looked(debian: Booted, *arguments: str) -> dict[str, Any]:
    """check → {"status", "reason", "findings": {fingerprint: severity}}"""
    told = debian.json("diagnostics", "check", "--json", *arguments, ok=False)
    found: dict[str, Any] = {}
    for check in told["checks"]:
        assert check["status"] != "failed", check
        found[check["id"]] = check["status"] if check["status"] != "skipped" else check["reason"]
    found["findings"] = {finding["fingerprint"]: finding for finding in told["findings"]}
    return found


def test_a_healthy_server_has_nothing_wrong(alone: Booted) -> None:
    seen = looked(alone)
    read = (
        "failed-services",
        "timers",
        "slow-boot",
        "unexpected-shutdown",
        "crash-loop",
        "log-burst",
        "link",
        "updates",
    )
    assert {check: seen[check] for check in read} == dict.fromkeys(read, "ok")
    # Nothing keeps its time: a container may not.
    assert set(seen["findings"]) <= {"clock-not-kept|clock", "firewall-off|firewall"}
    assert seen["print-queue"] == "lpstat: No destinations added."


def test_a_service_that_fails_and_a_timer_that_does_not_wait_are_told(alone: Booted) -> None:
    alone.unit("broken.service", "[Unit]\nDescription=Sums up the day\n[Service]\nExecStart=/bin/false\n")
    alone.unit("nightly.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
    alone.unit("nightly.timer", "[Timer]\nOnCalendar=03:00\n[Install]\nWantedBy=timers.target\n")
    alone.run("systemctl", "start", "broken", ok=False)
    alone.until(lambda: alone.shown("broken.service", "ActiveState")["ActiveState"] == "failed")
    alone.run("systemctl", "enable", "nightly.timer")  # enabled, not started: it waits for nothing before a restart
    found = looked(alone)["findings"]
    assert found["service-failed|service:broken.service"]["severity"] == "warning"
    assert found["service-failed|service:broken.service"]["facts"]["description"] == "Sums up the day"
    assert found["timer-not-armed|timer:nightly.timer"]["severity"] == "info"
    alone.run("systemctl", "start", "nightly.timer")
    alone.run("systemctl", "reset-failed", "broken")
    assert (
        not {"service-failed|service:broken.service", "timer-not-armed|timer:nightly.timer"}
        & looked(alone)["findings"].keys()
    )


def test_a_service_that_starts_again_and_again_is_told_at_the_second_look(alone: Booted) -> None:
    loop = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=100ms\n"
    alone.unit("looping.service", loop)
    alone.run("systemctl", "start", "--no-block", "looping")
    alone.until(lambda: int(alone.shown("looping.service", "NRestarts")["NRestarts"]) >= 2)
    assert "service-restart-loop|service:looping.service" not in looked(alone, "--state", "/root/past")["findings"]
    before = int(alone.shown("looping.service", "NRestarts")["NRestarts"])
    alone.until(lambda: int(alone.shown("looping.service", "NRestarts")["NRestarts"]) >= before + 20)
    # Two looks are told apart by a minute at least; this machine's clock stays, so the first is dated back.
    age_the_past(alone)
    found = looked(alone, "--state", "/root/past")["findings"]
    assert found["service-restart-loop|service:looping.service"]["facts"]["restarts"] >= 5
    alone.run("systemctl", "stop", "looping")


def age_the_past(debian: Booted, by_s: int = 300) -> None:
    """As if the look before had been five minutes earlier: its numbers and its seconds moved back."""
    (path,) = [path for path in (debian.root / "root/past").iterdir() if "history" in path.name]
    text, now = path.read_text(), int(time.time())
    for second in range(now - 120, now + 1):
        text = text.replace(str(second), str(second - by_s))
    path.write_text(text)


def test_a_power_cut_is_told_at_the_next_start_and_a_shutdown_is_not(alone: Booted) -> None:
    alone.stop()
    alone.boot()
    assert looked(alone)["unexpected-shutdown"] == "ok"
    alone.cut_power()
    alone.boot()
    found = looked(alone)["findings"]
    assert found["unexpected-shutdown|system"]["facts"]["times"] == 1


def test_crashes_that_systemd_kept_are_counted(alone: Booted) -> None:
    """The kernel would hand the image to this machine's own handler; so the container's is called as the kernel does:
    the process still stands, its image comes on stdin (core(5), systemd-coredump(8))."""
    alone.run("systemctl", "start", "systemd-coredump.socket")
    for _ in range(3):
        crash = (
            "sleep 60 & pid=$!; sleep 0.3; kill -STOP $pid; cat /bin/sleep | /lib/systemd/systemd-coredump "
            "$pid 0 0 11 $(date +%s) 18446744073709551615 debian; kill -KILL $pid; wait $pid 2>/dev/null; true"
        )
        alone.run("sh", "-c", crash)
    alone.until(lambda: alone.run("coredumpctl", "list", "--no-legend", ok=False).stdout.count("sleep") >= 3)
    found = looked(alone)["findings"]
    assert found["program-crashes|program:sleep"]["facts"]["crashes"] == 3


def in_the_unit(debian: Booted, command: str) -> str:
    """What a command says that runs in place of the agent, with every line of its unit but the start's own."""
    text = systemd.unit(program=Path("/usr/local/bin/bellpull-agent"), state=STATE, mode=Mode.MACHINE)
    lines = [line for line in text.splitlines() if not line.startswith(("ExecStart=", "Type=", "Restart"))]
    at = lines.index("[Service]") + 1
    lines[at:at] = [
        "Type=oneshot",
        f"ExecStart={command}",
        "StandardOutput=truncate:/root/inside",
        "SuccessExitStatus=1",
    ]
    debian.unit("hardened.service", "\n".join(lines))
    debian.run("systemctl", "start", "hardened")
    return (debian.root / "root/inside").read_text()


def test_the_units_hardening_hides_nothing_from_the_checks(alone: Booted) -> None:
    """Every check, in the very unit of machine mode and outside of it: the same answers."""
    inside = json.loads(in_the_unit(alone, "/usr/local/bin/diagnostics check --json"))
    outside = alone.json("diagnostics", "check", "--json", ok=False)

    def told(seen: dict[str, Any]) -> dict[str, object]:
        # The path of this reason names the process that asked.
        return {each["id"]: (each["status"], "" if each["id"] == "wifi" else each["reason"]) for each in seen["checks"]}

    assert told(inside) == told(outside)
    assert {each["fingerprint"] for each in inside["findings"]} == {each["fingerprint"] for each in outside["findings"]}


def test_the_units_hardening_leaves_a_visit_its_own(alone: Booted) -> None:
    """Landlock closes a visit in, and it becomes the person at the machine; neither may be filtered away."""
    lines = [
        "import os; from pathlib import Path; from agent.session.confinement import confine",
        "from agent.session.linux_process import become_person, no_new_privileges, become_subreaper",
        "no_new_privileges(); become_subreaper(); become_person('nobody')",
        "print(os.getuid(), confine(Path('/var/lib/bellpull')).confined)",
    ]
    alone.write("/root/visit.py", "\n".join(lines))
    alone.write(
        "/usr/local/bin/visit", f"#!/bin/sh\nexec env PYTHONPATH={ROOT} {sys.executable} /root/visit.py\n", 0o755
    )
    outside = alone.run("visit").stdout
    assert outside.startswith("65534 ")
    assert in_the_unit(alone, "/usr/local/bin/visit") == outside
    # And what the unit is closed for.
    for forbidden in ("touch /usr/here", "touch /etc/here", "mount -t tmpfs none /mnt", "unshare --net true"):
        assert in_the_unit(alone, f"/bin/sh -c '{forbidden} 2>/dev/null || echo no'") == "no\n", forbidden
