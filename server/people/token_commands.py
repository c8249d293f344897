"""`bellpull-server user token …`: API tokens of an account, made, shown and revoked where the server runs."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from server.config import Config
from server.people.commands import Data, DatabaseUrl, Json, Name, Note, answer, run
from server.people.store import PeopleStore
from server.people.token_rules import DAYS_DEFAULT, TokenScope
from server.people.tokens import ApiToken, TokenStore, Wish

_Act = Callable[[PeopleStore, TokenStore, Note], Awaitable[Any]]

tokens = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="API tokens of an account: they read, for the customers they name, never more than the account may.\n\n"
    "Example: bellpull-server user token list anna --data ./server",
)


@tokens.command(
    epilog="Example: bellpull-server user token add anna --name Monitoring --scope tickets:read --customer Acme "
    "--data ./server"
)
def add(
    name: Name,
    data: Data,
    label: Annotated[str, typer.Option("--name", help="What the token is for.")],
    scope: Annotated[list[TokenScope], typer.Option("--scope", help="What it may read; may be given again.")],
    customer: Annotated[list[str], typer.Option("--customer", help="Whose; may be given again.")],
    days: Annotated[int, typer.Option("--days", help="How long it holds.")] = DAYS_DEFAULT,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it. It is kept as a hash only: this is the one time it can be read."""

    async def act(people: PeopleStore, store: TokenStore, note: Note) -> dict[str, Any]:
        account = await people.require(name)
        wish = Wish(label, frozenset(scope), frozenset(customer), days).checked(account.role)
        await note(account.name, str(wish))
        made, token = await store.make(account.name, wish)
        return {**_facts(made), "token": token}

    answer(_with_tokens(act, data, database, as_json), as_json)


@tokens.command("list", epilog="Example: bellpull-server user token list anna --data ./server --json")
def list_(name: Name, data: Data, database: DatabaseUrl = None, as_json: Json = False) -> None:
    """The tokens of an account, without the tokens themselves."""

    async def act(people: PeopleStore, store: TokenStore, _note: Note) -> list[dict[str, Any]]:
        return [_facts(one) for one in await store.of((await people.require(name)).name)]

    found = _with_tokens(act, data, database, as_json)
    if as_json:
        print(json.dumps({"tokens": found}))
        return
    for one in found:
        print(f"{one['id']}  {one['name']:<24} {' '.join(one['scopes'])}  of {', '.join(one['customers'])}")


@tokens.command(epilog="Example: bellpull-server user token revoke anna 3f2a9c1d0b7e4410 --data ./server")
def revoke(
    name: Name,
    token: Annotated[str, typer.Argument(help="The token's id, as `list` shows it.")],
    data: Data,
    database: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """End a token at once."""

    async def act(people: PeopleStore, store: TokenStore, note: Note) -> dict[str, Any]:
        account = await people.require(name)
        held = await store.require(account.name, token)
        await note(account.name, f"token {held.name} revoked")
        await store.revoke(account.name, held.id)
        return {"revoked": held.id}

    answer(_with_tokens(act, data, database, as_json), as_json)


def _with_tokens(act: _Act, data: Path, database: str | None, as_json: bool) -> Any:
    async def with_store(people: PeopleStore, _config: Config, note: Note) -> Any:
        return await act(people, people.tokens, note)

    return run(with_store, data, None, database, as_json)


def _facts(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "account": token.account,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "customers": sorted(token.customers),
        "made_at": token.made_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
