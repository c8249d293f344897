"""Bundles and other large sealed blobs: asked for on the link, carried over HTTP, resumable.

    upload-request ──► upload-granted {path, token}
    POST  path                      Upload-Length       201
    HEAD  path                      → Upload-Offset     how much is safely stored
    PATCH path  Upload-Offset: n    ≤ 1 MiB             204, or 409 with the true offset
The server checks SHA-256 at the end. `Authorization: Bearer token`, good for this one blob, for minutes.
"""

from typing import Annotated, Literal

from pydantic import Field

from protocol.fields import CaseId, Hash, UnixSeconds, Uuid
from protocol.limits import BUNDLE_HARD_CAP_BYTES
from protocol.messages.sessions import JoinToken
from protocol.strict_json import WireModel


class UploadRequest(WireModel):
    type: Literal["upload-request"] = "upload-request"
    id: Uuid
    kind: Literal["bundle"] = "bundle"
    ticket: Uuid
    case: CaseId
    size_bytes: Annotated[int, Field(ge=1, le=BUNDLE_HARD_CAP_BYTES)]
    sha256: Hash


class UploadGranted(WireModel):
    type: Literal["upload-granted"] = "upload-granted"
    id: Uuid
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_-]{1,200}$")]
    token: JoinToken
    expires_at: UnixSeconds


class UploadRefused(WireModel):
    type: Literal["upload-refused"] = "upload-refused"
    id: Uuid
    reason: Annotated[str, Field(max_length=300)]
