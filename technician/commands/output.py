"""What a command prints: words and tables for people, or JSON for programs, and problems the same way everywhere.

With `--json` stdout carries JSON alone and people's words go to stderr. Text from elsewhere (host names, log lines,
reasons) is made plain first: no escape sequence of a log line reaches the technician's terminal.
"""

import asyncio
import functools
import json
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, ParamSpec, TypeVar

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from protocol.errors import ProtocolError
from technician.problems import Problem
from web.plain_text import one_line, plain

P = ParamSpec("P")
R = TypeVar("R")

EXIT_PROBLEM: Final = 1
EXIT_WRONG_USE: Final = 2

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="The technician's folder.", show_default="the platform's data folder")
]
KeysOption = Annotated[
    Path | None, typer.Option("--keys", help="The organisation's folder.", show_default="the platform's data folder")
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="Read the passphrase from this file (mode 600) instead of the keyboard."),
]


class Output:
    """Where one command writes. `as_json`: stdout is for a program."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False, soft_wrap=True)
        self.people = Console(highlight=False, soft_wrap=True, stderr=as_json)

    def say(self, text: object = "", style: str = "") -> None:
        """A line for people; `text` is never markup."""
        self.people.print(Text(plain(text), style=style))

    def facts(self, pairs: Mapping[str, object]) -> None:
        """Name and value, one a line, for people."""
        width = max((len(name) for name in pairs), default=0)
        for name, value in pairs.items():
            self.people.print(Text(f"  {name.ljust(width)}  ", style="dim") + Text(one_line(value)))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "Nothing here.") -> None:
        if not rows:
            self.say(empty, "dim")
            return
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            # Ids are copied from here: they stay in one piece.
            table.add_column(column, overflow="fold", no_wrap=column in ("device", "ticket", "serial", "opened"))
        for row in rows:
            table.add_row(*(Text(one_line(cell)) for cell in row))
        Console(highlight=False, stderr=self.as_json).print(table)

    def json(self, value: object) -> None:
        """One JSON text on stdout, one line, at once."""
        typer.echo(json.dumps(value, ensure_ascii=True, separators=(",", ":")))

    def problem(self, error: Problem | ProtocolError) -> None:
        if self.as_json:
            self.json({"error": error_facts(error)})
            return
        console = Console(highlight=False, soft_wrap=True, stderr=True)
        console.print(Text("✗ ", style="bold red") + Text(one_line(error.what), style="bold"))
        for label, value in (("expected", error.expected), ("got", error.got)):
            if value:
                console.print(Text(f"  {label.ljust(8)}  ", style="dim") + Text(one_line(value)))
        if error.hint:
            console.print(Text("  → " + one_line(error.hint)))


def error_facts(error: Problem | ProtocolError) -> dict[str, str]:
    return {"what": error.what, "expected": error.expected, "got": error.got, "hint": error.hint}


def reports(command: Callable[P, R]) -> Callable[P, R]:
    """A command's problems become a message and an exit code: 1 refused or found, 2 wrong use."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Problem as error:
            Output(bool(kwargs.get("as_json"))).problem(error)
            raise typer.Exit(error.exit_code) from None
        except ProtocolError as error:
            Output(bool(kwargs.get("as_json"))).problem(error)
            raise typer.Exit(EXIT_PROBLEM) from None
        except (OSError, sqlite3.Error) as error:
            problem = Problem("this computer refused", got=str(error) or type(error).__name__, hint="Is the disk full?")
            Output(bool(kwargs.get("as_json"))).problem(problem)
            raise typer.Exit(EXIT_PROBLEM) from None

    return wrapped


def run(work: Coroutine[Any, Any, R]) -> R:
    """The one door from the synchronous command line to what awaits."""
    return asyncio.run(work)


def group(name: str, text: str) -> typer.Typer:
    return typer.Typer(name=name, help=text, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
