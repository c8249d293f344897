"""`bellpull-server audit …`: what stands behind the log's commitments, for an auditor, and its erasure. It works on the
database, whether or not the server runs.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from protocol import strict_json
from protocol.audit import CommittedValues
from server.audit.rules import Kind
from server.audit.values import ValueStore
from server.clock import wall_clock
from server.config import ConfigError, load
from server.storage.engine import Database
from server.storage.migrate import migrate

audit = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Persons behind the audit log: kept apart from it, and erasable."
    "\n\nExample: bellpull-server audit erase account anna --data ./server",
)

Data = Annotated[Path, typer.Option("--data", help="The server's data directory.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database", help="postgresql://… instead of SQLite in the data directory.")
]


@audit.command(epilog="Example: bellpull-server audit erase account anna --data ./server")
def erase(
    kind: Annotated[Kind, typer.Argument(help="What the name is of.")],
    name: Annotated[str, typer.Argument(help="A sign-in name, or the serial of a certificate.")],
    data: Data,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Erase what the log's commitments say of a person. The log stays whole and says what was erased.

    Values that name an account as the one who changed another are erased, too. Backups still hold them.
    """
    count = _run(lambda values: values.erase(kind, name.strip()), data, database, as_json)
    if as_json:
        print(json.dumps({"erased": count}))
    print(
        f"{count} values erased; the running server, or the next one, writes it into the log."
        if count
        else f"Nothing behind the log speaks of {kind} {name.strip()}.",
        file=sys.stderr,
    )


@audit.command(epilog="Example: bellpull-server audit values --data ./server --out audit/values.json")
def values(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="A new file, beside log.json.")],
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Write what stands behind the commitments, for `bellpull audit verify`. It names persons: guard it."""
    kept = _run(lambda values: values.all(), data, database, as_json)
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        _fail(f"{out}: {error.strerror}", as_json)
    with open(handle, "wb") as file:
        file.write(strict_json.dump(CommittedValues(values=kept)))
    if as_json:
        print(json.dumps({"out": str(out), "values": len(kept)}))
    print(f"{len(kept)} values in {out}", file=sys.stderr)


def _run(act: Callable[[ValueStore], Awaitable[Any]], data: Path, database: str | None, as_json: bool) -> Any:
    async def work() -> Any:
        opened = Database(load(data, database=database).database_url)
        try:
            await migrate(opened)
            return await act(ValueStore(opened, wall_clock))
        finally:
            await opened.close()

    try:
        return asyncio.run(work())
    except ConfigError as error:
        _fail(str(error), as_json)


def _fail(what: str, as_json: bool) -> Any:
    if as_json:
        print(json.dumps({"error": {"what": what, "expected": "", "got": "", "hint": ""}}))
    print(f"Error: {what}", file=sys.stderr)
    raise typer.Exit(1)
