"""`bellpull-server user …`: accounts of the console. It works on the database, whether or not the server runs.

There is no default password: an account starts with a one-use link. Whoever runs the server can always make one.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from protocol.audit import AuditEntry, AuditWord
from server.audit.values import commit_to
from server.audit.waiting import ask_for_entry
from server.clock import wall_clock
from server.config import Config, ConfigError, load
from server.people.rules import ROLE_MEANINGS, Role, account_name
from server.people.store import Account, PeopleStore
from server.refusal import Refusal
from server.storage.engine import Database
from server.storage.migrate import migrate

users = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Accounts of the console.\n\nExample: bellpull-server user add anna --role technician --data ./server",
)

Data = Annotated[Path, typer.Option("--data", help="The server's data directory.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]
Origin = Annotated[
    str | None, typer.Option("--origin", help="The address in the link, where the server runs at another.")
]
DatabaseUrl = Annotated[
    str | None, typer.Option("--database", help="postgresql://… instead of SQLite in the data directory.")
]
Name = Annotated[str, typer.Argument(help="The sign-in name, e.g. anna or anna@example.org.")]
_ROLES = "; ".join(f"{role}: {meaning}" for role, meaning in ROLE_MEANINGS.items())
RoleChoice = Annotated[Role, typer.Option("--role", help=_ROLES)]

#: Puts a change of an account in line for the audit log: (its name, what changes).
Note = Callable[[str, str], Awaitable[None]]

FIRST_ADMIN = "admin"


async def first_admin(database: Database, config: Config) -> dict[str, str]:
    """A step of `init`: the first admin, without a password, and the link by which they set one."""
    people = PeopleStore(database, wall_clock)
    await _note(database, FIRST_ADMIN, f"added as {Role.ADMIN}")
    await people.add(FIRST_ADMIN, Role.ADMIN)
    return {"admin": FIRST_ADMIN, "admin_link": link_address(config.origin, await people.new_link(FIRST_ADMIN))}


async def _note(database: Database, name: str, change: str) -> None:
    """In line for the audit log before it is done, as an admin's change in the console is."""
    async with database.write() as connection:
        commitment = await commit_to(connection, f"account {name}: {change}, by the command line")
        entry = AuditEntry(word=AuditWord.ACCOUNT_CHANGE, author="server", at=wall_clock(), commitment=commitment)
        await ask_for_entry(connection, entry)


def link_address(origin: str, token: str) -> str:
    return f"{origin}/sign-in/link/{token}"


@users.command(epilog="Example: bellpull-server user add anna --role technician --data ./server")
def add(
    name: Name,
    data: Data,
    role: RoleChoice,
    origin: Origin = None,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Add an account and print its one-use link, good for 24 hours."""

    async def act(people: PeopleStore, config: Config, note: Note) -> dict[str, Any]:
        kept = account_name(name)
        if kept is not None and await people.get(kept) is None:
            await note(kept, f"added as {role}")
        account = await people.add(name, role)
        token = await people.new_link(account.name)
        return {"name": account.name, "role": role.value, "link": link_address(config.origin, token)}

    answer(run(act, data, origin, database, as_json), as_json)


@users.command("list", epilog="Example: bellpull-server user list --data ./server --json")
def list_(data: Data, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """All accounts: name, role, last sign-in."""

    async def act(people: PeopleStore, _config: Config, _note: Note) -> list[dict[str, Any]]:
        return [_facts(account) for account in await people.all()]

    found = run(act, data, None, database, as_json)
    if as_json:
        print(json.dumps({"accounts": found}))
        return
    for account in found:
        state = "has a password" if account["has_password"] else "no password yet"
        state += ", second factor" if account["second_factor"] else ""
        print(f"{account['name']:<24} {account['role']:<12} {state}")
    if not found:
        print("No account yet: bellpull-server user add NAME --role admin --data DIR", file=sys.stderr)


@users.command(epilog="Example: bellpull-server user role anna auditor --data ./server")
def role(
    name: Name,
    role: Annotated[Role, typer.Argument(help=_ROLES)],
    data: Data,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Give an account another role. Its sessions end."""

    async def act(people: PeopleStore, _config: Config, note: Note) -> dict[str, Any]:
        await note((await people.require(name)).name, f"role {role}")
        await people.set_role(name, role)
        return {"name": name, "role": role.value}

    answer(run(act, data, None, database, as_json), as_json)


@users.command(epilog="Example: bellpull-server user link anna --data ./server")
def link(name: Name, data: Data, origin: Origin = None, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """Print a link that signs in once, within 24 hours, and lets its owner set a password. Older links end."""

    async def act(people: PeopleStore, config: Config, note: Note) -> dict[str, Any]:
        await note((await people.require(name)).name, "one-use link")
        return {"link": link_address(config.origin, await people.new_link(name))}

    answer(run(act, data, origin, database, as_json), as_json)


@users.command("reset-second-factor", epilog="Example: bellpull-server user reset-second-factor anna --data ./server")
def reset_second_factor(name: Name, data: Data, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """For who lost telephone, key and recovery codes: remove them all, and end every session of the account."""

    async def act(people: PeopleStore, _config: Config, note: Note) -> dict[str, Any]:
        account = await people.require(name)
        await note(account.name, "second factors reset")
        had = await people.reset_second_factor(account.name)
        return {
            "name": account.name,
            "removed": {
                "app_codes": had.codes_since is not None,
                "passkeys": had.passkeys,
                "recovery_codes": had.recovery_codes,
            },
        }

    answer(run(act, data, None, database, as_json), as_json)


@users.command(epilog="Example: bellpull-server user remove anna --data ./server")
def remove(name: Name, data: Data, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """Remove an account, its sessions and links. The last admin stays."""

    async def act(people: PeopleStore, _config: Config, note: Note) -> dict[str, Any]:
        await note((await people.require(name)).name, "removed")
        await people.remove(name)
        return {"removed": name}

    answer(run(act, data, None, database, as_json), as_json)


def run(
    act: Callable[[PeopleStore, Config, Note], Awaitable[Any]],
    data: Path,
    origin: str | None,
    database: str | None,
    as_json: bool,
) -> Any:
    """Open the database, do it, close; what is refused becomes words and exit code 1."""

    async def work() -> Any:
        config = load(data, origin=origin, database=database)
        opened = Database(config.database_url)
        try:
            await migrate(opened)
            return await act(PeopleStore(opened, wall_clock), config, partial(_note, opened))
        finally:
            await opened.close()

    try:
        return asyncio.run(work())
    except ConfigError as error:
        facts = {"what": str(error), "expected": "", "got": "", "hint": ""}
    except Refusal as refusal:
        facts = refusal.facts.model_dump()
    if as_json:
        print(json.dumps({"error": facts}))
    words = [f"Error: {facts['what']}", facts["expected"] and f"Expected: {facts['expected']}", facts["hint"]]
    print("\n".join(word for word in words if word), file=sys.stderr)
    raise typer.Exit(1)


def answer(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(answer))
        return
    for name, value in answer.items():
        print(f"{name}: {value}")


def _facts(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "role": account.role.value,
        "has_password": account.has_password,
        "second_factor": account.second_factor,
        "is_technician": account.technician_key is not None,
        "made_at": account.made_at,
        "last_sign_in": account.last_sign_in,
    }
