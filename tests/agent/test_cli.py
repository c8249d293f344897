"""The command line as a person and a script meet it, and a service that really runs."""

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli.command import Command, Exit, parser_for
from agent.cli.main import COMMANDS, main
from agent.cli.status import is_problem, lines_of
from agent.config import AutomaticTickets, Config, load_config
from agent.local.client import ServiceAbsent, call
from agent.paths import Mode, StateFolder, state_folder
from agent.refusal import Refusal
from agent.service import launchd, systemd, windows
from diagnostics.checks.catalogue import CATALOGUE
from tests.agent.desk_server import DeskServer
from tests.agent.doubles import enrol_in_memory
from tests.making import Organisation

REPOSITORY = Path(__file__).resolve().parents[2]


def agent(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        cwd=REPOSITORY,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


# --- help and wrong use -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command: Command = importlib.import_module(COMMANDS[name][0]).COMMAND
    assert command.name == name
    text = parser_for(command).format_help()
    assert f"example:\n  {command.example}" in text
    assert command.example.partition("bellpull-agent ")[2].startswith(name)
    assert "--state" in text


def test_the_overview_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == Exit.FINE
    listed = capsys.readouterr().out
    assert all(re.search(rf"^  {name} ", listed, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["--child", "os"], ["--child"]])
def test_wrong_use_is_exit_code_2(arguments: list[str]) -> None:
    assert main(arguments) == Exit.WRONG_USE


@pytest.mark.parametrize("arguments", [["status", "--nonsense"], ["bundle"], ["enrol"], ["check", "--js"]])
def test_wrong_arguments_are_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == Exit.WRONG_USE


def test_a_check_that_does_not_exist_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "disk-spice", "--state", str(tmp_path)]) == Exit.WRONG_USE
    assert "disk-space" in capsys.readouterr().err


def test_errors_are_json_on_stdout_and_words_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json", "--state", str(tmp_path / "none")]) == Exit.PROBLEM
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["what"] == "the Bellpull service is not running"
    assert "bellpull-agent run" in said.err


# --- check ------------------------------------------------------------------------------------------------------


def test_check_works_offline_and_its_json_is_as_promised(tmp_path: Path) -> None:
    done = agent("check", "--json", "--state", str(tmp_path / "none"))
    value = json.loads(done.stdout)
    assert set(value) == {"checks", "findings", "duration_s", "cpu_s"}
    assert {frozenset(check) for check in value["checks"]} == {frozenset({"id", "status", "ms", "reason"})}
    assert {check["status"] for check in value["checks"]} <= {"ok", "finding", "skipped", "failed"}
    assert [check["id"] for check in value["checks"]] == [check.id for check in CATALOGUE]
    assert done.returncode == (1 if value["findings"] else 0)
    assert not (tmp_path / "none").exists()


def test_check_says_in_words_what_it_saw(tmp_path: Path) -> None:
    done = agent("check", "memory-pressure", "--state", str(tmp_path))
    assert "memory-pressure" in done.stdout
    assert re.search(r"(Nothing was found|finding)", done.stdout)


# --- enrol ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "bellpull1.", "bellpull1.!!!", "hello", "bellpull1." + "A" * 30_000, "\x00"])
def test_a_wrong_token_is_refused_with_a_hint(tmp_path: Path, token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enrol", token, "--state", str(tmp_path / "s")]) == Exit.PROBLEM
    assert capsys.readouterr().err
    assert not (tmp_path / "s" / "identity" / "enrolment.json").exists()


# --- settings ---------------------------------------------------------------------------------------------------


def test_the_settings_in_the_documentation_are_read(tmp_path: Path) -> None:
    import agent.config

    documented = str(agent.config.__doc__).partition("\n\n")[2]
    tomllib.loads(documented)
    (tmp_path / "config.toml").write_text(documented, encoding="utf-8")
    config = load_config(tmp_path / "config.toml")
    assert config.checks.disabled == ("dns",)
    assert config.tickets.automatic_from is AutomaticTickets.ERROR
    assert config.bundle.never == ("packages",)
    assert load_config(tmp_path / "absent.toml") == Config()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[checks]\nevery_minutes = 1", "greater than or equal to 5"),
        ("[checks]\nevery_minutes = '5'", "integer"),
        ("[tickets]\nautomatic_from = 'sometimes'", "automatic_from"),
        ("[remote]\nscript = 'x'", "Extra inputs"),
        ("[checks", "not TOML"),
        ("x = '" + "y" * 70_000 + "'", "larger than"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Refusal, match=words):
        load_config(tmp_path / "config.toml")


# --- folders ----------------------------------------------------------------------------------------------------


def test_a_state_folder_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir(mode=0o777)
    (tmp_path / "s").chmod(0o777)
    folder = StateFolder(tmp_path / "s", Mode.USER)
    folder.make()
    assert folder.root.stat().st_mode & 0o077 == 0


def test_a_path_too_long_for_a_socket_is_refused_in_time(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="too long"):
        StateFolder(tmp_path / ("x" * 100), Mode.USER).make()


def test_a_machine_folder_lets_others_reach_the_socket_and_nothing_else(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "s", Mode.MACHINE)
    folder.make()
    assert folder.run.stat().st_mode & 0o777 == 0o755
    assert folder.identity.stat().st_mode & 0o777 == 0o700
    assert folder.bundles.stat().st_mode & 0o777 == 0o700


def test_a_named_folder_is_used_as_it_is(tmp_path: Path) -> None:
    assert state_folder(tmp_path) == StateFolder(tmp_path, Mode.USER)


# --- service definitions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", list(Mode))
def test_the_systemd_unit_is_one_that_systemd_takes(tmp_path: Path, mode: Mode) -> None:
    program = tmp_path / "bellpull agent %h $HOME"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    text = systemd.unit(program=program, state=tmp_path / "st%te$", mode=mode)
    assert "%%h $HOME" in text
    assert "st%%te$$" in text
    for falsifies in ("PrivateTmp", "PrivateNetwork", "ProtectHome", "PrivateDevices", "ProtectProc"):
        assert falsifies not in text
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not on this machine: the unit's text was checked, not its meaning")
    unit = tmp_path / systemd.UNIT_NAME
    unit.write_text(text.replace("After=network.target\n", ""), encoding="utf-8")
    done = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if systemd.UNIT_NAME in line]
    assert complaints == []


def test_a_path_with_a_line_end_cannot_become_a_line_of_the_unit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="control characters"):
        systemd.unit(program=tmp_path / "a\nExecStartPre=/bin/evil", state=tmp_path, mode=Mode.USER)


def test_what_is_not_proven_says_so() -> None:
    assert "proven\non no Mac yet" in str(launchd.__doc__)
    assert "proven by no Windows yet" in str(windows.__doc__)
    assert windows.supported is False
    assert b"<key>KeepAlive</key>" in launchd.property_list(program=Path("/a"), state=Path("/b"), mode=Mode.USER)


# --- status, as shown -------------------------------------------------------------------------------------------


def status_value(**changes: Any) -> dict[str, Any]:
    value: dict[str, Any] = {
        "process": {"pid": 1, "rss_bytes": 50_000_000, "cpu_s": 1.5},
        "clock_held_back_s": 0,
        "membership": {
            "device": "d-x",
            "organisation": "Help\x1b[2J",
            "origin": "https://help.example",
            "customer": "Anna",
            "approved": False,
            "approval": "waiting",
        },
        "link": {"state": "waiting", "trouble": "refused\u202e", "connected_since": None, "next_attempt_s": 12.0},
        "outbox": {"items": 2, "bytes": 900, "oldest_queued_at": 1000, "dead_letters": 1},
        "uploads": [{"id": "u", "state": "refused", "size_bytes": 5, "reason": "no\x07"}],
        "alarms": [{"kind": "fork", "name": "two truths", "expected": "a", "got": "b"}],
        "health": {"looked_at": 1000, "trouble": "", "visible": [], "checks": []},
    }
    return {**value, **changes}


def test_status_shows_servers_words_without_their_tricks() -> None:
    dead = [{"kind": "report", "id": "i", "reason": "\x1b]0;evil\x07"}]
    text = "\n".join(lines_of(status_value(), dead, 1300))
    assert not any(ord(character) < 32 and character != "\n" for character in text)
    assert "\u202e" not in text
    for told in ("ALARM        fork", "next attempt in 12 s", "2 items, 900 bytes, the oldest 5 min old", "waiting"):
        assert told in text
    assert is_problem(status_value())
    assert not is_problem(status_value(alarms=[]))


def test_a_held_clock_is_shown_with_the_way_out() -> None:
    text = "\n".join(lines_of(status_value(clock_held_back_s=400_000), [], 1300))
    assert "4 d ahead" in text
    assert "--clock-is-right" in text


# --- a service that runs ----------------------------------------------------------------------------------------


class Service:
    def __init__(self, folder: StateFolder) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent", "run", "--state", str(folder.root), "--verbose"],
            cwd=REPOSITORY,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        while "service-started" not in (line := self.process.stderr.readline()):
            assert line, "the service ended before it started"
        while True:
            try:
                call(folder.root, "status")
                return
            except ServiceAbsent:
                assert self.process.poll() is None

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def service(folder: StateFolder) -> Iterator[Service]:
    running = Service(folder)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate(timeout=30)


def test_a_service_without_enrolment_watches_and_says_what_is_missing(service: Service) -> None:
    state = str(service.folder.root)
    told = json.loads(agent("status", "--json", "--state", state).stdout)
    assert (told["enrolled"], told["link"]) == (False, None)
    looked = call(service.folder.root, "check-now")
    assert len(looked["checks"]) == len(CATALOGUE)
    refused = agent("ask", "help", "--yes", "--state", state)
    assert refused.returncode == 1
    assert "not enrolled" in refused.stderr
    second = agent("run", "--state", state)
    assert second.returncode == 1
    assert "running in this state folder already" in second.stderr
    assert service.stop() == 0
    assert not service.folder.socket.exists()


async def test_a_running_service_takes_an_enrolment_up_and_logs_in(
    service: Service, organisation: Organisation, desk_server: DeskServer
) -> None:
    import asyncio

    identity = enrol_in_memory(service.folder, organisation, server_origin=desk_server.origin)
    desk_server.device_key = identity.signing.public
    assert await asyncio.to_thread(call, service.folder.root, "enrolled") == {"restarting": True}
    await desk_server.until(lambda: desk_server.logins == 1)
    assert await asyncio.to_thread(service.stop) == 0


def test_the_log_is_private_and_bounded(service: Service) -> None:
    service.stop()
    log = service.folder.log
    assert log.stat().st_mode & 0o777 == 0o600
    events = [json.loads(line)["event"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert events == ["service-started", "service-stopped"]
    assert os.environ.get("USER", "nobody-of-that-name") not in log.read_text(encoding="utf-8")
