"""A server's log made in memory: visits of two devices with their receipts, cosigned by both."""

from dataclasses import dataclass, field

from protocol.actions.diagnose import DiagnoseArguments
from protocol.actions.logs import LogsArguments
from protocol.audit import AuditEntry, AuditLeaf, AuditWord
from protocol.checkpoints import Checkpoint, LogKey, WitnessKey
from protocol.journal import Outcome, commitment
from protocol.merkle import leaf_hash, root_of
from protocol.messages.api import AuditExport, WitnessLine
from protocol.proofs import ProofFile
from technician.certificate_file import RootFile
from tests.making import NOW, Organisation, seed
from tests.technician.device_end import DeviceEnd
from tests.technician.pairing import ORG, ROOM, TICKET, Pair, pair

LOG = LogKey.from_raw("127.0.0.1/log", seed("log"))
DEVICES = ("laptop", "desktop")


def witness(device: DeviceEnd) -> WitnessKey:
    return WitnessKey.from_raw(device.device, seed(f"device {device.name} witness secret"))


@dataclass
class MadeLog:
    """`visits` finished visits in one log. Change a field, then `export()` or `export(sign=…)`."""

    visits: int = 6
    leaves: list[bytes] = field(default_factory=list)
    proofs: dict[str, ProofFile] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._write(AuditEntry(word=AuditWord.SIGN_IN, author="server", at=NOW))
        for number in range(self.visits):
            self._visit(DEVICES[number % len(DEVICES)], number)
        self._write(AuditEntry(word=AuditWord.DOCUMENT_PUBLISHED, author="organisation", at=NOW))
        self.honest = list(self.leaves)

    @property
    def root(self) -> RootFile:
        return RootFile(
            organisation=ORG.name,
            root_key=ORG.root.public,
            log_name=LOG.verifier.name,
            log_key=LOG.verifier.public_key,
        )

    def note(self, leaves: list[bytes], key: LogKey = LOG) -> str:
        return key.sign(Checkpoint(key.verifier.name, len(leaves), root_of(map(leaf_hash, leaves))))

    def line(self, name: str, leaves: list[bytes], organisation: Organisation = ORG) -> WitnessLine:
        """What device `name` cosigned over `leaves`."""
        device = DeviceEnd(organisation, ROOM, TICKET, name=name)
        key = witness(device)
        certificate = organisation.device(name, witness_key=key.verifier.public_key)
        return WitnessLine(
            device=device.device,
            certificate=certificate,
            size=len(leaves),
            line=key.cosign(self.note(leaves), LOG.verifier, NOW),
        )

    def export(
        self,
        *,
        entries: list[bytes] | None = None,
        note: str | None = None,
        witnesses: tuple[WitnessLine, ...] | None = None,
    ) -> AuditExport:
        """The honest export, or one bent in the named parts. The last device has not yet seen the end."""
        if witnesses is None:
            witnesses = (self.line("laptop", self.honest), self.line("desktop", self.honest[:-3]))
        return AuditExport(
            log_name=LOG.verifier.name,
            log_key=LOG.verifier.public_key,
            entries=tuple(self.honest if entries is None else entries),
            checkpoint=self.note(self.honest) if note is None else note,
            witnesses=witnesses,
        )

    def _write(self, entry: AuditEntry) -> None:
        self.leaves.append(AuditLeaf(received_at=NOW + len(self.leaves), entry=entry).to_bytes())

    def _visit(self, name: str, number: int) -> None:
        made = finished_visit(name, number)
        device = made.device
        assert device.proof is not None
        assert device.state is not None
        grant = device.state.grant

        def say(word: AuditWord, **facts: object) -> None:
            entry = AuditEntry(word=word, author=device.device, at=NOW, device=device.device, session=grant.hash)
            self._write(entry.model_copy(update=facts))

        say(AuditWord.SESSION_STARTED, scopes=grant.body.scopes)
        for action in device.told:
            named = {"sequence": action.sequence, "action": action.action, "risk": action.risk}
            if action.outcome is Outcome.DONE:
                say(AuditWord.ACTION_STARTED, commitment=commitment(bytes(16), b"{}"), **named)
                say(AuditWord.ACTION_ENDED, outcome=action.outcome, **named)
            else:
                say(AuditWord.ACTION_REFUSED, outcome=action.outcome, **named)
        say(AuditWord.SESSION_ENDED)
        say(AuditWord.RECEIPT_MADE, subject=device.proof.receipt.hash)
        self.proofs[f"{number}.json"] = device.proof


def finished_visit(name: str = "laptop", number: int = 0) -> Pair:
    """A visit with one action done and one refused, ended by the technician."""
    reason = f"visit {number}"
    made = pair(DeviceEnd(ORG, ROOM, TICKET, name=name), reason=reason).shake_hands()
    made.to_technician(made.device.decide())
    made.initiator.open_action("diagnose", DiagnoseArguments(), NOW)
    made.initiator.open_action("logs", LogsArguments(), NOW)
    made.exchange()
    made.initiator.end()
    made.exchange()
    return made
