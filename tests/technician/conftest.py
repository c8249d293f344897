"""Fixtures of the technician's tests: a folder with an organisation in it, a passphrase file, and the command line."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from technician.cli import app
from technician.keys import key_file

PASSPHRASE = "correct horse battery staple"


@dataclass(frozen=True)
class Ran:
    """What a command did. `json`: the one JSON text on stdout."""

    result: Result

    @property
    def code(self) -> int:
        return self.result.exit_code

    @property
    def json(self) -> Any:
        """The last JSON line: a server in this process may write its own log lines between."""
        return objects(self.result.stdout)[-1]

    @property
    def text(self) -> str:
        return self.result.output


Run = Callable[..., Ran]


def objects(text: str) -> list[dict[str, Any]]:
    """The JSON lines of an output, without what a server in this process logs."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.fixture(autouse=True)
def light_passphrases(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at its real cost is tested in test_key_file.py; in every other test it would only heat the machine."""
    if request.path.name != "test_key_file.py":
        light = partial(key_file.Argon2Settings, memory_kib=8 * 1024, iterations=1, lanes=1)
        monkeypatch.setattr(key_file, "Argon2Settings", light)


@pytest.fixture
def run() -> Run:
    """`run("org", "init", …)`: one command of `bellpull`, in this process."""

    def command(*arguments: object, stdin: str = "") -> Ran:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result)

    return command


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A folder that only we can look into."""
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="session")
def soak() -> bool:
    """Whether the long counts are asked for (`BELLPULL_SOAK=1`)."""
    return os.environ.get("BELLPULL_SOAK") == "1"
