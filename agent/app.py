"""The agent service, put together. Reads from top to bottom: what every machine has, then what an enrolled one adds.

Everything runs in one asyncio loop in one process, which is the only writer of the database. A part that ends by an
error takes the service down with it (the supervisor starts it anew); parts that may fail for outside reasons (the
link, a look, an upload) handle that themselves and go on.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from agent.bundles.asking import Asking
from agent.bundles.known_answers import KnownAnswers
from agent.bundles.sealing import Sealing
from agent.bundles.writer import BundleWriter, remove_leftovers
from agent.clocks import SystemClocks
from agent.config import Config, load_config
from agent.door import Door
from agent.event_log import EventLog, StructuredLog
from agent.identity.following import Following
from agent.identity.identity import Identity
from agent.identity.owner_key import OwnerKey
from agent.identity.trust_store import TrustStore
from agent.leaving import Leaving, Lines
from agent.link.link import Link
from agent.link.outbox import Outbox
from agent.link.uploads import Uploads
from agent.local.server import LocalServer
from agent.local.status import MemberParts, StatusVerbs
from agent.local.verbs import Catalogue
from agent.mending.mending import Mending
from agent.mending.policy import Raised
from agent.mending.step_journal import StepJournal
from agent.mending.verbs import MendingVerbs
from agent.paths import Mode, StateFolder
from agent.session.own_settings import OwnSettings
from agent.single_instance import SingleInstance
from agent.staying_small import StayingSmall, become_anew
from agent.store.database import Database
from agent.store.kept_values import KeptValues
from agent.tickets.automatic import AutomaticTickets
from agent.tickets.desk import Desk
from agent.tickets.store import TicketStore
from agent.tickets.verbs import TicketVerbs
from agent.uuid7 import uuid7
from agent.watch import counters
from agent.watch.application_verbs import ApplicationVerbs
from agent.watch.applications import Watches
from agent.watch.look import Look, MetricPoint, SeenFinding
from agent.watch.report import report_of
from agent.watch.verbs import WatchVerbs
from agent.watch.watch import Watch
from diagnostics.machine.own_use import AgentState, servers_of
from protocol.messages.items import ReportItem
from protocol.messages.login import Welcome


class Ground:
    """What every agent has, enrolled or not: its state, its clocks, its eyes, its door."""

    def __init__(self, folder: StateFolder, config: Config, log: EventLog) -> None:
        self.folder = folder
        self.config = config
        self.log = log
        self.database = Database(folder.database)
        self.clocks = SystemClocks(self.database)
        self.catalogue = Catalogue()
        # Replaced where there is more to tell, and by whoever can build the service anew.
        self.agent_state: Callable[[], AgentState] = lambda: AgentState(
            pid=os.getpid(), data_folder=str(folder.root), portal_probe=config.checks.portal_probe
        )
        self.restart: Callable[[], None] = lambda: None
        self.watch = Watch(self.database, self.clocks, config, log=log, agent_state=lambda: self.agent_state())
        self.catalogue.add(*WatchVerbs(self.watch, self.clocks).all())


class Member:
    """What enrolment adds: a name, an organisation, a line to its desk, and a door that only the customer opens."""

    def __init__(self, ground: Ground, identity: Identity) -> None:
        self.ground = ground
        database, clocks, log = ground.database, ground.clocks, ground.log

        clocks.confirm(identity.token.issued_at, "token")
        self.trust = TrustStore(database, identity, clocks, confirm_time=clocks.confirm)
        self.identity = identity = identity.following(self.trust.trust.policy())

        self.outbox = Outbox(database)
        self.outbox.sealed_waits = lambda: self.trust.trust.recipients(clocks.wall()) is None
        self.link = Link(identity, self.outbox, clocks, log=log)
        self.following = Following(self.trust, self.link, log=log, changed=self._trust_changed)
        self.uploads = Uploads(database, identity, self.trust, self.link, clocks, log=log)
        self.link.on(Welcome, self._welcomed)

        self.tickets = TicketStore(database, identity, self.outbox, clocks)
        self.tickets.on_queued(self.link.wake)
        self.desk = Desk(self.tickets, identity, self.trust, clocks, self.link, log=log)
        self.sealing = Sealing(identity, self.trust, clocks)
        self.automatic = AutomaticTickets(
            self.tickets, clocks, ground.config.tickets.automatic_from, seal=self._seal_finding, log=log
        )
        ground.agent_state = self._numbers
        ground.watch.issues, ground.watch.device = self._known_issues, identity.device
        self.watches = Watches(
            database,
            OwnerKey(ground.folder.identity),
            clocks,
            device=identity.device,
            packed=self._known_issues,
        )
        ground.watch.applications = lambda: self.watches.list().applications
        ground.catalogue.add(*ApplicationVerbs(self.watches, organisation=identity.organisation, log=log).verbs())
        ground.watch.on_look(self._report)
        ground.watch.on_look(self.automatic.looked)

        ground.catalogue.add(*TicketVerbs(self.tickets).all())

        self.bundles = BundleWriter(log=log)
        self.asking = Asking(
            database,
            identity,
            self.trust,
            self.tickets,
            self.uploads,
            ground.watch.store,
            self.sealing,
            self.bundles,
            clocks,
            folder=ground.folder.bundles,
            agent=self._numbers,
            applications=ground.watch.applications,
            never=ground.config.bundle.never,
            hurry=self.link.hurry,
        )
        ground.catalogue.add(*self.asking.verbs())
        self.answers = KnownAnswers(identity, self.trust, ground.watch.store, self.link, clocks, log=log)
        ground.catalogue.add(*self.answers.verbs())

        self.door = Door(
            database,
            identity,
            self.trust,
            self.link,
            self.outbox,
            self.tickets,
            clocks,
            state=ground.folder.root,
            settings=OwnSettings(ground.folder, ground.config.files.folders, KeptValues(database)),
            log=log,
        )
        self.door.bench.asking = self.asking
        ground.catalogue.add(*self.door.verbs())

    def lines(self) -> Lines:
        return Lines(self.link, self.outbox, self.tickets, self.door.visits)

    def parts(self) -> MemberParts:
        return MemberParts(self.identity, self.trust, self.link, self.outbox, self.uploads.views)

    def session_hosts(self) -> Sequence[int]:
        """Process ids of session hosts alive now: their descendants may not answer for the customer."""
        return self.door.session_hosts()

    def busy(self) -> bool:
        """Whether a restart now would cut something a person is in the middle of."""
        return self.door.busy

    def solved(self, fingerprint: str) -> None:
        """A remedy has cured this finding: its open ticket, if there is one, may close with that outcome."""
        ticket = self.tickets.open_for(fingerprint)
        if ticket is not None:
            self.tickets.ended_here(ticket.ticket, "solved-mechanically")

    async def run(self) -> None:
        remove_leftovers(self.ground.folder.bundles, self.uploads.waiting_files())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.link.run())
                tasks.create_task(self.uploads.run())
                tasks.create_task(self.door.run())
        finally:
            await self.bundles.close()

    def _numbers(self) -> AgentState:
        """What only the running agent knows of itself, for its own check."""
        now, numbers = self.ground.clocks.wall(), self.outbox.numbers()
        pack = self.trust.trust.known_issues(now)
        oldest = numbers.oldest_queued_at
        return AgentState(
            pid=os.getpid(),
            data_folder=str(self.ground.folder.root),
            queued_items=numbers.items,
            oldest_queued_s=None if oldest is None else max(0, now - oldest),
            last_upload_unix_s=self.uploads.last_upload_at,
            knowledge_age_s=None if pack is None else max(0, now - pack.issued_at),
            servers=servers_of(self.identity.origin),
            portal_probe=self.ground.config.checks.portal_probe,
        )

    def _known_issues(self) -> Mapping[str, str]:
        """The organisation's own, as its content issuer signed them; an older pack was refused on arrival."""
        pack = self.trust.trust.known_issues(self.ground.clocks.wall())
        return {} if pack is None else {issue.id: issue.toml for issue in pack.issues}

    async def _report(self, look: Look) -> None:
        now, kept = self.ground.clocks.wall(), KeptValues(self.ground.database)
        numbers: tuple[MetricPoint, ...] = ()
        if tell_counters := counters.due(kept, now):
            outcomes = StepJournal(self.ground.database).outcomes()
            numbers = counters.counters(self.ground.watch.trials.all(), outcomes)
        report = report_of(
            look,
            settings=self.ground.config.reports,
            pseudonym=self.identity.pseudonym,
            gap_count=self.outbox.gap(),
            now=now,
            counters=numbers,
        )
        self.link.enqueue(ReportItem(id=uuid7(), report=report))
        if tell_counters:
            counters.told(kept, now)

    async def _seal_finding(self, entry: SeenFinding, look: Look) -> bytes | None:
        return await self.sealing.evidence(entry, look.findings, self.ground.watch.store.check_runs())

    async def _trust_changed(self) -> None:
        self.uploads.wake()
        self.link.wake()
        self.door.trust_changed()
        # The organisation has moved its server or its log, and said so itself: everything follows, once nobody visits.
        moved = self.identity.following(self.trust.trust.policy())
        if (moved.origin, moved.log_verifier) != (self.identity.origin, self.identity.log_verifier):
            self.ground.restart()

    async def _welcomed(self, welcome: Welcome) -> None:
        self.uploads.wake()


class Agent:
    """One run of the service, from the state folder as it is now. `run` returns True when it wants to be built anew;
    `afresh` then says whether in a new process."""

    def __init__(self, folder: StateFolder, log: EventLog) -> None:
        self.ground = Ground(folder, load_config(folder.config), log)
        identity = Identity.load(folder.identity)
        self.member = None if identity is None else Member(self.ground, identity)
        self.ground.catalogue.enrolled = self.member is not None
        self.mending = Mending(
            StepJournal(self.ground.database),
            None if self.member is None else self.member.door.books,
            self.ground.clocks,
            folder=folder.root / "mending",
            check_of=self._check_of,
            solved=lambda fingerprint: None if self.member is None else self.member.solved(fingerprint),
            log=log,
            raised=self._raised,
        )
        self.ground.catalogue.add(*MendingVerbs(self.mending).verbs())
        if self.member is not None:
            self.member.door.bench.mending = self.mending
            self.member.door.bench.whole_machine = folder.mode is Mode.MACHINE
        leaving = Leaving(
            StepJournal(self.ground.database), None if self.member is None else self.member.lines(), self.stop
        )
        self.ground.catalogue.add(*leaving.verbs())
        self._restart = asyncio.Event()
        self._stop = asyncio.Event()
        self.afresh = False
        self.small = StayingSmall(self._start_afresh, log=log)
        self.ground.watch.on_look(self.small.checks_looked)
        self.ground.restart = self._restart.set
        status = StatusVerbs(
            folder,
            self.ground.watch,
            self.ground.clocks,
            restart=self._restart.set,
            member=None if self.member is None else self.member.parts(),
        )
        self.ground.catalogue.add(*status.all())
        self.local = LocalServer(
            folder,
            self.ground.catalogue,
            log=log,
            session_hosts=lambda: () if self.member is None else self.member.session_hosts(),
        )

    def stop(self) -> None:
        self._stop.set()

    def _start_afresh(self) -> None:
        self.afresh = True
        self._restart.set()

    def _check_of(self, fingerprint: str) -> str | None:
        """The id of the check that raised this finding: what a remedy looks at again. None for what no check of the
        catalogue finds: a watched application's."""
        found = self.ground.watch.store.get(fingerprint)
        if found is None or found.finding.rule.startswith("application-"):
            return None
        return found.finding.rule.partition("@")[0]

    def _raised(self) -> list[Raised]:
        """What is shown now, raised by this machine's own checks: all that may start a fix alone."""
        return [Raised(each.finding.fingerprint, each.finding.code) for each in self.ground.watch.store.visible()]

    async def run(self) -> bool:
        try:
            if sys.platform == "win32":
                self.ground.log.warning("no-local-door", reason="named pipes are not built in this version")
            else:
                await self.local.start()
            running = [
                asyncio.create_task(self.ground.watch.run()),
                asyncio.create_task(self.mending.run_for_ever()),
                asyncio.create_task(self.small.run()),
                asyncio.create_task(self._until_told()),
            ]
            if self.member is not None:
                running.append(asyncio.create_task(self.member.run()))
            try:
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
        finally:
            await self.local.stop()
            self.ground.database.close()
        return not self._stop.is_set()

    async def _until_told(self) -> None:
        stop, restart = asyncio.create_task(self._stop.wait()), asyncio.create_task(self._restart.wait())
        try:
            await asyncio.wait({stop, restart}, return_when=asyncio.FIRST_COMPLETED)
            # The answer to who asked for the restart goes out first; a visit is never cut for it.
            while not self._stop.is_set() and self.member is not None and self.member.busy():
                await asyncio.wait({stop}, timeout=1)
            await asyncio.sleep(0.2)
        finally:
            stop.cancel()
            restart.cancel()


def serve(
    folder: StateFolder,
    *,
    also_stderr: bool = False,
    stoppable: Callable[[Callable[[], object]], None] = lambda stop: None,
) -> None:
    """Run the service until SIGTERM or Ctrl-C. Refusal when another one runs here.

    `stoppable`: gets, once it runs, what stops it from any thread; for a supervisor that sends no signals (Windows).
    """
    folder.make()
    lock = SingleInstance.take(folder.lock)
    try:
        log = StructuredLog(folder.log, also_stderr=also_stderr)
        with asyncio.Runner() as runner:
            afresh = runner.run(_serve(folder, log, stoppable))
    finally:
        lock.release()
    if afresh:
        become_anew()


async def _serve(folder: StateFolder, log: EventLog, stoppable: Callable[[Callable[[], object]], None]) -> bool:
    """True when it shall go on in a new process."""
    stopped = False
    agent: Agent | None = None

    def stop() -> None:
        nonlocal stopped
        stopped = True
        if agent is not None:
            agent.stop()

    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
    stoppable(partial(loop.call_soon_threadsafe, stop))
    while not stopped:
        agent = Agent(folder, log)
        log.info("service-started", enrolled=agent.member is not None)
        try:
            again = await agent.run()
        except Exception as error:
            log.defect("service-failed", error)
            raise
        log.info("service-stopped", again=again)
        if not again or agent.afresh:
            return again
    return False
