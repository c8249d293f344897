"""The files of an audit: written by `bellpull audit export`, read by `bellpull audit verify`.

DIR/log.json            the export exactly as the server sent it
DIR/root.json           the organisation's root and the log's key (replace it by your own copy to be sure)
DIR/values.json         from the operator's `bellpull-server audit values`, where persons are to be checked, too
DIR/seen-<name>.txt     checkpoints kept by those who met the log; put a device's here too
"""

from pathlib import Path
from typing import Final

from protocol import strict_json
from protocol.audit import CommittedValue, CommittedValues
from protocol.errors import RemoteProtocolError
from protocol.messages.api import AuditExport
from protocol.proofs import ProofFile
from technician.certificate_file import RootFile, read_root
from technician.private_files import read_document, write_private
from technician.problems import Problem
from technician.session.closing import PROOF_MAX_BYTES, read_proof

LOG_FILE: Final = "log.json"
ROOT_FILE: Final = "root.json"
VALUES_FILE: Final = "values.json"
LOG_MAX_BYTES: Final = 64 << 20
#: More files than this in a folder of receipts are somebody's mistake.
RECEIPTS_MAX: Final = 100_000


def write_export(folder: Path, log: bytes, root: RootFile, seen: str) -> None:
    """Mode 0600: who visited whom is nobody else's business."""
    write_private(folder / LOG_FILE, log, open_folder=True)
    write_private(folder / ROOT_FILE, strict_json.dump(root), open_folder=True)
    if seen:
        write_private(folder / "seen-technician.txt", seen.encode(), open_folder=True)


def read_log(folder: Path) -> AuditExport:
    data = read_document(folder / LOG_FILE, what="exported log", max_bytes=LOG_MAX_BYTES)
    return strict_json.parse(data, AuditExport, what="exported log", max_bytes=LOG_MAX_BYTES)


def read_root_file(path: Path) -> RootFile:
    return read_root(read_document(path, what="root file"))


def read_seen(folder: Path) -> dict[str, str]:
    """Every seen*.txt: name → note."""
    notes: dict[str, str] = {}
    for path in sorted(folder.glob("seen*.txt")):
        data = read_document(path, what="checkpoint")
        try:
            notes[path.name] = data.decode()
        except UnicodeDecodeError:
            raise Problem("a checkpoint is not UTF-8 text", got=str(path)) from None
    return notes


def read_values(folder: Path) -> tuple[CommittedValue, ...] | None:
    """None where the folder has none: then nothing is said about them."""
    if not (folder / VALUES_FILE).exists():
        return None
    data = read_document(folder / VALUES_FILE, what="values", max_bytes=LOG_MAX_BYTES)
    return strict_json.parse(data, CommittedValues, what="values", max_bytes=LOG_MAX_BYTES).values


def read_receipts(folder: Path) -> tuple[dict[str, ProofFile], list[str]]:
    """Proof files by name, and what could not be read as one: an unreadable receipt is a missing one."""
    if not folder.is_dir():
        raise Problem("there is no such folder of receipts", got=str(folder), exit_code=2)
    proofs: dict[str, ProofFile] = {}
    faults: list[str] = []
    for number, path in enumerate(sorted(folder.glob("*.json"))):
        if number >= RECEIPTS_MAX:
            raise Problem("too many receipts in one folder", expected=f"at most {RECEIPTS_MAX}")
        try:
            proofs[path.name] = read_proof(read_document(path, what="receipt", max_bytes=PROOF_MAX_BYTES))
        except (RemoteProtocolError, Problem) as error:
            faults.append(f"receipt {path.name} cannot be read: {error}")
    return proofs, faults
