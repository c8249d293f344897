"""Commands of remedies for real, with small scripts in the place of the system's programs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.machine.change.programs import LINES, SystemPrograms, argv_of, words_of
from diagnostics.machine.interface import ActRefused, Platform
from diagnostics.remedies.clear_print_queue import jobs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="commands are run and locked on Linux only")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "run").mkdir()
    return tmp_path


def programs(folder: Path) -> SystemPrograms:
    return SystemPrograms(Platform.LINUX, str(folder / "run"), path=f"{folder / 'bin'}:/usr/bin:/bin")


def script(folder: Path, name: str, text: str) -> None:
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_command_gets_its_argument_and_nothing_else_and_is_marked_as_begun(folder: Path) -> None:
    script(folder, "cupsenable", 'printf "%s|" "$@"; printf "%s" "$LD_PRELOAD$SECRET"')
    there = programs(folder)
    assert not there.begun("printer-on")
    ran = there.run("printer-on", "Office_2")
    assert (ran.exit_code, ran.stdout) == (0, b"Office_2|")
    assert there.begun("printer-on")
    there.forget()
    assert os.listdir(folder / "run") == []


def test_reading_leaves_no_mark(folder: Path) -> None:
    script(folder, "lpstat", "echo printer Office is idle.")
    there = programs(folder)
    assert there.run("printer-state", "Office").stdout == b"printer Office is idle.\n"
    assert os.listdir(folder / "run") == []


def test_preview_without_a_folder_reads_all_the_same(folder: Path) -> None:
    script(folder, "ufw", "echo Status: inactive")
    there = SystemPrograms(Platform.LINUX, str(folder / "not-made"), path=str(folder / "bin"))
    assert there.run("firewall-state").stdout == b"Status: inactive\n"
    assert there.shown("firewall-on") == "ufw --force enable"
    assert not (folder / "not-made").exists()


def test_program_that_is_not_installed_is_refused_before_anything(folder: Path) -> None:
    with pytest.raises(ActRefused, match="resolvectl is not installed here"):
        SystemPrograms(Platform.LINUX, str(folder / "run"), path=str(folder / "bin")).shown("flush-dns")


def test_command_that_outlives_its_worker_is_waited_for(folder: Path) -> None:
    """The worker is killed by SIGKILL while its command goes on; the next worker sees no half of it."""
    script(folder, "ufw", f"touch {folder}/started; sleep 0.4; echo on > {folder}/state")
    code = (
        "from diagnostics.machine.change.programs import SystemPrograms\n"
        "from diagnostics.machine.interface import Platform\n"
        f"SystemPrograms(Platform.LINUX, {str(folder / 'run')!r}, path='{folder}/bin:/usr/bin:/bin').run('firewall-on')"
    )
    worker = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 20
    while not (folder / "started").exists():
        assert time.monotonic() < until
        os.sched_yield()
    worker.kill()
    worker.wait()
    there = programs(folder)
    assert not (folder / "state").exists()
    there.wait_for_orphan()
    assert (folder / "state").read_text() == "on\n"
    assert there.begun("firewall-on")
    there.forget()
    assert os.listdir(folder / "run") == []


def test_service_is_stopped_through_systemctl_and_never_the_agents_own(folder: Path) -> None:
    """systemctl's answers as systemd 252 gives them."""
    show = "Id=$last\\nLoadState=loaded\\nActiveState=$state\\nSubState=dead\\nControlGroup=/system.slice/$last\\n"
    script(
        folder,
        "systemctl",
        f"for last; do :; done; state=$(cat {folder}/state 2>/dev/null || echo active)\n"
        f'case "$*" in *" stop "*) echo inactive > {folder}/state; echo "$*" >> {folder}/said;;\n'
        f'*show*) printf "{show}";; esac',
    )
    there = programs(folder)
    assert there.run("service-stop", "flaky").stdout == b"inactive"
    assert (folder / "said").read_text() == "--no-pager --no-ask-password stop -- flaky.service\n"
    with pytest.raises(ActRefused, match="does not control itself"):
        there.run("service-stop", "bellpull-agent")


def test_words_of_a_failure_are_one_printable_line(folder: Path) -> None:
    script(folder, "freshclam", "printf '\\033[31mno mirror\\nmore' >&2; exit 3")
    ran = programs(folder).run("update-signatures")
    assert ran.exit_code == 3
    assert "\x1b" not in words_of(ran)
    assert "no mirror" in words_of(ran)
    assert "more" not in words_of(ran)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(LINES)), st.text(max_size=60) | st.from_regex(r"-{1,2}[a-z=/;|$ ]{1,20}", fullmatch=True))
def test_no_argument_becomes_an_option_or_a_second_word(line: str, argument: str) -> None:
    for platform in Platform:
        try:
            argv = argv_of(line, argument, platform)
        except ActRefused:
            continue
        pattern = getattr(LINES[line], platform.value)
        assert argv[0] == pattern[0]
        if argument:
            assert not argument.startswith("-")
            assert not set(argument) & set("\0\n;|&$`'\"/")
            assert len(argv) == len(pattern) or LINES[line].many


@pytest.mark.parametrize("argument", ["", "-a", "Office-1 -a", "Office-1; rm", "Office", "Office-1  Office-2"])
def test_jobs_are_cancelled_by_number_only(argument: str) -> None:
    with pytest.raises(ActRefused):
        argv_of("cancel-jobs", argument, Platform.LINUX)


def test_jobs_of_a_queue_are_read_from_lpstat() -> None:
    """As CUPS 2.4 writes them; a printer's name may hold dashes."""
    shown = (
        "HP-Laser-41             anna              10240   Mon 02 Nov 2026 10:00:01 AM UTC\n"
        "HP-Laser-42             ben              204800   Mon 02 Nov 2026 10:00:05 AM UTC\n"
    )
    assert jobs(shown) == ("HP-Laser-41", "HP-Laser-42")
    assert argv_of("cancel-jobs", " ".join(jobs(shown)), Platform.LINUX) == ("cancel", "HP-Laser-41", "HP-Laser-42")


def test_counterparts_on_other_systems() -> None:
    assert argv_of("flush-dns", "", Platform.WINDOWS) == ("ipconfig", "/flushdns")
    assert argv_of("renew-address", "en0", Platform.MACOS) == ("ipconfig", "set", "en0", "DHCP")
    with pytest.raises(ActRefused, match="no command for this on windows"):
        argv_of("firewall-on", "", Platform.WINDOWS)
