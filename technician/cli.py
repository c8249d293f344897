"""`bellpull`: the technician's and the organisation's command line. Puts the command groups together, nothing more."""

import sys

import typer

from technician.commands import audit, connect, demo, doctor, evidence, inbox, keys, notes, rotate, workbench

app = typer.Typer(
    name="bellpull",
    help="Bellpull for technicians and organisations. You hold the keys; the server holds none.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(rotate.app)
app.add_typer(keys.app)
app.add_typer(audit.audit)
app.add_typer(audit.receipt)
app.command("login", epilog="Example: bellpull login")(keys.login)
app.command("inbox", epilog="Example: bellpull inbox --state new")(inbox.inbox)
app.command(
    "connect",
    epilog='Example: bellpull connect anna-laptop --ticket 0199… --scope diagnose --minutes 15 --reason "slow disk"',
)(connect.connect)
app.command("evidence", epilog="Example: bellpull evidence 0199…")(evidence.evidence)
app.command("note", epilog='Example: bellpull note 0199… "The disk was replaced in spring."')(notes.note)
app.command("notes", epilog="Example: bellpull notes 0199…")(notes.notes)
app.command("open-bundle", epilog="Example: bellpull open-bundle NEW.tar.zst.age --against OLD.tar.zst.age")(
    evidence.open_bundle_command
)
app.command("doctor", epilog="Example: bellpull doctor --keys ~/organisation --json")(doctor.doctor)
app.command("demo", epilog="Example: bellpull demo --once --json")(demo.demo)
app.command("workbench", epilog="Example: bellpull workbench")(workbench.workbench)
app.command("devices", epilog="Example: bellpull devices --json")(inbox.devices)


def main() -> None:
    """Entry point. Wrong use exits with 2, as the shell's own programs do."""
    try:
        app()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
