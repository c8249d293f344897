"""Logs: one JSON object a line on stderr, and no personal data by construction.

Only the fields listed here are ever written; a new field has to be added, and thought about, here. No names, no words
of people, no tokens, no addresses. Device ids and rooms are pseudonyms; the organisation can resolve them, a reader of
the log file cannot.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

#: What may stand in a log line.
FIELDS: Final = frozenset(
    {
        "event", "level", "timestamp", "exception", "device", "room", "code", "status", "route", "type", "size",
        "count", "seconds", "to_device", "to_technician", "version", "task", "what", "listen", "entries", "documents",
    }
)  # fmt: skip

log: Any = structlog.get_logger("server")


def only_listed_fields(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in line.items() if name in FIELDS}


def configure() -> None:
    """Ours and the libraries' lines alike. Access lines are off: they would hold addresses."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        only_listed_fields,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared[:2],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            only_listed_fields,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for noisy in ("uvicorn.access", "uvicorn.error", "uvicorn", "websockets"):
        logging.getLogger(noisy).handlers = []
        logging.getLogger(noisy).propagate = True
        logging.getLogger(noisy).setLevel(logging.WARNING)
