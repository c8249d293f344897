"""`bellpull connect`: one visit at the command line, for a person or, with --json, for a program.

Commands are read from stdin, one a line (session/commands.py). Events as JSON lines:

    {"event":"phrase","words":[…]}   {"event":"verified","device":…,"customer":…,"certified":true}
    {"event":"granted","scopes":[…],"minutes":30}   {"event":"row","action":"processes","item":{…}}
    {"event":"result","action":…,"outcome":"done","detail":"","rows":50}
    {"event":"narrowed","scopes":[…]}   {"event":"notice","kind":…,"text":…}
    {"event":"ended","by":"customer","receipt":"/…/receipts/….json","countersigned":true}
    {"event":"error","what":…,"expected":…,"got":…,"hint":…}
"""

import asyncio
import json
import random
import sys
import threading
from contextlib import suppress
from typing import Annotated

import typer

from protocol.actions.scopes import Scope
from protocol.errors import ProtocolError
from protocol.limits import REASON_MAX_CHARS, SESSION_MINUTES_MAX
from protocol.visit import Item
from technician.clock import now_s
from technician.commands.output import (
    EXIT_PROBLEM,
    HomeOption,
    JsonOption,
    Output,
    PassphraseOption,
    error_facts,
    reports,
    run,
)
from technician.devices import DeviceFacts, find_device
from technician.home import Home
from technician.keys.passphrase import Passphrases
from technician.problems import Problem
from technician.session.commands import HELP, parse_command
from technician.session.events import Event, Narrowed, Noticed, Stopped
from technician.session.rows import show
from technician.session.visit import WORDS_TO_TYPE, EndedVisit, Visit
from technician.sign_in import Technician


@reports
def connect(
    device: Annotated[str, typer.Argument(help="Device id, the beginning of one, or its label.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; the customer reads it, quoted as yours.")],
    scope: Annotated[list[Scope], typer.Option("--scope", help="What you ask to do; repeat.")],
    ticket: Annotated[str | None, typer.Option("--ticket", help="The customer's ticket.")] = None,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=SESSION_MINUTES_MAX)] = 30,
    home: HomeOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the customer to let you in; then work with the commands that `help` lists. Their word ends it at any time."""
    if not 1 <= len(reason) <= REASON_MAX_CHARS:
        raise Problem("say why in 1 to 200 characters", got=f"{len(reason)} characters", exit_code=2)
    technician = Technician.open(Home.at(home), Passphrases(passphrase_file))
    technician.keys()  # the passphrase is asked for before the customer is disturbed
    face: Face = JsonFace() if as_json else TerminalFace()
    scopes = tuple(dict.fromkeys(scope))
    try:
        ended = run(_visit(technician, device, ticket, scopes, minutes, reason, face))
    except (Problem, ProtocolError) as error:
        if not as_json:
            raise
        face.error(error)
        raise typer.Exit(getattr(error, "exit_code", EXIT_PROBLEM)) from None
    if ended.fault:
        raise typer.Exit(EXIT_PROBLEM)


async def _visit(
    technician: Technician,
    wanted: str,
    ticket: str | None,
    scopes: tuple[Scope, ...],
    minutes: int,
    reason: str,
    face: "Face",
) -> EndedVisit:
    lines = Lines()
    async with technician.signed_in() as api:
        for doubt in technician.doubts:
            face.notice("document", doubt)
        device = find_device((await api.devices()).devices, wanted, technician.store.trust, now_s())
        face.asking(device)
        async with Visit.open(technician, api, device, ticket, scopes, minutes, reason, watch=face.watch) as visit:
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


async def _confirm(visit: Visit, lines: "Lines", face: "Face") -> None:
    places = sorted(random.SystemRandom().sample(range(1, len(visit.phrase) + 1), WORDS_TO_TYPE))
    face.ask_words(places)
    typed = (await lines.next() or "").split()
    visit.confirm(dict(zip(places, typed, strict=False)))


async def _work(visit: Visit, lines: "Lines", face: "Face") -> EndedVisit:
    """Commands until `end`, the end of stdin, or the end of the visit."""
    over = asyncio.create_task(visit.ended())
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
            elif line.strip():
                await _act(visit, line, face)
        return await over
    finally:
        over.cancel()


async def _act(visit: Visit, line: str, face: "Face") -> None:
    try:
        action = parse_command(line)
        result = await visit.run(action.name, action.arguments)
    except (Problem, ProtocolError) as error:
        face.error(error)
        return
    items: list[Item] = []
    async for item in result:
        face.row(action.name, item)
        items.append(item)
    if result.result is not None:
        face.result(action.name, items, result.result.outcome.value, result.result.detail)


class Lines:
    """stdin by lines, read by a thread that may be left waiting when the visit ends first."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._over = False
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    async def next(self) -> str | None:
        """The next line, or None at the end of stdin, for ever."""
        if self._over:
            return None
        line = await self._queue.get()
        self._over = line is None
        return line

    def _read(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody reads any more
            for line in sys.stdin:
                self._loop.call_soon_threadsafe(self._queue.put_nowait, line)
            self._loop.call_soon_threadsafe(self._queue.put_nowait, None)


class Face:
    """What a visit shows. Two of them: a terminal, and JSON lines."""

    def __init__(self, out: Output) -> None:
        self.out = out

    def watch(self, event: Event) -> None:
        match event:
            case Narrowed(scopes):
                self.narrowed(sorted(scopes))
            case Noticed(kind, text):
                self.notice(kind, text)
            case Stopped():
                self.stopped()
            case _:
                pass  # shown where it is waited for

    def asking(self, device: DeviceFacts) -> None:
        raise NotImplementedError

    def phrase(self, words: tuple[str, ...]) -> None:
        raise NotImplementedError

    def verified(self, device: DeviceFacts) -> None:
        raise NotImplementedError

    def ask_words(self, places: list[int]) -> None:
        raise NotImplementedError

    def granted(self, scopes: list[str], minutes: int) -> None:
        raise NotImplementedError

    def narrowed(self, scopes: list[str]) -> None:
        raise NotImplementedError

    def stopped(self) -> None:
        raise NotImplementedError

    def notice(self, kind: str, text: str) -> None:
        raise NotImplementedError

    def prompt(self) -> None:
        raise NotImplementedError

    def help(self) -> None:
        raise NotImplementedError

    def row(self, action: str, item: Item) -> None:
        raise NotImplementedError

    def result(self, action: str, items: list[Item], outcome: str, detail: str) -> None:
        raise NotImplementedError

    def ended(self, ended: EndedVisit) -> None:
        raise NotImplementedError

    def error(self, error: Problem | ProtocolError) -> None:
        raise NotImplementedError


class JsonFace(Face):
    def __init__(self) -> None:
        super().__init__(Output(as_json=True))

    def _event(self, event: str, **facts: object) -> None:
        self.out.json({"event": event, **facts})

    def asking(self, device: DeviceFacts) -> None:
        self._event("asking", device=device.device)

    def phrase(self, words: tuple[str, ...]) -> None:
        self._event("phrase", words=list(words))

    def verified(self, device: DeviceFacts) -> None:
        self._event("verified", device=device.device, customer=device.customer, certified=device.certified)

    def ask_words(self, places: list[int]) -> None:
        self._event("type-words", places=places)

    def granted(self, scopes: list[str], minutes: int) -> None:
        self._event("granted", scopes=scopes, minutes=minutes)

    def narrowed(self, scopes: list[str]) -> None:
        self._event("narrowed", scopes=scopes)

    def stopped(self) -> None:
        self._event("stopped", by="customer")

    def notice(self, kind: str, text: str) -> None:
        self._event("notice", kind=kind, text=text)

    def prompt(self) -> None:
        self._event("ready")

    def help(self) -> None:
        self._event("help", text=HELP)

    def row(self, action: str, item: Item) -> None:
        try:
            body = json.loads(item.body)
        except ValueError:
            body = item.body  # the reader sees that it is no JSON
        self._event("row", action=action, item={"id": item.id, "kind": item.kind, "body": body})

    def result(self, action: str, items: list[Item], outcome: str, detail: str) -> None:
        self._event("result", action=action, outcome=outcome, detail=detail, rows=len(items))

    def ended(self, ended: EndedVisit) -> None:
        receipt = None if ended.receipt is None else str(ended.receipt)
        self._event("ended", by=ended.by, receipt=receipt, countersigned=ended.countersigned, fault=ended.fault)

    def error(self, error: Problem | ProtocolError) -> None:
        self._event("error", **error_facts(error))


class TerminalFace(Face):
    def __init__(self) -> None:
        super().__init__(Output())
        self._interactive = sys.stdin.isatty()

    def asking(self, device: DeviceFacts) -> None:
        self.out.say(f"Asking {device.label or device.device} …", "dim")

    def phrase(self, words: tuple[str, ...]) -> None:
        self.out.say("Both of you see these words. Read them to each other:")
        self.out.say("    " + "   ".join(f"{place} {word}" for place, word in enumerate(words, start=1)), "bold")

    def verified(self, device: DeviceFacts) -> None:
        if device.certified:
            self.out.say(f"✓ This is {device.device}, owned by {device.customer}, certified.", "green")
        else:
            self.out.say(f"! Unverified device {device.device}: {device.doubt}.", "bold yellow")
        self.out.say("Waiting for the customer …", "dim")

    def ask_words(self, places: list[int]) -> None:
        named = " and ".join(str(place) for place in places)
        self.out.say(f"Ask the customer for words {named} and type them here, divided by a space:", "yellow")

    def granted(self, scopes: list[str], minutes: int) -> None:
        self.out.say(f"✓ Granted for {minutes} minutes: {', '.join(scopes)}. `help` lists what you can do.", "green")

    def narrowed(self, scopes: list[str]) -> None:
        self.out.say(f"! The customer now allows only: {', '.join(scopes) or 'nothing'}.", "yellow")

    def stopped(self) -> None:
        self.out.say("The customer pressed Stop.", "bold yellow")

    def notice(self, kind: str, text: str) -> None:
        self.out.say(f"· {kind}: {text}", "dim")

    def prompt(self) -> None:
        if self._interactive:
            self.out.out.print("bellpull> ", end="")

    def help(self) -> None:
        self.out.say(HELP)

    def row(self, action: str, item: Item) -> None:
        """Shown as a table when the result is there."""

    def result(self, action: str, items: list[Item], outcome: str, detail: str) -> None:
        for table in show(items):
            self.out.say(table.title, "bold")
            self.out.table([column.label for column in table.columns], table.rows)
            if table.broken:
                self.out.say(f"{table.broken} rows were not what they said they are.", "red")
        style = "green" if outcome == "done" else "bold red"
        self.out.say(f"{action}: {outcome}" + (f" – {detail}" if detail else ""), style)

    def ended(self, ended: EndedVisit) -> None:
        self.out.say(f"Ended by {ended.by}.")
        if ended.receipt:
            self.out.say(f"Receipt{' (countersigned)' if ended.countersigned else ''}: {ended.receipt}")
        if ended.fault:
            self.out.say(f"✗ {ended.fault}", "bold red")

    def error(self, error: Problem | ProtocolError) -> None:
        self.out.problem(error)
