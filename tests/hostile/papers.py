"""Documents as an organisation publishes them: one of every kind, of any version and time; and forgeries of them."""

from typing import Any

from protocol.certificates import (
    BundleRecipients,
    Document,
    IssuerRole,
    KnownIssuePack,
    OrganisationPolicy,
    PackedIssue,
    Published,
    Recipient,
    Revocations,
)
from protocol.statements import Signature, StatementName
from tests.making import AGE, DAY, NOW, Organisation, seed

#: Floor names: documents of one name replace one another.
KINDS = (
    f"{StatementName.REVOCATIONS}-leaves",
    f"{StatementName.REVOCATIONS}-issuers",
    StatementName.BUNDLE_RECIPIENTS.value,
    StatementName.ORGANISATION_POLICY.value,
    StatementName.KNOWN_ISSUE_PACK.value,
)


def paper(organisation: Organisation, kind: str, version: int, **changes: Any) -> Document:
    """The document of this kind. `changes`: of its body."""
    common = {"root": organisation.root_hash, "version": version, "issued_at": NOW - 60, "not_after": NOW + DAY}
    body: Published
    match kind.removeprefix(f"{StatementName.REVOCATIONS}-"):
        case "leaves":
            body = Revocations(**common, kind="leaves", serials=())
            return organisation.publish(body.model_copy(update=changes), IssuerRole.CERTIFYING)
        case "issuers":
            body = Revocations(**common, kind="issuers", serials=())
            return Document(issuer=None, statement=organisation.root.sign(body.model_copy(update=changes)))
        case StatementName.BUNDLE_RECIPIENTS:
            body = BundleRecipients(**common, recipients=(Recipient(name="Ada Tech", age=AGE),))
        case StatementName.ORGANISATION_POLICY:
            body = OrganisationPolicy(
                **common,
                organisation=organisation.name,
                server_origin="http://127.0.0.1:9",
                log_name="moved.example/log",
                log_key=seed("another log key"),
            )
        case StatementName.KNOWN_ISSUE_PACK:
            body = KnownIssuePack(**common, issues=(PackedIssue(id="made-up", toml='id = "made-up"'),))
        case _:
            raise ValueError(f"no such kind of document: {kind}")
    return organisation.publish(body.model_copy(update=changes))


def published(organisation: Organisation, version: int, **changes: Any) -> tuple[Document, ...]:
    """One document of every kind."""
    return tuple(paper(organisation, kind, version, **changes) for kind in KINDS)


def forged(document: Document) -> Document:
    """The same words, under the same key's name, with a signature that nobody made."""
    (signature,) = document.statement.signatures
    made_up = Signature(keyid=signature.keyid, sig=bytes(64))
    return document.model_copy(update={"statement": document.statement.model_copy(update={"signatures": (made_up,)})})
