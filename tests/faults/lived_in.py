"""A state folder as a customer's machine has it after a while, with something in every place that is believed later.

Made by the agent's own parts: an enrolment, the organisation's documents, a ticket, a whole visit with its receipt, an
owner's policy, findings and numbers, items that wait and one that was refused, a bundle that waits, a followed log.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from agent.identity.identity import keep_enrolment
from agent.identity.trust_store import AlarmKind
from agent.link.uploads import Uploads
from agent.paths import Mode, StateFolder
from agent.watch.look import CheckLine, Explained, Look, MetricPoint, SeenFinding
from diagnostics.bundle import new_identity
from diagnostics.findings import Finding, FindingState, Severity
from protocol.actions.scopes import Scope
from protocol.errors import ProtocolError
from protocol.fields import sha256
from protocol.messages.desk import CustomerText
from protocol.tickets import TicketOrigin
from tests.agent.doubles import LOG_NAME, enrolment_ticket, item_id, recipients, report_item
from tests.agent.visit_rig import Rig
from tests.agent.visiting import ORG
from tests.hostile.machine import Machine, Time
from tests.making import NOW

#: Every file that the running agent keeps, and what a damage to it may at most do. A new file belongs in here, with a
#: line in damage.py that says what it must never do when it is damaged.
FILES: Final = {
    "config.toml": "settings",
    "agent.db": "database",
    "agent.db-wal": "database",
    "agent.db-shm": "scratch",
    "identity/enrolment.json": "identity",
    "identity/keys.check": "identity",
    "identity/signing.key": "identity",
    "identity/noise.key": "identity",
    "identity/witness.key": "identity",
    "identity/secret.key": "identity",
    "identity/owner.key": "owner",
    "bundles/waiting.age": "sealed",
    "log/agent.log": "told",
    "run/agent.lock": "scratch",
    "run/agent.sock": "scratch",
}


async def live(root: Path) -> StateFolder:
    """Live a while in `root`, and stop."""
    rig = Rig(root)
    rig.trust.accept(recipients(ORG, 4, new_identity()[1]))
    technician = await rig.let_in()
    await technician.act()
    await technician.end()
    await rig.over()
    rig.policies.sign(
        serials=("f" * 32,),
        minimum_tier=None,
        scopes=(Scope.DIAGNOSE,),
        minutes=10,
        from_minute_utc=0,
        to_minute_utc=1440,
        days=30,
    )
    rig.close()
    folder = StateFolder(root, Mode.USER)
    facts = {"log_key": rig.desk.key.verifier.public_key, "log_name": LOG_NAME, "not_after": NOW + 600}
    keep_enrolment(folder.identity, enrolment_ticket(ORG, **facts).chain)
    folder.config.write_text('[tickets]\nautomatic_from = "critical"\n')
    await _look_and_wait(Machine(folder, Time()), folder)
    return folder


async def _look_and_wait(machine: Machine, folder: StateFolder) -> None:
    member = machine.member

    async def worker(request: bytes) -> bytes:
        return _look().to_bytes()

    machine.agent.ground.watch._worker = worker
    await machine.agent.ground.watch.look()
    member.tickets.open(origin=TicketOrigin.CUSTOMER, words="And the printer sings")
    for number in (7, 8):
        member.outbox.put(report_item(number), NOW)
    member.outbox.put(CustomerText(id=item_id(9), ticket=item_id(0), text="hello", at=NOW), NOW)
    member.outbox.refuse(item_id(9), "unknown ticket", NOW)
    sealed = folder.bundles / "waiting.age"
    sealed.write_bytes(b"age-encryption.org/v1\n" + bytes(range(256)))
    uploads: Uploads = member.uploads
    uploads.add(
        item_id(10), ticket=item_id(0), case="c-" + "a" * 16, file=sealed, sha256=sha256(sealed.read_bytes()),
        size_bytes=sealed.stat().st_size,
    )  # fmt: skip
    machine.agent.ground.database.close()


def _look() -> Look:
    found = Finding(
        code="disk-full",
        instance="disk:/home",
        severity=Severity.ERROR,
        rule="disk-space@1",
        first_seen_unix_s=NOW - 600,
        last_seen_unix_s=NOW,
        state=FindingState.ACTIVE,
        count=3,
        facts={"used_fraction": 0.98},
    )
    words = {"en": Explained("The disk is full", "There is no room left."), "ru": Explained("Диск", "Места нет.")}
    return Look(
        (CheckLine("disk-space", "finding", 3, ""),),
        (SeenFinding(found, words), SeenFinding(replace(found, instance="disk:/data"), words)),
        (),
        (),
        tuple(MetricPoint(f"made.metric-{number}", "", float(number)) for number in range(5)),
        0.2,
        0.1,
    )


#: When lives go on: the token that was enrolled with is over, as on every machine but a new one.
LATER: Final = NOW + 3600


@dataclass(frozen=True)
class Belief:
    """What an agent would act on. Damage may take from it; it may never add to it or change it."""

    who: tuple[object, ...]
    root: tuple[object, ...]
    floors: dict[str, int]
    documents: dict[str, bytes]
    certificate: object
    policy: object
    alarms: frozenset[str]
    receipts: frozenset[bytes]

    @classmethod
    def of(cls, machine: Machine) -> "Belief":
        member = machine.member
        own, trust = member.identity, member.trust.trust
        try:
            in_force = member.door.policies.in_force()
        except ProtocolError:
            in_force = None
        return cls(
            who=(own.device, own.noise_raw, own.secret, own.witness.verifier.public_key, own.origin, own.log_name,
                 own.log_verifier.public_key, own.customer_hint, own.organisation),
            root=(trust.root.public, trust.rotation_sequence),
            floors={name: floor.version for name, floor in trust.floors.items()},
            documents={name: document.statement.hash for name, document in trust.documents.items()},
            certificate=member.trust.certificate,
            policy=None if in_force is None else in_force.hash,
            alarms=frozenset(machine.alarms),
            receipts=frozenset(kept.grant for kept in member.door.receipts.list()),
        )  # fmt: skip

    def faults_of(self, sound: "Belief") -> list[str]:
        """In what this believes more, or other, than `sound` did."""
        faults = [
            name
            for name, wrong in (
                ("identity", self.who != sound.who),
                ("root", self.root != sound.root),
                ("certificate", self.certificate not in (None, sound.certificate)),
                ("policy", self.policy not in (None, sound.policy)),
                ("documents", not self.documents.items() <= sound.documents.items()),
            )
            if wrong
        ]
        # A device that has lost its memory stands where its token put it; it may, where it says so.
        if AlarmKind.DAMAGED.value in self.alarms:
            return faults
        return faults + [
            f"floor {name}" for name, version in sound.floors.items() if self.floors.get(name, -1) < version
        ]
