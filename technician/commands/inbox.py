"""`bellpull inbox`, `bellpull devices`: what waits for you, as the server lists it."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from protocol.messages.api import DeviceList, DeviceRow, TicketList, TicketRow
from technician.commands.output import HomeOption, JsonOption, Output, PassphraseOption, reports, run
from technician.devices import DeviceFacts, know_device
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.sign_in import Technician
from web.plain_text import one_line


@reports
def inbox(
    state: Annotated[str | None, typer.Option("--state", help="Only tickets in this state, e.g. new.")] = None,
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tickets of your customers, newest first."""
    technician = Technician.open(Home.at(home), Passphrases(passphrase_file))

    async def work() -> TicketList:
        async with technician.signed_in() as api:
            return await api.tickets(state)

    tickets = sorted(run(work()).tickets, key=lambda ticket: ticket.opened_at, reverse=True)
    out = Output(as_json)
    if as_json:
        out.json(
            {
                "tickets": [ticket.model_dump(mode="json") for ticket in tickets],
                "certificate_until": technician.certificate_body.not_after,
            }
        )
        return
    expiry = technician.expiry(technician.now())
    if expiry:
        out.say(expiry, "yellow")
    if not tickets:
        out.say("No tickets. When a device finds a problem or a customer asks for help, it stands here.", "dim")
    for ticket in tickets:
        # Three short lines each: an id of 36 characters leaves no room for columns on a terminal of 80.
        facts = (ticket.state.value, ticket.severity, ticket.customer or "not certified")
        out.say(f"{when(ticket.opened_at)}  {'  '.join(one_line(fact) for fact in facts if fact)}", "bold")
        out.say(f"  {one_line(ticket_title(ticket))}")
        out.say(f"  {ticket.ticket}", "dim")


@reports
def devices(home: HomeOption = None, passphrase_file: PassphraseOption = None, as_json: JsonOption = False) -> None:
    """Devices of your customers. The customer is read from each device's certificate, not from the server."""
    technician = Technician.open(Home.at(home), Passphrases(passphrase_file))

    async def work() -> DeviceList:
        async with technician.signed_in() as api:
            return await api.devices()

    rows = run(work()).devices
    known = {row.device: know_device(row, technician.store.trust, technician.now()) for row in rows}
    out = Output(as_json)
    if as_json:
        out.json({"devices": [_device_json(row, known[row.device]) for row in rows]})
        return
    out.table(
        ("label", "customer", "connected", "last seen", "findings", "device"),
        [
            (
                (row.label or "–") + _keys_mark(row),
                known[row.device].customer or "UNVERIFIED",
                "yes" if row.connected else "no",
                when(row.last_seen) if row.last_seen else "never",
                ", ".join(f"{count} {severity}" for severity, count in row.findings.items() if count) or "none",
                row.device,
            )
            for row in rows
        ],
        empty="No devices yet: bellpull org enrol-token --customer NAME",
    )
    for row in rows:
        if row.replaces is not None:
            out.say(f"⚠ {row.device} has new keys: it was {row.replaces} before.", "yellow")


def _keys_mark(row: DeviceRow) -> str:
    """A machine whose keys were made anew is two devices in this list: which is which is said."""
    if row.replaced_by is not None:
        return " (retired)"
    return " (new keys)" if row.replaces is not None else ""


def ticket_title(ticket: TicketRow) -> str:
    """The customer's words in one line, or the finding's code."""
    words = " ".join(ticket.words.split())
    return (words[:60] + "…" if len(words) > 60 else words) or ticket.finding or "asks for help"


def when(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return "unknown"  # a server that names the year 30 000


def _device_json(row: DeviceRow, known: DeviceFacts) -> dict[str, object]:
    return {
        "device": row.device,
        "label": row.label,
        "customer": known.customer,
        "certified": known.certified,
        "connected": row.connected,
        "last_seen": row.last_seen,
        "findings": row.findings,
        "replaces": row.replaces,
        "replaced_by": row.replaced_by,
    }
