"""One SQLite file, one writer: the service process. What `transaction` returned from is on the disk.

WAL with synchronous=FULL: a commit is an fsync, so what was acknowledged survives a power cut. Mode 0600. Nothing
here knows what is kept; each room declares its tables (schema.py) and writes its own SQL.

A disk that is full or failing raises `NotWritten`: the caller must not acknowledge, and says why.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.refusal import Refusal

# Raised with the first change to a table of a released version; the step from one to the next stands beside it.
SCHEMA_VERSION: Final = 1
# Another process holds the file only for the moment of a crash recovery.
_BUSY_TIMEOUT_S: Final = 5.0
# Read back into memory at most this much of the file: the idle service stays small.
_CACHE_KIB: Final = 512


class NotWritten(Refusal):
    """Nothing was stored, and whatever depends on it must not be promised."""


class NotRead(Refusal):
    """What is kept could not be read: a disk that fails, or a file that was damaged while it was open."""


class DamagedDatabase(Refusal):
    """The file is there and is not a sound database."""


class Database:
    """`path` is made when absent. Use from one thread at a time; transactions may nest (the inner is a savepoint)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._depth = 0
        self._lock = threading.RLock()
        _make_private(path)
        self._connection = sqlite3.connect(
            path, isolation_level=None, timeout=_BUSY_TIMEOUT_S, check_same_thread=False, cached_statements=64
        )
        self._connection.row_factory = sqlite3.Row
        # A flipped bit in a text makes it another text, which its reader judges; it does not make the row unreadable.
        self._connection.text_factory = _lenient_text
        try:
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                "foreign_keys=ON",
                f"cache_size=-{_CACHE_KIB}",
                # Keeps the -wal file small while the agent runs for months.
                "journal_size_limit=4194304",
            ):
                self._connection.execute(f"PRAGMA {pragma}").fetchall()
            self._check(self._connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            self._make_tables()
        except BaseException as error:
            self._connection.close()
            if isinstance(error, sqlite3.OperationalError):
                raise _not_opened(path, str(error)) from error
            # SQLite repeats damaged names of tables in its errors, and Python then fails to read the error.
            if isinstance(error, sqlite3.DatabaseError | UnicodeDecodeError):
                self._check(str(error))
            raise

    def _check(self, answer: str) -> None:
        if answer != "ok":
            raise DamagedDatabase(
                "the agent's database is damaged",
                expected="a sound SQLite file",
                got=answer,
                hint=f"Move {self.path} away and start again; findings and queued items in it are lost, "
                "the device keeps its identity.",
            )

    def _make_tables(self) -> None:
        from agent.store.schema import TABLES  # the rooms import this module; only here do we import them

        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if found > SCHEMA_VERSION:
            raise DamagedDatabase(
                "this state folder was used by a newer Bellpull",
                expected=f"a database of version {SCHEMA_VERSION} or older",
                got=f"version {found}",
                hint="Install that version again, or use another --state DIR.",
            )
        with self.transaction() as connection:
            for _room, statement in TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """BEGIN IMMEDIATE … COMMIT, or ROLLBACK on any exception. Inside another one: a savepoint of it."""
        with self._lock:
            savepoint = f"level_{self._depth}" if self._depth else None
            self._execute(f"SAVEPOINT {savepoint}" if savepoint else "BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
                self._depth -= 1
                self._execute(f"RELEASE {savepoint}" if savepoint else "COMMIT")
            except BaseException as error:
                self._depth = min(self._depth, int(savepoint[6:]) if savepoint else 0)
                self._roll_back(savepoint)
                if isinstance(error, sqlite3.OperationalError):
                    raise _not_written(error) from error
                raise

    def _execute(self, statement: str) -> None:
        try:
            self._connection.execute(statement)
        except sqlite3.OperationalError as error:
            raise _not_written(error) from error

    def _roll_back(self, savepoint: str | None) -> None:
        # SQLite rolls back by itself on a full disk: then there is nothing left to roll back.
        if not self._connection.in_transaction:
            return
        if savepoint:
            self._connection.execute(f"ROLLBACK TO {savepoint}")
            self._connection.execute(f"RELEASE {savepoint}")
        else:
            self._connection.execute("ROLLBACK")

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        """All rows. NotRead when the disk does not give them."""
        with self._lock:
            try:
                return self._connection.execute(sql, tuple(parameters)).fetchall()
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR:
                    raise  # wrong SQL: a defect of ours, no disk's
                raise _not_read(self.path, error) from error
            except UnicodeDecodeError as error:  # as above: the words of an error about a damaged name
                raise _not_read(self.path, error) from error

    def close(self) -> None:
        self._connection.close()


def _lenient_text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")


def _make_private(path: Path) -> None:
    """The file exists with mode 0600 before SQLite writes into it (its -wal and -shm take the same mode)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        handle = os.open(path, flags, 0o600)
    except OSError as error:
        raise _not_opened(path, error.strerror or str(error)) from error
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def _not_read(path: Path, error: Exception) -> NotRead:
    return NotRead(
        "the agent's database could not be read",
        expected=f"a sound SQLite file {path}",
        got=str(error),
        hint="Check the disk of the state folder: its own messages stand in the system's log.",
    )


def _not_opened(path: Path, got: str) -> NotWritten:
    return NotWritten(
        "the agent's database cannot be opened",
        expected=f"a writable file {path}",
        got=got,
        hint="Check the owner of the state folder and the free space of its disk.",
    )


def _not_written(error: sqlite3.OperationalError) -> NotWritten:
    return NotWritten(
        "nothing could be written to the agent's database",
        expected="a disk that takes data",
        got=str(error),
        hint="Free some space on the disk of the state folder, then try again. Nothing was promised or sent.",
    )
