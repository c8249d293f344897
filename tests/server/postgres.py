"""A PostgreSQL of its own for the tests: started from Debian's binaries as an unprivileged user, on a free port."""

import asyncio
import contextlib
import itertools
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from server.storage.engine import Database
from server.storage.migrate import migrate

_INSTALL = "no PostgreSQL server here; install it with: apt-get install postgresql"


@dataclass
class Postgres:
    port: int
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    _template: list[str] = field(default_factory=list)

    def new_database(self, template: str = "template1") -> str:
        """A fresh, empty database; its URL. Or a copy of `template`."""
        name = f"bellpull_{next(self._numbers)}"

        async def make() -> None:
            connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user="bellpull", database="postgres")
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            await connection.close()

        run_apart(make())
        return f"postgresql+asyncpg://bellpull@127.0.0.1:{self.port}/{name}"

    def new_migrated_database(self) -> str:
        """A fresh database with this version's tables: a copy of one that is made once."""
        if not self._template:
            made = self.new_database()

            async def fill() -> None:
                opened = Database(made)
                await migrate(opened)
                await opened.close()

            run_apart(fill())
            self._template.append(made.rpartition("/")[2])
        return self.new_database(self._template[0])


def run_apart(work: object) -> None:
    """Run a coroutine to its end from a fixture, whether or not a loop runs in this thread."""
    import threading

    failed: list[BaseException] = []

    def act() -> None:
        try:
            asyncio.run(work)  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001 - handed to the caller below
            failed.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


@contextlib.contextmanager
def start_postgres(directory: Path) -> Iterator[Postgres]:
    """Skips, with the line that installs it, where there is none; fails instead where CI=true."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not binaries or (shutil.which("setpriv") is None and os.geteuid() == 0):
        if os.environ.get("CI") == "true":
            pytest.fail(_INSTALL)
        pytest.skip(_INSTALL)
    folder = binaries[-1].parent
    data = _data_directory(directory)
    as_user = _unprivileged()
    subprocess.run(
        [*as_user, folder / "initdb", "-D", data, "-U", "bellpull", "--auth=trust", "--no-sync", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    port = _free_port()
    settings = ("fsync=off", "full_page_writes=off", "listen_addresses=127.0.0.1", f"unix_socket_directories={data}")
    argv = [*as_user, folder / "postgres", "-D", data, "-p", str(port), "-c", "max_connections=60"]
    process = subprocess.Popen(
        [*argv, *(word for setting in settings for word in ("-c", setting))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        _wait(folder, port, process)
        yield Postgres(port)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(data, ignore_errors=True)


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root; `nobody` will do."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _data_directory(directory: Path) -> Path:
    if os.geteuid() != 0:
        return directory / "data"
    # pytest's own directories are closed to others.
    import tempfile

    data = Path(tempfile.mkdtemp(prefix="bellpull-postgres-"))
    os.chown(data, pwd.getpwnam("nobody").pw_uid, -1)
    return data


def _wait(folder: Path, port: int, process: "subprocess.Popen[bytes]") -> None:
    argv = [folder / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "20"]
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended with {process.returncode}")
        if subprocess.run(argv, capture_output=True, check=False).returncode == 0:
            return
    raise RuntimeError("PostgreSQL did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
