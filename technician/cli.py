"""`bellpull`: the technician's and the organisation's command line. Puts the command groups together, nothing more.

A command's module is loaded when that command is run: `bellpull login` does not wait for what `bellpull connect` needs.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup


class _Line(NamedTuple):
    """`what` in technician.commands.`module`: a function, or a Typer with commands of its own."""

    module: str
    what: str
    example: str = ""


#: In the order of `bellpull --help`.
_COMMANDS: Final[dict[str, _Line]] = {
    "login": _Line("keys", "login", "bellpull login"),
    "inbox": _Line("inbox", "inbox", "bellpull inbox --state new"),
    "devices": _Line("inbox", "devices", "bellpull devices --json"),
    "connect": _Line(
        "connect",
        "connect",
        'bellpull connect anna-laptop --ticket 0199… --scope diagnose --minutes 15 --reason "slow disk"',
    ),
    "evidence": _Line("evidence", "evidence", "bellpull evidence 0199…"),
    "note": _Line("notes", "note", 'bellpull note 0199… "The disk was replaced in spring."'),
    "notes": _Line("notes", "notes", "bellpull notes 0199…"),
    "open-bundle": _Line(
        "evidence", "open_bundle_command", "bellpull open-bundle NEW.tar.zst.age --against OLD.tar.zst.age"
    ),
    "workbench": _Line("workbench", "workbench", "bellpull workbench"),
    "doctor": _Line("doctor", "doctor", "bellpull doctor --keys ~/organisation --json"),
    "keys": _Line("keys", "app"),
    "org": _Line("rotate", "app"),
    "audit": _Line("audit", "audit"),
    "receipt": _Line("audit", "receipt"),
    "demo": _Line("demo", "demo", "bellpull demo --once --json"),
}


class _LoadedWhenRun(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        line = _COMMANDS.get(cmd_name)
        return None if line is None else _loaded(cmd_name, line)


def _loaded(name: str, line: _Line) -> Any:
    found: typer.Typer | Callable[..., Any] = getattr(import_module(f"technician.commands.{line.module}"), line.what)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
    alone.command(name, epilog=f"Example: {line.example}")(found)
    return typer.main.get_command(alone)


app = typer.Typer(
    name="bellpull",
    cls=_LoadedWhenRun,
    help="Bellpull for technicians and organisations. You hold the keys; the server holds none.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _bellpull() -> None:
    """Bellpull for technicians and organisations. You hold the keys; the server holds none."""


def main() -> None:
    """Entry point. Wrong use exits with 2, as the shell's own programs do."""
    try:
        app()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
