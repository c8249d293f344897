"""Pure: whether a root may be pinned, and which documents an agent lacks."""

from collections.abc import Iterator, Mapping

from protocol import strict_json
from protocol.certificates import Document, IssuerCertificate, IssuerRole
from protocol.enrolment import OrganisationLogin
from protocol.errors import RemoteProtocolError
from protocol.limits import CONTROL_MESSAGE_MAX_BYTES
from protocol.messages.api import PinRequest
from protocol.statements import Envelope, StatementName, VerifyKey, verify
from protocol.trust import Trust

#: What one `documents` message may hold, with room for its own envelope.
DOCUMENTS_MESSAGE_BYTES = CONTROL_MESSAGE_MAX_BYTES - 4096


def trust_to_pin(request: PinRequest, now: int) -> Trust:
    """The root, once a certifying issuer of the named organisation is proven to be signed by it."""
    trust = Trust(root=VerifyKey(request.root_key))
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
    """What an agent that has versions `have` lacks, as much as one message holds; and whether there is more."""
    chosen: list[Document] = []
    used = 0
    for document, size in _missing(trust, have):
        if used + size > DOCUMENTS_MESSAGE_BYTES or len(chosen) == 16:
            return tuple(chosen), True
        chosen.append(document)
        used += size
    return tuple(chosen), False


def check_document_size(document: Document) -> None:
    """A document that does not fit one message would never reach a device."""
    size = len(strict_json.dump(document))
    if size > DOCUMENTS_MESSAGE_BYTES:
        raise RemoteProtocolError(
            "the document is too large to reach devices",
            expected=f"at most {DOCUMENTS_MESSAGE_BYTES} bytes with its issuer",
            got=f"{size} bytes",
            hint="Publish fewer or shorter known issues.",
        )


def _missing(trust: Trust, have: Mapping[str, int]) -> Iterator[tuple[Document, int]]:
    for name, document in sorted(trust.documents.items()):
        if trust.floors[name].version > have.get(name, 0):
            yield document, len(strict_json.dump(document))
