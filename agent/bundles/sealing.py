"""Evidence beside a ticket: the finding, what else was found, which checks ran; redacted, then sealed, in a child."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.children import run_child
from agent.clocks import Clocks
from agent.identity.identity import Identity
from agent.identity.trust_store import TrustStore
from agent.refusal import Refusal
from agent.watch.finding_store import CheckRun
from agent.watch.look import SeenFinding
from diagnostics.strict_json import dump_json, encode
from protocol.limits import SEALED_BLOB_MAX_BYTES

EVIDENCE_SCHEMA: Final = 1
_TIMEOUT_S: Final = 60.0
# 100 findings with their evidence are some 100 KB before compression of nothing: the gravest are enough here.
_FINDINGS_MAX: Final = 40


@dataclass(frozen=True)
class EvidenceDocument:
    """`findings`: the reason first. All of it is redacted before it is sealed."""

    schema: int
    made_at: int
    findings: tuple[dict[str, object], ...]
    checks: tuple[dict[str, object], ...]


class Sealing:
    """Seals for the organisation's recipients in force; None where there are none: then nothing goes."""

    def __init__(self, identity: Identity, trust: TrustStore, clocks: Clocks) -> None:
        self._identity = identity
        self._trust = trust
        self._clocks = clocks

    def recipients(self) -> tuple[str, ...]:
        found = self._trust.trust.recipients(self._clocks.wall())
        return () if found is None else tuple(recipient.age for recipient in found.recipients)

    async def evidence(
        self, reason: SeenFinding | None, others: Sequence[SeenFinding], checks: Sequence[CheckRun]
    ) -> bytes | None:
        """The sealed document, or None without recipients. Refusal when it could not be redacted or sealed."""
        recipients = self.recipients()
        if not recipients:
            return None
        first = [] if reason is None else [reason]
        rest = [entry for entry in others if reason is None or entry.finding.fingerprint != reason.finding.fingerprint]
        rest.sort(key=lambda entry: -entry.finding.severity.rank)
        document = EvidenceDocument(
            schema=EVIDENCE_SCHEMA,
            made_at=self._clocks.wall(),
            findings=tuple(_value(entry) for entry in (*first, *rest)[:_FINDINGS_MAX]),
            checks=tuple({"id": run.id, "status": run.status, "reason": run.reason, "at": run.at} for run in checks),
        )
        return await self._seal(dump_json(encode_document(document), indent=1), recipients)

    async def _seal(self, document: str, recipients: tuple[str, ...]) -> bytes:
        request = {"document": document, "recipients": list(recipients), "secret": self._identity.secret.hex()}
        answer = await run_child(
            "agent.bundles.seal_worker",
            dump_json(request).encode(),
            timeout_s=_TIMEOUT_S,
            answer_max_bytes=SEALED_BLOB_MAX_BYTES,
        )
        if answer.exit_code != 0 or not answer.stdout:
            raise Refusal(
                "the evidence could not be sealed",
                expected="a sealed document",
                got=answer.stderr[-200:].decode("utf-8", "replace"),
            )
        return answer.stdout


def _value(entry: SeenFinding) -> dict[str, object]:
    """Exactly diagnostics' own JSON of a finding, so that the technician's program reads it as one."""
    value = encode(entry.finding)
    assert isinstance(value, dict)  # noqa: S101 - a dataclass encodes to an object
    return value


def encode_document(document: EvidenceDocument) -> dict[str, object]:
    return {
        "schema": document.schema,
        "made_at": document.made_at,
        "findings": list(document.findings),
        "checks": list(document.checks),
    }
