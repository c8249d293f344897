"""The one visit under way, as state that pages read and acts that pages ask for.

    ASKING ──► UNVERIFIED ──► WAITING ──► ACTIVE ──► ENDED
        └───────────┴────────────┴──────────┴──────► FAILED

Versions rise with every change, one for the visit itself, one for the transcript and one a tab, so that a page that
asks again can be told "nothing new"; `changed()` waits for the next. The visit itself runs in one task; pages put acts
into its queue and never touch the channel.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from protocol.actions.catalogue import find_action
from protocol.actions.scopes import Scope
from protocol.errors import ProtocolError
from protocol.strict_json import WireModel
from technician.clock import now_s
from technician.devices import DeviceFacts
from technician.home import Home
from technician.problems import Problem
from technician.session.events import Closing, ConnectionLost, Event, Narrowed, Noticed, PastReceipt, Stopped, WentOn
from technician.session.going_on import Followed, attempts
from technician.session.notices import meaning_of
from technician.session.outcome import EndedVisit
from technician.session.run import Run
from technician.session.visit import Visit
from technician.sign_in import Technician
from technician.workbench.runs import ActionRun, Driven, RunBook


class Phase(StrEnum):
    ASKING = "asking"
    UNVERIFIED = "unverified"
    WAITING = "waiting"
    ACTIVE = "active"
    ENDED = "ended"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        return self in (Phase.ENDED, Phase.FAILED)


@dataclass(frozen=True)
class Happening:
    """One line of the transcript on the page."""

    at: int
    title: str
    text: str = ""
    tone: str = "none"
    icon: str = "dot"


@dataclass(frozen=True)
class VisitPlan:
    """What the technician asked for on the ticket's page."""

    device: DeviceFacts
    ticket: str | None
    scopes: tuple[Scope, ...]
    minutes: int
    reason: str
    takes_over: bool = False


def capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


Act = Callable[[Visit], Awaitable[None]]


class LiveVisit:
    """`begin` is called once, when the customer has said yes: for what is asked without a person pressing anything."""

    def __init__(
        self, technician: Technician, plan: VisitPlan, begin: Callable[["LiveVisit"], None] = lambda _: None
    ) -> None:
        self._technician = technician
        self._begin_asking = begin
        self.plan = plan
        self.phase = Phase.ASKING
        self._versions: Counter[str] = Counter()
        self._news = asyncio.Event()
        self.started_at = now_s()
        self.device = plan.device
        self.phrase: tuple[str, ...] = ()
        self.places: tuple[int, ...] = ()  # which words an unverified device's customer reads out
        self.scopes: frozenset[Scope] = frozenset()
        self.ends_at: int | None = None
        self.happenings: list[Happening] = []
        self.runs = RunBook()
        self.lost_at: int | None = None  # the connection is gone, and a way back is looked for
        self.next_technician = ""
        self.handed_to = ""  # the customer has let them in
        self.read_up_to = 0  # number of the newest chat message that was on a page
        self.ended: EndedVisit | None = None
        self.problem: Problem | ProtocolError | None = None
        self._acts: asyncio.Queue[Act | None] = asyncio.Queue()
        self._words: asyncio.Future[dict[int, str]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live())
        self._running: set[asyncio.Task[None]] = set()
        self._handles: dict[int, Run] = {}

    # --- what pages ask for ------------------------------------------------------------------------------

    def act(
        self,
        tab: str,
        act: str,
        action: str,
        arguments: WireModel,
        *,
        again: ActionRun | None = None,
        driven: Driven | None = None,
    ) -> ActionRun:
        """Ask for an action. `again`: a run that this one takes the place of, in the list and without a word.

        `driven`: who talks with an action that gives bytes or takes input.
        """
        if self.phase is not Phase.ACTIVE:
            raise Problem("no visit is under way", expected="a granted visit", got=self.phase.value)
        lasting = find_action(action).lasting
        run = self.runs.begin(tab, act, action, arguments, now_s(), quiet=again is not None, newest_rows=lasting)
        run.driven, run.changed = driven, lambda: self._changed(tab)
        if again is None:
            self._tell(f"Asked: {action}", icon="play")

        async def work(visit: Visit) -> None:
            await self._collect(visit, run, again)

        self._acts.put_nowait(work)
        self._changed(tab)
        return run

    def cancel(self, run: ActionRun) -> None:
        """Nobody wants the rest of this result."""

        async def work(_: Visit) -> None:
            if (handle := self._handles.get(run.number)) is not None:
                await handle.cancel()

        if not run.over:
            self._acts.put_nowait(work)

    def hand_over(self, to: str) -> None:
        """The one named is to go on here; we stay until the customer has let them in."""
        if self.phase is not Phase.ACTIVE:
            raise Problem("no visit is under way", expected="a granted visit", got=self.phase.value)

        async def work(visit: Visit) -> None:
            try:
                await visit.hand_over(to)
            except (Problem, ProtocolError) as error:
                self._tell("Not handed over", str(error), "warning", "warning")

        self.next_technician = to
        self._tell(
            f"To be handed over to {to}", "They ask from their own workbench; the customer decides.", "info", "user"
        )
        self._acts.put_nowait(work)

    def handle(self, run: ActionRun) -> Run | None:
        """The run under way in the visit itself, to give it input; None before it has begun and after its end."""
        return self._handles.get(run.number)

    @property
    def home(self) -> Home:
        """Where this technician's program keeps its files."""
        return self._technician.home

    def confirm(self, words: dict[int, str]) -> None:
        if not self._words.done():
            self._words.set_result(words)

    def end(self) -> None:
        """End politely; before the grant, simply leave."""
        if self.phase is Phase.ACTIVE:
            self._acts.put_nowait(None)
        elif not self.phase.over:
            self._task.cancel()

    async def close(self) -> None:
        """The workbench stops: the visit ends with it."""
        if not self._task.done():
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    # --- the visit ---------------------------------------------------------------------------------------

    async def _live(self) -> None:
        plan = self.plan
        try:
            async with (
                self._technician.signed_in() as api,
                Visit.open(
                    self._technician,
                    api,
                    plan.device,
                    plan.ticket,
                    plan.scopes,
                    plan.minutes,
                    plan.reason,
                    takes_over=plan.takes_over,
                    watch=self._watch,
                ) as visit,
            ):
                await self._begin(visit)
                await self._work(visit)
        except (Problem, ProtocolError) as error:
            self.problem = error
            self._move(Phase.FAILED)
            self._tell(error.what, "; ".join(filter(None, (error.got, error.hint))), "error", "error")
        except asyncio.CancelledError:
            self.problem = Problem("the visit was left before it was granted")
            self._move(Phase.FAILED)
            self._tell("Left", tone="none", icon="sign-out")

    async def _begin(self, visit: Visit) -> None:
        self.phrase = visit.phrase
        self._tell("The device proved its key", "Both sides see the same six words.", "info", "key")
        await visit.compared()
        self.device = visit.device
        self._tell("Audit logs agree", "What the device and we saw of the server's log is one history.", "ok", "shield")
        if not visit.verified:
            self._move(Phase.UNVERIFIED)
            visit.confirm(await self._words)
            self._tell("The customer's words fit", tone="ok", icon="check")
        self._move(Phase.WAITING)
        grant = (await visit.granted()).body
        self.scopes = visit.scopes
        self.ends_at = grant.granted_at + 60 * grant.minutes
        self._tell("Consent given", f"{', '.join(grant.scopes)} for {grant.minutes} minutes", "ok", "check")
        self._move(Phase.ACTIVE)
        self._begin_asking(self)

    async def _work(self, visit: Visit) -> None:
        over = asyncio.create_task(visit.ended())
        try:
            while not over.done():
                waiting = asyncio.create_task(self._acts.get())
                await asyncio.wait({over, waiting}, return_when=asyncio.FIRST_COMPLETED)
                if not waiting.done():
                    waiting.cancel()
                    break
                act = waiting.result()
                if act is None:
                    self._finish(await visit.end())
                    return
                task = asyncio.ensure_future(act(visit))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            self._finish(await over)
        finally:
            over.cancel()
            for task in list(self._running):
                task.cancel()

    async def _collect(self, visit: Visit, run: ActionRun, again: ActionRun | None) -> None:
        try:
            followed = Followed(run.action, run.arguments)
            over_again = followed.again if run.driven is None else run.driven.again
            async for handle in attempts(visit, run.action, run.arguments, over_again):
                self._handles[run.number] = handle
                handle.on_progress = run.tell
                self._changed(run.tab)
                if run.driven is not None:
                    await run.driven.drive(handle, run)
                else:
                    async for item in handle:
                        if followed.takes(item):
                            run.take(item)
            if handle.result is not None:
                run.end(handle.result.outcome.value, handle.result.detail)
        except (Problem, ProtocolError) as error:
            run.end("failed", str(error))
        finally:
            self._handles.pop(run.number, None)
            if run.driven is not None:
                run.driven.close()
        if again is not None:
            self.runs.replace(again, run)
        if again is None or run.outcome != "done":
            rows = "" if run.driven else f"{run.rows} row{'' if run.rows == 1 else 's'}"
            tone, icon = {"done": ("ok", "check"), "cancelled": ("none", "minus")}.get(
                run.outcome, ("warning", "warning")
            )
            self._tell(f"{run.action}: {run.outcome}", run.detail or rows, tone, icon)
        self._changed(run.tab)

    def _finish(self, ended: EndedVisit) -> None:
        self.ended = ended
        self.lost_at = None
        self.scopes = frozenset()
        for run in self.runs.under_way:
            run.end("cancelled", "the visit is over")
            self._changed(run.tab)
        how = f"Handed over to {self.handed_to}" if self.handed_to else f"Ended by {ended.by}"
        self._tell(how, ended.fault, "error" if ended.fault else "none", "stop")
        for action in ended.untaken:
            self._tell(f"{action}: never taken", "The end crossed it on its way: nothing was run.", "warning", "minus")
        if ended.receipt:
            self._tell("Receipt kept", "countersigned" if ended.countersigned else "not countersigned", "ok", "receipt")
        self._move(Phase.ENDED)

    def _watch(self, event: Event) -> None:
        match event:
            case Narrowed(scopes):
                self.scopes = frozenset(Scope(scope) for scope in scopes)
                self._tell("The customer allows less", ", ".join(sorted(scopes)) or "nothing", "warning", "minus")
            case Stopped():
                self.scopes = frozenset()
                self._tell("The customer pressed Stop", tone="warning", icon="stop")
            case ConnectionLost():
                self.lost_at = now_s()
                self._tell(
                    "Connection lost",
                    "Trying again; nothing that changes something is done twice.",
                    "warning",
                    "network",
                )
                self._note("")
            case WentOn(grant):
                self.lost_at = None
                self.scopes = frozenset(grant.body.scopes)
                self.ends_at = grant.body.not_after
                self._tell("Connected again", "Under a grant that follows the first.", "ok", "network")
                self._note("")
            case PastReceipt(_, fault) if fault:
                self._tell("The receipt up to the loss tells another story", fault, "error", "error")
            case Noticed(kind, text):
                self._noticed(kind, text)
            case Closing(disputed, _) if disputed:
                self._tell("Not countersigned", "The device counts other actions than we do.", "error", "error")
            case _:
                pass  # shown where it is waited for

    def _noticed(self, kind: str, text: str) -> None:
        if kind == "hand-over-refused":
            self.next_technician = ""
        elif kind == "handed-over":
            self.handed_to = text
        about = "The hand-over" if "hand" in kind else "The device says"
        self._tell(about, f"{capitalised(meaning_of(kind, text))}.", "info", "user" if "hand" in kind else "dot")
        self._note("")

    # --- telling -----------------------------------------------------------------------------------------

    def version(self, tab: str) -> str:
        """What a page of `tab` shows, in one word: another word, another page."""
        return f"{self._versions['']}.{self._versions['happenings']}.{self._versions[f'tab {tab}']}"

    @property
    def anything(self) -> str:
        """Another word after any change on any tab: for what tells of all of them."""
        return str(sum(self._versions.values()))

    async def changed(self) -> None:
        """Wait until anything at all has changed."""
        await self._news.wait()

    def _tell(self, title: str, text: str = "", tone: str = "none", icon: str = "dot") -> None:
        self.happenings.append(Happening(now_s(), title, text, tone, icon))
        self._note("happenings")

    def _move(self, phase: Phase) -> None:
        self.phase = phase
        self._note("")

    def _changed(self, tab: str) -> None:
        self._note(f"tab {tab}")

    def _note(self, what: str) -> None:
        self._versions[what] += 1
        news, self._news = self._news, asyncio.Event()
        news.set()

    @property
    def headline(self) -> str:
        """What is going on, in a few words."""
        if self.lost_at is not None:
            return "Connection lost, trying again"
        match self.phase:
            case Phase.ASKING:
                return "Reaching the device"
            case Phase.UNVERIFIED:
                return "Unverified device: ask for two words"
            case Phase.WAITING:
                return "Waiting for the customer"
            case Phase.ACTIVE:
                return "Visit under way"
            case Phase.ENDED:
                return "Visit ended"
            case Phase.FAILED:
                return "No visit"
            case _ as never:
                assert_never(never)
