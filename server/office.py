"""The rooms of a running server, built once, in the order they need each other. Reads like a table of contents.

What starts with the server stops with it: `open()` migrates, checks the log and starts the background tasks;
`goodbye()` tells agents and visits; `close()` ends the rest. A background task that dies takes the server with it:
half a server is worse than none.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from protocol.audit import AuditEntry, AuditWord
from protocol.certificates import Document
from protocol.checkpoints import LogKey
from protocol.messages.documents import Documents, LargeDocuments
from protocol.statements import Envelope
from protocol.strict_json import WireModel
from server.audit.announcer import Announcer
from server.audit.store import AuditLog
from server.audit.values import ValueStore
from server.audit.waiting import WaitingLine
from server.audit.witnesses import WitnessStore
from server.bundles.store import BundleStore
from server.clock import Clock, wall_clock
from server.config import Config
from server.devices.store import DeviceStore
from server.findings.store import FindingStore
from server.knowledge.store import KnowledgeStore
from server.link.hub import Hub
from server.link.sweep import sweep_items
from server.logs import log
from server.metrics import Metrics
from server.notifications.mail import Postman
from server.notifications.settings import usable
from server.notifications.store import NoticeStore
from server.organisation.rules import is_large, large_document
from server.organisation.store import OrganisationStore
from server.patience import Patience
from server.people.factors import FactorStore
from server.people.passkeys import PasskeyStore
from server.people.passwords import Passwords
from server.people.sealing import Sealer
from server.people.store import PeopleStore
from server.quotas import Quota
from server.relay.relay import Relay
from server.reports.health import HealthCounter
from server.sessions.codes import Codes
from server.sessions.store import SessionStore
from server.storage.batch import BatchWriter
from server.storage.engine import Database
from server.storage.migrate import migrate
from server.technicians.challenges import Challenges
from server.technicians.store import TechnicianStore
from server.tickets.handing import Handing
from server.tickets.listing import TicketListing
from server.tickets.replies import Replies
from server.tickets.returning import Returning
from server.tickets.service import ServiceStore
from server.tickets.store import TicketStore
from server.tickets.tracker import Trackers

_SWEEP_S = 3600
#: People read minutes.
_CLOCKS_S = 30
_NOTICES_S = 5
#: A server that has just started lets everybody in first.
_SETTLE_S: Final = 30.0
_GOODBYE_S = 1.0


@dataclass(frozen=True)
class Quotas:
    """Counted by device, technician or address; who knocks at which door stands in access.py."""

    items: Quota
    audit_entries: Quota
    metric_rows: Quota
    offers_by_device: Quota
    offers_by_technician: Quota


class Office:
    def __init__(
        self,
        config: Config,
        *,
        now: Clock = wall_clock,
        mono: Callable[[], float] = time.monotonic,
        patience: Patience | None = None,
    ) -> None:
        caps = config.settings.caps
        self.config = config
        self.now = now
        self.mono = mono
        self.patience = patience or Patience()
        self.metrics = Metrics()
        self.quotas = Quotas(
            items=Quota.per_minute(caps.items_a_minute),
            audit_entries=Quota.per_hour(caps.audit_entries_an_hour),
            metric_rows=Quota(rate_s=caps.metric_rows_a_minute / 60, burst=caps.metric_rows_burst),
            offers_by_device=Quota.per_hour(caps.offers_an_hour_per_device),
            offers_by_technician=Quota.per_hour(caps.offers_an_hour_per_technician),
        )

        self.database = Database(config.database_url)
        self.batch = BatchWriter(self.database)

        self.organisation = OrganisationStore(self.database, now)
        self.technicians = TechnicianStore(self.database, now)
        self.challenges = Challenges(now, os.urandom)
        self.devices = DeviceStore(self.database, now, pending_max=caps.pending_enrolments)
        self.findings = FindingStore(
            self.database,
            now,
            metrics_kept_days=config.settings.metrics_kept_days,
            may_keep=lambda device, rows: not self.quotas.metric_rows.take(device, mono(), rows),
        )
        self.health = HealthCounter(self.database, now)
        self.tickets = TicketStore(
            self.database,
            now,
            config.settings.facts,
            open_max=caps.open_tickets_per_device,
            a_day_max=caps.tickets_a_day_per_device,
            sealed_bytes_max=caps.sealed_bytes_per_device,
        )
        self.handing = Handing(self.database, self.tickets)
        self.trackers = Trackers(self.database, self.tickets, now)
        self.replies = Replies(self.database, now)
        self.knowledge = KnowledgeStore(self.database, now)
        mail = config.settings.mail
        self.notices = NoticeStore(self.database, now, by_mail=mail is not None)
        self.postman = None if mail is None else Postman(self.notices, usable(mail), config.origin, now)
        self.returning = Returning(self.database, self.tickets, now)
        self.listing = TicketListing(self.database, now)
        self.service = ServiceStore(self.database, now)
        self.bundles = BundleStore(
            self.database,
            now,
            config.bundles,
            self.tickets,
            a_day_max=caps.bundles_a_day_per_device,
            bytes_max=caps.bundle_bytes_per_device,
        )
        self.sessions = SessionStore(self.database, now)
        self.codes = Codes(secrets.randbelow)
        self.people = PeopleStore(self.database, now)
        self.passwords = Passwords()
        self.factors = FactorStore(self.database, now, Sealer(config.log_key_file.read_bytes()))
        self.passkeys = PasskeyStore(self.database, now, config.origin)

        self.audit = AuditLog(self.database, log_key(config), now)
        self.waiting = WaitingLine(self.database, lambda entry, item: self.audit.append(entry, item=item))
        self.values = ValueStore(self.database, now)
        self.witnesses = WitnessStore(self.database, self.audit, now)

        self.hub = Hub()
        self.announcer = Announcer(self.audit, self.hub)
        self.relay = Relay(self.sessions, mono, self.patience)

        self.failure: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self._tasks: set[asyncio.Task[None]] = set()

    # --- life ----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise

    async def _open(self) -> None:
        await migrate(self.database)
        await self.organisation.load()
        await self.audit.load()
        await self.sessions.close_left_open()
        await self.bundles.recover()
        self._start("batch writer", self.batch.run())
        self._start("audit log", self.audit.run())
        await self.waiting.take()
        self._start("audit line", self.waiting.run())
        self._start("announcer", self.announcer.run())
        self._start("relay", self.relay.run())
        self._start("sweeper", self._sweep())
        self._start("service clocks", self._watch_clocks())
        self._start("notices", self._tell())
        if self.postman is not None:
            self._start("mail", self._send_mails(self.postman))
        log.info("opened", entries=self.audit.size)

    async def goodbye(self, reason: str = "the server is restarting") -> None:
        """Tell everyone who is connected. Agents come back spread out, so that a fleet does not come at once."""
        count = len(self.hub)
        for at, connection in enumerate(self.hub):
            connection.end(reason, retry_after_s=1 + at * 60 // max(count, 600))
        self.relay.close_all()
        # Each socket takes its last words; uvicorn closes what is left after that.
        until = self.mono() + _GOODBYE_S
        while self.hub.sockets + self.relay.sockets and self.mono() < until:  # noqa: ASYNC110 - two counts, once
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.database.close()

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        self.failure = task.exception() or RuntimeError(f"{task.get_name()} ended")
        log.critical("background-task-died", task=task.get_name(), exc_info=self.failure)
        self.on_failure()

    async def _sweep(self) -> None:
        await asyncio.sleep(_SETTLE_S)
        while True:
            try:
                await self.health.count_today()
                await self.findings.sweep()
                await self.people.sweep()
                await self.notices.sweep()
                await self.returning.close_old()
                await self.bundles.sweep()
                await sweep_items(self.database, self.now())
            except (SQLAlchemyError, OSError):
                log.error("sweep-failed", exc_info=True)  # the next one does what this one left
            await asyncio.sleep(_SWEEP_S)

    async def _watch_clocks(self) -> None:
        while True:
            try:
                await self.service.ran_out()
            except (SQLAlchemyError, OSError):
                log.error("service-clocks-failed", exc_info=True)  # the next look finds what this one left
            await asyncio.sleep(_CLOCKS_S)

    async def _tell(self) -> None:
        while True:
            try:
                await self.notices.gather()
            except (SQLAlchemyError, OSError):
                log.error("notices-failed", exc_info=True)  # what happened stands in the history
            await asyncio.sleep(_NOTICES_S)

    async def _send_mails(self, postman: Postman) -> None:
        """Of its own: a mail server that answers late holds up nothing but mails."""
        while True:
            try:
                await postman.round()
            except (SQLAlchemyError, OSError):
                log.error("mails-failed", exc_info=True)  # they wait in the database
            await asyncio.sleep(_NOTICES_S)

    # --- what several rooms do together --------------------------------------------------------------------

    async def record(self, word: AuditWord, **facts: Any) -> None:
        """The server's own entry in the log; stored before what it describes goes on."""
        author = facts.pop("author", "server")
        await self.audit.append(AuditEntry(word=word, author=author, at=self.now(), **facts))

    async def tell_ticket(self, device: str, ticket: str) -> None:
        """The agent hears how its ticket stands."""
        if self.hub.connected(device):
            for update in await self.tickets.updates(device, ticket):
                self.hub.push(device, update)

    async def documents_published(self, documents: tuple[Document, ...], rotations: tuple[Envelope, ...] = ()) -> None:
        """Connected agents get a hint, which they verify like anything else; the revoked lose their rooms."""
        news: list[WireModel] = [Documents(documents=(), rotations=rotations)] if rotations else []
        for document in sorted(documents, key=lambda each: each.issuer is not None):
            large = is_large(document)
            news.append(
                LargeDocuments(documents=(large_document(document),)) if large else Documents(documents=(document,))
            )
        for connection in self.hub:
            for message in news:
                connection.push(message)
        revoked = self.organisation.require_trust().revocations("leaves")
        if revoked is not None:
            serials = frozenset(revoked.serials)
            self.relay.revoke(serials)
            for connection in self.hub:
                if connection.device.serial in serials:
                    connection.end("this device's certificate was revoked")


def log_key(config: Config) -> LogKey:
    return LogKey.from_raw(config.settings.log_name, config.log_key_file.read_bytes())
