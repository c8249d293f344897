"""What `bellpull connect` shows: tables and sentences for a person, or one JSON object a line for a program."""

import base64
import json
import sys
from abc import ABC, abstractmethod

from protocol.errors import ProtocolError
from protocol.limits import RESUME_WINDOW_S
from protocol.messages.codes import spoken
from protocol.visit import Item, Progress
from technician.commands.output import Output, error_facts
from technician.devices import DeviceFacts
from technician.problems import Problem
from technician.session.commands import HELP
from technician.session.events import ConnectionLost, Event, Narrowed, Noticed, Stopped, WentOn
from technician.session.files import Carried
from technician.session.notices import meaning_of
from technician.session.outcome import EndedVisit
from technician.session.rows import show
from web.figures import size


class Face(ABC):
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
            case ConnectionLost():
                self.connection_lost()
            case WentOn(grant):
                self.went_on([scope.value for scope in grant.body.scopes], grant.body.minutes)
            case _:
                pass  # shown where it is waited for

    @abstractmethod
    def code(self, code: str, expires_in_s: int) -> None: ...

    @abstractmethod
    def asking(self, device: DeviceFacts) -> None: ...

    @abstractmethod
    def phrase(self, words: tuple[str, ...]) -> None: ...

    @abstractmethod
    def verified(self, device: DeviceFacts) -> None: ...

    @abstractmethod
    def ask_words(self, places: list[int]) -> None: ...

    @abstractmethod
    def granted(self, scopes: list[str], minutes: int) -> None: ...

    @abstractmethod
    def narrowed(self, scopes: list[str]) -> None: ...

    @abstractmethod
    def stopped(self) -> None: ...

    @abstractmethod
    def connection_lost(self) -> None: ...

    @abstractmethod
    def went_on(self, scopes: list[str], minutes: int) -> None: ...

    @abstractmethod
    def notice(self, kind: str, text: str) -> None: ...

    @abstractmethod
    def prompt(self) -> None: ...

    @abstractmethod
    def help(self) -> None: ...

    @abstractmethod
    def confirm(self, action: str, line: str) -> None: ...

    @abstractmethod
    def row(self, action: str, item: Item) -> None: ...

    @abstractmethod
    def live_row(self, action: str, item: Item) -> None: ...

    @abstractmethod
    def result(self, action: str, items: list[Item], outcome: str, detail: str) -> None: ...

    @abstractmethod
    def progress(self, action: str, far: Progress) -> None: ...

    @abstractmethod
    def carried(self, action: str, carried: Carried) -> None: ...

    @abstractmethod
    def terminal_showed(self, data: bytes) -> None: ...

    @abstractmethod
    def ended(self, ended: EndedVisit) -> None: ...

    @abstractmethod
    def error(self, error: Problem | ProtocolError) -> None: ...


class JsonFace(Face):
    def __init__(self) -> None:
        super().__init__(Output(as_json=True))

    def _event(self, event: str, **facts: object) -> None:
        self.out.json({"event": event, **facts})

    def code(self, code: str, expires_in_s: int) -> None:
        self._event("code", code=code, expires_in_s=expires_in_s)

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

    def connection_lost(self) -> None:
        self._event("connection-lost", waits_s=RESUME_WINDOW_S)

    def went_on(self, scopes: list[str], minutes: int) -> None:
        self._event("went-on", scopes=scopes, minutes=minutes)

    def notice(self, kind: str, text: str) -> None:
        self._event("notice", kind=kind, text=text)

    def prompt(self) -> None:
        self._event("ready")

    def help(self) -> None:
        self._event("help", text=HELP)

    def confirm(self, action: str, line: str) -> None:
        self._event("confirm", action=action, line=line)

    def live_row(self, action: str, item: Item) -> None:
        self.row(action, item)

    def row(self, action: str, item: Item) -> None:
        try:
            body = json.loads(item.body)
        except ValueError:
            body = item.body  # the reader sees that it is no JSON
        self._event("row", action=action, item={"id": item.id, "kind": item.kind, "body": body})

    def result(self, action: str, items: list[Item], outcome: str, detail: str) -> None:
        self._event("result", action=action, outcome=outcome, detail=detail, rows=len(items))

    def progress(self, action: str, far: Progress) -> None:
        self._event("progress", action=action, done=far.done, total=far.total, unit=far.unit)

    def carried(self, action: str, carried: Carried) -> None:
        self._event(
            "file",
            action=action,
            path=str(carried.path),
            size_bytes=carried.size_bytes,
            sha256=carried.sha256.hex(),
            resumed_at=carried.resumed_at,
            restarted=carried.restarted,
            changed=carried.changed,
            losses=carried.losses,
        )
        self._event("result", action=action, outcome="done", detail="", rows=0)

    def terminal_showed(self, data: bytes) -> None:
        self._event("terminal", data=base64.b64encode(data).decode())

    def ended(self, ended: EndedVisit) -> None:
        receipt = None if ended.receipt is None else str(ended.receipt)
        self._event(
            "ended",
            by=ended.by,
            receipt=receipt,
            countersigned=ended.countersigned,
            fault=ended.fault,
            untaken=list(ended.untaken),
        )

    def error(self, error: Problem | ProtocolError) -> None:
        self._event("error", **error_facts(error))


class TerminalFace(Face):
    def __init__(self) -> None:
        super().__init__(Output())
        self._interactive = sys.stdin.isatty()

    def code(self, code: str, expires_in_s: int) -> None:
        self.out.say(f"Read this to the customer:  {spoken(code)}", "bold")
        self.out.say(f"They type it on their page, or: bellpull-agent visit {code}", "dim")
        self.out.say(f"Waiting for up to {expires_in_s // 60} minutes …", "dim")

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

    def connection_lost(self) -> None:
        minutes = RESUME_WINDOW_S // 60
        self.out.say(
            f"! The connection is lost. The device waits for {minutes} minutes; trying to come back …", "yellow"
        )

    def went_on(self, scopes: list[str], minutes: int) -> None:
        self.out.say(f"✓ Back. {minutes} minutes are left for: {', '.join(scopes)}.", "green")

    def notice(self, kind: str, text: str) -> None:
        self.out.say(f"· {meaning_of(kind, text)}", "dim")

    def prompt(self) -> None:
        if self._interactive:
            self.out.out.print("bellpull> ", end="")

    def help(self) -> None:
        self.out.say(HELP)

    def confirm(self, action: str, line: str) -> None:
        self.out.say(f"{action} changes the customer's computer: {line}", "yellow")
        self.out.say("Do it? [y/N]", "yellow")

    def live_row(self, action: str, item: Item) -> None:
        for table in show([item]):
            for row in table.rows:
                self.out.say("  ".join(cell for cell in row if cell))

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

    def progress(self, action: str, far: Progress) -> None:
        if self._interactive:
            share = f"{far.done / far.total:5.1%}  " if far.total else ""
            self.out.people.print(f"  {share}{size(far.done)}", end="\r")

    def carried(self, action: str, carried: Carried) -> None:
        self.out.say(f"✓ {carried.path}: {size(carried.size_bytes)}, SHA-256 {carried.sha256.hex()}", "green")
        if carried.resumed_at:
            self.out.say(f"  went on behind {size(carried.resumed_at)} that were there already", "dim")
        if carried.losses:
            times = "once" if carried.losses == 1 else f"{carried.losses} times"
            self.out.say(f"  the connection was lost {times} on the way", "dim")
        if carried.restarted:
            self.out.say("  what was here was not its beginning (it has changed there): began anew", "yellow")
        if carried.changed:
            self.out.say("  it was being written to there while it was read", "yellow")

    def terminal_showed(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def ended(self, ended: EndedVisit) -> None:
        self.out.say(f"Ended by {ended.by}.")
        if ended.receipt:
            self.out.say(f"Receipt{' (countersigned)' if ended.countersigned else ''}: {ended.receipt}")
        for action in ended.untaken:
            self.out.say(f"{action} came too late: the device never took it, and nothing was run.", "yellow")
        if ended.fault:
            self.out.say(f"✗ {ended.fault}", "bold red")

    def error(self, error: Problem | ProtocolError) -> None:
        self.out.problem(error)
