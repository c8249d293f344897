"""Rooms' stores on a bare database, without a server: for tests that run on both dialects."""

from dataclasses import dataclass

from protocol.checkpoints import LogKey
from protocol.enrolment import EnrolmentToken
from protocol.statements import Verified, VerifyKey, parse_payload, verify
from protocol.tickets import TicketStatement
from server.audit.store import AuditLog
from server.config import FirstFacts
from server.devices.store import DeviceStore
from server.findings.store import FindingStore
from server.sessions.store import SessionStore
from server.storage.engine import Database
from server.tickets.store import TicketStore
from tests.making import Organisation, seed
from tests.server.actors import Clock, DeviceActor, World


@dataclass
class Stores:
    database: Database
    clock: Clock
    metric_rows: int = 1 << 30

    def __post_init__(self) -> None:
        self.devices = DeviceStore(self.database, self.clock, pending_max=5)
        self.tickets = TicketStore(
            self.database, self.clock, FirstFacts(), open_max=5, a_day_max=20, sealed_bytes_max=1000
        )
        self.findings = FindingStore(
            self.database, self.clock, metrics_kept_days=30, may_keep=lambda _device, rows: rows <= self.metric_rows
        )
        self.sessions = SessionStore(self.database, self.clock)
        self.log = AuditLog(self.database, LogKey.from_raw("test/log", seed("log")), self.clock)
        self._organisation = Organisation()
        self._world = World("http://127.0.0.1:1", "", None, self.clock, self._organisation)  # type: ignore[arg-type]

    async def device(self, name: str = "laptop", customer: str = "Acme") -> DeviceActor:
        device = self._world.device(name)
        request = self._world.enrolment(device, customer=customer)
        await self.devices.enrol(request, parse_payload(request.token.leaf, EnrolmentToken))
        return device

    def signed(self, device: DeviceActor, statement: TicketStatement) -> Verified[TicketStatement]:
        return verify(device.key.sign(statement), TicketStatement, VerifyKey(device.key.public))

    async def open(self, device: DeviceActor, statement: TicketStatement) -> str:
        async with self.database.write() as connection:
            return await self.tickets.open(connection, device.device, self.signed(device, statement))
