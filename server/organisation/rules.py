"""Pure: whether a root may be pinned, and which documents an agent lacks: in one message, or in parts."""

from collections.abc import Iterator, Mapping

from protocol import strict_json
from protocol.certificates import Document, IssuerCertificate, IssuerRole
from protocol.enrolment import OrganisationLogin
from protocol.errors import RemoteProtocolError
from protocol.fields import sha256
from protocol.limits import CONTROL_MESSAGE_MAX_BYTES, DOCUMENT_MAX_BYTES, DOCUMENT_PART_BYTES
from protocol.messages.api import PinRequest
from protocol.messages.documents import DocumentPart, FetchDocumentPart, LargeDocument, LargeDocuments
from protocol.statements import Envelope, StatementName, VerifyKey, parse_payload, verify
from protocol.trust import PUBLISHED, Trust

#: What one `documents` message may hold, with room for its own envelope.
DOCUMENTS_MESSAGE_BYTES = CONTROL_MESSAGE_MAX_BYTES - 4096


def trust_to_pin(request: PinRequest, now: int) -> Trust:
    """The root, once a certifying issuer of the named organisation is proven to be signed by it."""
    trust = Trust(root=VerifyKey(request.root_key), rotation_sequence=request.rotations)
    issuer = trust.issuer(request.issuer, now).body
    if issuer.role is not IssuerRole.CERTIFYING or issuer.organisation != request.organisation:
        raise RemoteProtocolError(
            "this issuer does not certify for that organisation",
            expected=f"a certifying issuer of {request.organisation}",
            got=f"a {issuer.role} issuer of {issuer.organisation}",
        )
    return trust


def organisation_login(
    trust: Trust, issuer_envelope: Envelope, statement: Envelope, now: int
) -> tuple[IssuerCertificate, OrganisationLogin]:
    """The issuer and its login, both proven. The nonce and origin are checked by the caller."""
    issuer = trust.issuer(issuer_envelope, now).body
    if StatementName.ORGANISATION_LOGIN not in issuer.signs:
        raise RemoteProtocolError(
            "this issuer may not sign in",
            expected=f"an issuer that signs {StatementName.ORGANISATION_LOGIN}",
            got=f"one that signs {', '.join(issuer.signs) or 'nothing'}",
        )
    return issuer, verify(statement, OrganisationLogin, VerifyKey(issuer.key)).body


def newer_documents(trust: Trust, have: Mapping[str, int]) -> tuple[tuple[Document, ...], bool]:
    """What an agent that has versions `have` lacks, as much as one message holds; and whether there is more.

    What the root itself signed comes first: nothing else is believed before it. Large ones are offered elsewhere.
    """
    chosen: list[Document] = []
    used = 0
    for document, size in _missing(trust, have):
        if size > DOCUMENTS_MESSAGE_BYTES:
            continue
        if used + size > DOCUMENTS_MESSAGE_BYTES or len(chosen) == 16:
            return tuple(chosen), True
        chosen.append(document)
        used += size
    return tuple(chosen), False


def newer_large(trust: Trust, have: Mapping[str, int]) -> LargeDocuments | None:
    """Those that fit no message, for the agent to fetch in parts; None when there is none."""
    found = tuple(
        large_document(document) for document, size in _missing(trust, have) if size > DOCUMENTS_MESSAGE_BYTES
    )
    return LargeDocuments(documents=found) if found else None


def large_document(document: Document) -> LargeDocument:
    data = strict_json.dump(document)
    body = parse_payload(document.statement, PUBLISHED[_name_of(document)])
    return LargeDocument(name=body.floor_name, version=body.version, sha256=sha256(data), size_bytes=len(data))


def is_large(document: Document) -> bool:
    return len(strict_json.dump(document)) > DOCUMENTS_MESSAGE_BYTES


def part_of(trust: Trust, wanted: FetchDocumentPart) -> DocumentPart:
    """The part asked for; an empty one when no such document is published (any more)."""
    for document in trust.documents.values():
        data = strict_json.dump(document)
        if len(data) > DOCUMENTS_MESSAGE_BYTES and sha256(data) == wanted.sha256:
            part = data[wanted.offset : wanted.offset + DOCUMENT_PART_BYTES]
            return DocumentPart(sha256=wanted.sha256, offset=wanted.offset, data=part)
    return DocumentPart(sha256=wanted.sha256, offset=wanted.offset, data=b"")


def check_document_size(document: Document) -> None:
    """A document larger than any that can be fetched would never reach a device."""
    size = len(strict_json.dump(document))
    if size > DOCUMENT_MAX_BYTES:
        raise RemoteProtocolError(
            "the document is too large to reach devices",
            expected=f"at most {DOCUMENT_MAX_BYTES} bytes with its issuer",
            got=f"{size} bytes",
            hint="Publish fewer or shorter known issues.",
        )


def _name_of(document: Document) -> StatementName:
    return next(name for name in PUBLISHED if name.payload_type == document.statement.payloadType)


def _missing(trust: Trust, have: Mapping[str, int]) -> Iterator[tuple[Document, int]]:
    by_root_first = sorted(trust.documents.items(), key=lambda item: (item[1].issuer is not None, item[0]))
    for name, document in by_root_first:
        if trust.floors[name].version > have.get(name, 0):
            yield document, len(strict_json.dump(document))
