"""`bellpull-server …` as an operator meets it: what it prints, what it refuses, and with which exit code."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import app
from tests.running import start_server

COMMANDS = ("init", "run", "organisation-code", "backup", "restore")


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*arguments: object) -> Done:
    """The command in this process; `apart` for those that really serve."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def apart(*arguments: object) -> Done:
    """The command in a process of its own."""
    argv = [sys.executable, "-m", "server.cli", *map(str, arguments)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return Done(done.returncode, done.stdout, done.stderr)


def test_init_prints_one_json_object_and_makes_a_private_directory(tmp_path: Path) -> None:
    data = tmp_path / "server"
    done = run("init", "--data", data, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"data", "origin", "setup_code"} <= set(answer)
    assert data.stat().st_mode & 0o077 == 0
    assert (data / "log-key").stat().st_mode & 0o077 == 0
    assert len((data / "log-key").read_bytes()) == 32
    # The code is kept as its hash: whoever reads the directory cannot use it.
    for file in data.rglob("*"):
        if file.is_file():
            assert answer["setup_code"].encode() not in file.read_bytes()


def test_init_twice_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    run("init", "--data", tmp_path / "server")
    key = (tmp_path / "server" / "log-key").read_bytes()
    again = run("init", "--data", tmp_path / "server", "--json")
    assert again.returncode == 1
    assert "not empty" in json.loads(again.stdout)["error"]["what"]
    assert (tmp_path / "server" / "log-key").read_bytes() == key


@pytest.mark.parametrize("origin", ["http://support.example.org", "ftp://x", "https://a/path", "support", ""])
def test_an_origin_that_would_not_do_is_refused_and_leaves_nothing(tmp_path: Path, origin: str) -> None:
    done = run("init", "--data", tmp_path / "server", "--origin", origin)
    assert (done.returncode, (tmp_path / "server").exists()) == (1, False)
    assert "--origin" in done.stderr


def test_a_database_that_does_not_answer_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://bellpull@127.0.0.1:{nobody.getsockname()[1]}/none"
        done = run("init", "--data", tmp_path / "server", "--database", url, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["what"]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "server").exists()


def test_a_directory_that_is_not_a_servers_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    done = run("run", "--data", tmp_path)
    assert done.returncode == 1
    assert "bellpull-server init" in done.stderr


def test_a_taken_port_is_refused_in_words(tmp_path: Path) -> None:
    run("init", "--data", tmp_path / "server")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("run", "--data", tmp_path / "server", "--listen", address)
    assert done.returncode == 1
    assert address in done.stderr
    assert "port 0" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "listen", ["8443", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:99999", "no.such.host.invalid:1"]
)
def test_an_address_that_is_none_is_refused_in_words(tmp_path: Path, listen: str) -> None:
    run("init", "--data", tmp_path / "server")
    done = run("run", "--data", tmp_path / "server", "--listen", listen)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_second_server_on_one_directory_is_refused(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        done = apart("run", "--data", server.data, "--listen", "127.0.0.1:0")
        assert done.returncode == 1
        assert "another bellpull-server" in done.stderr


def test_port_0_takes_a_free_one_and_says_which(tmp_path: Path) -> None:
    run("init", "--data", tmp_path / "server")
    argv = [sys.executable, "-m", "server.cli", "run", "--data", str(tmp_path / "server"), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen([*argv, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["event"] == "listening"
        assert said["origin"] == f"http://{said['address']}"
        assert (tmp_path / "server" / "address").read_text(encoding="utf-8").strip() == said["address"]
    finally:
        process.terminate()
        assert process.wait(10) == 0
        assert process.stdout is not None
        process.stdout.close()


def test_a_changed_audit_log_stops_the_start_with_the_reason(tmp_path: Path) -> None:
    import sqlite3

    run("init", "--data", tmp_path / "server")
    with sqlite3.connect(tmp_path / "server" / "bellpull.db") as connection:
        connection.execute("INSERT INTO audit_leaves (\"index\", leaf) VALUES (0, x'7b7d')")
    done = apart("run", "--data", tmp_path / "server", "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "audit log" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_new_organisation_code_replaces_the_old_one(tmp_path: Path) -> None:
    first = json.loads(run("init", "--data", tmp_path / "server", "--json").stdout)["setup_code"]
    done = run("organisation-code", "--data", tmp_path / "server", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["setup_code"] != first


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert "Example: bellpull-server" in done.stdout


def test_wrong_use_is_exit_code_2(tmp_path: Path) -> None:
    assert run("init").returncode == 2
    assert run("no-such-command").returncode == 2
    assert run("run", "--data", tmp_path, "--port", "1").returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_a_backup_by_command_is_restored_by_command(tmp_path: Path) -> None:
    run("init", "--data", tmp_path / "server")
    backup = run("backup", "--data", tmp_path / "server", "--to", tmp_path / "backup", "--json")
    restore = run("restore", "--from", tmp_path / "backup", "--data", tmp_path / "again", "--json")
    assert (backup.returncode, restore.returncode) == (0, 0)
    assert json.loads(restore.stdout)["audit"] == "verified"
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
