"""Remedies' commands on Windows and macOS: the real runner and the real list, run here with scripts in the place of
those systems' programs. What the programs themselves do stays unproven, and is said so."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.checks.contract import raised
from diagnostics.findings import RemedyOffer, Severity
from diagnostics.machine.change.bounded_run import STDOUT_MAX_BYTES, environment_for, run_bounded
from diagnostics.machine.change.folders import NothingToChange
from diagnostics.machine.change.programs import LINES, SystemPrograms
from diagnostics.machine.interface import ActRefused, Platform
from diagnostics.remedies.catalogue import REMEDIES
from diagnostics.remedies.offers import ELSEWHERE, with_offers
from diagnostics.remedies.profile import Risk, risk_here
from diagnostics.remedies.remedy import Means
from diagnostics.remedies.run_program import RunProgram
from diagnostics.wording import Language

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "run").mkdir()
    return tmp_path


def script(folder: Path, name: str, text: str) -> None:
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def programs(folder: Path, platform: Platform) -> SystemPrograms:
    path = "C:\\Windows\\System32;C:\\ps" if platform is Platform.WINDOWS else f"{folder / 'bin'}:/usr/bin:/bin"
    return SystemPrograms(platform, str(folder / "run"), path=path, find=lambda name: f"{folder}/bin/{name}")


def test_a_connection_of_windows_is_one_word_however_it_is_called(folder: Path) -> None:
    script(folder, "ipconfig", 'printf "%s|" "$@"; printf "%s %s" "$PATHEXT" "$PSModulePath$LC_ALL"')
    there = programs(folder, Platform.WINDOWS)
    for name in ("Ethernet 2", "vEthernet (Default Switch)", "Беспроводная сеть", "x"):
        said = f"/renew|{name}|.COM;.EXE C:\\ps\\Modules"
        assert there.run("renew-address", name).stdout.decode() == said
    for name in ("", " x", "x ", "-x", "/all", "*", 'a" /release', "a|b", "Ethernet'", "a\n", "x" * 101):
        with pytest.raises(ActRefused, match="no argument for ipconfig"):
            there.run("renew-address", name)


@pytest.mark.parametrize(
    ("platform", "line", "argument", "program", "said"),
    [
        (Platform.WINDOWS, "flush-dns", "", "ipconfig", "/flushdns"),
        (Platform.WINDOWS, "clock-step", "", "w32tm", "/resync"),
        (Platform.WINDOWS, "service-restart", "Audiosrv", "powershell", "Restart-Service -Name 'Audiosrv'"),
        (Platform.WINDOWS, "spooler-restart", "", "powershell", "Restart-Service -Name 'Spooler' -Force"),
        (Platform.WINDOWS, "update-signatures", "", "powershell", "Update-MpSignature"),
        (Platform.MACOS, "flush-dns", "", "dscacheutil", "-flushcache"),
        (Platform.MACOS, "renew-address", "en0", "ipconfig", "set en0 DHCP"),
        (Platform.MACOS, "spooler-restart", "", "launchctl", "kickstart -k system/org.cups.cupsd"),
        (Platform.MACOS, "cancel-jobs", "Office-41 Office-42", "cancel", "Office-41 Office-42"),
    ],
)
def test_the_counterparts_run_by_the_same_runner(
    platform: Platform, line: str, argument: str, program: str, said: str, folder: Path
) -> None:
    script(folder, program, 'echo "$*"')
    there = programs(folder, platform)
    ran = there.run(line, argument)
    assert ran.exit_code == 0
    assert said in ran.stdout.decode()
    assert there.begun(line)
    assert not there.is_proven


@pytest.mark.parametrize("name", ["BellpullAgent", "bellpull-agent"])
def test_no_system_lets_the_agents_own_service_be_restarted(name: str, folder: Path) -> None:
    with pytest.raises(ActRefused, match="does not control itself"):
        programs(folder, Platform.WINDOWS).run("service-restart", name)


def test_what_windows_has_no_command_for_is_refused_with_a_reason(folder: Path) -> None:
    with pytest.raises(ActRefused, match="no command for this on windows"):
        programs(folder, Platform.WINDOWS).shown("firewall-on")
    with pytest.raises(ActRefused, match="ipconfig is not installed here"):
        SystemPrograms(Platform.WINDOWS, str(folder / "run")).shown("flush-dns")


def test_a_command_over_its_time_is_stopped_and_one_that_says_too_much_is_cut(folder: Path) -> None:
    script(folder, "loud", "head -c 300000 /dev/zero; exit 3")
    ran = run_bounded(f"{folder}/bin/loud", ("loud",), ENVIRONMENT, 20)
    assert (ran.exit_code, len(ran.stdout)) == (3, STDOUT_MAX_BYTES)
    script(folder, "slow", "exec sleep 30")
    began = time.monotonic()
    with pytest.raises(ActRefused, match=r"slow did not end within 0\.1 s"):
        run_bounded(f"{folder}/bin/slow", ("slow",), ENVIRONMENT, 0.1)
    assert time.monotonic() - began < 10


def test_a_daemon_that_keeps_the_pipe_open_holds_nobody_up(folder: Path) -> None:
    script(folder, "starts", f"sleep 20 & echo $! > {folder}/left; echo started")
    began = time.monotonic()
    ran = run_bounded(f"{folder}/bin/starts", ("starts",), ENVIRONMENT, 20)
    assert (ran.exit_code, ran.stdout) == (0, b"started\n")
    assert time.monotonic() - began < 15
    run_bounded("/bin/sh", ("sh", "-c", f"kill $(cat {folder}/left)"), ENVIRONMENT, 5)


def test_a_program_that_may_not_be_run_is_refused_in_words(folder: Path) -> None:
    (folder / "bin" / "no").write_text("x")
    with pytest.raises(ActRefused, match="may not run no"):
        run_bounded(f"{folder}/bin/no", ("no",), ENVIRONMENT, 5)


def test_the_environment_of_windows_holds_no_search_path_of_ours() -> None:
    ours = {"SYSTEMROOT": "C:\\Windows", "PATH": "/usr/bin", "PSModulePath": "D:\\evil", "SECRET": "x", "HOME": "/x"}
    assert environment_for(Platform.WINDOWS, "C:\\S;C:\\S\\ps", ours) == {
        "SYSTEMROOT": "C:\\Windows",
        "PATH": "C:\\S;C:\\S\\ps",
        "PATHEXT": ".COM;.EXE",
        "PSModulePath": "C:\\S\\ps\\Modules",
    }
    assert "SECRET" not in environment_for(Platform.MACOS, "/usr/bin", ours)


@pytest.mark.parametrize("platform", [Platform.WINDOWS, Platform.MACOS])
def test_what_is_offered_elsewhere_has_its_commands_there_and_asks(platform: Platform) -> None:
    for name in sorted(ELSEWHERE[platform]):
        acts = REMEDIES[name].acts
        for line in (acts._act.do, acts._act.undo, acts._act.read) if isinstance(acts, RunProgram) else ():
            assert line is None or getattr(LINES[line], platform.value), (name, line)
        for system in ("darwin", "win32"):
            assert risk_here(REMEDIES[name].risk, system) >= Risk.ASKS
    named = RemedyOffer("clean-user-cache", 2, (), True, 30)
    finding = raised("dns-slow", "", Severity.WARNING, rule="dns@1", now=0, facts={})
    offered = {offer.id: offer for offer in with_offers(replace(finding, remedies=(named,)), platform).remedies}
    assert ("clean-user-cache" in offered) == (platform is Platform.MACOS)
    assert offered["flush-dns-cache"].risk == Risk.ASKS
    assert with_offers(finding).remedies[0].risk == Risk.ALONE


def test_an_unproven_command_says_so_in_its_dry_run(folder: Path) -> None:
    script(folder, "ipconfig", "exit 0")
    means = Means(NothingToChange(), {}, str(folder / "run"), programs=programs(folder, Platform.WINDOWS))
    acts = REMEDIES["flush-dns-cache"].acts
    plan = acts.plan(means, now=0)
    assert tuple(acts.steps(plan, Language.ENGLISH)) == (
        "Run the command: ipconfig /flushdns",
        "This command has not been tried on this kind of system yet.",
        "This cannot be put back.",
    )
    assert acts.apply(plan, means) == "the command ended well"
