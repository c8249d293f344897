"""Is an exported log whole, unchanged and the one others saw? Files only: no server, no network, no clock.

    log.json        what the server exported: every entry's exact bytes, the checkpoint, the devices' cosignatures
    root.json       whose word counts: the organisation's root and the log's key, given beforehand
    seen*.txt       checkpoints that a technician or device kept when it met the log
    receipts        proof files of visits, kept by technicians and customers
    values.json     what stands behind the server's commitments, where the operator gives it

What is checked, in this order:
    1. the checkpoint is signed by the log's key that root.json names
    2. the tree over the entries has the checkpoint's size and root      edited, removed, inserted, reordered
    3. each certified device cosigned a beginning of this very tree      rewritten by the server and signed afresh
    4. each checkpoint seen earlier is a beginning of this very tree     forked
    5. each entry says what its log can say, each visit in its order
    6. each grant in the log has its receipt, each receipt its grant     something done and not told
       one that goes on after a lost connection, the one before          more allowed than was said yes to
    7. each value fits its commitment, or the log says it was erased     a person put in another's place

Who does not hold a certificate under the root is no witness, however many of them there are. What this cannot show:
that the machines were honest, or that entries newer than the checkpoint exist.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from protocol import strict_json
from protocol.audit import AuditEntry, AuditLeaf, AuditWord, CommittedValue
from protocol.certificates import DeviceCertificate
from protocol.checkpoints import Checkpoint, LogVerifier, WitnessVerifier, open_checkpoint, verify_cosignature
from protocol.errors import ProtocolError
from protocol.fields import root_hash
from protocol.merkle import leaf_hash, root_of
from protocol.messages.api import AuditExport, WitnessLine
from protocol.proofs import ProofFile, ProvenVisit, succession_faults, verify_proof
from protocol.signed_note import parse_line
from protocol.statements import VerifyKey, parse_payload
from protocol.trust import Trust
from technician.audit.report import AuditReport, WitnessFacts
from technician.certificate_file import RootFile

#: Words that belong to one visit, each only after its start.
_IN_VISIT: Final = frozenset(
    {
        AuditWord.ACTION_STARTED,
        AuditWord.ACTION_ENDED,
        AuditWord.ACTION_REFUSED,
        AuditWord.GRANT_CHANGED,
        AuditWord.SESSION_ENDED,
        AuditWord.RECEIPT_MADE,
    }
)


def verify_log(
    export: AuditExport,
    root: RootFile,
    *,
    seen: Mapping[str, str] | None = None,
    receipts: Mapping[str, ProofFile] | None = None,
    values: Sequence[CommittedValue] | None = None,
    witnesses_needed: int = 1,
) -> AuditReport:
    """Check everything; every problem found is in the report. `seen`: name → note; `receipts`: name → proof file."""
    report = AuditReport(size=len(export.entries))
    log = _log_key(export, root, report)
    if log is None:
        return report
    hashes = [leaf_hash(entry) for entry in export.entries]
    roots = _Roots(log.name, hashes)
    report.root = roots.at(len(hashes)).root
    try:
        checkpoint = open_checkpoint(export.checkpoint, log)
    except ProtocolError as error:
        report.problems.append(f"the checkpoint does not hold: {error}")
        return report
    _check_tree(checkpoint, roots, report)
    try:
        organisation = root.trust().roots
    except ProtocolError as error:
        report.problems.append(f"root.json does not hold: {error}")
        return report
    _check_witnesses(export.witnesses, roots, organisation, report)
    if len(report.witnesses) < witnesses_needed:
        report.problems.append(
            f"only {len(report.witnesses)} certified devices vouch for this log, expected {witnesses_needed}:"
            " a server could have written it anew"
        )
    for name, note in (seen or {}).items():
        _check_seen(name, note, log, roots, report)
    entries = _read_entries(export.entries, report)
    _check_visits(entries, report)
    if receipts is not None:
        _check_receipts(entries, receipts, organisation, report)
    if values is not None:
        _check_values(entries, values, report)
    return report


class _Roots:
    """Checkpoints of the beginnings of one tree, each computed once."""

    def __init__(self, origin: str, hashes: Sequence[bytes]) -> None:
        self._origin = origin
        self._hashes = hashes
        self._known: dict[int, Checkpoint] = {}

    def at(self, size: int) -> Checkpoint:
        if size not in self._known:
            self._known[size] = Checkpoint(self._origin, size, root_of(self._hashes[:size]))
        return self._known[size]

    @property
    def size(self) -> int:
        return len(self._hashes)


def _log_key(export: AuditExport, root: RootFile, report: AuditReport) -> LogVerifier | None:
    if root.log_key is None or root.log_name is None:
        report.problems.append("root.json does not name the log's key, so nothing can be proven")
        return None
    if (export.log_name, export.log_key) != (root.log_name, root.log_key):
        report.problems.append(
            f"the export names another log or log key: expected {root.log_name} with"
            f" {VerifyKey(root.log_key).fingerprint[:19]}, got {export.log_name} with"
            f" {VerifyKey(export.log_key).fingerprint[:19]}"
        )
        return None
    return LogVerifier(root.log_name, root.log_key)


def _check_tree(checkpoint: Checkpoint, roots: _Roots, report: AuditReport) -> None:
    if checkpoint.size != roots.size:
        verb = "removed" if roots.size < checkpoint.size else "added"
        report.problems.append(
            f"entries were {verb}: the checkpoint was signed over {checkpoint.size}, the file holds {roots.size}"
        )
    elif checkpoint.root != report.root:
        report.problems.append("entries were changed, exchanged or moved: their tree is not the one that was signed")


def _check_witnesses(
    lines: Iterable[WitnessLine], roots: _Roots, organisation: Sequence[VerifyKey], report: AuditReport
) -> None:
    """Count each certified device once; one whose cosignature does not fit has seen another log.

    `organisation`: its root of now, and those it left: an export from before a rotation stays good.
    """
    counted: set[str] = set()
    for line in lines:
        try:
            at_s = int.from_bytes(parse_line(line.line).signature[:8], "big")
            named = parse_payload(line.certificate.leaf, DeviceCertificate).root
            key = next((each for each in organisation if root_hash(each.public) == named), organisation[0])
            certificate = Trust(root=key).device(line.certificate, at_s).body
            if certificate.device != line.device:
                raise ValueError(f"the certificate is of {certificate.device}")
        except (ProtocolError, ValueError) as error:
            report.notes.append(f"{line.device} is no witness: {error}")
            continue
        if line.device in counted:
            report.problems.append(f"{line.device} is listed twice as a witness")
            continue
        counted.add(line.device)
        if line.size > roots.size:
            report.problems.append(
                f"{line.device} has seen {line.size} entries, the file holds {roots.size}: the end was cut off"
            )
            continue
        try:
            verify_cosignature(
                roots.at(line.size), line.line, WitnessVerifier(certificate.device, certificate.witness_key)
            )
        except ProtocolError as error:
            report.problems.append(
                f"{line.device} vouched for another log of {line.size} entries than this one: {error.what}"
            )
            continue
        report.witnesses.append(WitnessFacts(line.device, certificate.customer, line.size, at_s))


def _check_seen(name: str, note: str, log: LogVerifier, roots: _Roots, report: AuditReport) -> None:
    try:
        checkpoint = open_checkpoint(note, log)
    except ProtocolError as error:
        report.problems.append(f"{name} is no checkpoint of this log: {error}")
        return
    if checkpoint.size > roots.size:
        report.problems.append(
            f"{name} saw {checkpoint.size} entries, the file holds {roots.size}: the end was cut off"
        )
    elif roots.at(checkpoint.size).root != checkpoint.root:
        report.problems.append(f"{name} saw another log of {checkpoint.size} entries: the log was forked or rewritten")


def _read_entries(leaves: Sequence[bytes], report: AuditReport) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for index, leaf in enumerate(leaves):
        try:
            entries.append(strict_json.parse(leaf, AuditLeaf, what="audit leaf").entry)
        except ProtocolError as error:
            report.problems.append(f"entry {index} cannot be read: {error}")
    return entries


def _check_visits(entries: Sequence[AuditEntry], report: AuditReport) -> None:
    """Each visit begins once, by the device it was at, and nothing of it is said by anyone else or before."""
    started: dict[bytes, AuditEntry] = {}
    told: set[bytes] = set()
    for entry in entries:
        if entry.session is None or (entry.word not in _IN_VISIT and entry.word is not AuditWord.SESSION_STARTED):
            continue
        visit = entry.session.hex()[:16]
        if entry.word is AuditWord.SESSION_STARTED:
            if entry.session in started:
                report.problems.append(f"visit {visit} begins twice")
            started[entry.session] = entry
            continue
        begun = started.get(entry.session)
        if begun is None:
            report.problems.append(f"visit {visit}: {entry.word} without a beginning")
        elif begun.author != entry.author:
            report.problems.append(f"visit {visit}: {entry.word} is said by another device")
        if entry.word is AuditWord.RECEIPT_MADE:
            told.add(entry.session)
    report.visits = len(started)
    for session in started.keys() - told:
        report.notes.append(f"visit {session.hex()[:16]} has no receipt in the log yet")


def _check_receipts(
    entries: Sequence[AuditEntry],
    receipts: Mapping[str, ProofFile],
    organisation: Sequence[VerifyKey],
    report: AuditReport,
) -> None:
    """Every grant in the log has a receipt among the files, and every file a grant in the log that tells the same."""
    proven: dict[bytes, tuple[ProofFile, ProvenVisit]] = {}
    for name, proof in receipts.items():
        try:
            visit = verify_proof(proof, *organisation)
        except ProtocolError as error:
            report.problems.append(f"receipt {name} does not hold: {error}")
            continue
        proven[visit.receipt.grant] = (proof, visit)
    report.receipts = len(proven)
    report.problems += succession_faults((visit for _, visit in proven.values()), complete=True)
    logged = {entry.session for entry in entries if entry.word is AuditWord.SESSION_STARTED and entry.session}
    for grant in sorted(logged - proven.keys()):
        report.problems.append(f"visit {grant.hex()[:16]} is in the log, its receipt is not among the files")
    for grant in sorted(proven.keys() - logged):
        report.problems.append(f"visit {grant.hex()[:16]} has a receipt, the log does not know it")
    for entry in entries:
        if entry.session in proven:
            _compare(entry, *proven[entry.session], report)


def _compare(entry: AuditEntry, proof: ProofFile, visit: ProvenVisit, report: AuditReport) -> None:
    """One entry of a visit against its receipt."""
    name = visit.receipt.grant.hex()[:16]
    if entry.author != visit.receipt.device:
        report.problems.append(f"visit {name}: the log names another device than the receipt")
    if entry.word is AuditWord.RECEIPT_MADE and entry.subject not in (None, proof.receipt.hash):
        report.problems.append(f"visit {name}: the log knows another receipt than this file")
    if entry.word in (AuditWord.ACTION_ENDED, AuditWord.ACTION_REFUSED):
        told = {action.sequence: action for action in visit.receipt.actions}
        action = told.get(entry.sequence)
        if action is None or (action.action, action.outcome) != (entry.action, entry.outcome):
            report.problems.append(f"visit {name}: action {entry.sequence} is told differently by log and receipt")


def _check_values(entries: Sequence[AuditEntry], values: Sequence[CommittedValue], report: AuditReport) -> None:
    """Behind each commitment of the server stands its value, or an entry says that it was erased."""
    kept = {value.commitment for value in values if value.fits}
    for value in values:
        if not value.fits:
            report.problems.append(
                f"the value of commitment {value.commitment.hex()[:16]} was exchanged: it does not fit"
            )
    erased = {entry.commitment for entry in entries if entry.word is AuditWord.VALUE_ERASED}
    for index, entry in enumerate(entries):
        # What devices commit to, they keep themselves.
        if entry.commitment is None or entry.author.startswith("d-") or entry.word is AuditWord.VALUE_ERASED:
            continue
        if entry.commitment in erased:
            report.notes.append(f"entry {index}: value erased")
        elif entry.commitment not in kept:
            report.problems.append(f"entry {index}: its value is missing, and the log does not say that it was erased")
