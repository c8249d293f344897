"""The organisation's server: relay, API, desk, console. It carries, stores and shows; it holds no key to any door.

    agents ──/link──► link ──► tickets · findings · bundles · sessions · audit     (each: model, rules, store, routes)
    agents, technicians ──/relay/{room}──► relay          opaque messages, never read
    programs ──/api──► organisation · devices · technicians · tickets · sessions · audit
    people ──/──► people · console

`office.py` builds the rooms in the order they need each other; `app.py` puts their routes behind one table of doors
(`access.py`) and one doorkeeper that denies by default; `serving.py` runs it all and ends it politely.
Chosen: one process, SQLAlchemy Core on SQLite or PostgreSQL, one writer, entries in the audit log before the acts.
Left out on purpose: several nodes on one database, TLS (a proxy's work), generated API pages, any key that opens
a bundle or a session. Everything that arrives is hostile until it is parsed strictly and proven.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _version() -> str:
    try:
        return version("bellpull")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"


VERSION: Final = _version()
