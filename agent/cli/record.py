"""`bellpull-agent record DIR`: write down how this machine answers, redacted, so that somebody else can look at it.

Everything is made in a temporary folder first, read back and compared; what stays is shown before it stays.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.command import Command, Exit, ask_yes_no, folder_of, print_json, say
from agent.cli.watch import applications_here
from agent.refusal import Refusal
from diagnostics.plain_text import printable

if TYPE_CHECKING:
    from diagnostics.recorder import Draft

_FILES_SHOWN = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder, or an empty one")
    parser.add_argument("--about", default="", metavar="TEXT", help="a sentence on what this machine shows")
    parser.add_argument("--yes", action="store_true", help="write without asking")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def run(arguments: argparse.Namespace) -> int:
    from agent.session.own_names import names_of
    from diagnostics.machine.local import local_machine
    from diagnostics.recorder import FolderInUse, check_free, keep, make_draft
    from diagnostics.vendors.application import settings_of

    folder: Path = arguments.folder.absolute()
    try:
        check_free(folder)
        machine = local_machine(watched=settings_of(applications_here(folder_of(arguments).root)))
        say("Asking this machine everything that the checks ask. Nothing is sent, nothing is changed.")
        with tempfile.TemporaryDirectory(prefix="bellpull-record-") as made:
            draft = make_draft(
                machine,
                names_of(machine),
                os.urandom(32),
                Path(made) / "recording",
                name=printable(folder.name, 60),
                about=printable(arguments.about, 300),
                now=int(time.time()),
            )
            if not arguments.json:
                _show(draft, folder)
            if not arguments.yes and not ask_yes_no(f"Keep it in {printable(str(folder), 300)}?"):
                say("Nothing was kept.")
                return Exit.PROBLEM
            keep(draft, folder)
    except (FolderInUse, OSError) as error:
        raise Refusal(
            "the recording cannot be written there",
            expected="a new folder, or an empty one, that this user may write",
            got=printable(str(error), 300),
            hint="Name another one: bellpull-agent record ./my-machine",
        ) from None
    if arguments.json:
        print_json(
            {
                "folder": str(folder),
                "files": [{"path": path, "bytes": size} for path, size in draft.files],
                "taken_out": draft.taken.by_kind,
                "left_out": draft.taken.withheld,
                "unread": dict(draft.unread),
                "differences": list(draft.differences),
            }
        )
    else:
        say(f"Kept in {printable(str(folder), 300)}. README.txt in it says what it holds; read it through.")
    return Exit.FINE


def _show(draft: "Draft", folder: Path) -> None:
    total = sum(size for _, size in draft.files)
    print(f"{len(draft.files)} files, {total} bytes, for {printable(str(folder), 300)}:")
    for path, size in draft.files[:_FILES_SHOWN]:
        print(f"  {size:>9}  {printable(path, 160)}")
    if len(draft.files) > _FILES_SHOWN:
        print(f"  {'…':>9}  and {len(draft.files) - _FILES_SHOWN} more")
    taken = ", ".join(f"{kind} {count}" for kind, count in sorted(draft.taken.by_kind.items())) or "nothing"
    print(f"Taken out and replaced: {taken}.")
    for what, why in sorted(draft.taken.withheld.items()):
        print(f"Left out: {printable(what, 160)}: {printable(why, 160)}.")
    print(f"Could not be read here: {len(draft.unread)} sources (bellpull-agent doctor says why).")
    for difference in draft.differences:
        print(f"Answers differently once redacted: {printable(difference, 200)}.")
    if not draft.differences:
        print("Every check says the same of the recording as of this machine.")


COMMAND = Command(
    name="record",
    help=(
        "Write down how this machine answers the checks, without names and secrets, into a folder that others can look "
        "at. Shows what it would write, and asks. Sends nothing."
    ),
    example="bellpull-agent record ./my-machine --about 'the printer queue hangs every morning'",
    add_arguments=add_arguments,
    run=run,
)
