"""`bellpull note` and `bellpull notes`: what technicians write to each other on a ticket; no server reads it."""

from typing import Annotated

import typer

from protocol.messages.items import SealedKind
from technician.clock import now_s, uuid7
from technician.commands.inbox import when
from technician.commands.output import EXIT_PROBLEM, HomeOption, JsonOption, Output, PassphraseOption, reports, run
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.notes import ReadNote, read_note, seal_note
from technician.sign_in import Technician
from web.plain_text import one_line

TicketArgument = Annotated[str, typer.Argument(help="The ticket's id, as the inbox shows it.")]


@reports
def note(
    ticket: TicketArgument,
    text: Annotated[str, typer.Argument(help="What your colleagues should know.")],
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a note on a ticket: signed by you, sealed so that only your organisation can read it."""
    technician = Technician.open(Home.at(home), Passphrases(passphrase_file))
    keys = technician.keys()

    async def work() -> str:
        async with technician.signed_in() as api:
            pushed = seal_note(keys, technician.chain, technician.store.trust, ticket, text, uuid7(), now_s())
            await api.push_note(ticket, pushed)
            return pushed.id

    written = run(work())
    out = Output(as_json)
    if as_json:
        out.json({"note": written, "ticket": ticket})
    else:
        out.say("✓ Noted. Only your organisation can read it.", "green")


@reports
def notes(
    ticket: TicketArgument,
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """The notes on a ticket, each with its proven author."""
    technician = Technician.open(Home.at(home), Passphrases(passphrase_file))
    keys = technician.keys()

    async def work() -> list[ReadNote]:
        async with technician.signed_in() as api:
            detail = await api.ticket(ticket)
            rows = [row for row in detail.sealed if row.kind is SealedKind.NOTE]
            return [await read_note(api, keys, technician.store.trust, ticket, row) for row in rows]

    found = run(work())
    out = Output(as_json)
    if as_json:
        out.json(
            {
                "ticket": ticket,
                "notes": [
                    {"id": each.id, "author": each.author, "at": each.at, "text": each.text, "fault": each.fault}
                    for each in found
                ],
            }
        )
    elif not found:
        out.say("No notes yet.", "dim")
    for each in found if not as_json else ():
        if each.fault:
            out.say(f"✗ {when(each.at)} UTC: {each.fault}", "red")
            continue
        out.say(f"{when(each.at)} UTC  {one_line(each.author)}", "bold")
        out.say("\n".join(one_line(line) for line in each.text.splitlines()))
    if any(each.fault for each in found):
        raise typer.Exit(EXIT_PROBLEM)
