"""`bellpull-server …`: make a data directory, run, set-up codes, backup and restore.

Exit codes: 0 fine, 1 problem found or refused, 2 wrong use. With --json: JSON on stdout, people's words on stderr.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError

from protocol.errors import ProtocolError
from server import VERSION
from server.audit.commands import audit
from server.config import Config, ConfigError, Settings, check_origin, create, load, log_name_for
from server.organisation.store import OrganisationStore
from server.people.commands import first_admin, users
from server.people.token_commands import tokens
from server.refusal import Refusal
from server.storage.engine import Database
from server.storage.migrate import migrate

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="The organisation's server: relay, API, desk and console.\n\nExample: bellpull-server init --data ./server",
)

users.add_typer(tokens, name="token")
app.add_typer(users, name="user")
app.add_typer(audit, name="audit")


@app.callback()
def private() -> None:
    """Nothing this command writes is for other users of the machine."""
    os.umask(0o077)


Data = Annotated[Path, typer.Option("--data", help="The server's data directory.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database", help="postgresql://… instead of SQLite in the data directory.")
]

#: What `init` adds to its answer, by name. A room with a first step adds it here.
FirstStep = Callable[[Database, Config], Awaitable[dict[str, str]]]


async def _setup_code(database: Database, _config: Config) -> dict[str, str]:
    from server.clock import wall_clock

    store = OrganisationStore(database, wall_clock)
    await store.load()
    return {"setup_code": await store.new_setup_code()}


FIRST_STEPS: list[FirstStep] = [_setup_code, first_admin]


@app.command(epilog="Example: bellpull-server init --data ./server --origin https://support.example.org")
def init(
    data: Data,
    origin: Annotated[str, typer.Option(help="The address agents and people use.")] = "http://127.0.0.1:8443",
    log_name: Annotated[str | None, typer.Option(help="The audit log's name; default: host of --origin /log.")] = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Make a data directory with a fresh log key; print the one-use codes that finish the set-up."""

    async def first_steps(config: Config) -> dict[str, str]:
        opened = Database(config.database_url)
        try:
            await migrate(opened)
            answers: dict[str, str] = {}
            for step in FIRST_STEPS:
                answers |= await step(opened, config)
            return answers
        finally:
            await opened.close()

    def act() -> dict[str, Any]:
        check_origin(origin)
        create(data, Settings(origin=origin, log_name=log_name or log_name_for(origin), database=database))
        try:
            config = load(data)
            return {"data": str(data), "origin": origin, **asyncio.run(first_steps(config))}
        except BaseException:
            shutil.rmtree(data)  # it was empty before: a first start that failed leaves nothing behind
            raise

    answer = _guarded(act, as_json)
    _print(answer, as_json)
    print(
        f"\nNext: bellpull-server run --data {data}"
        f"\nThen: bellpull org pin {origin} --setup-code {answer['setup_code']}"
        "\nEach code works once; make new ones with organisation-code and user.",
        file=sys.stderr,
    )


@app.command(epilog="Example: bellpull-server run --data ./server --listen 127.0.0.1:8443")
def run(
    data: Data,
    listen: Annotated[str, typer.Option(help="host:port; port 0 takes a free one.")] = "127.0.0.1:8443",
    database: DatabaseUrl = None,
    origin: Annotated[str | None, typer.Option(help="The address agents and people use.")] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(help="PEM with the certificate and its chain: speak TLS without a proxy in front.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM with its private key.")] = None,
    as_json: Json = False,
) -> None:
    """Run until Ctrl-C or SIGTERM. The actual address is printed and written to DIR/address."""
    from server import logs, serving

    def act() -> int:
        tls = None
        if tls_certificate is not None and tls_key is not None:
            tls = serving.Tls(tls_certificate, tls_key)
            tls.check()
        elif tls_certificate is not None or tls_key is not None:
            raise ConfigError("--tls-certificate and --tls-key go together")
        load(data, origin=origin, database=database)  # refuse before a port is taken
        listening = serving.listen(listen)
        address = serving.address_of(listening)
        scheme = "http" if tls is None else "https"
        own = f"{scheme}://{address}" if origin is None and listen.endswith(":0") else origin
        config = load(data, origin=own, database=database)
        logs.configure()
        return serving.serve(config, listening, as_json=as_json, tls=tls)

    raise typer.Exit(_guarded(act, as_json))


@app.command("organisation-code", epilog="Example: bellpull-server organisation-code --data ./server")
def organisation_code(data: Data, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """Print a new one-use code for pinning the organisation's root. Only until one is pinned."""

    async def act(config: Config) -> dict[str, str]:
        opened = Database(config.database_url)
        try:
            await migrate(opened)
            return await _setup_code(opened, config)
        finally:
            await opened.close()

    _print(_guarded(lambda: asyncio.run(act(load(data, database=database))), as_json), as_json)


@app.command(epilog="Example: bellpull-server backup --data ./server --to ./backup-2026-11-21")
def backup(
    data: Data,
    to: Annotated[Path, typer.Option(help="A new directory for the backup.")],
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Copy database, bundles and log key into a new directory, also while the server runs. Guard it like the server."""
    from server.storage.backup import make_backup

    _print(_guarded(lambda: asyncio.run(make_backup(load(data, database=database), to)), as_json), as_json)


@app.command(epilog="Example: bellpull-server restore --from ./backup-2026-11-21 --data ./server")
def restore(
    source: Annotated[Path, typer.Option("--from", help="A directory made by backup.")],
    data: Data,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty directory, and check its audit log against its signed checkpoint."""
    from server.storage.backup import restore_backup

    _print(_guarded(lambda: asyncio.run(restore_backup(source, data)), as_json), as_json)


@app.command()
def version() -> None:
    """Print the version."""
    print(VERSION)


def _guarded(act: Callable[[], Any], as_json: bool) -> Any:
    """Run `act`; what it refuses becomes words and exit code 1."""
    from server.audit.store import BrokenLog

    try:
        return act()
    except (ConfigError, BrokenLog) as error:
        _fail(str(error), "", as_json)
    except Refusal as refusal:
        _fail(refusal.facts.what, refusal.facts.hint, as_json)
    except ProtocolError as error:
        _fail(str(error), error.hint, as_json)
    except SQLAlchemyError as error:
        _fail(
            f"the database cannot be used: {str(error).splitlines()[0]}", "Is --database right, and running?", as_json
        )
    except OSError as error:
        _fail(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), "", as_json)


def _fail(what: str, hint: str, as_json: bool) -> NoReturn:
    if as_json:
        print(json.dumps({"error": {"what": what, "expected": "", "got": "", "hint": hint}}))
    print(f"Error: {what}" + (f"\n{hint}" if hint else ""), file=sys.stderr)
    raise typer.Exit(1)


def _print(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(answer))
        return
    for name, value in answer.items():
        print(f"{name}: {value}")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
