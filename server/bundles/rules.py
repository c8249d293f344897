"""Pure: what an upload may be, and what a chunk must look like."""

from dataclasses import dataclass
from typing import Final

from protocol.limits import UPLOAD_CHUNK_BYTES

#: Every age v1 file starts with this line: what does not is not ciphertext, and is not kept.
AGE_HEADER: Final = b"age-encryption.org/v1\n"


@dataclass(frozen=True)
class Upload:
    """`offset_bytes`: how much is safely on disk."""

    id: str
    device: str
    ticket: str
    size_bytes: int
    sha256: bytes
    offset_bytes: int
    complete: bool
    token_hash: bytes
    token_expires_at: int


def starts_like_ciphertext(head: bytes) -> bool:
    """Also for a first chunk shorter than the header."""
    return bool(head) and head[: len(AGE_HEADER)] == AGE_HEADER[: len(head)]


def fault_of_chunk(upload: Upload, chunk: bytes) -> str:
    """Why this chunk, at the right offset, is refused; or nothing."""
    if not chunk:
        return "the chunk is empty"
    if len(chunk) > UPLOAD_CHUNK_BYTES:
        return f"a chunk is at most {UPLOAD_CHUNK_BYTES} bytes"
    if upload.offset_bytes + len(chunk) > upload.size_bytes:
        return f"the upload is {upload.size_bytes} bytes and no more"
    if upload.offset_bytes < len(AGE_HEADER) and not starts_like_ciphertext(chunk) and upload.offset_bytes == 0:
        return "only age-encrypted bundles are kept here"
    return ""
