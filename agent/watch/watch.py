"""The watch: looks at the machine on its own schedule, keeps what it saw, tells who should know.

    schedule ──► worker (child) ──► findings kept ──► report ──► outbox
                                              └────► the tickets room: what stays grave opens one, what ended closes it

Nothing from outside starts a look: the schedule and a person at this machine do.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from agent.children import run_child
from agent.clocks import Clocks
from agent.config import Config
from agent.event_log import EventLog
from agent.refusal import Refusal
from agent.store.database import Database
from agent.watch.finding_store import FindingStore
from agent.watch.look import Complaint, Look, LookRequest
from agent.watch.schedule import first_look_s, next_look_s, resumed_at
from agent.watch.shadow_counts import ShadowCounts
from diagnostics.machine.own_use import AgentState
from diagnostics.strict_json import StrictJsonError
from diagnostics.vendors.application import Application

# All checks together take about a second; a machine that swaps takes longer. Past this the worker is killed.
WORKER_TIMEOUT_S: Final = 120.0
LOOK_MAX_BYTES: Final = 8 * 1024 * 1024

Looked = Callable[[Look], Awaitable[None]]
Worker = Callable[[bytes], Awaitable[bytes]]


async def run_worker(request: bytes) -> bytes:
    answer = await run_child("agent.watch.worker", request, timeout_s=WORKER_TIMEOUT_S, answer_max_bytes=LOOK_MAX_BYTES)
    if answer.exit_code != 0:
        raise Refusal(
            "the check worker failed",
            expected="exit code 0",
            got=f"{answer.exit_code}: {answer.stderr[-300:].decode('utf-8', 'replace')}",
        )
    return answer.stdout


class Watch:
    """`looked` is told of each look, in order, after it was kept. `agent_state`: what the agent knows of itself."""

    def __init__(
        self,
        database: Database,
        clocks: Clocks,
        config: Config,
        *,
        log: EventLog,
        agent_state: Callable[[], AgentState],
        worker: Worker = run_worker,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._clocks = clocks
        self._config = config
        self._log = log
        self._agent_state = agent_state
        self._worker = worker
        self._uniform = uniform
        self._listeners: list[Looked] = []
        self._one_at_a_time = asyncio.Lock()
        self.store = FindingStore(database)
        self.issues: Callable[[], Mapping[str, str]] = dict
        self.applications: Callable[[], tuple[Application, ...]] = tuple
        self.device = ""
        self.trials = ShadowCounts(database)
        self.last_look_at: int | None = None
        self.resumed_at: int | None = None
        self.waiting: Mapping[str, str] = {}
        self.trouble = ""

    def on_look(self, listener: Looked) -> None:
        self._listeners.append(listener)

    async def run(self) -> None:
        """Look on schedule until cancelled. A look that fails is shown and tried again later."""
        failures = 0
        await asyncio.sleep(first_look_s(self._uniform()))
        while True:
            try:
                await self.look()
                failures = 0
            except (Refusal, StrictJsonError) as error:
                failures += 1
                self._log.warning("look-failed", reason=str(error), failures=failures)
            every_s = self._config.checks.every_minutes * 60
            pause_s = next_look_s(every_s, self._uniform(), failures=failures)
            slept_from = self._clocks.wall()
            await asyncio.sleep(pause_s)
            woke = self._clocks.wall()
            self.resumed_at = resumed_at(pause_s, woke - slept_from, woke) or self.resumed_at

    async def look(self, *, everything: bool = False, wrong: Complaint | None = None) -> Look:
        """One look now; with `wrong`, at what matters for it, with advice. Raises Refusal when the worker failed or the
        disk did not keep it."""
        async with self._one_at_a_time:
            now = self._clocks.wall()
            request = LookRequest(
                now=now,
                database=str(self._database.path),
                everything=everything,
                disabled=self._config.checks.disabled,
                ran_at={run.id: run.at for run in self.store.check_runs()},
                agent=self._agent_state(),
                issues=self.issues(),
                device=self.device,
                applications=self.applications(),
                resumed_at=self.resumed_at,
                wrong=wrong,
            )
            try:
                look = Look.from_bytes(await self._worker(request.to_bytes()))
                self.store.keep(look, now)
                self.store.forget_others(f"application-{each.application}" for each in request.applications)
                self.trials.count(look.trials, now)
            except (Refusal, StrictJsonError) as error:
                self.trouble = str(error)
                raise
            self.last_look_at, self.trouble, self.waiting = now, "", look.waiting
            for unused in look.unused_issues:
                self._log.warning("known-issue-not-used", reason=unused)
            for listener in self._listeners:
                try:
                    await listener(look)
                except Refusal as error:
                    # A report that could not be queued must not keep a ticket from being opened, or the look hidden.
                    self.trouble = str(error)
                    self._log.warning("look-not-told", reason=str(error))
            return look
