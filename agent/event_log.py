"""The agent's own log: one JSON object a line, a bounded rotating file, no personal data and no secrets.

Events are named (`link-ended`), their fields are ids, counts, reasons of our own making. What a machine holds (names,
paths, words of the customer, evidence) is never a field. 4 files of 1 MiB: a crash loop cannot fill a disk.

    {"event":"link-connected","level":"info","at":"2026-11-21T19:20:01Z"}
"""

import json
import os
import sys
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

_FILE_MAX_BYTES: Final = 1024 * 1024
_OLD_FILES: Final = 3
# Windows has no such flag: its descriptors are not inherited.
_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class EventLog(Protocol):
    def debug(self, event: str, **fields: object) -> None: ...

    def info(self, event: str, **fields: object) -> None: ...

    def warning(self, event: str, **fields: object) -> None: ...

    def defect(self, event: str, error: BaseException, **fields: object) -> None:
        """Our own mistake: where it happened, without the values that were there."""


class StructuredLog:
    """The lines, into the file and, with `also_stderr`, to a terminal. `path` None: no file.

    Written here in a few lines because this process stays for months: structlog, logging's handlers and what they
    import (pickle, queues, tracebacks in colour) were 2.3 MB of it, for one line every few minutes.
    """

    def __init__(self, path: Path | None, *, also_stderr: bool = False, debug: bool = False) -> None:
        self._file = None if path is None else _BoundedFile(path)
        self._also_stderr = also_stderr
        self._debug = debug

    def debug(self, event: str, **fields: object) -> None:
        if self._debug:
            self._write(event, Level.DEBUG, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(event, Level.INFO, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write(event, Level.WARNING, fields)

    def defect(self, event: str, error: BaseException, **fields: object) -> None:
        self._write(event, Level.ERROR, {"error": type(error).__name__, "where": _where(error), **fields})

    def _write(self, event: str, level: Level, fields: dict[str, object]) -> None:
        at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        value = {**fields, "event": event, "level": level.value, "at": at}
        line = (json.dumps(value, ensure_ascii=False, default=repr) + "\n").encode("utf-8", "backslashreplace")
        if self._file is not None:
            self._file.append(line)
        if self._also_stderr and sys.stderr is not None:
            try:
                sys.stderr.buffer.write(line)
                sys.stderr.buffer.flush()
            except (OSError, ValueError):
                self._also_stderr = False  # the terminal went away; the file goes on


class _BoundedFile:
    """Mode 0600 from its first byte; a disk that is full loses log lines and nothing else.

    `agent.log` is the newest, `agent.log.3` the oldest. What cannot be renamed is not added to either: the bound holds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor, self._size_bytes, self._torn = -1, 0, False
        self._open()

    def append(self, line: bytes) -> None:
        try:
            if self._descriptor < 0:
                self._open()
            if self._size_bytes and self._size_bytes + len(line) > _FILE_MAX_BYTES:
                self._turn_over()
            # After a line of which the disk took a part only, the next begins at a line of its own.
            data = b"\n" + line if self._torn else line
            written = os.write(self._descriptor, data)
        except OSError:
            return  # lost; there is nobody to tell, and what logged it goes on
        self._size_bytes += written
        self._torn = written < len(data)

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _CLOEXEC, 0o600)
        self._size_bytes = os.fstat(self._descriptor).st_size
        self._torn = False

    def _turn_over(self) -> None:
        """Raises OSError."""
        names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, _OLD_FILES + 1))]
        # Windows renames no file that is open.
        os.close(self._descriptor)
        self._descriptor = -1  # a number that is free is soon another file's
        try:
            for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
                if newer.exists():
                    os.replace(newer, older)
        finally:
            self._open()


def _where(error: BaseException) -> list[str]:
    """File, line and function of the last frames: no source line, no value, no path of the machine."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
