"""The agent's own log: one JSON object a line, a bounded rotating file, no personal data and no secrets.

Events are named (`link-ended`), their fields are ids, counts, reasons of our own making. What a machine holds (names,
paths, words of the customer, evidence) is never a field. 4 files of 1 MiB: a crash loop cannot fill a disk.

    {"event":"link-connected","level":"info","at":"2026-11-21T19:20:01Z"}
"""

import logging
import os
import sys
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import ModuleType
from typing import Final, Protocol

_FILE_MAX_BYTES: Final = 1024 * 1024
_OLD_FILES: Final = 3


class EventLog(Protocol):
    def debug(self, event: str, **fields: object) -> None: ...

    def info(self, event: str, **fields: object) -> None: ...

    def warning(self, event: str, **fields: object) -> None: ...

    def defect(self, event: str, error: BaseException, **fields: object) -> None:
        """Our own mistake: where it happened, without the values that were there."""


def _structlog() -> ModuleType:
    """structlog without its decorations: where a development environment has rich and greenlet, it would load both
    (6 MB of an idle service's 60) to colour a console that a service does not have."""
    absent = {name: sys.modules.get(name) for name in ("rich", "greenlet")}
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is how Python says "not there"
    try:
        import structlog
    finally:
        for name, module in absent.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return structlog


class StructuredLog:
    """structlog in front, the standard library's rotating file behind. `also_stderr` for a terminal."""

    def __init__(self, path: Path | None, *, also_stderr: bool = False, level: int = logging.INFO) -> None:
        structlog = _structlog()
        handlers: list[logging.Handler] = []
        if path is not None:
            handlers.append(_PrivateRotatingFile(path, maxBytes=_FILE_MAX_BYTES, backupCount=_OLD_FILES))
        if also_stderr:
            handlers.append(logging.StreamHandler(sys.stderr))
        logger = logging.Logger("bellpull-agent", level)
        for handler in handlers:
            handler.setFormatter(logging.Formatter("%(message)s"))
            logger.addHandler(handler)
        self._logger = structlog.wrap_logger(
            logger,
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
        )

    def debug(self, event: str, **fields: object) -> None:
        self._logger.debug(event, **fields)

    def info(self, event: str, **fields: object) -> None:
        self._logger.info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        self._logger.warning(event, **fields)

    def defect(self, event: str, error: BaseException, **fields: object) -> None:
        self._logger.error(event, error=type(error).__name__, where=_where(error), **fields)


class _PrivateRotatingFile(RotatingFileHandler):
    """Mode 0600 from its first byte; a disk that is full loses log lines and nothing else."""

    def _open(self) -> object:  # type: ignore[override]
        def private(name: str, flags: int) -> int:
            return os.open(name, flags, 0o600)

        return open(self.baseFilename, self.mode, encoding="utf-8", opener=private)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """A log line that cannot be written is lost; the standard library would print to a closed stderr."""


def _where(error: BaseException) -> list[str]:
    """File, line and function of the last frames: no source line, no value, no path of the machine."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
