"""Receipts this technician has kept, each proven anew from its file when it is shown."""

import re

from starlette.requests import Request
from starlette.responses import Response

from protocol.errors import RemoteProtocolError
from protocol.proofs import ProofFile, ProvenVisit, verify_proof
from protocol.statements import VerifyKey
from technician.private_files import read_private
from technician.problems import Problem
from technician.session.closing import read_proof
from technician.workbench.state import desk_of, pages_of

_NAME = re.compile(r"[0-9a-f]{32}")


async def receipts_page(request: Request) -> Response:
    desk = desk_of(request)
    roots = desk.technician.store.trust.roots
    rows: list[dict[str, object]] = []
    folder = desk.technician.home.receipts
    paths = (
        sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True) if folder.is_dir() else []
    )
    for path in paths[:200]:
        try:
            rows.append({"name": path.stem, "proven": prove(read_private(path, what="receipt"), roots), "fault": ""})
        except (RemoteProtocolError, Problem) as error:
            rows.append({"name": path.stem, "proven": None, "fault": str(error)})
    return pages_of(request).page(request, "receipts.html", here="receipts", rows=rows, live=desk.live)


async def receipt_page(request: Request) -> Response:
    desk, name = desk_of(request), request.path_params["name"]
    if _NAME.fullmatch(name) is None:
        raise Problem("there is no such receipt", expected="32 hex digits", got=name[:40])
    data = read_private(desk.technician.home.receipts / f"{name}.json", what="receipt")
    proven = prove(data, desk.technician.store.trust.roots)
    proof: ProofFile = read_proof(data)
    return pages_of(request).page(
        request, "receipt.html", here="receipts", name=name, proven=proven, journal=proof.journal, live=desk.live
    )


def prove(data: bytes, roots: tuple[VerifyKey, ...]) -> ProvenVisit:
    return verify_proof(read_proof(data), *roots)
