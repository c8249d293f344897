"""Sealed blobs of a ticket, opened here with the technician's own key: evidence, receipts, bundles.

    blob from the server ── is it the one announced (SHA-256)? ── age ──► bytes of a customer's machine: hostile

What comes out is shown as text, never executed, extracted or followed. The server sees that a blob was fetched and
nothing of what is in it.
"""

import json
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Final, Protocol

from diagnostics.checks.catalogue import CATALOGUE, explain
from diagnostics.findings import Finding
from diagnostics.strict_json import StrictJsonError, decode, load_json
from diagnostics.wording import Language
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.messages.api import BundleRow, SealedRow
from protocol.messages.items import SealedKind
from protocol.proofs import ProofFile
from technician.keys.technician_keys import TechnicianKeys
from technician.problems import Problem
from technician.session.closing import read_proof

#: Evidence may say more about a finding than the finding itself holds; the text shows it.
_FINDING_FIELDS: Final = frozenset(field.name for field in fields_of(Finding))


_TITLES: Final = {
    SealedKind.RECEIPT: "Receipt of a visit",
    SealedKind.NOTE: "Note of a colleague",
    SealedKind.TRANSCRIPT: "Transcript of a visit",
}
_CHECK_TITLES: Final = {check.id: check.title for check in CATALOGUE}


class BlobSource(Protocol):
    """The server, or what stands for it in a test."""

    async def blob(self, blob: str) -> bytes: ...


@dataclass(frozen=True)
class OpenedEvidence:
    """What a sealed item says. `findings`: those that diagnostics understands; `text`: all of it, for people."""

    row: SealedRow
    findings: tuple[Finding, ...]
    text: str
    proof: ProofFile | None = None
    fault: str = ""
    checks: tuple[tuple[str, str, str], ...] = ()  # title, status, reason

    @property
    def title(self) -> str:
        if self.findings:
            return explain(self.findings[0], Language.ENGLISH).title
        return _TITLES.get(self.row.kind, "Evidence")

    def explanations(self) -> list[tuple[Finding, str, str]]:
        """Each finding with its title and its sentence in plain words."""
        told = [(finding, explain(finding, Language.ENGLISH)) for finding in self.findings]
        return [(finding, words.title, words.text) for finding, words in told]


async def open_blob(source: BlobSource, keys: TechnicianKeys, row: SealedRow | BundleRow) -> bytes:
    """The plaintext of one announced blob."""
    return keys.open_sealed(await fetch_blob(source, row))


async def fetch_blob(source: BlobSource, row: SealedRow | BundleRow) -> bytes:
    """The sealed bytes, exactly those announced."""
    sealed = await source.blob(row.id)
    if len(sealed) != row.size_bytes or sha256(sealed) != row.sha256:
        raise RemoteProtocolError(
            "the server handed out another blob than the one announced",
            expected=f"{row.size_bytes} bytes, SHA-256 {row.sha256.hex()[:16]}",
            got=f"{len(sealed)} bytes, SHA-256 {sha256(sealed).hex()[:16]}",
        )
    return sealed


async def open_evidence(source: BlobSource, keys: TechnicianKeys, row: SealedRow) -> OpenedEvidence:
    """One sealed item, opened. What cannot be opened says why, and the rest of the ticket still shows."""
    try:
        data = await open_blob(source, keys, row)
        if row.kind is SealedKind.RECEIPT:
            return OpenedEvidence(row, (), "", read_proof(data))
        if row.kind is SealedKind.NOTE:
            return OpenedEvidence(row, (), "`bellpull notes` shows it, with its proven author.")
        return _read(row, data)
    except (RemoteProtocolError, Problem) as error:
        return OpenedEvidence(row, (), "", None, str(error))


def _read(row: SealedRow, data: bytes) -> OpenedEvidence:
    try:
        value = load_json(data.decode())
    except (UnicodeDecodeError, StrictJsonError):
        return OpenedEvidence(row, (), data.decode("utf-8", "backslashreplace"))
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return OpenedEvidence(row, tuple(_findings(value)), text, checks=tuple(_checks(value)))


def _findings(value: object) -> list[Finding]:
    """Every finding in a document: one by itself, or a list under `findings`. What is none is left to the text."""
    if not isinstance(value, dict):
        return []
    listed = value.get("findings", value.get("finding", value))
    found: list[Finding] = []
    for each in listed if isinstance(listed, list) else [listed]:
        if not isinstance(each, dict):
            continue
        fields = {name: field for name, field in each.items() if name in _FINDING_FIELDS}
        try:
            found.append(decode(Finding, fields))
        except StrictJsonError:
            continue  # not a finding of this version: its text is shown all the same
    return found


def _checks(value: object) -> list[tuple[str, str, str]]:
    """Which checks ran: `{"checks":[{"id","status","reason",…}]}`. What has another shape is left to the text."""
    listed = value.get("checks") if isinstance(value, dict) else None
    found: list[tuple[str, str, str]] = []
    for each in listed if isinstance(listed, list) else []:
        match each:
            case {"id": str(check), "status": str(status)}:
                reason = each.get("reason")
                found.append((_CHECK_TITLES.get(check, check), status, reason if isinstance(reason, str) else ""))
            case _:
                pass  # shown in the text all the same
    return found
