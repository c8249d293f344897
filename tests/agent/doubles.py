"""Stand-ins that the agent's tests share: clocks moved by hand, a log in memory, an enrolment without a server."""

from dataclasses import dataclass, field
from typing import Any

from agent.identity.identity import Identity, device_secrets, keep_enrolment
from agent.paths import StateFolder
from protocol.certificates import BundleRecipients, Chain, DeviceCertificate, Document, Recipient
from protocol.enrolment import EnrolmentTicket, EnrolmentToken
from protocol.messages.items import ReportItem
from protocol.messages.report import Report
from tests.making import AGE, DAY, NOW, Organisation, seed, serial

LOG_NAME = "helpful.example/log"


@dataclass
class HandClocks:
    """Implements `agent.clocks.Clocks`; time passes when a test says so."""

    wall_s: int = NOW
    boot_s: float = 1000.0
    mono_s: float = 500.0
    confirmed: list[int] = field(default_factory=list)

    def wall(self) -> int:
        return self.wall_s

    def boot(self) -> float:
        return self.boot_s

    def mono(self) -> float:
        return self.mono_s

    def pass_s(self, seconds: float) -> None:
        self.wall_s += int(seconds)
        self.boot_s += seconds
        self.mono_s += seconds


@dataclass
class MemoryLog:
    """Implements `agent.event_log.EventLog`."""

    lines: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def debug(self, event: str, **fields: object) -> None:
        self.lines.append(("debug", event, fields))

    def info(self, event: str, **fields: object) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append(("warning", event, fields))

    def defect(self, event: str, error: BaseException, **fields: object) -> None:
        self.lines.append(("defect", event, {"error": error, **fields}))

    def events(self, *levels: str) -> list[str]:
        return [event for level, event, _ in self.lines if not levels or level in levels]


def token_body(organisation: Organisation, **changes: object) -> EnrolmentToken:
    body = EnrolmentToken(
        token_id=serial("token"),
        root=organisation.root_hash,
        root_key=organisation.root.public,
        organisation=organisation.name,
        customer="Acme",
        server_origin="http://127.0.0.1:1",
        log_name=LOG_NAME,
        log_key=seed("log key"),
        floors={},
        issued_at=NOW - 60,
        not_after=NOW + DAY,
    )
    return body.model_copy(update=changes)


def enrolment_ticket(organisation: Organisation, **changes: object) -> EnrolmentTicket:
    leaf = organisation.certifying.sign(token_body(organisation, **changes))
    return EnrolmentTicket(chain=Chain(issuer=organisation.issuer(), leaf=leaf), secret=seed("enrolment secret"))


def enrol_in_memory(folder: StateFolder, organisation: Organisation, **changes: object) -> Identity:
    """The state folder as `enrol` leaves it, without a server."""
    device_secrets(folder.identity, make=True)
    keep_enrolment(folder.identity, enrolment_ticket(organisation, **changes).chain)
    identity = Identity.load(folder.identity)
    assert identity is not None
    return identity


def device_certificate(organisation: Organisation, identity: Identity, **changes: object) -> Chain:
    body = DeviceCertificate(
        not_before=NOW - DAY,
        not_after=NOW + DAY,
        root=organisation.root_hash,
        serial=serial(identity.device),
        device=identity.device,
        customer="Acme",
        signing_key=identity.signing.public,
        noise_key=identity.noise.public_key().public_bytes_raw(),
        witness_key=identity.witness.verifier.public_key,
    )
    leaf = organisation.certifying.sign(body.model_copy(update=changes))
    return Chain(issuer=organisation.issuer(), leaf=leaf)


def recipients(organisation: Organisation, version: int = 1, age: str = AGE, **changes: object) -> Document:
    body = BundleRecipients(
        root=organisation.root_hash,
        version=version,
        issued_at=NOW,
        not_after=NOW + DAY,
        recipients=(Recipient(name="Ada Tech", age=age),),
    )
    return organisation.publish(body.model_copy(update=changes))


def report_item(number: int, gap_count: int = 0) -> ReportItem:
    return ReportItem(id=item_id(number), report=Report(at=NOW + number, gap_count=gap_count))


def item_id(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012x}"
