"""`bellpull connect`: one visit at the command line, for a person or, with --json, for a program.

Commands are read from stdin, one a line (session/commands.py). Events as JSON lines:

    {"event":"code","code":"123456789","expires_in_s":600}      with --code, before anything else
    {"event":"phrase","words":[…]}   {"event":"verified","device":…,"customer":…,"certified":true}
    {"event":"granted","scopes":[…],"minutes":30}   {"event":"row","action":"processes","item":{…}}
    {"event":"result","action":…,"outcome":"done","detail":"","rows":50}
    {"event":"confirm","action":"processes.end","line":"end-process 4711 812340"}  next line: yes, or not
    {"event":"narrowed","scopes":[…]}   {"event":"notice","kind":…,"text":…}
    {"event":"connection-lost","waits_s":300}   {"event":"went-on","scopes":[…],"minutes":12}
    {"event":"ended","by":"customer","receipt":"/…/receipts/….json","countersigned":true}
    {"event":"error","what":…,"expected":…,"got":…,"hint":…}
"""

import asyncio
import random
from typing import Annotated

import typer
from pydantic import ValidationError

from protocol.actions.scopes import Scope
from protocol.errors import ProtocolError
from protocol.limits import REASON_MAX_CHARS, SESSION_MINUTES_MAX
from technician.by_code import typed_by_customer
from technician.commands.acting import Acting
from technician.commands.connect_faces import Face, JsonFace, TerminalFace
from technician.commands.output import (
    EXIT_PROBLEM,
    HomeOption,
    JsonOption,
    PassphraseOption,
    run,
)
from technician.commands.typing_in import TypedIn
from technician.devices import find_device
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.problems import Problem
from technician.session.outcome import EndedVisit
from technician.session.visit import WORDS_TO_TYPE, Visit
from technician.sign_in import Technician


def connect(
    reason: Annotated[str, typer.Option("--reason", help="Why; the customer reads it, quoted as yours.")],
    scope: Annotated[list[Scope], typer.Option("--scope", help="What you ask to do; repeat.")],
    device: Annotated[str | None, typer.Argument(help="Device id, the beginning of one, or its label.")] = None,
    code: Annotated[bool, typer.Option("--code", help="Read out a code; visit the customer who types it.")] = False,
    ticket: Annotated[str | None, typer.Option("--ticket", help="The customer's ticket.")] = None,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=SESSION_MINUTES_MAX)] = 30,
    handover: Annotated[
        bool, typer.Option("--handover", help="Take over from the technician who is there and has named you.")
    ] = False,
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the customer to let you in; then work with the commands that `help` lists. Their word ends it at any time."""
    face: Face = JsonFace() if as_json else TerminalFace()
    try:
        if code is (device is not None):
            raise Problem(
                "which computer do you mean?",
                expected="a device, or --code for a customer who types one",
                got="both" if code else "neither",
                exit_code=2,
            )
        if not 1 <= len(reason) <= REASON_MAX_CHARS:
            raise Problem("say why in 1 to 200 characters", got=f"{len(reason)} characters", exit_code=2)
        technician = Technician.open(Home.at(home), Passphrases(passphrase_file))
        technician.keys()  # the passphrase is asked for before the customer is disturbed
        scopes = tuple(dict.fromkeys(scope))
        ended = run(_visit(technician, device, ticket, scopes, minutes, reason, face, takes_over=handover))
    except (Problem, ProtocolError) as error:
        face.error(error)
        raise typer.Exit(getattr(error, "exit_code", EXIT_PROBLEM)) from None
    if ended.fault:
        raise typer.Exit(EXIT_PROBLEM)


async def _visit(
    technician: Technician,
    wanted: str | None,
    ticket: str | None,
    scopes: tuple[Scope, ...],
    minutes: int,
    reason: str,
    face: Face,
    *,
    takes_over: bool,
) -> EndedVisit:
    lines = TypedIn()
    async with technician.signed_in() as api:
        for doubt in technician.doubts:
            face.notice("document", doubt)
        if wanted is None:
            wanted, ticket = await typed_by_customer(api, lambda made: face.code(made.code, made.expires_in_s))
        device = find_device((await api.devices()).devices, wanted, technician.store.trust, technician.now())
        face.asking(device)
        async with Visit.open(
            technician, api, device, ticket, scopes, minutes, reason, takes_over=takes_over, watch=face.watch
        ) as visit:
            face.phrase(visit.phrase)
            granted = asyncio.create_task(visit.granted())
            try:
                await visit.compared()
                face.verified(visit.device)
                if not visit.verified:
                    await _confirm(visit, lines, face)
                grant = (await granted).body
            finally:
                granted.cancel()
            face.granted([scope.value for scope in grant.scopes], grant.minutes)
            ended = await _work(visit, lines, face)
    face.ended(ended)
    return ended


async def _confirm(visit: Visit, lines: TypedIn, face: Face) -> None:
    places = sorted(random.SystemRandom().sample(range(1, len(visit.phrase) + 1), WORDS_TO_TYPE))
    face.ask_words(places)
    typed = (await lines.next() or "").split()
    visit.confirm(dict(zip(places, typed, strict=False)))


async def _hand_over(visit: Visit, line: str, face: Face) -> None:
    """`handover Bea Tech`: the device says by notices whether they came, and what the customer said."""
    name = line.strip().removeprefix("handover").strip(" \"'")
    try:
        if not name:
            raise Problem("hand over to whom?", expected="handover NAME, as their certificate says it", exit_code=2)
        await visit.hand_over(name)
    except (Problem, ProtocolError, ValidationError) as error:
        face.error(error if isinstance(error, (Problem, ProtocolError)) else Problem("this is no name", got=name[:80]))


async def _work(visit: Visit, lines: TypedIn, face: Face) -> EndedVisit:
    """Commands until `end`, the end of stdin, or the end of the visit."""
    over = asyncio.create_task(visit.ended())
    acting = Acting(visit, face, lines)
    try:
        while not over.done():
            face.prompt()
            reading = asyncio.create_task(lines.next())
            await asyncio.wait({over, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
                break
            line = reading.result()
            if line is None or line.strip() in ("end", "quit", "exit"):
                return await visit.end()
            if line.strip() == "help":
                face.help()
            elif line.split()[:1] == ["handover"]:
                await _hand_over(visit, line, face)
            elif line.strip():
                await acting.act(line)
        return await over
    finally:
        over.cancel()
        await acting.close()
